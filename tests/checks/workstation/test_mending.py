"""What missing updates and the guards of a workstation mean: each reason, each "cannot tell"."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from ccpor_checks.base import OptionsRefused
from ccpor_checks.workstation.evidence import WorkstationOptions
from ccpor_checks.workstation.posture import (
    AntimalwareFact,
    MissingPatch,
    PatchSeverity,
)
from tests.checks.workstation.conftest import (
    DEFENDER,
    ENCRYPTED,
    LOCKS,
    LOCKS_OUT,
    MENDED,
    NOW,
    PC_17,
    Assess,
)

changed = msgspec.structs.replace
TODAY = NOW.date()
Outcome = dict[str, tuple[str, str | None, str]]


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def lacking(*patches: tuple[PatchSeverity, int | None], **more: Any) -> Any:
    missing = tuple(
        MissingPatch(name=f"KB50{n}", severity=severity, released=None if age is None else ago(age))
        for n, (severity, age) in enumerate(patches)
    )
    return changed(MENDED, missing=missing, **more)


# Updates


@pytest.mark.parametrize(
    ("severity", "limit"),
    [("critical", 15), ("important", 30), ("unspecified", 30), ("moderate", 60), ("low", 90)],
)
def test_each_severity_has_its_own_patience(
    assess: Assess, severity: PatchSeverity, limit: int
) -> None:
    """CJIS SI-2: 15, 30, 60 and 90 days; one that nobody rated waits no longer than a high one."""
    assert assess(patch=lacking((severity, limit))).not_passed == {}
    late = assess(patch=lacking((severity, limit + 1)))

    assert late.not_passed == {"patch": ("fail", "outdated", "blocker")}
    assert late["workstation.patch"].observed == limit + 1
    assert "KB500" in late["workstation.patch"].summary


def test_the_worst_of_several_missing_updates_is_named(assess: Assess) -> None:
    """A low one of 80 days is in time; the critical one of 16 days is what must be installed."""
    found = assess(patch=lacking(("low", 80), ("critical", 16), ("important", 3)))

    assert found.not_passed == {"patch": ("fail", "outdated", "blocker")}
    assert "KB501 (critical) could be installed for 16 days" in found["workstation.patch"].summary
    assert "3 security updates missing" in found["workstation.patch"].summary


def test_a_pair_warns_before_it_blocks(assess: Assess) -> None:
    options = WorkstationOptions(max_patch_age_critical_days=(7.0, 15.0))

    found = assess(patch=lacking(("critical", 10)), options=options)

    assert found.not_passed == {"patch": ("fail", "outdated", "warning")}


def test_a_missing_update_of_unknown_age_warns(assess: Assess) -> None:
    """apt's lists tell no day: it is missing, so no pass; perhaps since today, so no blocker."""
    found = assess(patch=lacking(("unspecified", None), ("critical", 2)))

    assert found.not_passed == {"patch": ("fail", "outdated", "warning")}
    assert "since when is not told" in found["workstation.patch"].summary


@pytest.mark.parametrize("known_on", [ago(8), None])
def test_an_old_list_does_not_say_that_nothing_is_missing(
    assess: Assess, known_on: date | None
) -> None:
    """A PC that has not asked for updates in weeks has an empty list and is no mended PC."""
    found = assess(patch=lacking(known_on=known_on))

    assert found.not_passed == {"patch": ("error", "not-visible", "blocker")}
    assert "apt update" in (found["workstation.patch"].fix or "")
    assert assess(patch=lacking(known_on=ago(7))).not_passed == {}


def test_what_an_old_list_shows_as_overdue_is_overdue(assess: Assess) -> None:
    """It was missing then; that it is old makes it no better."""
    found = assess(patch=lacking(("critical", 40), known_on=ago(30)))

    assert found.not_passed == {"patch": ("fail", "outdated", "blocker")}


@pytest.mark.parametrize(
    ("days_ago", "not_passed"),
    [(65, {}), (66, {"patch": ("fail", "outdated", "blocker")}), (None, {})],
)
def test_months_hidden_by_a_cumulative_update_count(
    assess: Assess, days_ago: int | None, not_passed: Outcome
) -> None:
    """Windows offers the newest month alone: a year of neglect looks like last Tuesday's update."""
    last = None if days_ago is None else ago(days_ago)
    found = assess(patch=lacking(("important", 5), last_installed=last))

    assert found.not_passed == not_passed
    if not_passed:
        assert "the months before" in found["workstation.patch"].summary


