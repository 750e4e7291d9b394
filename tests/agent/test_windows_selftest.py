"""The self-test's table: every ending of a row, and nothing in it that names anybody."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ccpor_agent import windows_selftest as selftest
from ccpor_agent.windows_selftest import Row, Step, opened, text, without_names
from ccpor_agent.windows_selftest_steps import SERIAL
from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.windows_com import ComFailed
from tests.agent.program import ccpor


def raising(exc: BaseException) -> Callable[[], str]:
    def run() -> str:
        raise exc

    return run


def test_elsewhere_it_is_a_usage_error_that_says_where_to_run_it(tmp_path: Path) -> None:
    """Exit 2, and no file that looks like a result."""
    ran = ccpor("doctor", "--windows-selftest", "-o", tmp_path / "selftest.txt")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "Windows workstation" in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_the_selftest_is_a_usage_error(tmp_path: Path) -> None:
    """Nobody should wait for a file that never comes."""
    ran = ccpor("doctor", "-o", tmp_path / "doctor.txt")

    assert ran.returncode == 2
    assert "--windows-selftest" in ran.stderr


def test_each_ending_has_its_state_and_code() -> None:
    """Codes and classes decide, never the text of a message; a bug of ours is a row as well."""
    stuck = threading.Event()
    steps = [
        Step("good", lambda: "3 of them"),
        Step("right", raising(CannotObserve("this user lacks a right"))),
        Step("no class", raising(ComFailed(0x80040154))),
        Step("no namespace", raising(ComFailed(0x8004100E))),
        Step("refused", raising(ComFailed(0x80070005))),
        Step("no file", raising(FileNotFoundError(2, "no such file"))),
        Step("denied", raising(PermissionError(13, "denied"))),
        Step("bug", raising(KeyError("x"))),
        Step("stuck", lambda: str(stuck.wait(30)), 0.05),
    ]
    told: list[Row] = []
    try:
        rows = opened(steps, told.append)
    finally:
        stuck.set()

    assert list(rows) == told
    assert {row.name: (row.state, row.code) for row in rows} == {
        "good": ("works", None),
        "right": ("not there", None),
        "no class": ("not there", "0x80040154"),
        "no namespace": ("not there", "0x8004100E"),
        "refused": ("failed", "0x80070005"),
        "no file": ("not there", "2"),
        "denied": ("failed", "13"),
        "bug": ("failed", "KeyError"),
        "stuck": ("failed", "timeout"),
    }


def test_no_name_of_person_or_machine_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file leaves the court; words that only contain a name's letters stay readable."""
    monkeypatch.setenv("USERNAME", "root")
    monkeypatch.setenv("USERPROFILE", r"C:\Users\JPena")
    monkeypatch.setenv("COMPUTERNAME", "CLERK-07")

    said = without_names(r"149 roots at c:\users\jpena\x of clerk-07, ROOT")

    assert said == r"149 roots at …\x of …, …"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("fi-8170", "fi-8170"),
        ("MFC-L8900CDW [3c2af4e1b2c3]", "MFC-L8900CDW […]"),
        ("Canon 10.1.2.3", "Canon …"),
        ("HP 00:11:22:33:44:55", "HP …"),
    ],
)
def test_a_scanners_name_loses_address_and_serial_number(name: str, shown: str) -> None:
    """Network scanners call themselves by them."""
    assert SERIAL.sub("…", name) == shown


def test_a_row_is_one_line_and_its_words_are_bounded() -> None:
    """What a driver says may be long."""
    (row,) = opened([Step("long", lambda: "x" * 5000)], lambda _row: None)

    assert len(row.words) == selftest.MOST_WORDS
    assert text(row).startswith("works     long")
    assert "\n" not in text(row)
