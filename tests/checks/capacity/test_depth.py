"""When a saturating test has seen how deep the line's queue is: never while it still fills."""

from __future__ import annotations

from collections.abc import Callable

from ccpor_checks.capacity.depth import STILL_MS, Depth


def known_at(delay_ms: Callable[[float], float | None], rtt_ms: float = 40.0) -> float | None:
    """Return when the depth is first known, asked each 50 ms for 20 s; None: never."""
    depth = Depth(rtt_ms)
    for tick in range(400):
        at_ms = tick * 50.0
        depth.see(at_ms, delay_ms(at_ms))
        if depth.is_known(at_ms):
            return at_ms
    return None


def test_a_queue_that_still_fills_is_not_known() -> None:
    """A second of a queue that fills within five would be called a fifth of it."""
    found = known_at(lambda at_ms: min(at_ms / 5, 1000.0))

    assert found is not None
    assert found >= 5000


def test_a_queue_that_ran_over_is_known_at_once() -> None:
    """Packets were dropped and the flows hold back: deeper than that it is not."""
    found = known_at(lambda at_ms: at_ms / 5 if at_ms < 1000 else 100.0)

    assert found == 1000


def test_a_line_without_a_queue_is_known_after_a_while() -> None:
    found = known_at(lambda _at_ms: 1.0)

    assert found is not None
    assert STILL_MS <= found <= 2 * STILL_MS


def test_a_long_way_is_waited_for_longer() -> None:
    near, far = known_at(lambda _at_ms: 300.0), known_at(lambda _at_ms: 300.0, rtt_ms=500.0)

    assert near is not None
    assert far is not None
    assert far > near


def test_what_nobody_saw_changes_nothing() -> None:
    depth = Depth(40.0)
    depth.see(0.0, 80.0)
    depth.see(50.0, None)

    assert depth.deepest_ms == 80.0
    assert not depth.is_known(100.0)


def test_more_flows_ask_for_another_look() -> None:
    """A queue that some flows' windows cannot fill stands still below its depth."""
    depth = Depth(40.0)
    depth.see(0.0, 60.0)
    depth.look_again(STILL_MS)

    assert not depth.is_known(STILL_MS + 100)
    assert depth.is_known(2 * STILL_MS)


def test_a_long_way_hides_no_small_change_of_its_queue() -> None:
    """Nothing was dropped where the whole round trip shrank by less than a window does."""
    depth = Depth(200.0)
    depth.see(0.0, 70.0)
    depth.see(50.0, 50.0)
    still_filling = depth.is_over
    depth.see(100.0, 20.0)

    assert not still_filling
    assert depth.is_over
