"""Rules over what guards the machine: anti-malware, firewall, disk encryption."""

from __future__ import annotations

import re

from ccpor_checks.workstation.evidence import WorkstationEvidence, WorkstationOptions
from ccpor_checks.workstation.posture import AntimalwareFact, VolumeFact
from ccpor_checks.workstation.verdicts import age_days, count, not_visible, some
from ccpor_reporting.model import Severity, Status
from ccpor_reporting.rules import (
    Judgement,
    Limit,
    Setting,
    limit_words,
    met,
    not_applicable,
    over_limit,
    unmet,
)

PLAIN_AES = re.compile(r"aes", re.IGNORECASE)
ECB = re.compile(r"\becb\b", re.IGNORECASE)


def judge_antimalware(
    seen: WorkstationEvidence, options: WorkstationOptions, setting: Setting
) -> Judgement:
    """One product that is on, in real time and with young signatures is enough."""
    if seen.antimalware is None:
        return not_visible(
            f"protection against harmful programs cannot be told: {seen.why_not('antimalware')}"
        )
    expected = f"on, in real time, signatures {limit_words(options.max_signature_age_days, 'days')}"
    if not seen.antimalware:
        return unmet(
            "missing", "no protection against harmful programs was found", expected=expected
        )
    told = [_guard(fact, expected, options, setting) for fact in seen.antimalware]
    return min(told, key=_rank)


def _rank(judgement: Judgement) -> int:
    """Return how bad it is: pass, warning, cannot tell, blocker; the best product counts."""
    if judgement.status is Status.FAIL:
        return 1 if judgement.severity is Severity.WARNING else 3
    return 0 if judgement.status is Status.PASS else 2


def _guard(
    fact: AntimalwareFact, expected: str, options: WorkstationOptions, setting: Setting
) -> Judgement:
    name = fact.name + (f" {fact.version}" if fact.version else "")
    if fact.is_on is False:
        return unmet("off", f"{name} is switched off", expected=expected)
    if fact.is_real_time is False:
        return unmet("off", f"{name} is on, but not in real time", expected=expected)
    if old := _old_signatures(fact, name, expected, options.max_signature_age_days, setting):
        return old
    silent = [
        words
        for words, is_told in (
            ("whether it is on", fact.is_on is not None),
            ("whether it protects in real time", fact.is_real_time is not None),
            ("how old its signatures are", _signature_words(fact, setting) is not None),
        )
        if not is_told
    ]
    if silent:
        return not_visible(
            f"{name} is there, but does not tell {' or '.join(silent)} to this user",
            expected=expected,
        )
    return _scanned(fact, name, expected, options.max_scan_age_days, setting)


def _old_signatures(
    fact: AntimalwareFact, name: str, expected: str, limit: Limit, setting: Setting
) -> Judgement | None:
    """Return the failure of old signatures; None: they are young enough, or not told."""
    if fact.signatures_on is None:
        if fact.are_signatures_current is False:
            words = f"{name}: its signatures are out of date, as it says itself"
            return unmet("outdated", words, expected=expected)
        return None
    days = age_days(fact.signatures_on, setting)
    severity = over_limit(days, limit)
    if severity is None:
        return None
    return unmet(
        "outdated",
        f"{name}: {_signature_words(fact, setting)}",
        severity=severity,
        observed=days,
        expected=expected,
        unit="days",
    )


def _signature_words(fact: AntimalwareFact, setting: Setting) -> str | None:
    if fact.signatures_on is not None:
        days = age_days(fact.signatures_on, setting)
        return f"its signatures are {count(days, 'day')} old"
    return "its signatures are current, as it says itself" if fact.are_signatures_current else None


def _scanned(
    fact: AntimalwareFact, name: str, expected: str, limit: Limit, setting: Setting
) -> Judgement:
    days = None if fact.signatures_on is None else age_days(fact.signatures_on, setting)
    unit = None if days is None else "days"
    words = f"{name} is on, in real time; {_signature_words(fact, setting)}"
    if fact.last_scan_on is None:
        return met(
            f"{words}; its last scan is not told", observed=days, expected=expected, unit=unit
        )
    since = age_days(fact.last_scan_on, setting)
    words += f", its last scan was {count(since, 'day')} ago"
    severity = over_limit(since, limit)
    if severity is None:
        return met(words, observed=days, expected=expected, unit=unit)
    return unmet(
        "outdated",
        words,
        severity=severity,
        observed=since,
        expected=f"a scan {limit_words(limit, 'days')} ago",
        unit="days",
        fix="Scan now, and let the product scan every day.",
    )


def judge_firewall(
    seen: WorkstationEvidence, _options: WorkstationOptions, _setting: Setting
) -> Judgement:
    """Each profile must be on: the network that it is for may be the next one."""
    if not seen.firewall:
        why = seen.why_not("firewall") if seen.firewall is None else "no profile of it is told"
        return not_visible(f"the firewall cannot be told: {why}")
    off = [f"{fact.name} (by {fact.source})" for fact in seen.firewall if not fact.is_on]
    on = [fact.name for fact in seen.firewall if fact.is_on]
    if off:
        words = f"the firewall is off: {some(off)}" + (f"; on: {some(on)}" if on else "")
        return unmet("off", words, observed=on, expected="on in every profile")
    return met(f"the firewall is on: {some(on)}", observed=on, expected="on in every profile")


def judge_encryption(
    seen: WorkstationEvidence, options: WorkstationOptions, _setting: Setting
) -> Judgement:
    """Outside a secure location every volume must be encrypted by AES (CJIS SC-28)."""
    if options.is_secure_location:
        return not_applicable(
            "the profile says that this machine stands in a physically secure location"
        )
    if not seen.encryption:
        why = seen.why_not("encryption") if seen.encryption is None else "no volume is told"
        return not_visible(f"disk encryption cannot be told: {why}")
    expected = "every volume encrypted with AES, 128 bits or more, and its key guarded"
    if bare := [fact.path for fact in seen.encryption if not fact.is_encrypted]:
        return unmet("off", f"not encrypted: {some(bare)}", observed=bare, expected=expected)
    for fact in seen.encryption:
        if weak := _weakness(fact):
            return unmet("weak", f"{fact.path}: {weak}", observed=fact.method, expected=expected)
    named = [
        f"{fact.path} ({fact.method or 'method not told to this user'})" for fact in seen.encryption
    ]
    return met(
        f"encrypted: {some(named)}",
        observed=[fact.path for fact in seen.encryption],
        expected=expected,
    )


def _weakness(fact: VolumeFact) -> str | None:
    if fact.is_protected is False:
        return "encrypted, but its key lies open beside it: protection is suspended"
    method = fact.method or ""
    if not method or "hardware" in method.lower():
        return None
    if not PLAIN_AES.search(method) or ECB.search(method):
        return f"encrypted with {method}, which is no approved method"
    return None
