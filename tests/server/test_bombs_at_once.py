"""A dozen bombs at once, signed by an enrolled workstation: the work of one, the memory of one."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from ccpor_reporting.codec import encode_report, new_run_id
from ccpor_reporting.envelope import REPORT_TYPE, seal
from ccpor_server.limits import Wire
from ccpor_server.problems import Unavailable
from ccpor_server.turns import SMALL, WAITING, Turns
from tests.server.rig import ENVELOPE, NOON, Rig, Workstation
from tests.server.test_serve import Served

PACKED = {"content-type": ENVELOPE, "content-encoding": "gzip"}
AT_ONCE = 12


@pytest.fixture
def served(collector_template: Path, tmp_path: Path) -> Served:
    return Served(collector_template, tmp_path / "state")


def bomb(machine: Workstation, kind: str, number: int) -> bytes:
    """Return a body that is within every limit and costs as much as it can."""
    whole: Any = json.loads(encode_report(machine.report()))
    whole["run_id"] = new_run_id(NOON, number.to_bytes(10, "big"))
    seen = {
        "target": "aoc",
        "check": "tcp",
        "version": 1,
        "started_at": "2026-11-23T12:00:00Z",
        "duration_ms": 1.0,
        "attempts": 1,
        "evidence": {},
    }
    if kind == "objects":
        seen["evidence"] = {"all": [{} for _ in range(99_000)]}
        whole["observations"] = [seen]
    elif kind == "observations":
        whole["observations"] = [{**seen, "target": f"t{n}"} for n in range(20_000)]
    else:
        seen["evidence"] = {f"k{n}": f"{n}" * 100_000 for n in range(40)}
        whole["observations"] = [seen]
    sealed = seal(json.dumps(whole).encode(), REPORT_TYPE, machine.signer)
    return gzip.compress(sealed, 9)


def resident_mb(process_id: int, field: str) -> float:
    for line in Path(f"/proc/{process_id}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"no {field}")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    "kind", ["objects", pytest.param("observations", marks=pytest.mark.slow), "texts"]
)
def test_a_dozen_bombs_at_once_cost_the_memory_of_one(served: Served, kind: str) -> None:
    """Below 64 MB more than before, at the highest; and others are answered meanwhile."""
    bodies = [bomb(served.machine, kind, number) for number in range(1, AT_ONCE + 1)]
    answers: list[int] = []
    with served.running() as (address, process):
        with httpx.Client(trust_env=False, timeout=60) as client:
            url = f"{address}/api/v1/reports"
            for _ in range(3):  # what a first report imports is no bomb's cost
                small = gzip.compress(served.machine.sealed())
                assert client.post(url, content=small, headers=PACKED).status_code == 201
        before = resident_mb(process.pid, "VmRSS")

        def send(body: bytes) -> None:
            with httpx.Client(trust_env=False, timeout=60) as client:
                answers.append(client.post(url, content=body, headers=PACKED).status_code)

        threads = [threading.Thread(target=send, args=(body,)) for body in bodies]
        for thread in threads:
            thread.start()
        healthy = httpx.get(f"{address}/healthz", trust_env=False, timeout=10).status_code
        for thread in threads:
            thread.join()
        highest = resident_mb(process.pid, "VmHWM")

    assert healthy == 200
    assert len(answers) == AT_ONCE
    assert set(answers) <= {201, 413, 422, 503}
    assert highest - before < 64, (kind, before, highest, answers)


def test_a_small_body_never_waits_for_large_ones(rig: Rig) -> None:
    """An ordinary report passes while a large one is at work."""
    turns = Turns(rig.settings)

    async def meet() -> bytes:
        large, small = Wire(b"x" * (SMALL + 1), False), Wire(gzip.compress(b"small"), True)
        async with turns.of(large), asyncio.timeout(5), turns.of(small) as turn:
            return turn.body

    assert rig.run(meet()) == b"small"
    turns.close()


def test_who_waits_too_long_or_behind_too_many_is_told_when_to_come_back(rig: Rig) -> None:
    """Waiting bodies take memory too: their number and their time have an end."""
    turns = Turns(rig.settings, longest_s=0.2)
    large = Wire(b"x" * (SMALL + 1), False)
    refused: list[str] = []

    async def one() -> None:
        try:
            async with turns.of(large):
                pass
        except Unavailable as exc:
            refused.append(exc.headers["Retry-After"])

    async def crowd() -> None:
        async with turns.of(large):
            await asyncio.gather(*(one() for _ in range(WAITING + 3)))

    rig.run(crowd())
    turns.close()

    assert refused == ["10"] * (WAITING + 3)
