"""The flows of one test in one direction: opened together, counted where their bytes arrive."""

from __future__ import annotations

import os
import random
import statistics
import threading
import time
from collections.abc import Callable
from typing import Literal

import msgspec

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.capacity.counters import (
    Counters,
    congestion,
    counters,
    keep_little_unsent,
    pace,
)
from ccpor_checks.capacity.estimate import Point
from ccpor_checks.capacity.evidence import Direction
from ccpor_checks.capacity.pacing import Pacer, on_the_wire, piece_at
from ccpor_checks.capacity.turn import Turn
from ccpor_checks.capacity.wires import Wire
from ccpor_reporting.capacity.protocol import DOWN, FEEDBACK, MOST_FLOWS, UP, Arrived

OPEN_S = 10.0
BLOCKED_S = 0.5  # a blocked call looks up so often whether the test is over
ENDS_WITHIN_S = 3.0
ANSWER_S = 0.3
POOL = 4 * 1024 * 1024
LEAST_PIECE, LONGEST_PIECE, PIECE_S = 4096, 128 * 1024, 0.02
SAMPLE_MS = 5.0


def now_ms() -> float:
    return time.perf_counter() * 1000


class Load:
    """Flows that are opened, begun, and cut. `moved`: bytes given to the line, or come from it."""

    direction: Direction

    def __init__(self, turn: Turn, ctx: Context, *, each_mbit: float | None, budget: float) -> None:
        self.turn, self.ctx = turn, ctx
        self.each_mbit, self.budget = each_mbit, budget
        self.moved_by: list[int] = []
        self.broken = 0  # flows that the far end closed
        self.refused: int | None = None  # the status that it gave for it
        self.paced_by: Literal["kernel", "program"] | None = None
        self.far_busy = False
        self.over = threading.Event()
        self._ready: list[Wire] = []
        self.wires: list[Wire] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    @property
    def moved(self) -> int:
        return sum(self.moved_by)

    @property
    def is_spent(self) -> bool:
        return self.moved >= self.budget

    @property
    def streams(self) -> int:
        return len(self.wires)

    def open(self, count: int) -> None:
        """Make *count* more connections, all at once, ready to begin.

        Raises:
            CannotObserve: None came about.
        """
        opened: list[Wire] = []
        failed: list[Exception] = []

        def one() -> None:
            try:
                wire = self.turn.open(OPEN_S)
            except (OSError, CannotObserve) as exc:
                failed.append(exc)
            else:
                opened.append(wire)

        threads = [threading.Thread(target=one, daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(self.ctx.remaining(OPEN_S + 1))
        self._ready += opened
        if not self._ready:
            kind = type(failed[0]).__name__ if failed else "TimeoutError"
            raise CannotObserve(f"no connection to the measuring server came about ({kind})")

    @property
    def ready(self) -> int:
        return len(self._ready)

    def begin(self, count: int) -> None:
        """Let *count* of the ready connections go."""
        for _ in range(min(count, len(self._ready), MOST_FLOWS - len(self.wires))):
            wire, number = self._ready.pop(0), len(self.wires)
            self.wires.append(wire)
            self.moved_by.append(0)
            thread = threading.Thread(target=self._flow, args=(number, wire), daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Cut every flow; what waits in a queue is not waited for."""
        self.over.set()
        for wire in (*self.wires, *self._ready):
            wire.cut()
        for thread in self._threads:
            thread.join(ENDS_WITHIN_S)
        for wire in (*self.wires, *self._ready):
            wire.close()
        self._ready.clear()

    def points(self) -> list[Point]:
        """Return what had arrived by when, on `now_ms`."""
        raise NotImplementedError

    def _move(self, number: int, wire: Wire) -> None:
        raise NotImplementedError

    def _flow(self, number: int, wire: Wire) -> None:
        try:
            self._move(number, wire)
        except (OSError, ValueError):  # ValueError: it was closed meanwhile
            if not self.over.is_set():
                self.refused = self.refused or _answer_on(wire)
                self.broken += 1


class UpLoad(Load):
    """Sends random bytes; the far end says what arrived."""

    direction: Direction = "up"

    def __init__(self, turn: Turn, ctx: Context, *, each_mbit: float | None, budget: float) -> None:
        super().__init__(turn, ctx, each_mbit=each_mbit, budget=budget)
        self._pool = memoryview(os.urandom(POOL))
        self._told: list[Arrived] = []
        self._behind: float | None = None  # of the server's clock, as little as ever was seen
        self._busy_lines = 0
        self._listener = threading.Thread(target=self._listen, name="feedback", daemon=True)
        self._feedback = turn.open(OPEN_S)
        self._listener.start()
        if not self._wait_for_first():
            self.stop()
            raise CannotObserve(
                "the measuring server does not say what arrives; something on the way holds its "
                "answers back"
            )

    def stop(self) -> None:
        super().stop()
        self._feedback.cut()
        self._listener.join(ENDS_WITHIN_S)
        self._feedback.close()

    def points(self) -> list[Point]:
        told, behind = self._told[:], self._behind or 0.0
        base = told[0].bytes if told else 0
        return [Point(one.ms + behind, one.bytes - base) for one in told]

    def sender(self) -> tuple[float | None, float | None]:
        """Return the round trip in ms and the share in % sent again, as the kernel counts."""
        seen = [one for wire in self.wires if (one := counters(wire.sock)) is not None]
        return _summed(seen)

    def congestion(self) -> str | None:
        return congestion(self.wires[0].sock) if self.wires else None

    def _wait_for_first(self) -> bool:
        end = time.monotonic() + self.ctx.remaining(OPEN_S)
        while not self._told and self._listener.is_alive() and time.monotonic() < end:
            self.over.wait(0.02)
        return bool(self._told)

    def _listen(self) -> None:
        wire, rest = self._feedback, b""
        end = time.monotonic() + self.ctx.remaining()
        try:
            wire.sock.settimeout(OPEN_S)
            path = f"{FEEDBACK}?flows={MOST_FLOWS}"
            wire.sock.sendall(wire.head("GET", path, self.turn.bearer))
            status, fields = wire.answer_head(end)
            if status != 200:
                return
            for part in wire.parts(fields, end):
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    self._take(msgspec.json.decode(line, type=Arrived))
        except (OSError, ValueError, msgspec.DecodeError):
            return

    def _take(self, arrived: Arrived) -> None:
        behind = now_ms() - arrived.ms
        self._behind = behind if self._behind is None else min(self._behind, behind)
        self._told.append(arrived)
        self._busy_lines += arrived.busy
        self.far_busy = self._busy_lines * 4 > len(self._told) >= 20

    def _move(self, number: int, wire: Wire) -> None:
        sock = wire.sock
        fields = {
            **self.turn.bearer,
            "Content-Type": "application/octet-stream",
            "Transfer-Encoding": "chunked",
        }
        keep_little_unsent(sock)
        sock.settimeout(OPEN_S)
        sock.sendall(wire.head("POST", f"{UP}?flow={number}", fields))
        sock.settimeout(BLOCKED_S)
        next_piece = self._paced(wire) if self.each_mbit else self._unpaced(number)
        dice = random.Random(number)  # noqa: S311 - where in the pool, no secret
        while not self.over.is_set() and not self.is_spent:
            size = next_piece()
            start = dice.randrange(POOL - size)
            frame = b"".join((b"%x\r\n" % size, self._pool[start : start + size], b"\r\n"))
            self._push(wire, frame)
            self.moved_by[number] += size

    def _push(self, wire: Wire, frame: bytes) -> None:
        """Write the whole frame. TLS wants the very same bytes again after a wait."""
        while frame and not self.over.is_set():
            try:
                frame = frame[wire.sock.send(frame) :]
            except TimeoutError:
                continue

    def _paced(self, wire: Wire) -> Callable[[], int]:
        assert self.each_mbit is not None
        rate = self.each_mbit * 1e6 / 8
        piece = piece_at(rate, by_kernel=True)
        if pace(wire.sock, on_the_wire(rate, piece)):
            self.paced_by = "kernel"
            return lambda: piece
        self.paced_by = "program"
        piece = piece_at(rate, by_kernel=False)
        pacer = Pacer(rate)

        def due() -> int:
            pacer.wait(piece, self.over)
            return piece

        return due

    def _unpaced(self, number: int) -> Callable[[], int]:
        begun = time.perf_counter()

        def next_piece() -> int:
            rate = self.moved_by[number] / max(time.perf_counter() - begun, 0.001)
            return int(min(LONGEST_PIECE, max(LEAST_PIECE, rate * PIECE_S)))

        return next_piece


class DownLoad(Load):
    """Receives random bytes and counts them as they come; the far end paces."""

    direction: Direction = "down"

    def __init__(self, turn: Turn, ctx: Context, *, each_mbit: float | None, budget: float) -> None:
        super().__init__(turn, ctx, each_mbit=each_mbit, budget=budget)
        self._points: list[Point] = [Point(now_ms(), 0)]
        self.paced_by = "program" if each_mbit else None

    def points(self) -> list[Point]:
        return self._points[:]

    def sender(self) -> tuple[float | None, float | None]:
        """The far end sends: nothing of its kernel is seen here."""
        return None, None

    def congestion(self) -> str | None:
        return None

    def _move(self, number: int, wire: Wire) -> None:
        path = f"{DOWN}?flow={number}&bytes={int(self.budget)}"
        if self.each_mbit:
            path += f"&mbit={self.each_mbit:.6g}"
        wire.sock.settimeout(OPEN_S)
        wire.sock.sendall(wire.head("GET", path, self.turn.bearer))
        status, fields = wire.answer_head(time.monotonic() + OPEN_S)
        if status != 200:
            self.refused = status
            raise ConnectionAbortedError
        left = int(fields.get("content-length", "0")) or int(self.budget)
        left -= self._count(number, len(wire.read_ahead()))
        room = memoryview(bytearray(LONGEST_PIECE))
        wire.sock.settimeout(BLOCKED_S)
        while left > 0 and not self.over.is_set() and not self.is_spent:
            try:
                size = wire.sock.recv_into(room)
            except TimeoutError:
                continue
            if not size:
                raise ConnectionResetError
            left -= self._count(number, size)

    def _count(self, number: int, size: int) -> int:
        self.moved_by[number] += size
        with self._lock:
            now = now_ms()
            if now - self._points[-1].ms >= SAMPLE_MS:
                self._points.append(Point(now, self.moved))
        return size


def _answer_on(wire: Wire) -> int | None:
    """Return the status that came on a connection which takes no more, where one did."""
    try:
        return wire.answer_head(time.monotonic() + ANSWER_S)[0]
    except (OSError, ValueError):
        return None


def _summed(seen: list[Counters]) -> tuple[float | None, float | None]:
    if not seen:
        return None, None
    sent = sum(one.segments or 0 for one in seen)
    again = sum(one.retransmitted for one in seen)
    return statistics.median(one.srtt_ms for one in seen), 100 * again / sent if sent else None


def load_of(
    direction: Direction, turn: Turn, ctx: Context, *, each_mbit: float | None, budget: float
) -> UpLoad | DownLoad:
    """Return the load of that direction, with nothing begun."""
    kind = UpLoad if direction == "up" else DownLoad
    return kind(turn, ctx, each_mbit=each_mbit, budget=budget)