def test_who_lacks_nothing_may_have_installed_nothing_for_long(assess: Assess) -> None:
    """A system out of its monthly updates is judged by `workstation.os`, not here."""
    assert assess(patch=lacking(last_installed=ago(400))).not_passed == {}


def test_an_update_that_waits_for_a_restart_does_not_work_yet(assess: Assess) -> None:
    found = assess(patch=lacking(is_pending_reboot=True))

    assert found.not_passed == {"patch": ("fail", "outdated", "warning")}
    assert found["workstation.patch"].fix == "Restart the workstation."


def test_a_list_that_nobody_could_ask_is_not_empty(assess: Assess) -> None:
    found = assess(patch=changed(MENDED, missing=None))

    assert found.not_passed == {"patch": ("error", "not-visible", "blocker")}


def test_graver_updates_may_not_wait_longer_than_lesser_ones() -> None:
    """15 for critical and 10 for important is a slip of the pen; the profile says so at once."""
    with pytest.raises(OptionsRefused, match="max_patch_age_important_days: write at least 15"):
        WorkstationOptions(max_patch_age_important_days=10.0)
    WorkstationOptions(max_patch_age_critical_days=5.0, max_patch_age_important_days=10.0)
    WorkstationOptions(max_patch_age_important_days=15.0)


# Anti-malware


def guard(**values: Any) -> AntimalwareFact:
    return changed(DEFENDER, **values)


@pytest.mark.parametrize(
    ("products", "expected"),
    [
        ((), ("fail", "missing", "blocker")),
        ((guard(is_on=False),), ("fail", "off", "blocker")),
        ((guard(is_real_time=False),), ("fail", "off", "blocker")),
        ((guard(signatures_on=ago(8)),), ("fail", "outdated", "blocker")),
        ((guard(signatures_on=ago(5)),), ("fail", "outdated", "warning")),
        ((guard(last_scan_on=ago(5)),), ("fail", "outdated", "warning")),
        ((guard(last_scan_on=ago(31)),), ("fail", "outdated", "blocker")),
        ((guard(is_on=False), guard(signatures_on=ago(5))), ("fail", "outdated", "warning")),
        ((guard(is_on=None), guard(signatures_on=ago(5))), ("fail", "outdated", "warning")),
        ((guard(signatures_on=None),), ("error", "not-visible", "blocker")),
        ((guard(is_real_time=None),), ("error", "not-visible", "blocker")),
        ((guard(is_on=None),), ("error", "not-visible", "blocker")),
        (
            (guard(signatures_on=None, are_signatures_current=False),),
            ("fail", "outdated", "blocker"),
        ),
        ((guard(is_on=None, signatures_on=ago(9)),), ("fail", "outdated", "blocker")),
        (
            (guard(is_on=False), AntimalwareFact(name="X", is_on=True)),
            ("error", "not-visible", "blocker"),
        ),
    ],
)
def test_each_way_of_being_unguarded_is_named(
    assess: Assess, products: tuple[AntimalwareFact, ...], expected: object
) -> None:
    assert assess(antimalware=products).not_passed == {"antimalware": expected}


@pytest.mark.parametrize(
    "products",
    [
        (guard(signatures_on=ago(3)),),
        (guard(signatures_on=TODAY + timedelta(days=1)),),
        (guard(last_scan_on=None),),
        (guard(signatures_on=None, are_signatures_current=True, last_scan_on=None),),
        (guard(is_on=False), guard(name="Other")),
        (guard(name="Passive", signatures_on=ago(90)), guard(name="Other")),
    ],
)
def test_one_good_guard_is_enough(assess: Assess, products: tuple[AntimalwareFact, ...]) -> None:
    """Defender steps back beside another product; its own switch then says nothing."""
    assert assess(antimalware=products).not_passed == {}


def test_words_to_people_hold_no_none_and_no_python(assess: Assess) -> None:
    """A summary is what a clerk reads over the phone."""
    worst = assess(
        patch=lacking(("critical", 40), is_pending_reboot=True),
        antimalware=(guard(is_real_time=None, signatures_on=None),),
        lock=changed(LOCKS, after_s=None),
        lockout=changed(LOCKS_OUT, tries=10, within_s=600, lasts_s=600),
        encryption=(changed(ENCRYPTED, method=None),),
        inventory=changed(PC_17, join=None, manufacturer=None, logical_processors=None),
    )

    for finding in worst.values():
        said = f"{finding.summary} {finding.expected} {finding.fix}"
        assert "None" not in finding.summary
        assert not any(mark in said for mark in ("Fact(", "{", "datetime"))
