"""Path: how many packets are lost, how long they take, how large they may be, and by which way.

Does:    a hundred small packets 10 to 20 ms apart (sixty by TCP), up to 400 while a loss is not
         proven: STAMP test packets, TCP handshakes with the very port, or ICMP echoes; where none
         is allowed twenty UDP packets a second apart to ports where nobody listens. Then up to
         fourteen sizes of packets that must not be split; by TCP each is one segment of a request
         that suits the port (HTTP, TLS, SSH) or of filler text. Then a few packets for each hop.
         Writes nothing.
Needs:   `tcp` and `dns` to have passed for the same target, where they are planned.
Source:  RFC 8762 (STAMP), RFC 792, RFC 4443, RFC 5481 (delay variation), RFC 3550 section 6.4.1
         (mean difference), RFC 4737 (reordering), RFC 1191, RFC 8201 and RFC 8899 (packet size),
         RFC 2330 section 11.3 (percentiles), Wilson's interval.
"""

from __future__ import annotations

from ccpor_checks.base import Check
from ccpor_checks.path.evidence import PathEvidence, PathOptions
from ccpor_checks.path.look import run
from ccpor_checks.path.rules import RULES

__all__ = ["CHECK", "PathEvidence", "PathOptions", "run"]


def budget_s(options: PathOptions) -> float:
    """Return the worst case: all samples by UDP or a lossy path, a silent search, long walks."""
    return 110.0 + 0.05 * options.samples


CHECK: Check[PathEvidence, PathOptions] = Check(
    id="path",
    version=1,
    title="Loss, delay and packet size on the way",
    does="sends a hundred small packets (up to 400 where one is lost), up to 14 of exact sizes "
    "(by TCP a padded request or filler text) and a few for each hop",
    needs=("tcp", "dns"),
    options=PathOptions,
    evidence=PathEvidence,
    run=run,
    rules=RULES,
    staged=False,
    budget_s=budget_s,
)
