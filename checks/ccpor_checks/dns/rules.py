"""What the answers mean: pure comparisons over `DnsEvidence`."""

from __future__ import annotations

import ipaddress

from ccpor_checks.dns.evidence import DnsEvidence, DnsOptions, RecordAnswer, ResolverAnswer
from ccpor_reporting.model import Severity
from ccpor_reporting.rules import Judgement, Rule, Setting, at_most, met, unmet

# Where answers differ, the most telling first: words about the name before words about the
# resolver, words before silence.
TELLING = ("nxdomain", "no-address", "refused", "servfail", "timeout", "no-resolver")
# The reason of one resolver: a record that is missing says less than one that was not answered.
ONE_RESOLVER = ("nxdomain", "refused", "servfail", "timeout", "no-resolver", "no-address")
DENIALS = frozenset({"nxdomain", "no-address"})  # answers, too: they say that there is none
WORDS = {
    "nxdomain": "says the name does not exist (NXDOMAIN)",
    "no-address": "has no address for the name",
    "servfail": "could not find out",
    "refused": "refuses to answer this workstation",
    "timeout": "gave no valid answer in time",
    "no-resolver": "does not listen",
}
OWN = {
    "hosts-file": "this workstation's hosts file gives",
    "localhost": "a loopback name (RFC 6761):",
    "literal": "written as an address:",
}

KNOWN_HERE = "this workstation itself knows the name; no resolver is needed"


def reason_of(records: tuple[RecordAnswer, ...]) -> str | None:
    """Return why one resolver gave no address, or None when one of *records* has one."""
    reasons = {record.reason for record in records}
    if None in reasons:
        return None
    return next(reason for reason in ONE_RESOLVER if reason in reasons)


def _said(answer: ResolverAnswer) -> str:
    rcodes = {record.rcode for record in answer.records if record.reason == answer.reason}
    named = sorted(code for code in rcodes if code and code not in {"NOERROR", "NXDOMAIN"})
    words = f"{answer.resolver} {WORDS[answer.reason or '']}"
    return f"{words} ({', '.join(named)})" if named else words


def judge_answer(seen: DnsEvidence, _options: DnsOptions, _setting: Setting) -> Judgement:
    expected = f"an address of {seen.name}"
    if seen.source != "resolvers":
        return met(f"{OWN[seen.source]} {', '.join(seen.addresses)}", observed=list(seen.addresses))
    if not seen.answers:
        return unmet("no-resolver", "no resolver is configured here", expected=expected)
    failed = [answer for answer in seen.answers if answer.reason]
    working = [answer.resolver for answer in seen.answers if not answer.reason]
    if working:
        # Who denies what others say is no dead resolver: they disagree (dns.agreement).
        failed = [answer for answer in failed if answer.reason not in DENIALS]
    if not failed:
        return met(
            f"{seen.name} is {', '.join(seen.addresses)}",
            observed=list(seen.addresses),
            expected=expected,
        )
    reason = next(r for r in TELLING if r in {answer.reason for answer in failed})
    said = "; ".join(map(_said, failed))
    return unmet(
        reason,
        f"{said} ({', '.join(working)} answered)" if working else said,
        severity=Severity.WARNING if working else None,
        observed={a.resolver: a.reason or list(a.addresses) for a in seen.answers},
        expected=expected,
    )


def outside(addresses: tuple[str, ...], expected: tuple[str, ...]) -> list[str]:
    """Return those of *addresses* that none of the *expected* ranges holds."""
    ranges = [ipaddress.ip_network(text, strict=False) for text in expected]
    return [
        text for text in addresses if not any(ipaddress.ip_address(text) in net for net in ranges)
    ]


def judge_address(seen: DnsEvidence, options: DnsOptions, _setting: Setting) -> Judgement:
    expected = ", ".join(options.expected)
    strange = outside(seen.addresses, options.expected)
    if not strange:
        return met(
            "every address is in the expected range",
            observed=list(seen.addresses),
            expected=expected,
        )
    who = [a.resolver for a in seen.answers if set(a.addresses) & set(strange)]
    by = f", says {', '.join(who)}" if who else ""
    return unmet(
        "unexpected-address",
        f"{seen.name} is {', '.join(strange)}{by}",
        observed=list(seen.addresses),
        expected=expected,
    )


def judge_agreement(seen: DnsEvidence, options: DnsOptions, _setting: Setting) -> Judgement:
    """Compare, record by record, what the resolvers that answered say."""
    answered = [a for a in seen.answers if a.reason is None or a.reason in DENIALS]
    if len(answered) < 2:
        return met("one resolver answered" if answered else KNOWN_HERE)
    differ = [kind for kind in options.records if len(_versions(answered, kind)) > 1]
    if not differ:
        return met(f"{len(answered)} resolvers give the same addresses")
    denied = [answer for answer in answered if answer.reason]
    if options.expected and not denied and not outside(seen.addresses, options.expected):
        return met("the resolvers give different addresses, all of them expected")
    return unmet(
        "resolvers-disagree",
        "; ".join(
            _said(answer) if answer.reason else f"{answer.resolver}: {', '.join(answer.addresses)}"
            for answer in answered
        ),
        observed={answer.resolver: answer.reason or list(answer.addresses) for answer in answered},
        expected="the same addresses from every resolver",
    )


def _versions(answered: list[ResolverAnswer], kind: str) -> set[frozenset[str]]:
    """Return the different sets of addresses given for *kind*; a denial is the empty one."""
    return {
        frozenset(record.addresses)
        for answer in answered
        for record in answer.records
        if record.record == kind and (record.reason is None or record.reason in DENIALS)
    }


def judge_latency(seen: DnsEvidence, options: DnsOptions, _setting: Setting) -> Judgement:
    times = [(answer.ms, answer.resolver) for answer in seen.answers if answer.ms is not None]
    if not times:
        return met(KNOWN_HERE)
    worst, resolver = max(times)
    what = f"{resolver} answered in" if len(times) == 1 else f"the slowest, {resolver}, took"
    return at_most(value=worst, limit=options.max_ms, unit="ms", reason="slow", what=what)


RULES: tuple[Rule[DnsEvidence, DnsOptions], ...] = (
    Rule(code="dns.answer", reasons=TELLING, judge=judge_answer),
    Rule(
        code="dns.address",
        reasons=("unexpected-address",),
        judge=judge_address,
        planned=lambda options: bool(options.expected),
    ),
    Rule(
        code="dns.agreement",
        reasons=("resolvers-disagree",),
        judge=judge_agreement,
        severity=Severity.WARNING,
        planned=lambda options: len(options.resolvers) != 1,
    ),
    Rule(
        code="dns.latency",
        reasons=("slow",),
        judge=judge_latency,
        planned=lambda options: options.max_ms is not None,
    ),
)
