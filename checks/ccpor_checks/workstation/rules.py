"""What the facts of a workstation mean; one rule for each of its codes, planned by `assess`."""

from __future__ import annotations

import re
from collections.abc import Callable

from ccpor_checks.workstation.evidence import (
    Subject,
    Support,
    WorkstationEvidence,
    WorkstationOptions,
)
from ccpor_reporting.model import Severity
from ccpor_reporting.rules import Judgement, Limit, Rule, Setting, met, unassessed, unmet

GB = 10**9
RECOMMENDED_MEMORY_GB = 8
Judge = Callable[[WorkstationEvidence, WorkstationOptions, Setting], Judgement]


def judge_os(
    seen: WorkstationEvidence, _options: WorkstationOptions, setting: Setting
) -> Judgement:
    """Support must last until today, and should last until go-live."""
    if seen.os is None or seen.support is None:
        return unassessed(f"the operating system cannot be told: {seen.why_not('os')}")
    support, name = seen.support, f"{seen.os.name} ({seen.os.full_version})"
    expected = f"a system of the environment list of {support.list_dated} with security updates"
    if support.until is None:
        return unassessed(
            f"{name} is not in the environment list of {support.list_dated}: nobody has said until "
            "when it is mended; add it to a list and name that in environment_file",
            observed=seen.os.full_version,
        )
    observed = support.until.isoformat()
    if support.until < setting.observed_at.date():
        return unmet(
            "unsupported",
            f"{name} gets no security updates since {observed}",
            observed=observed,
            expected=expected,
        )
    if support.until < setting.counts_from:
        return unmet(
            "unsupported",
            f"{name} gets no security updates after {observed}, before go-live",
            severity=Severity.WARNING,
            observed=observed,
            expected=expected,
        )
    if _is_older(seen.os.full_version, support):
        return unmet(
            "outdated",
            f"{name} is older than {support.min_version}",
            observed=seen.os.full_version,
            expected=f"at least {support.min_version}",
        )
    return met(
        f"{name} gets security updates until {observed}", observed=observed, expected=expected
    )


def _is_older(version: str, support: Support) -> bool:
    if support.min_version is None:
        return False
    return _numbers(version) < _numbers(support.min_version)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def judge_memory(
    seen: WorkstationEvidence, options: WorkstationOptions, _setting: Setting
) -> Judgement:
    if seen.memory_bytes is None:
        return unassessed(f"memory cannot be told: {seen.why_not('memory')}")
    size = seen.memory_bytes / GB
    words = f"{size:.1f} GB of memory"
    if size < RECOMMENDED_MEMORY_GB:
        words += f" ({RECOMMENDED_MEMORY_GB} recommended)"
    return _at_least(size, options.min_memory_gb, words)


def judge_disk(
    seen: WorkstationEvidence, options: WorkstationOptions, _setting: Setting
) -> Judgement:
    if seen.disk is None:
        return unassessed(f"free disk space cannot be told: {seen.why_not('disk')}")
    free = seen.disk.free_bytes / GB
    return _at_least(free, options.min_free_disk_gb, f"{free:.1f} GB free on {seen.disk.path}")


def _at_least(value: float, limit: Limit, words: str) -> Judgement:
    """Judge a quantity that must not be small; a pair is [warning, blocker], the warning larger."""
    warning, blocker = limit if isinstance(limit, tuple) else (limit, limit)
    if warning is None or blocker is None:
        return met(words, observed=round(value, 1), unit="GB")
    expected = f"at least {warning:g} GB"
    if warning != blocker:
        expected += f" (blocks below {blocker:g} GB)"
    observed = round(value, 1)
    if value >= warning and value >= blocker:
        return met(words, observed=observed, expected=expected, unit="GB")
    severity = Severity.BLOCKER if value < blocker else Severity.WARNING
    return unmet(
        "too-small", words, severity=severity, observed=observed, expected=expected, unit="GB"
    )


def judge_display(
    seen: WorkstationEvidence, options: WorkstationOptions, _setting: Setting
) -> Judgement:
    """One screen that is large enough is enough."""
    if seen.screens is None:
        return unassessed(f"screens cannot be told: {seen.why_not('display')}")
    least_width, least_height = options.least_pixels
    expected = f"a screen of at least {options.min_display}"
    if not seen.screens:
        return unmet("missing", "no screen is connected", expected=expected)
    fits = [
        screen
        for screen in seen.screens
        if screen.width_px >= least_width and screen.height_px >= least_height
    ]
    best = max(fits or seen.screens, key=lambda screen: screen.width_px * screen.height_px)
    observed = f"{best.width_px}x{best.height_px}"
    words = f"the best screen shows {observed}"
    if fits:
        return met(words, observed=observed, expected=expected, unit="px")
    return unmet("too-small", words, observed=observed, expected=expected, unit="px")


