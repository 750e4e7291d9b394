"""Several lines side by side, each held by a process of its own; whatever ends the lab ends them all."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.lab.shaped import ROOT


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to be looked at: the number of a cell, track or case."""

    part: str
    number: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """body: JSON of what the part found. trouble: the lab's own."""

    task: Task
    body: msgspec.Raw = msgspec.Raw(b"null")
    trouble: str = ""


def asked(tasks: Sequence[Task], folder: Path, at_once: int, *, tell: bool = True) -> list[Answer]:
    """Return the answers to *tasks*, in their order; *at_once* of them are under way."""
    waiting, done = deque(tasks), list[Answer]()
    workers = [_started(folder) for _ in range(min(at_once, len(tasks)))]
    threads = [
        threading.Thread(target=_feed, args=(one, waiting, done), daemon=True) for one in workers
    ]
    for thread in threads:
        thread.start()
    shown = 0
    try:
        while any(thread.is_alive() for thread in threads):
            threads[-1].join(0.2)
            for thread in threads:
                thread.join(0.05)
            if tell and len(done) != shown and sys.stderr.isatty():
                shown = len(done)
                print(
                    f"\r{tasks[0].part} {shown}/{len(tasks)} ", end="", file=sys.stderr, flush=True
                )
    finally:
        for one in workers:
            _ended(one)
        if shown:
            print("\r", end="", file=sys.stderr)
    order = {task: place for place, task in enumerate(tasks)}
    return sorted(done, key=lambda answer: order[answer.task])


def _started(folder: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "tests.lab.capacity.worker", str(folder)]
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", "--", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])},
        start_new_session=True,  # Ctrl-C is for the lab, which ends its workers in order
    )


def _feed(worker: subprocess.Popen[bytes], waiting: deque[Task], done: list[Answer]) -> None:
    assert worker.stdin is not None
    assert worker.stdout is not None
    while True:
        try:
            task = waiting.popleft()
        except IndexError:
            return
        try:
            worker.stdin.write(msgspec.json.encode(task) + b"\n")
            worker.stdin.flush()
            answer = worker.stdout.readline()
        except (OSError, ValueError):
            answer = b""
        if not answer:
            done.append(Answer(task=task, trouble="the worker ended"))
            return
        done.append(msgspec.json.decode(answer, type=Answer))


def _ended(worker: subprocess.Popen[bytes]) -> None:
    worker.terminate()
    try:
        worker.wait(15)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait(5)
    for pipe in (worker.stdin, worker.stdout):
        if pipe:
            pipe.close()
