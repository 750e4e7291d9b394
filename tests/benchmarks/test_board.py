"""The measure of the board itself: small, without times."""

from __future__ import annotations

from pathlib import Path

from ccpor_server import held_reports
from tests.benchmarks.board import LIVE_EACH, times, world
from tests.season.script import SHORT


def test_old_reports_are_never_read(tmp_path: Path, monkeypatch: object) -> None:
    """Pages stay as fast with years of reports because they ask for the newest only."""
    asked: list[int] = []
    real = held_reports.signed_report

    def counted(envelope: bytes, key: str) -> object:
        asked.append(len(envelope))
        return real(envelope, key)

    monkeypatch.setattr(held_reports, "signed_report", counted)  # type: ignore[attr-defined]
    with world(tmp_path / "state", SHORT) as filled:
        added = filled.age(400)
        names = [one.what for one in filled.times("x")]
        first = len(asked)
        list(filled.times("again"))

    assert added == 400 * len(filled.agents)
    assert len(names) == 4
    assert min(asked) > 1000, "an old report of 100 bytes was read"
    sent = 40 * LIVE_EACH  # a report before each of 40 boards: its workstation is folded anew
    assert first <= LIVE_EACH * len(filled.agents) + sent
    assert len(asked) - first <= sent


def test_the_rows_name_their_bounds(tmp_path: Path) -> None:
    found = times(tmp_path / "state", None, SHORT, 3)

    assert [one.bound_ms for one in found] == [150, 150, 100, None] * 2
    assert all(one.p95_ms > 0 for one in found)
