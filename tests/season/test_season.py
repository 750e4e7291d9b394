"""A short year: every page and export agrees with a recount from the senders' own bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import program
from tests.season import recount
from tests.season.agreement import Agreement
from tests.season.replay import Replay, Season
from tests.season.script import SHORT
from tests.server.rig import Rig, prepared, rig_in


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rig, Season]]:
    folder = tmp_path_factory.mktemp("season")
    prepared(folder / "template")
    with rig_in(folder / "template", folder / "state") as rig:
        yield rig, Replay(rig, SHORT, seed=7, say=lambda _: None).play()


def test_pages_and_exports_agree_with_the_recount(played: tuple[Rig, Season]) -> None:
    found = Agreement(*played)
    states = {one for court in found.states.values() for one in court.values()}

    assert list(found.differences()) == []
    assert found.compared > 300
    assert {"met", "not-met", "stale", "open", "n/a"} <= states


def test_the_pdf_lists_every_item(played: tuple[Rig, Season], tmp_path: Path) -> None:
    program("pdftotext")
    assert list(Agreement(*played).pdf_differences(tmp_path, ["ca-alameda"])) == []


def test_the_recount_sees_what_a_collector_would_hide(played: tuple[Rig, Season]) -> None:
    """A control: with one finding turned on the senders' side, the two must differ."""
    found = Agreement(*played)
    court = found.known["ca-alpine"]
    for station in court.stations:
        for _, run in station.runs:
            for one in run["findings"]:
                if one["code"] == "tls.version":
                    one.update(status="fail", severity="blocker", reason="old")
    found.states["ca-alpine"] = recount.Recount(court, found.now).states()

    differing = [one for one in found.differences() if "IM-02" in one]
    assert differing
    assert all("ca-alpine" in one for one in differing)


def test_every_run_is_kept_as_it_was_sent(played: tuple[Rig, Season]) -> None:
    rig, season = played
    sent = {json.loads(one.body)["run_id"] for who in season.agents.values() for one in who.sent}
    kept = {run for one in season.courts for run in rig.kept_runs(one.id)}

    assert kept == sent
