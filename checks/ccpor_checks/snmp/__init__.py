"""SNMP: what does a switch, router or printer say of itself?

Does:    asks one device by UDP: what it is, its interfaces (state, speed, duplex), their counters
         twice, `sample_s` apart, and the state of a printer (jam, paper, covers, toner). A few
         dozen requests, never more than 40 000 values or 8 MB. Changes nothing there.
Needs:   the `dns` check to have passed for the same target.
Source:  RFC 3411 to 3418 and 7860 (SNMP v3), RFC 2863 (interfaces), RFC 3635 (duplex), RFC 2790
         and RFC 3805 (printers).

An interface that the profile names and that is down is `snmp.device/down`, and its counters are not
judged. A device that says down because of a jam needs attention; one that is down without saying
why is down. A value that the device lacks altogether does not apply; one that it has and does not
know, or counters that began again, are unknown.
"""

from __future__ import annotations

from ccpor_checks.base import Check, Context, Target
from ccpor_checks.snmp.evidence import SnmpEvidence, SnmpOptions
from ccpor_checks.snmp.rules import RULES

__all__ = ["CHECK", "SnmpEvidence", "SnmpOptions", "run"]

SILENCE_S = 14.0  # two addresses that do not answer
QUESTIONS_S = 25.0


def run(target: Target, options: SnmpOptions, ctx: Context) -> SnmpEvidence:
    """Return what *target* tells; see `ccpor_checks.snmp.look.look`."""
    from ccpor_checks.snmp.look import look

    return look(target, options, ctx)


CHECK: Check[SnmpEvidence, SnmpOptions] = Check(
    id="snmp",
    version=1,
    title="A device's own word: interfaces, traffic, paper and toner",
    does="asks a device by SNMP (UDP port 161) for its interfaces, counters and printer state, "
    "the counters twice; changes nothing",
    needs=("dns",),
    options=SnmpOptions,
    evidence=SnmpEvidence,
    run=run,
    rules=RULES,
    budget_s=lambda options: SILENCE_S + QUESTIONS_S + options.sample_s,
)
