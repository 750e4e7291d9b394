"""Rules over what the machine is: system, memory, disk, screen, inventory."""

from __future__ import annotations

from ccpor_checks.workstation.environment import is_older
from ccpor_checks.workstation.evidence import WorkstationEvidence, WorkstationOptions
from ccpor_checks.workstation.system import InventoryFact
from ccpor_checks.workstation.verdicts import GB, count, not_visible
from ccpor_reporting.model import Severity
from ccpor_reporting.rules import Judgement, Limit, Setting, met, unassessed, unmet

RECOMMENDED_MEMORY_GB = 8


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
    if support.min_version is not None and is_older(seen.os.full_version, support.min_version):
        return unmet(
            "outdated",
            f"{name} is older than {support.min_version}",
            observed=seen.os.full_version,
            expected=f"at least {support.min_version}",
        )
    return met(
        f"{name} gets security updates until {observed}", observed=observed, expected=expected
    )


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


def judge_inventory(
    seen: WorkstationEvidence, _options: WorkstationOptions, _setting: Setting
) -> Judgement:
    fact = seen.inventory
    if fact is None:
        return not_visible(f"the inventory cannot be told: {seen.why_not('inventory')}")
    maker = " ".join(filter(None, [fact.manufacturer, fact.model])) or "maker not told"
    return met(
        f"{fact.name}: {maker}, {fact.logical_processors or '?'} logical processors, "
        f"{fact.memory_bytes / GB:.1f} GB of memory, {count(len(fact.disks), 'disk')}, "
        f"{count(len(fact.interfaces), 'network interface')}; {_belonging(fact)}"
    )


def _belonging(fact: InventoryFact) -> str:
    match fact.join:
        case None:
            words = "directory not told"
        case join if join.kind == "none":
            words = "in no directory"
        case join:
            kind = {"domain": "domain", "entra": "Entra ID", "hybrid": "domain and Entra ID"}
            words = f"joined to {kind[join.kind]}" + (f" {join.name}" if join.name else "")
    if fact.proxy:
        words += f", proxy {fact.proxy}"
    if fact.is_pending_reboot:
        words += ", a restart is pending"
    return words
