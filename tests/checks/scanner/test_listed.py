"""The environment list and a scanner's driver."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import pytest

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.scanner.evidence import DriverFact, ScannerOptions
from ccpor_checks.scanner.listed import with_support

LIST = """
schema = "ccpor-environment/1"
version = 1
dated = 2026-11-01

[[driver]]
name = "PaperStream IP (TWAIN)"
product = "PaperStream IP*"
min_version = "3.30"
until = 2027-12-31
"""


def supported(folder: Path, driver: DriverFact | None) -> DriverFact | None:
    (folder / "list.toml").write_text(LIST, encoding="utf-8")
    ctx = Context(deadline=time.monotonic() + 5, base_dir=folder)
    return with_support(driver, ScannerOptions(environment_file="list.toml"), ctx)


def test_a_driver_of_the_list_gets_its_least_version_and_its_last_day(tmp_path: Path) -> None:
    """By a pattern of its name, as the AOC writes it."""
    found = supported(tmp_path, DriverFact(name="PaperStream IP fi-7160", version="3.10"))

    assert found is not None
    assert (found.supported_from, found.supported_until) == ("3.30", date(2027, 12, 31))


def test_a_driver_that_the_list_does_not_know_stays_as_it_is(tmp_path: Path) -> None:
    """The list is a floor, not a gate: nobody knows every driver."""
    other = DriverFact(name="SANE backend fujitsu", version="1.1")

    assert supported(tmp_path, other) == other
    assert supported(tmp_path, None) is None


def test_a_list_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Not looked at, rather than judged by another list."""
    ctx = Context(deadline=time.monotonic() + 5, base_dir=tmp_path)

    with pytest.raises(CannotObserve, match=r"gone\.toml"):
        with_support(DriverFact(name="D"), ScannerOptions(environment_file="gone.toml"), ctx)
