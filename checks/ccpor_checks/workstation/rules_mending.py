"""The rule over how the machine is mended: which security updates are missing, and for how long."""

from __future__ import annotations

from ccpor_checks.workstation.evidence import WorkstationEvidence, WorkstationOptions
from ccpor_checks.workstation.posture import MissingPatch, PatchFact
from ccpor_checks.workstation.verdicts import age_days, count, not_visible, some
from ccpor_reporting.model import Severity
from ccpor_reporting.rules import Judgement, Setting, met, over_limit, unmet

MONTHLY_DAYS = 35  # between two of a maker's monthly updates, at most
GRAVITY = {None: 0, Severity.WARNING: 1, Severity.BLOCKER: 2}


def judge_patch(
    seen: WorkstationEvidence, options: WorkstationOptions, setting: Setting
) -> Judgement:
    """The worst of the missing updates counts, each by its age against the limit of its severity.

    One whose age nobody tells warns: it is missing, and perhaps overdue. An old list shows what was
    missing then, but not that nothing is missing now.
    """
    fact = seen.patch
    if fact is None or fact.missing is None:
        why = seen.why_not("patch") if fact is None else f"{fact.source} does not tell"
        return not_visible(f"missing updates cannot be told: {why}")
    behind = _months_behind(fact, setting)
    late = [_lateness(patch, behind, options, setting) for patch in fact.missing]
    after = _restart_words(fact)
    if overdue := [each for each in late if each[0] is not None]:
        severity, words, age = max(overdue, key=lambda each: (GRAVITY[each[0]], each[2]))
        return unmet(
            "outdated",
            f"{words}; {count(len(fact.missing), 'security update')} missing in all, "
            f"by {fact.source}{after}",
            severity=severity,
            observed=age,
            expected=_patch_limits(options),
            unit="days",
        )
    if fact.known_on is None or age_days(fact.known_on, setting) > options.max_patch_list_age_days:
        return not_visible(
            f"{_list_words(fact, setting)}: that does not show that no update is missing{after}",
            observed=fact.known_on.isoformat() if fact.known_on else None,
            expected=f"a list at most {count(options.max_patch_list_age_days, 'day')} old",
            fix="Let the workstation fetch its list of updates (Windows Update, apt update), and "
            "run the agent again.",
        )
    if undated := [patch.name for patch in fact.missing if patch.released is None]:
        return unmet(
            "outdated",
            f"{count(len(undated), 'security update')} missing ({some(undated)}); since when is "
            f"not told by {fact.source}{after}",
            severity=Severity.WARNING,
            observed=len(undated),
            expected="no security update missing",
        )
    return _mended(fact, late, options, setting)


def _mended(
    fact: PatchFact,
    late: list[tuple[Severity | None, str, int]],
    options: WorkstationOptions,
    setting: Setting,
) -> Judgement:
    expected = _patch_limits(options)
    if late:
        words = f"{count(len(late), 'security update')} missing, each still within its limit"
    else:
        words = "no security update is missing"
    words += f", by {fact.source} of {fact.known_on}"
    if fact.is_pending_reboot:
        return unmet(
            "outdated",
            f"{words}, but an installed one works only after a restart, which is pending",
            severity=Severity.WARNING,
            expected="no restart pending",
            fix="Restart the workstation.",
        )
    if fact.last_installed is not None:
        words += f"; the last one came {count(age_days(fact.last_installed, setting), 'day')} ago"
    oldest = max((age for _, _, age in late), default=0)
    return met(words, observed=oldest, expected=expected, unit="days")


def _months_behind(fact: PatchFact, setting: Setting) -> int:
    """Return for how many days an update must have been missing, whatever the list shows; 0: none.

    A cumulative update hides the months before it: who installed nothing since spring lacks the one
    of summer, too, and the list offers autumn's alone.
    """
    if fact.last_installed is None:
        return 0
    return max(0, age_days(fact.last_installed, setting) - MONTHLY_DAYS)


def _lateness(
    patch: MissingPatch, behind: int, options: WorkstationOptions, setting: Setting
) -> tuple[Severity | None, str, int]:
    """Return what a missing update costs, in words why, and its age; 0 where that is not told."""
    if patch.released is None:
        return None, "", 0
    own, limit = age_days(patch.released, setting), options.patch_limit(patch.severity)
    rated = "unrated" if patch.severity == "unspecified" else patch.severity
    words = f"{patch.name} ({rated}) could be installed for {count(own, 'day')} and is missing"
    if behind > own:
        words = f"{patch.name} ({rated}) is missing, and with it those of the months before: no "
        words += f"update was installed in the last {count(behind + MONTHLY_DAYS, 'day')}"
    return over_limit(max(own, behind), limit), words, max(own, behind)


def _patch_limits(options: WorkstationOptions) -> str:
    limits = [options.patch_limit(each) for each in ("critical", "important", "moderate", "low")]
    numbers = [limit[0] if isinstance(limit, tuple) else limit for limit in limits]
    told = " / ".join("-" if number is None else f"{number:g}" for number in numbers)
    return f"at most {told} days for critical / important / moderate / low ones"


def _list_words(fact: PatchFact, setting: Setting) -> str:
    if fact.known_on is None:
        return f"{fact.source} does not tell how old its list is"
    return f"the list of {fact.source} is {count(age_days(fact.known_on, setting), 'day')} old"


def _restart_words(fact: PatchFact) -> str:
    return "; a restart is pending, too" if fact.is_pending_reboot else ""
