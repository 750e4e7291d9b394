"""What the tries mean: pure comparisons over `TcpEvidence`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from ccpor_checks.tcp.evidence import TcpEvidence, TcpOptions, Try
from ccpor_checks.tcp.forged import Forged, forged
from ccpor_reporting.model import Owner, Severity
from ccpor_reporting.rules import Judgement, Rule, Setting, limit_words, met, over_limit, unmet

# Where tries differ, the most telling first: an answer says more than silence.
TELLING = (
    "prohibited",
    "refused",
    "reset",
    "host-unreachable",
    "network-unreachable",
    "dropped",
)
WORDS = {
    "refused": "refused by the host itself",
    "dropped": "nothing came back",
    "prohibited": "forbidden on the way",
    "host-unreachable": "the host cannot be reached",
    "network-unreachable": "there is no route to it",
    "reset": "connected, then reset",
}

DEAD = {
    "refused": "refuses",
    "dropped": "does not answer",
    "prohibited": "is forbidden on the way",
    "host-unreachable": "cannot be reached",
    "reset": "is reset",
}
OWN_FIREWALL = "Allow this connection in the workstation's own firewall or routes."


def judge_reach(seen: TcpEvidence, options: TcpOptions, _setting: Setting) -> Judgement:
    """Judge whether the target accepts connections.

    A connection slower than the blocking `max_ms` counts as not answered in time (`dropped`), one
    slower than the warning part of a pair costs a warning. So does another address of the name
    that does not connect: programs that take it first wait, or fail.
    """
    made = [t for t in seen.tries if t.reason is None and t.address == seen.address]
    in_time = [each for each in made if over_limit(each.ms, options.max_ms) != Severity.BLOCKER]
    if not in_time:
        return _late(made, options, None) if made else _unreached(seen, options)
    late = [each for each in in_time if over_limit(each.ms, options.max_ms)]
    if len(late) == len(in_time):
        return _late(late, options, Severity.WARNING)
    tried = [each for each in seen.tries if each.address == seen.address]
    answered = sum(each in in_time for each in tried)
    reasons = reason_by_address(seen)
    if dead := _dead(reasons):
        return _one_sided(seen, dead)
    summary = f"{seen.address} port {seen.port} answered in {seen.connect_p50_ms:.4g} ms"
    if answered < len(tried):
        summary += f", {answered} of {len(tried)} tries answered"
    for address, reason in reasons.items():
        summary += f"; its address {address} did not ({reason})"
    return met(
        summary,
        observed=seen.connect_p95_ms,
        expected=limit_words(options.max_ms, "ms") if options.max_ms is not None else None,
        unit="ms",
    )


def _late(late: list[Try], options: TcpOptions, severity: Severity | None) -> Judgement:
    quickest = min(each.ms for each in late)
    return unmet(
        "dropped",
        f"answered after {quickest:.4g} ms, too late to count",
        severity=severity,
        observed=quickest,
        expected=limit_words(options.max_ms, "ms"),
        unit="ms",
        fix="Find out what slows the way to this port, or raise max_ms in the profile.",
    )


def _dead(reasons: Mapping[str, str]) -> dict[str, str]:
    """Return the addresses that should have connected beside one that did, each with its reason.

    A workstation without IPv6 is healthy, and so is a program of its own that listens on one of
    its loopback addresses.
    """
    return {
        address: reason
        for address, reason in reasons.items()
        if reason != "network-unreachable"
        and not (
            reason == "refused" and ipaddress.ip_address(address.partition("%")[0]).is_loopback
        )
    }


def _one_sided(seen: TcpEvidence, dead: Mapping[str, str]) -> Judgement:
    address, reason = next(iter(dead.items()))
    working = {each.address for each in seen.tries if each.reason is None}
    total = len({each.address for each in seen.tries})
    six = ":" in address
    of_a_family = all((":" in each) == six for each in dead)
    if of_a_family and not any((":" in each) == six for each in working):
        name, other = ("IPv6", "IPv4") if six else ("IPv4", "IPv6")
        words = f"{name} is broken: {address} port {seen.port} {DEAD[reason]}, "
        words += f"{other} ({seen.address}) works"
        fix = f"Repair {name} between this workstation and the host, or take the "
        fix += f"{'AAAA' if six else 'A'} record out of DNS."
    else:
        listed = ", ".join(f"{each} {DEAD[why]}" for each, why in dead.items())
        words = f"port {seen.port}: {len(dead)} of {total} addresses do not work: {listed}; "
        words += f"{seen.address} works"
        fix = f"Bring {', '.join(dead)} back, or take it out of DNS."
    return unmet(
        reason,
        words,
        severity=Severity.WARNING,
        observed=dict(dead),
        expected="every address of the name accepts connections",
        fix=fix,
    )


def reason_by_address(seen: TcpEvidence) -> dict[str, str]:
    """Return the most telling reason of each address that never connected, in their order.

    A refusal that was forged on the way is `reset`.
    """
    reasons: dict[str, str] = {}
    working = {each.address for each in seen.tries if each.reason is None}
    for address in dict.fromkeys(each.address for each in seen.tries):
        if address not in working:
            given = {each.reason for each in seen.tries if each.address == address}
            reasons[address] = next(reason for reason in TELLING if reason in given)
    cut = forged(seen)
    if cut and reasons.get(cut.address) == "refused":
        reasons[cut.address] = "reset"
    return reasons


def _unreached(seen: TcpEvidence, options: TcpOptions) -> Judgement:
    reasons = reason_by_address(seen)
    # A second address of a family that this workstation has no route for is not what is wrong.
    routed = [each for each in reasons.items() if each[1] != "network-unreachable"]
    address, reason = (routed or list(reasons.items()))[0]
    words = f"{address} port {seen.port}: {_reached_words(reason, address, forged(seen))}"
    if reason == "dropped":
        words += f" within {options.timeout_s:g} s"
    icmp = next((t.icmp for t in seen.tries if t.address == address and t.icmp), None)
    if icmp and icmp.sender == seen.local_address:
        words += f", says this workstation itself ({icmp.sender})"
        words += ": nobody on its own network has that address" if icmp.code == 1 else ""
    elif icmp:
        words += f", ICMP{'v6' if icmp.version == 6 else ''} {icmp.type}/{icmp.code}"
        words += f" from {icmp.sender}" if icmp.sender else ""
    alike = {reason, "refused"} if reason == "reset" else {reason}
    same = sum(each.reason in alike for each in seen.tries if each.address == address)
    total = sum(each.address == address for each in seen.tries)
    words += f" ({same} of {total} tries)"
    others = [f"{other}: {why}" for other, why in reasons.items() if other != address]
    here = reason == "prohibited" and _is_own_decision(seen, address)
    return unmet(
        reason,
        "; ".join([words, *others]),
        observed=reasons,
        expected=f"a connection within {options.timeout_s:g} s",
        owner=Owner.COURT_IT if here else None,
        fix=OWN_FIREWALL if here else None,
    )


def _reached_words(reason: str, address: str, cut: Forged | None) -> str:
    if reason == "reset" and cut and cut.address == address:
        return cut.words
    return WORDS[reason]


def _is_own_decision(seen: TcpEvidence, address: str) -> bool:
    """Say whether this workstation's own firewall or routes forbade it: nobody else spoke."""
    icmp = next((t.icmp for t in seen.tries if t.address == address and t.icmp), None)
    return icmp is None or icmp.sender == seen.local_address


RULES: tuple[Rule[TcpEvidence, TcpOptions], ...] = (
    Rule(code="tcp.reach", reasons=TELLING, judge=judge_reach),
)
