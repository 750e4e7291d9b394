"""What the tries mean: pure comparisons over `TcpEvidence`."""

from __future__ import annotations

from ccpor_checks.tcp.evidence import TcpEvidence, TcpOptions, Try
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


OWN_FIREWALL = "Allow this connection in the workstation's own firewall or routes."


def judge_reach(seen: TcpEvidence, options: TcpOptions, _setting: Setting) -> Judgement:
    """Judge whether the target accepts connections.

    A connection slower than the blocking `max_ms` counts as not answered in time (`dropped`), one
    slower than the warning part of a pair costs a warning.
    """
    made = [each for each in seen.tries if each.reason is None]
    in_time = [each for each in made if over_limit(each.ms, options.max_ms) != Severity.BLOCKER]
    if not in_time:
        return _late(made, options, None) if made else _unreached(seen, options)
    late = [each for each in in_time if over_limit(each.ms, options.max_ms)]
    if len(late) == len(in_time):
        return _late(late, options, Severity.WARNING)
    tried = [each for each in seen.tries if each.address == seen.address]
    answered = sum(each in in_time for each in tried)
    summary = f"{seen.address} port {seen.port} answered in {seen.connect_p50_ms:.4g} ms"
    if answered < len(tried):
        summary += f", {answered} of {len(tried)} tries answered"
    if dead := _dead(seen):
        summary += f"; {dead}"
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


def _dead(seen: TcpEvidence) -> str:
    """Return what happened at the addresses that never connected, beside one that did."""
    working = {each.address for each in seen.tries if each.reason is None}
    dead = {each.address: each.reason for each in seen.tries if each.address not in working}
    return ", ".join(
        f"its address {address} did not ({reason})" for address, reason in dead.items()
    )


def reason_by_address(seen: TcpEvidence) -> dict[str, str]:
    """Return the most telling reason of each address, in the order they were tried."""
    reasons: dict[str, str] = {}
    for address in dict.fromkeys(each.address for each in seen.tries):
        given = {each.reason for each in seen.tries if each.address == address}
        reasons[address] = next(reason for reason in TELLING if reason in given)
    return reasons


def _unreached(seen: TcpEvidence, options: TcpOptions) -> Judgement:
    reasons = reason_by_address(seen)
    # A second address of a family that this workstation has no route for is not what is wrong.
    routed = [each for each in reasons.items() if each[1] != "network-unreachable"]
    address, reason = (routed or list(reasons.items()))[0]
    words = f"{address} port {seen.port}: {WORDS[reason]}"
    if reason == "dropped":
        words += f" within {options.timeout_s:g} s"
    icmp = next((t.icmp for t in seen.tries if t.address == address and t.icmp), None)
    if icmp and icmp.sender == seen.local_address:
        words += f", says this workstation itself ({icmp.sender})"
        words += ": nobody on its own network has that address" if icmp.code == 1 else ""
    elif icmp:
        words += f", ICMP{'v6' if icmp.version == 6 else ''} {icmp.type}/{icmp.code}"
        words += f" from {icmp.sender}" if icmp.sender else ""
    same = sum(each.reason == reason for each in seen.tries if each.address == address)
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


def _is_own_decision(seen: TcpEvidence, address: str) -> bool:
    """Say whether this workstation's own firewall or routes forbade it: nobody else spoke."""
    icmp = next((t.icmp for t in seen.tries if t.address == address and t.icmp), None)
    return icmp is None or icmp.sender == seen.local_address


RULES: tuple[Rule[TcpEvidence, TcpOptions], ...] = (
    Rule(code="tcp.reach", reasons=TELLING, judge=judge_reach),
)
