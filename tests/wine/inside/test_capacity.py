"""Measuring a line from Windows: a prober of its own, and pacing without the kernel's help."""

from __future__ import annotations

import base64
import socket
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from ccpor_checks.base import Context, Target
from ccpor_checks.capacity import counters
from ccpor_checks.capacity.pacing import Pacer, piece_at
from ccpor_checks.capacity.prober import Prober
from ccpor_reporting.capacity.protocol import Slot
from tests.peers.stamp_reflector import Reflector, reflecting

KEY = bytes(range(32))


def turn_at(port: int) -> Any:
    """Return what the prober reads of a turn."""
    target = Target(
        id="line",
        url=f"capacity://127.0.0.1:{port}",
        scheme="capacity",
        host="127.0.0.1",
        port=port,
    )
    slot = Slot(
        id="s",
        state="granted",
        token="t",
        udp_port=port,
        session=7,
        key=base64.b64encode(KEY).decode(),
    )
    return SimpleNamespace(target=target, slot=slot, address="127.0.0.1", port=port)


def test_the_prober_runs_in_a_process_of_its_own_and_ends_with_it() -> None:
    """Signed packets to a reflector, timed by a child without a console window."""
    ctx = Context(deadline=time.monotonic() + 60)
    with reflecting(Reflector(key=KEY)) as port, Prober(turn_at(port), ctx) as prober:
        idle = prober.idle(20)
        prober.start()
        assert prober.wait_for_first(10)
        loaded = prober.stop()
        child = prober._child

    assert idle is not None
    assert (idle.by, idle.lost) == ("stamp", 0)
    assert 0 <= idle.min_ms < 500
    assert loaded is not None
    assert child is not None
    assert child.poll() is not None


def test_nothing_is_asked_of_a_kernel_that_has_no_such_counters() -> None:
    """The options' numbers mean something else on Windows."""
    with socket.socket() as sock:
        assert counters.counters(sock) is None
        assert counters.congestion(sock) is None
        assert not counters.pace(sock, 1_000_000)
        counters.keep_little_unsent(sock)


def test_the_program_keeps_the_rate_by_a_coarse_clock() -> None:
    """Timers tick every 15.6 ms: pieces leave in twos and threes, and the rate stays."""
    rate = 1_250_000.0
    piece = piece_at(rate, by_kernel=False)
    over = threading.Event()
    pacer, begun, sent = Pacer(rate), time.perf_counter(), 0
    while sent < rate:
        pacer.wait(piece, over)
        sent += piece
    took = time.perf_counter() - begun

    assert sent / took == pytest.approx(rate, rel=0.1)
