"""SFTP: can a file be sent to the drop folder, read back the same and removed?

Does:    signs in as the `ssh` check does, only where the host key is the pinned one; makes one
         file of `size_kb` synthetic kB (1000 bytes each) named ``ccpor-check-….tmp`` in the
         directory of the URL's path, reads it back, compares SHA-256 and removes it. Where the
         connection breaks, it signs in once more to remove the file; a file that could not be
         removed is named.
Needs:   the `ssh` check to have passed for the same target, login included.
Source:  draft-ietf-secsh-filexfer-02 (version 3); OpenSSH's PROTOCOL file (statvfs).
"""

from __future__ import annotations

from ccpor_checks.base import Check, Context, Target
from ccpor_checks.sftp.evidence import SftpEvidence, SftpOptions
from ccpor_checks.sftp.rules import RULES

__all__ = ["CHECK", "SftpEvidence", "SftpOptions", "run"]

SIGNING_IN_S = 60.0
SLOWEST_KB_S = 40.0  # both ways together: 624 kB over a line of 640 kbit/s


def run(target: Target, options: SftpOptions, ctx: Context) -> SftpEvidence:
    """Return what came of one file; see `ccpor_checks.sftp.transfer.look`."""
    from ccpor_checks.sftp.transfer import look

    return look(target, options, ctx)


CHECK: Check[SftpEvidence, SftpOptions] = Check(
    id="sftp",
    version=1,
    title="File drop",
    does="writes one file of synthetic bytes into the directory of the url, reads it back, "
    "compares and removes it",
    needs=("ssh",),
    options=SftpOptions,
    evidence=SftpEvidence,
    run=run,
    rules=RULES,
    budget_s=lambda options: SIGNING_IN_S + options.size_kb / SLOWEST_KB_S,
)
