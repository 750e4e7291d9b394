"""Sample courts: marked as such, and gone from everywhere by one command."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from ccpor_reporting.checklist.model import Phase
from ccpor_server.checklist_state import court_view
from ccpor_server.cli import cli
from ccpor_server.rights import Role
from ccpor_server.store import samples
from ccpor_server.verify import verify
from tests.demo.sample_courts import COURTS, add_samples
from tests.server.rig import Rig, Workstation, prepared

REAL = "ca-sonoma"


def test_the_demo_shows_three_courts_in_three_phases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first look at the board must show what planning, preparing and being live look like."""
    settings = prepared(tmp_path / "state")
    environment = {"CCPOR_COLLECTOR_STATE_DIR": str(settings.state_dir)}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    add_samples(environment)

    listed = CliRunner().invoke(cli, ["sample", "list"])
    removed = CliRunner().invoke(cli, ["sample", "remove"])
    after = CliRunner().invoke(cli, ["court", "list"])

    assert listed.output.split() == sorted(COURTS)
    assert removed.exit_code == 0, removed.output
    assert after.output == ""


def test_the_samples_are_in_different_phases(tmp_path: Path) -> None:
    from ccpor_server.collector import Collector
    from ccpor_server.store import courts

    settings = prepared(tmp_path / "state")
    add_samples({"CCPOR_COLLECTOR_STATE_DIR": str(settings.state_dir)})
    collector = Collector(settings)
    try:
        with collector.store.reading() as db:
            views = [court_view(db, one, collector.now()) for one in courts.every(db)]
    finally:
        collector.close()

    assert len({one.checklist.readiness.phase for one in views}) == len(COURTS)
    assert {Phase(one.checklist.readiness.phase) for one in views} >= {Phase.POST_GO_LIVE}
    assert all(one.court.sample for one in views)


def _sample(rig: Rig) -> Workstation:
    machine = rig.enrol("sample-yolo")
    assert rig.post(machine.sealed()).status_code == 201
    rig.store.write(lambda tx: samples.mark(tx, "sample-yolo"))
    return machine


def test_a_removed_sample_is_nowhere_and_the_real_court_stays(rig: Rig) -> None:
    """An example that lingers in a count or an export is a lie about the state."""
    real, example = rig.enrol(REAL), _sample(rig)
    assert rig.post(real.sealed()).status_code == 201
    reader = rig.signed_in("re", Role.REVIEWER)
    before = rig.ask("GET", "/", session=reader).text
    rig.store.write(lambda tx: samples.remove(tx, who="test"))
    board = rig.ask("GET", "/", session=reader).text
    listed = rig.ask("GET", "/api/v1/courts", session=reader).text

    assert "sample-yolo" in before
    assert "sample-yolo" not in board + listed
    assert REAL in board
    assert REAL in listed
    assert rig.ask("GET", "/courts/sample-yolo", session=reader).status_code == 404
    assert rig.post(example.sealed()).status_code == 403
    assert rig.post(real.sealed()).status_code == 201


def test_the_log_keeps_what_it_holds_of_a_removed_sample(rig: Rig) -> None:
    """Removing an example is no way to remove evidence."""
    _sample(rig)
    size = rig.store.head().size
    rig.store.write(lambda tx: samples.remove(tx, who="test"))
    outcome = verify(rig.url, rig.collector.key, rig.settings.checkpoint_file)

    assert outcome.faults == ()
    assert outcome.entries == size + 1  # the workstation's revocation
