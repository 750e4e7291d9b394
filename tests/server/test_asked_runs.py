"""An incident asks for a fresh run, the agent makes it: both real programs, one loopback line."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import uvicorn

from ccpor_agent.asked_runs import asked_runs
from ccpor_agent.enroll import enroll
from ccpor_server.app import create_app
from ccpor_server.collector import Collector
from ccpor_server.store import codes, courts, incidents
from tests.agent.program import ccpor, listening
from tests.peers import free_port, listens, wait_until
from tests.server.rig import prepared

PROFILE = """schema = "ccpor-profile/1"
version = 1
[location]
court = "ca-sonoma"
name = "santa-rosa"
role = "clerk"
[[target]]
id = "aoc"
url = "tcp://127.0.0.1:{port}"
"""


@dataclass(frozen=True)
class Court:
    """A real collector with one enrolled workstation: this machine."""

    collector: Collector
    machine: str
    state: Path
    profile: Path

    def ask(self) -> str:
        """Open an incident that asks this machine for a run; return its id."""

        def job(tx: incidents.Transaction) -> str:
            made, _ = incidents.open_one(
                tx,
                "ca-sonoma",
                title="no answer",
                priority="P1",
                text="since nine",
                began_at=tx.now,
                who="r.diaz",
            )
            lives = timedelta(days=1)
            incidents.ask(
                tx, "ca-sonoma", self.machine, who="r.diaz", lives=lives, incident_id=made
            )
            return made

        made: str = self.collector.store.write(job).value
        return made

    def events(self, incident: str) -> list[str]:
        with self.collector.store.reading() as db:
            found = incidents.by_id(db, incident)
        assert found is not None
        return [one.kind for one in found.events]


@pytest.fixture
def court(tmp_path: Path) -> Iterator[Court]:
    settings = prepared(tmp_path / "collector")
    app = create_app(settings)
    collector: Collector = app.state.collector
    code, port = codes.fresh(), free_port()

    def place(tx: incidents.Transaction) -> None:
        courts.put(tx, courts.Court(id="ca-sonoma", name="Sonoma"))
        courts.put_location(tx, "ca-sonoma", "santa-rosa")
        codes.add(
            tx, code, court="ca-sonoma", location="santa-rosa", role="clerk", uses=1,
            expires_at=tx.now + timedelta(hours=1), who="test",
        )  # fmt: skip

    collector.store.write(place)
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: listens(port), "the collector")
        state = tmp_path / "state"
        enroll(state, f"http://127.0.0.1:{port}", code)
        with collector.store.reading() as db:
            from ccpor_server.store import machines

            [machine] = machines.of_court(db, "ca-sonoma")
        with listening() as target:
            profile = tmp_path / "court.toml"
            profile.write_text(PROFILE.format(port=target), encoding="utf-8")
            yield Court(collector, machine.id, state, profile)
    finally:
        server.should_exit = True
        thread.join(10)


def test_a_run_answers_the_request_that_waits(court: Court) -> None:
    """Who runs it need not know that anybody asked."""
    incident = court.ask()
    ran = ccpor("run", "--profile", str(court.profile), "--require-upload", "--json")
    told = json.loads(ran.stdout)

    assert ran.returncode == 0, ran.stderr
    assert "asks for a fresh run for incident INC-" in ran.stderr
    assert (told["reason"], told["incident"][:4], len(told["nonce"])) == ("incident", "INC-", 32)
    assert court.events(incident) == ["opened", "answered"]
    assert asked_runs(court.state) == ()


def test_the_schedule_runs_at_once_when_a_run_is_asked_for(court: Court) -> None:
    """An incident does not wait for the next drawn moment."""
    later = '{"next_run":"2099-01-01T08:00:00","mean_hours":4.5}'
    (court.state / "schedule.json").write_text(later, encoding="utf-8")
    words = ("run", "--if-due", "--profile", str(court.profile), "--require-upload", "--json")
    idle = ccpor(*words)
    incident = court.ask()
    asked = ccpor(*words)

    assert (idle.returncode, idle.stdout) == (0, "")
    assert "not due" in idle.stderr
    assert asked.returncode == 0, asked.stderr
    assert court.events(incident) == ["opened", "answered"]


@pytest.mark.parametrize("words", [("--no-upload",), ("--only", "tcp.*"), ("--incident", "X")])
def test_a_trial_or_a_part_of_a_run_answers_nobody(court: Court, words: tuple[str, ...]) -> None:
    """Half a look is no answer, and a trial stays here."""
    incident = court.ask()
    ran = ccpor("run", "--profile", str(court.profile), *words)

    assert ran.returncode in {0, 3}, ran.stderr
    assert court.events(incident) == ["opened"]


def test_nobody_to_ask_is_no_request(tmp_path: Path) -> None:
    """A run never fails because the collector is away."""
    assert asked_runs(tmp_path / "nothing") == ()
