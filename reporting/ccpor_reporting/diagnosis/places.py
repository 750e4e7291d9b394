"""Which failures are one fault in one place.

The same fault on several targets is one cause when it happens at the same place: the same host, the
same resolver, this workstation. Different places stay different causes: two web servers with an
expired certificate each need two renewals.
"""

from __future__ import annotations

from collections.abc import Mapping

from ccpor_reporting.diagnosis.facts import Facts
from ccpor_reporting.diagnosis.wire import sender
from ccpor_reporting.faults import has_own_words
from ccpor_reporting.model import Finding, Status

WORKSTATION = "this workstation"

# Faults of this workstation or of its own network, whatever target they show on.
OF_THE_WORKSTATION = frozenset(
    {
        "clock.offset/ahead",
        "clock.offset/behind",
        "dns.answer/no-resolver",
        "http.content/captive-portal",
        "link.up/no-address",
        "link.up/no-interface",
        "link.up/no-route",
        "tcp.reach/network-unreachable",
    }
)
# A silent or broken name server is one cause for every name that it was asked for.
OF_THE_RESOLVER = frozenset({"dns.answer/refused", "dns.answer/servfail", "dns.answer/timeout"})
# An answer about the name, good or bad, shows that the name server itself works.
ALIVE = frozenset({"no-address", "nxdomain"})
# The value in `observed` that names the place, where the check writes one.
NAMED_BY = {
    "proxy.access": "proxy",
    "proxy.pac": "pac_url",
    "proxy.reach": "proxy",
    "tls.trust": "issuer",
}
# An answer of one service: another port of that host is another program with an owner of its own.
OF_THE_PORT = frozenset({"tcp.reach/refused", "tcp.reach/reset"})
NO_ROUTE = "tcp.reach/network-unreachable"
# Faults of a host, whichever of its ports was asked.
OF_THE_HOST = ("dns.", "path.", "tcp.")


def place(finding: Finding, known: Facts) -> tuple[str, ...]:
    """Return the key of *finding*'s fault and place: equal keys are one cause."""
    fault = finding.fault or finding.code
    who = sender(known.seen, finding.target) if fault == NO_ROUTE else ""
    if who:  # a router lacks the way, not this workstation
        return (fault, "sender", who)
    if fault in OF_THE_WORKSTATION or finding.code.startswith("workstation."):
        return (fault, WORKSTATION)
    named = _named(finding, known)
    if named:
        return (fault, "named", named)
    where = known.where(finding.target)
    if not where.host:
        return (fault, "target", finding.target)
    if fault in OF_THE_PORT:
        return (fault, "port", str(where), finding.owner.value)
    if finding.code.startswith(OF_THE_HOST):
        own = finding.fix or "" if has_own_words(finding) else ""
        return (fault, "host", where.host, own)
    return (fault, "port", str(where))


def _named(finding: Finding, known: Facts) -> str:
    """Return the name of the shared place that is the cause; "" where the target itself is it."""
    fault, observed = finding.fault or "", finding.observed
    if not isinstance(observed, Mapping):
        return ""
    if fault in OF_THE_RESOLVER:
        broken = broken_resolvers(finding)
        return "" if set(broken) & _resolvers_alive(known) else " ".join(broken)
    if fault.startswith("proxy.") or fault == "tls.trust/intercepted":
        return str(observed.get(NAMED_BY[finding.code]) or "")
    return ""


def broken_resolvers(finding: Finding) -> list[str]:
    """Return the name servers that gave the finding's reason, sorted."""
    if not isinstance(finding.observed, Mapping):
        return []
    return sorted(str(who) for who, said in finding.observed.items() if said == finding.reason)


def _resolvers_alive(known: Facts) -> set[str]:
    """Return the name servers that answered for some name in this run.

    A pass does not say which ones answered: then those that it can have asked all count as alive.
    """
    alive: set[str] = set()
    everybody: set[str] = set()
    passed = False
    for finding in known.findings.values():
        if finding.code != "dns.answer":
            continue
        # Without `expected` the answer came from the hosts file, or the name is an address.
        passed = passed or (finding.status is Status.PASS and finding.expected is not None)
        if isinstance(finding.observed, Mapping):
            for who, said in finding.observed.items():
                everybody.add(str(who))
                if isinstance(said, list | tuple) or said in ALIVE:
                    alive.add(str(who))
    return everybody if passed else alive
