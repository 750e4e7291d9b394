"""kill -9 anywhere: what was called saved is there and whole, nothing is lost or doubled."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccpor_agent.enroll import enroll
from ccpor_agent.spool import Place, Spool
from ccpor_agent.upload import Pace, deliver
from tests.agent.spool.conftest import MEMORY
from tests.agent.spool.scripts import FORKS, SAVE, SEND, command, environment, promised
from tests.peers import lacking, need
from tests.peers.fake_collector import CODE, FakeCollector, started_collector

STARTS, KILLS_A_START = 20, 10
SEED = 20261123
CHANGES = ("mkdir", "openat", "write", "fsync", "rename", "unlink")
AT_ONCE = Pace(pause=lambda _seconds: None, uniform=lambda _low, _high: 0.0)


@pytest.fixture(scope="module")
def strace() -> str:
    """The tracer, allowed to trace."""
    need("strace")
    probe = run(["strace", "-qq", "-o", "/dev/null", "true"])
    if probe.returncode:
        lacking("strace may not trace here; it needs the right to ptrace")
    return "strace"


@pytest.fixture(scope="module")
def collector() -> Iterator[FakeCollector]:
    with started_collector(FakeCollector()) as running:
        yield running


@pytest.fixture(scope="module")
def enrolled(collector: FakeCollector) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        enroll(Path(folder) / "state", collector.url, CODE)
        yield Path(folder) / "state"


def run(argv: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv, capture_output=True, text=True, env=environment(), timeout=90, check=False
    )


def traced(argv: list[str], log: Path, *options: str) -> str:
    """Run *argv* under strace; return its output, the calls stand in *log*."""
    calls = f"trace={','.join(CHANGES)}"
    return run(["strace", "-y", "-qq", "-o", str(log), "-e", calls, *options, *argv]).stdout


def points(log: Path, state: Path) -> list[tuple[str, int]]:
    """Return (call, ordinal) of each call in *log* that makes or changes something below *state*.

    The ordinal counts all calls of that name in the process, as strace's ``when=`` does.
    """
    count: Counter[str] = Counter()
    found = []
    for line in log.read_text().splitlines():
        if not (match := re.match(r"(\w+)\(", line)):
            continue
        name = match[1]
        count[name] += 1
        if str(state) in line and (name != "openat" or "O_CREAT" in line):
            found.append((name, count[name]))
    return found


@pytest.mark.parametrize("start", range(STARTS))
def test_random_kills_lose_no_saved_report(start: int, quick_folder: Path) -> None:
    """The power button does not wait. Two hundred kills in all, ten for each start."""
    chance = random.Random(SEED + start)
    moments = [f"{chance.randint(0, 4)}+{chance.uniform(0, 0.004)}" for _ in range(KILLS_A_START)]
    done = run(command(FORKS, quick_folder / "state", *moments))
    assert done.returncode == 0, done.stderr
    told = promised(done.stdout)

    spool = Spool(quick_folder / "state")
    found = {item.run_id: item for item in spool.waiting()}

    assert len(told) >= KILLS_A_START, "the kills came before anything was saved"
    assert told - found.keys() == set()
    assert len(found) - len(told) <= KILLS_A_START  # saved, killed before it could say so
    assert {item.envelope == item.run_id * 50 for item in found.values()} == {True}
    assert spool.quarantined() == []


def test_a_kill_at_every_call_loses_and_doubles_nothing(
    strace: str, enrolled: Path, collector: FakeCollector, quick_folder: Path
) -> None:
    """Each write, fsync, rename and unlink of saving and acknowledging, one kill before each."""
    whole = quick_folder / "whole"
    shutil.copytree(enrolled, whole)
    traced(command(SEND, whole, 1), quick_folder / "log")
    places = points(quick_folder / "log", whole)
    names = Counter(name for name, _ in places)
    assert names.keys() == set(CHANGES), "a call that should be seen was not"

    faults, killed = [], 0
    for name, ordinal in places:
        state = quick_folder / "killed"
        shutil.copytree(enrolled, state)
        told = promised(
            traced(
                command(SEND, state, 1),
                quick_folder / "log",
                "-e",
                f"inject={name}:signal=KILL:when={ordinal}",
            )
        )
        killed += "killed by SIGKILL" in (quick_folder / "log").read_text()
        faults += [f"{name} {ordinal}: {fault}" for fault in _faults(state, told, collector)]
        shutil.rmtree(state)

    assert faults == []
    assert killed == len(places)


def _faults(state: Path, told: set[str], collector: FakeCollector) -> list[str]:
    """Return what is wrong after a kill, then after the next upload."""
    spool = Spool(state)
    there = {item.run_id for item in spool.waiting()}
    there |= {item.run_id for item in spool.read(Place.ACKNOWLEDGED)}
    faults = [f"{run_id} was called saved and is gone" for run_id in told - there]
    faults += [f"{name} is damaged" for name in spool.quarantined()]
    deliver(state, at_once=True, pace=AT_ONCE)
    for run_id in there:
        if len(collector.stored.get(run_id, [])) != 1:
            faults.append(f"{run_id} is stored {len(collector.stored.get(run_id, []))} times")
    if spool.waiting():
        faults.append("something still waits")
    if {item.run_id for item in spool.read(Place.ACKNOWLEDGED)} != there:
        faults.append("not everything that was there is acknowledged")
    return faults


def test_a_disk_that_does_not_confirm_is_never_called_saved(
    strace: str, quick_folder: Path
) -> None:
    """EIO from any fsync of a save: the word is not given, and the reason is told."""
    traced(command(SAVE, quick_folder / "whole", 1), quick_folder / "log")
    places = [
        place for place in points(quick_folder / "log", quick_folder / "whole") if "fsync" in place
    ]
    assert len(places) >= 3, "a save syncs the file and the folders"

    told = {}
    for name, ordinal in places:
        inject = f"inject={name}:error=EIO:when={ordinal}"
        state = quick_folder / f"state{ordinal}"
        told[ordinal] = traced(command(SAVE, state, 1), quick_folder / "log", "-e", inject)
        again = traced(command(SAVE, state, 1), quick_folder / "log")
        assert promised(again), "the next save must work without anybody's help"

    assert set(told.values()) == {"not-saved disk\n"}


@pytest.mark.parametrize(
    ("call", "error", "reason"),
    [
        ("write", "ENOSPC", "no-space"),
        ("write", "EDQUOT", "no-space"),
        ("write", "EIO", "disk"),
        ("openat", "EACCES", "no-right"),
        ("openat", "EROFS", "read-only"),
        ("openat", "EMFILE", "disk"),
        ("rename", "EIO", "disk"),
    ],
)
def test_another_failing_call_is_told_by_its_reason(
    call: str, error: str, reason: str, strace: str, quick_folder: Path
) -> None:
    """Typed from errno, and nothing half written stays behind."""
    traced(command(SAVE, quick_folder / "whole", 1), quick_folder / "log")
    (ordinal,) = [
        n for name, n in points(quick_folder / "log", quick_folder / "whole") if name == call
    ]
    state = quick_folder / "state"

    told = traced(
        command(SAVE, state, 1),
        quick_folder / "log",
        "-e",
        f"inject={call}:error={error}:when={ordinal}",
    )

    assert told == f"not-saved {reason}\n"
    assert list((state / "spool").iterdir()) == []


def test_a_save_that_nothing_hinders_is_called_saved(strace: str, quick_folder: Path) -> None:
    """Negative control: the tracer alone changes nothing."""
    told = promised(traced(command(SAVE, quick_folder / "state", 3), quick_folder / "log"))

    assert told == {item.run_id for item in Spool(quick_folder / "state").waiting()}
    assert len(told) == 3


def test_a_careless_writer_would_be_caught(strace: str, quick_folder: Path) -> None:
    """Negative control: written in place, in two parts, a kill between them leaves a torn file."""
    careless = """
import ccpor_agent.seam
def in_place(path, data, mode=0o600):
    with path.open("wb", buffering=0) as file:
        file.write(data[:100])
        file.write(data[100:])
ccpor_agent.seam.write_durably = in_place
"""
    program = careless + SAVE
    traced(command(program, quick_folder / "whole", 1), quick_folder / "log")
    writes = [
        n for name, n in points(quick_folder / "log", quick_folder / "whole") if name == "write"
    ]

    inject = f"inject=write:signal=KILL:when={writes[1]}"
    traced(command(program, quick_folder / "state", 1), quick_folder / "log", "-e", inject)

    Spool(quick_folder / "state").waiting()
    assert len(Spool(quick_folder / "state").quarantined()) == 1
