"""The agent's own upload to a real collector over a line that is cut: one stored report each."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import msgspec
import pytest

from ccpor_agent.enroll import enroll
from ccpor_agent.identity import load_identity, save_identity
from ccpor_agent.upload import send_report
from ccpor_reporting.codec import encode_report
from tests.agent.upload.conftest import HeldTime
from tests.peers.chaos_proxy import ChaosProxy, Way, started_proxy
from tests.server.rig import Workstation
from tests.server.test_serve import Served

PLACE = ("ca-sonoma", "santa-rosa", "clerk")
STEP = 23  # bytes; every byte is cut in tests/agent/upload, against a smaller peer


@pytest.fixture
def served(collector_template: Path, tmp_path: Path) -> Served:
    return Served(collector_template, tmp_path / "office")


def enrolled_agent(served: Served, address: str, folder: Path) -> Path:
    """Return the state folder of an agent that enrolled with a real code."""
    code_file = folder / "code.txt"
    court, location, role = PLACE
    made = served.run(
        *("code", "create", "--court", court, "--location", location, "--role", role),
        *("-o", str(code_file)),
    )
    assert made.returncode == 0, made.stderr
    state = folder / "agent"
    enroll(state, address, code_file.read_text().split()[0])
    return state


def stored(served: Served) -> dict[str, int]:
    """Return how many rows each run id has, read past the collector."""
    with contextlib.closing(sqlite3.connect(served.folder / "collector.db")) as db:
        return dict(db.execute("SELECT run_id, count(*) FROM report GROUP BY run_id"))


def through(proxy: ChaosProxy, state: Path) -> None:
    identity = load_identity(state)
    assert identity is not None
    address = f"http://127.0.0.1:{proxy.port}"
    save_identity(state, msgspec.structs.replace(identity, collector=address))


@pytest.mark.slow
@pytest.mark.parametrize("way", ["up", "down"])
def test_wherever_the_line_is_cut_the_report_is_stored_once(
    served: Served, tmp_path: Path, way: Way
) -> None:
    """Also where the collector had committed and its answer was lost on the way back."""
    held, sent, untold = HeldTime(), [], []
    with served.running() as (address, _process):
        state = enrolled_agent(served, address, tmp_path)
        with started_proxy(int(address.rpartition(":")[2])) as proxy:
            through(proxy, state)

            def send() -> None:
                report = Workstation(*PLACE).report()
                sent.append(report.run_id)
                outcome = send_report(encode_report(report), state, pace=held.pace())
                if not outcome.acknowledged:
                    untold.append(outcome.message)

            send()
            offsets = range(0, proxy.passed[way] + STEP, STEP)
            for at in offsets:
                proxy.cut(way, at)
                send()
            cuts = proxy.cuts
        verdict = served.run("verify")

    assert untold == []
    assert stored(served) == dict.fromkeys(sent, 1)
    assert cuts >= len(offsets) - 2, "the last offsets may lie behind the end of the exchange"
    assert cuts > 20
    assert verdict.returncode == 0, verdict.stdout