def judge_wireless(
    seen: WorkstationEvidence, _options: WorkstationOptions, _setting: Setting
) -> Judgement:
    """A radio that is up needs a cipher that this version cannot see: never a pass."""
    if seen.wireless is None:
        return unmet(
            "not-visible", f"wireless interfaces cannot be told: {seen.why_not('wireless')}"
        )
    in_use = [interface.name for interface in seen.wireless if interface.up]
    if in_use:
        return unmet(
            "not-visible",
            f"wireless is in use ({', '.join(in_use)}) and its cipher cannot be seen",
            observed=in_use,
            expected="a wired connection, or WPA2 with AES",
        )
    return met("wireless is not used", observed=[])


def judge_crypto(
    seen: WorkstationEvidence, _options: WorkstationOptions, _setting: Setting
) -> Judgement:
    """Name the module and the mode; whether its certificate holds is for a person to look up."""
    if seen.crypto is None:
        return unmet("not-visible", f"FIPS mode cannot be told: {seen.why_not('crypto')}")
    mode = "on" if seen.crypto.fips_mode else "off"
    return met(
        f"{seen.crypto.module}; FIPS mode of the system is {mode}",
        observed={"module": seen.crypto.module, "fips_mode": seen.crypto.fips_mode},
    )


def judge_inventory(
    seen: WorkstationEvidence, _options: WorkstationOptions, _setting: Setting
) -> Judgement:
    fact = seen.inventory
    if fact is None:
        return unmet("not-visible", f"the inventory cannot be told: {seen.why_not('inventory')}")
    maker = " ".join(filter(None, [fact.manufacturer, fact.model])) or "maker not told"
    return met(
        f"{fact.name}: {maker}, {fact.logical_processors or '?'} logical processors, "
        f"{fact.memory_bytes / GB:.1f} GB of memory, {_count(len(fact.disks), 'disk')}, "
        f"{_count(len(fact.interfaces), 'network interface')}"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _not_yet(subject: Subject) -> Judge:
    def judge(
        _seen: WorkstationEvidence, _options: WorkstationOptions, _setting: Setting
    ) -> Judgement:
        return unassessed(f"this version cannot look at {subject} yet")

    return judge


def _rule(
    subject: Subject, *reasons: str, severity: Severity, judge: Judge | None = None
) -> Rule[WorkstationEvidence, WorkstationOptions]:
    return Rule(
        code=f"workstation.{subject}",
        reasons=reasons,
        judge=judge or _not_yet(subject),
        severity=severity,
        planned=lambda options: subject in options.assess,
    )


BLOCKER, WARNING, INFO = Severity.BLOCKER, Severity.WARNING, Severity.INFO
RULES = (
    _rule("os", "unsupported", "outdated", severity=BLOCKER, judge=judge_os),
    _rule("patch", "outdated", "not-visible", severity=BLOCKER),
    _rule("antimalware", "off", "outdated", "missing", "not-visible", severity=BLOCKER),
    _rule("lock", "off", "too-long", "not-visible", severity=WARNING),
    _rule("lockout", "off", "too-long", "not-visible", severity=WARNING),
    _rule("banner", "missing", "not-visible", severity=WARNING),
    _rule("firewall", "off", "not-visible", severity=WARNING),
    _rule("encryption", "off", "weak", "not-visible", severity=WARNING),
    _rule("wireless", "weak", "not-visible", severity=WARNING, judge=judge_wireless),
    _rule("crypto", "off", "not-visible", severity=INFO, judge=judge_crypto),
    _rule("browser", "unsupported", "outdated", "missing", severity=WARNING),
    _rule("pdf", "unsupported", "outdated", "missing", severity=WARNING),
    _rule("memory", "too-small", severity=BLOCKER, judge=judge_memory),
    _rule("disk", "too-small", severity=BLOCKER, judge=judge_disk),
    _rule("display", "too-small", "missing", severity=WARNING, judge=judge_display),
    _rule("inventory", "not-visible", severity=INFO, judge=judge_inventory),
)
