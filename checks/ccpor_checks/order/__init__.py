"""Order: does a staged order of normal size arrive, whole and in time?

Does:    POSTs one synthetic order once: `pages` times `kb_per_page` kB (1000 bytes each) of noise
         whose first line says that it is synthetic. With `readback` the hash of what arrived is
         looked for; a Location on the same server is fetched, and deleted again where our own
         bytes came from it. Where the answer says nothing, the target's own address is fetched.
         It is never a CLETS transaction; no person, case or order is in it.
Needs:   the `tls` and `tcp` checks to have passed for the same target. Not `http`: an address that
         takes orders may well answer an ordinary GET with 405.
Source:  RFC 9110; RFC 9530 (Content-Digest, Repr-Digest), RFC 3230 (Digest).
"""

from __future__ import annotations

from ccpor_checks.base import Check
from ccpor_checks.order.evidence import OrderEvidence, OrderOptions, Readback
from ccpor_checks.order.look import most_s, run
from ccpor_checks.order.rules import RULES

__all__ = ["CHECK", "OrderEvidence", "OrderOptions", "Readback", "run"]

CHECK: Check[OrderEvidence, OrderOptions] = Check(
    id="order",
    version=1,
    title="Upload of a staged order",
    does="POSTs one order of synthetic pages, compares the hash of what arrived and deletes it "
    "again where the server says where it is; it is never a CLETS transaction",
    needs=("tls", "tcp", "proxy"),
    options=OrderOptions,
    evidence=OrderEvidence,
    run=run,
    rules=RULES,
    budget_s=lambda options: most_s(options) + 2,
    lock="uplink",
)
