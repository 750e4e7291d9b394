"""What earlier runs left: bounded, readable after a crash, and nobody's secret."""

from __future__ import annotations

import dataclasses
import json
import time
from datetime import timedelta
from pathlib import Path

from ccpor_checks.base import Context, Target
from ccpor_checks.capacity import history
from ccpor_checks.capacity.history import History, Kept, file_of
from tests.checks.capacity.seen import MONDAY, sample

LINE = Target(
    id="line", url="capacity://a.example:8443", scheme="capacity", host="a.example", port=8443
)


def context(state: Path | None) -> Context:
    return Context(deadline=time.monotonic() + 10, state_dir=state)


def kept(megabytes: float = 5.0, day: int = 0) -> Kept:
    one = sample(day)
    return Kept(local_day=one.local_day, megabytes=megabytes, sample=one)


def test_the_next_run_knows_the_last_one(tmp_path: Path) -> None:
    """Oldest first, of two weeks."""
    before = History(LINE, context(tmp_path))
    for day in (20, 3, 0):
        before.add(kept(day=day))

    after = History(LINE, context(tmp_path))

    assert after.samples(MONDAY) == (sample(3), sample(0))
    assert after.used_mb(sample(0).local_day) == 5.0


def test_a_clock_that_was_ahead_proves_nothing(tmp_path: Path) -> None:
    """A run of tomorrow is left out."""
    there = History(LINE, context(tmp_path))
    there.add(kept())

    assert there.samples(MONDAY - timedelta(days=1)) == ()


def test_another_url_is_another_line(tmp_path: Path) -> None:
    """A court that changes its line begins anew."""
    History(LINE, context(tmp_path)).add(kept())
    other = dataclasses.replace(LINE, url="capacity://b.example:8443")

    assert History(other, context(tmp_path)).samples(MONDAY) == ()


def test_a_torn_line_loses_only_itself(tmp_path: Path) -> None:
    """The power failed while it was written."""
    file = file_of(tmp_path, LINE)
    History(LINE, context(tmp_path)).add(kept(1.0))
    with file.open("ab") as torn:
        torn.write(b'{"local_day":"2026-11-2')

    History(LINE, context(tmp_path)).add(kept(2.0))

    assert [each.megabytes for each in History(LINE, context(tmp_path)).kept] == [1.0, 2.0]


def test_bytes_of_anybody_are_passed_over(tmp_path: Path) -> None:
    """The folder is on a disk that others may write to."""
    file = file_of(tmp_path, LINE)
    file.parent.mkdir()
    file.write_bytes(b"\xff\xfe\n[]\n{}\n" + b"x" * 5000 + b"\n")

    assert History(LINE, context(tmp_path)).kept == ()


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    """Two hundred runs are kept, however often it runs."""
    there = History(LINE, context(tmp_path))
    file = file_of(tmp_path, LINE)
    line = history._line(kept())
    file.parent.mkdir()
    file.write_bytes(line * (2 * history.KEPT))

    there.kept = History(LINE, context(tmp_path)).kept
    there.add(kept(7.0))

    lines = file.read_bytes().splitlines()
    assert len(lines) == history.KEPT
    assert json.loads(lines[-1])["megabytes"] == 7.0
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_without_a_state_folder_nothing_is_kept() -> None:
    """A look from outside an installation."""
    there = History(LINE, context(None))
    there.add(kept())

    assert there.samples(MONDAY) == (sample(0),)
    assert History(LINE, context(None)).kept == ()


def test_a_folder_that_cannot_be_written_spoils_nothing(tmp_path: Path) -> None:
    """The measurement itself is as good as before."""
    (tmp_path / "capacity").write_text("a file, no folder")

    there = History(LINE, context(tmp_path))
    there.add(kept())

    assert there.samples(MONDAY) == (sample(0),)
