"""Gateway: does the gateway to the state's systems answer a test message, and fast enough?

Does:    POSTs a small JSON message with a random word `echoes` times, one after the other, each
         over a connection of its own; the word must come back. The message says nothing but that
         word. It is never a CLETS transaction, and no person, case or order is in it.
Needs:   the `tls` and `tcp` checks to have passed for the same target. Not `http`: an address that
         takes messages may well answer an ordinary GET with 405.
Source:  RFC 9110; nearest rank: RFC 2330 section 11.3.
"""

from __future__ import annotations

from ccpor_checks.base import Check
from ccpor_checks.gateway.evidence import Echo, GatewayEvidence, GatewayOptions
from ccpor_checks.gateway.look import most_s, run
from ccpor_checks.gateway.rules import RULES

__all__ = ["CHECK", "Echo", "GatewayEvidence", "GatewayOptions", "run"]

CHECK: Check[GatewayEvidence, GatewayOptions] = Check(
    id="gateway",
    version=1,
    title="Gateway to the state's systems",
    does="POSTs a small test message with a random word to the gateway several times and waits for "
    "that word to come back; it is never a CLETS transaction",
    needs=("tls", "tcp", "proxy"),
    options=GatewayOptions,
    evidence=GatewayEvidence,
    run=run,
    rules=RULES,
    budget_s=lambda options: most_s(options) + 2,
)
