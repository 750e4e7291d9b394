"""The environment file: what a court writes wrongly is named with line, key, value and remedy."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import pytest

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.workstation import CHECK
from ccpor_checks.workstation.environment import environment
from ccpor_checks.workstation.evidence import WorkstationOptions

HEAD = 'schema = "ccpor-environment/1"\nversion = 3\ndated = 2026-11-01\n'
TARGET = Target(id="pc", url="workstation:", scheme="workstation")
EDGE = '[[browser]]\nname = "Edge"\nproduct = "edge"\n'


def read(tmp_path: Path, text: str) -> str:
    """Return what is said against *text*."""
    path = tmp_path / "list.toml"
    path.write_text(text)
    with pytest.raises(CannotObserve) as caught:
        environment(path)
    return str(caught.value).replace(str(path), "list.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            HEAD + EDGE + "until = 2026\n",
            "list.toml: line 7, browser 1: until is 2026; "
            "write a date without quotes, such as 2028-10-10",
        ),
        (
            HEAD + EDGE + EDGE + "min_version = 156\n",
            "list.toml: line 10, browser 2: min_version is 156; "
            'write a version in quotes, such as "3.10"',
        ),
        (
            HEAD + '[[pdf]]\nname = "Reader"\n',
            "list.toml: line 4, pdf 1: product is missing; "
            'write a product in quotes, such as "windows" or "edge"',
        ),
        (
            HEAD + EDGE + 'minimum = "3"\n',
            "list.toml: line 7, browser 1: minimum is not a key; "
            "use name, product, version, until, min_version",
        ),
        (
            HEAD + 'drivers = ["x"]\n',
            "list.toml: line 4, drivers is not a key; "
            "use browser, dated, driver, os, pdf, schema, version",
        ),
        (
            HEAD + 'driver = "PaperStream"\n',
            'list.toml: line 4, driver is "PaperStream"; write [[driver]] above each',
        ),
        (
            'schema = "ccpor-environment/1"\nversion = "3"\n',
            'list.toml: line 2, version is "3"; write a whole number from 1; dated is missing; '
            "write the day of the list without quotes, such as 2026-11-23",
        ),
        (
            HEAD + '[[driver]]\nname = ""\nproduct = "x"\n',
            'list.toml: line 5, driver 1: name is ""; write a name in quotes',
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    """Edited by hand by whoever looks after the workstations."""
    assert read(tmp_path, text) == said


def test_all_faults_are_told_at_once_up_to_a_point(tmp_path: Path) -> None:
    """One run of the agent per slip would be a morning's work."""
    said = read(tmp_path, HEAD + "".join(f"[[os]]\nname = {n}\n" for n in range(20)))

    assert said.count("; write ") == 8
    assert said.endswith("and 72 more")


def test_a_list_of_another_schema_is_refused(tmp_path: Path) -> None:
    said = read(tmp_path, HEAD.replace("/1", "/2"))

    assert said == 'list.toml: line 1, schema is "ccpor-environment/2"; use "ccpor-environment/1"'


def test_notepads_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "list.toml"
    path.write_bytes(b"\xef\xbb\xbf" + (HEAD + EDGE).encode())

    assert environment(path).browser_for("edge") is not None


def test_a_giant_of_a_file_is_refused(tmp_path: Path) -> None:
    assert "at most 1000000" in read(tmp_path, HEAD + "#" * 1_000_001)


def test_our_own_list_reads_with_its_tables() -> None:
    """Each browser that a court uses is in it; no driver is, for want of a source."""
    listed = environment()

    for product in ("edge", "chrome", "chromium", "firefox", "firefox-esr"):
        entry = listed.browser_for(product, "999")
        assert entry is not None
        assert entry.min_version
    assert listed.pdf_for("evince") is not None
    assert listed.driver == ()
    ends = {entry.product: entry.until for entry in (*(listed.browser or ()), *(listed.pdf or ()))}
    assert ends["internet-explorer"] == date(2022, 6, 15)


def test_drivers_are_found_by_a_pattern_of_their_name(tmp_path: Path) -> None:
    """Makers write their drivers' names as they like: case does not count, the first entry does."""
    path = tmp_path / "list.toml"
    path.write_text(
        HEAD
        + '[[driver]]\nname = "old"\nproduct = "PaperStream IP*"\nversion = "2"\nuntil = 2024-01-01\n'
        + '[[driver]]\nname = "PaperStream"\nproduct = "PaperStream IP*"\nmin_version = "3.10"\n'
    )
    listed = environment(path)

    first = listed.driver_for("PAPERSTREAM IP fi-8170", "2.80")
    second = listed.driver_for("PaperStream IP fi-8170", "20.1")
    unknown_version = listed.driver_for("PaperStream IP fi-8170")
    assert first is not None
    assert second is not None
    assert unknown_version is not None
    assert (first.name, first.until) == ("old", date(2024, 1, 1))
    assert (second.name, second.min_version) == ("PaperStream", "3.10")
    assert unknown_version.name == "PaperStream"
    assert listed.driver_for("EPSON DS-530", "1") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read"),
        ("schema = ", "Invalid value"),
        ('schema = "x"\nversion = 1\ndated = 2026-01-01\nos = []', 'schema is "x"'),
        (
            'schema = "ccpor-environment/1"\nversion = 1\ndated = 2026-01-01\n'
            '[[os]]\nname = "a"\nproduct = "b"\nversion = "1"\nuntil = "soon"',
            "until",
        ),
    ],
    ids=["not there", "not TOML", "another schema", "not a date"],
)
def test_a_list_that_does_not_read_is_said(tmp_path: Path, text: str | None, message: str) -> None:
    """A wrong list must not fall back to ours in silence."""
    path = tmp_path / "list.toml"
    if text is not None:
        path.write_text(text)
    options = WorkstationOptions(environment_file="list.toml")

    with pytest.raises(CannotObserve, match=message):
        CHECK.run(TARGET, options, Context(deadline=time.monotonic() + 5, base_dir=tmp_path))


def test_every_line_of_our_list_reads_and_none_hides_another() -> None:
    """The list is edited by hand; a line that can never fit is a mistake."""
    listed = environment()

    hidden = [
        later.name
        for place, later in enumerate(listed.os)
        for earlier in listed.os[:place]
        if (earlier.product, earlier.version) == (later.product, later.version)
        and (not earlier.editions or set(earlier.editions) & set(later.editions))
    ]

    assert len(listed.os) > 30
    assert hidden == []
