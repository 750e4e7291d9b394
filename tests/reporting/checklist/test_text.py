"""The checklist as `make demo` prints it."""

from __future__ import annotations

from ccpor_reporting.checklist.text import age_words, checklist_text
from tests.reporting.checklist.court import finding, report, states


def test_a_met_technical_item_names_report_finding_age_and_level() -> None:
    """The reader must be able to look the evidence up."""
    text = checklist_text(tuple(states(report(finding("tcp.reach"))).values()), width=100)

    assert "M1: app/tcp.reach: tcp.reach pass [report run-1, 1 h ago, L1]" in text
    assert "IM-01! met" in text


def test_the_last_lines_count_every_state() -> None:
    """No item falls out of the sum."""
    text = checklist_text(tuple(states(report(finding("tcp.reach"))).values()), width=200)

    assert text.splitlines()[-2:] == [
        "58 items: 2 met, 0 not met, 0 stale, 0 waived, 0 n/a, 56 open",
        "2 of 35 technical items met",
    ]


def test_no_line_is_wider_than_asked_and_no_control_character_passes() -> None:
    """A summary comes from a workstation: it must not repaint the reader's terminal."""
    import msgspec

    evil = msgspec.structs.replace(finding("tcp.reach"), summary="a\x1b[2Jb " * 20)
    text = checklist_text(tuple(states(report(evil)).values()), width=80)

    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_ages_are_said_as_people_say_them() -> None:
    """Minutes, hours, days."""
    assert [age_words(hours) for hours in (0.001, 0.5, 5, 47, 72)] == [
        "under a minute", "30 min", "5 h", "47 h", "3 d",
    ]  # fmt: skip
