"""What the interfaces mean: one rule, three reasons, each the first that stands in the way."""

from __future__ import annotations

from ccpor_checks.link.evidence import Interface, LinkEvidence, LinkOptions, usable
from ccpor_reporting.rules import Judgement, Rule, Setting, met, unmet

NO_INTERFACE, NO_ADDRESS, NO_ROUTE = "no-interface", "no-address", "no-route"
EXPECTED = "an interface that is up, with an address and a way out"


def reason_of(seen: LinkEvidence) -> str | None:
    """Return what this workstation lacks, None where it lacks nothing.

    A closed network may work without a default route: any route beyond an interface's own network
    counts, and so does a target that is on that network itself.
    """
    carrying = _carrying(seen)
    if not carrying:
        return NO_INTERFACE
    if not any(usable(address) for each in carrying for address in each.addresses):
        return NO_ADDRESS
    if not seen.routes and not seen.target_on_link:
        return NO_ROUTE
    return None


def judge_up(seen: LinkEvidence, _options: LinkOptions, _setting: Setting) -> Judgement:
    carrying = _carrying(seen)
    match reason_of(seen):
        case "no-interface":
            found = ", ".join(each.name for each in seen.interfaces if each.kind != "loopback")
            words = f"no network interface is up ({found or 'there is none'})"
            return unmet(NO_INTERFACE, words, observed=found, expected=EXPECTED)
        case "no-address":
            names = ", ".join(each.name for each in carrying)
            words = f"{names}: up, with no address beyond those that an interface gives itself"
            own = [address for each in carrying for address in each.addresses]
            return unmet(NO_ADDRESS, words, observed=own, expected=EXPECTED)
        case "no-route":
            words = "no default route, and no other route beyond this workstation's own network"
            own = [address for each in carrying for address in each.addresses]
            return unmet(NO_ROUTE, words, observed=own, expected=EXPECTED)
    named = next((route for route in seen.routes if route.is_default), None)
    route = named or next(iter(seen.routes), None)
    if route is None:
        return met("up, and the target is on its own network", expected=EXPECTED)
    way = f"by way of {route.gateway}" if route.gateway else "straight"
    words = f"{route.interface} is up and leads to {route.destination} {way}"
    return met(words, observed=route.interface, expected=EXPECTED)


def _carrying(seen: LinkEvidence) -> list[Interface]:
    return [each for each in seen.interfaces if each.up and each.carries]


RULES: tuple[Rule[LinkEvidence, LinkOptions], ...] = (
    Rule(code="link.up", reasons=(NO_INTERFACE, NO_ADDRESS, NO_ROUTE), judge=judge_up),
)
