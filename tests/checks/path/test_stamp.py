"""The path check by STAMP against a reflector on loopback that does what the test tells it to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from ccpor_checks import path
from ccpor_checks.base import Target
from ccpor_checks.path.sampling import Reply, Taken
from tests.checks.looking import Looked, looked
from tests.peers.stamp_reflector import Reflector, Trouble, reflecting


def look(
    takes: Callable[[int], int] = lambda _number: 1,
    gives: Trouble = lambda _number, answer: [answer],
    *,
    stateless: bool = False,
) -> Looked:
    with reflecting(Reflector(stateless=stateless), takes=takes, gives=gives) as port:
        target = Target(
            id="t", url=f"stamp://127.0.0.1:{port}", scheme="stamp", host="127.0.0.1", port=port
        )
        return looked(path.CHECK, target, {"route": False}, seconds=60)


def held_back() -> Trouble:
    held: list[bytes] = []

    def gives(number: int, answer: bytes) -> list[bytes]:
        if number % 10 == 3:
            held.append(answer)
            return []
        return [answer, held.pop()] if held and number % 10 == 6 else [answer]

    return gives


CASES: dict[str, Callable[[], Looked]] = {
    "clean": look,
    "copies": lambda: look(lambda number: 0 if number % 10 == 3 else 2 if number % 5 == 1 else 1),
    "back": lambda: look(gives=lambda number, answer: [] if number % 8 == 5 else [answer]),
    "stateless": lambda: look(lambda number: 0 if number % 8 == 3 else 1, stateless=True),
    "held back": lambda: look(gives=held_back()),
}


@pytest.fixture(scope="module")
def seen() -> dict[str, Looked]:
    """All looks, side by side: each waits most of its time."""
    with ThreadPoolExecutor(len(CASES)) as threads:
        running = {name: threads.submit(case) for name, case in CASES.items()}
        return {name: job.result() for name, job in running.items()}


def test_a_clean_path_has_all_figures_and_no_finding(seen: dict[str, Looked]) -> None:
    """No new figure brings a new alarm."""
    clean = seen["clean"]

    assert clean.failed == set(), clean.findings
    assert (clean.evidence.reordered, clean.evidence.reorder_extent) == (0, 0)
    assert clean.evidence.duplicated == 0
    assert clean.evidence.jitter_mean_ms is not None
    assert clean.evidence.pdv_p99_ms >= clean.evidence.jitter_ms


def test_the_interval_says_what_a_hundred_packets_leave_open(seen: dict[str, Looked]) -> None:
    """None of 100 lost is up to 3.7 %; none of 400 up to 1 %."""
    clean = seen["clean"].evidence

    assert clean.loss_low_pct == 0
    assert clean.loss_high_pct == pytest.approx(100 * 3.8415 / (clean.sent + 3.8415), abs=0.001)


def test_a_loss_with_copies_is_found_by_its_way(seen: dict[str, Looked]) -> None:
    """One in ten never arrives, one in five comes twice: a count of packets would see a gain."""
    copies = seen["copies"]

    assert "path.loss/lossy" in copies.blocking, copies.findings
    assert copies.evidence.lost == pytest.approx(copies.evidence.sent / 10, abs=1)
    assert copies.evidence.duplicated > 10
    assert copies.evidence.loss_up_pct == copies.evidence.loss_pct
    assert copies.evidence.loss_down_pct == 0
    assert "% (95 %)" in copies.findings["path.loss"].summary


def test_a_loss_on_the_way_back_is_told(seen: dict[str, Looked]) -> None:
    """The reflector counted what never came."""
    back = seen["back"].evidence

    assert back.loss_up_pct == 0
    assert back.loss_down_pct == back.loss_pct > 5


def test_without_a_count_of_its_own_no_way_is_named(seen: dict[str, Looked]) -> None:
    """A stateless reflector copies our numbers: that is no proof of anything."""
    stateless = seen["stateless"].evidence

    assert stateless.loss_pct > 5
    assert (stateless.loss_up_pct, stateless.loss_down_pct) == (None, None)


def test_packets_out_of_turn_are_counted_and_break_no_rule(seen: dict[str, Looked]) -> None:
    """Each tenth comes three late: reordered, with its extent; nothing is lost."""
    held = seen["held back"]

    assert held.evidence.lost == 0
    assert held.evidence.reordered == pytest.approx(held.evidence.sent / 10, abs=1)
    assert held.evidence.reorder_extent == 3
    assert "path.loss/lossy" not in held.failed


def test_samples_know_their_own() -> None:
    """Packets of an earlier look, copies and gaps each stand where they belong."""
    taken = Taken(first=10, sent=4)
    for number, far in ((11, 1), (9, 0), (10, 2), (10, 3), (13, 5)):
        taken.note(Reply(number, float(number), far_number=far))

    assert taken.order == [11, 10, 13]
    assert (taken.copies, taken.lost) == (1, 1)
    assert taken.far_numbers == {1, 2, 3, 5}
    assert taken.in_turn_ms == [10.0, 11.0, None, 13.0]
