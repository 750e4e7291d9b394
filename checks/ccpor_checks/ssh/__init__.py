"""SSH: is it the right server, and may this workstation sign in?

Does:    opens one encrypted session and reads the server's name, its algorithms and its host key;
         where a key is pinned and the server shows another kind first, one session more for each
         further kind. Signs in where the profile gives a password or a key. Runs no command,
         writes nothing.
Needs:   the `tcp` check to have passed for the same target.
Source:  RFC 4252 (login), RFC 4253 (session), RFC 8308 and RFC 8332 (key algorithms),
         OpenSSH's PROTOCOL file.

When is a host key `unknown`? The profile is the one place where a host key is known: this
program keeps no list of its own (trust on first use would trust whoever sits in between on the
day of the installation) and reads no person's ``known_hosts``. A profile with neither pin nor
credentials asks nothing about the key: the rule is not planned and the session's finding shows the
fingerprint. With credentials and without a pin the key is `unknown`, a blocker, and the login is
skipped: no password or signature ever goes to a host that is not proven. `changed` is any other
key than the pinned one, after every kind of key that the server has was looked at.
"""

from __future__ import annotations

from ccpor_checks.base import Check, Context, Target
from ccpor_checks.ssh.evidence import SshEvidence, SshOptions
from ccpor_checks.ssh.rules import RULES

__all__ = ["CHECK", "SshEvidence", "SshOptions", "run"]

WAITS = 3  # the session, a search for the pinned key, the login: each may take the whole timeout


def run(target: Target, options: SshOptions, ctx: Context) -> SshEvidence:
    """Return what *target* shows; see `ccpor_checks.ssh.looking.look`."""
    from ccpor_checks.ssh.looking import look

    return look(target, options, ctx)


CHECK: Check[SshEvidence, SshOptions] = Check(
    id="ssh",
    version=1,
    title="Secure shell session and login",
    does="opens an SSH session, compares the host key with the profile's, and signs in where the "
    "profile gives a password or a key and the host key is the right one; runs no command",
    needs=("tcp",),
    options=SshOptions,
    evidence=SshEvidence,
    run=run,
    rules=RULES,
    budget_s=lambda options: WAITS * options.timeout_s + 1,
)
