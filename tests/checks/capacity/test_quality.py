"""UDP quality against a reflector that loses, copies and holds back what the test tells it to."""

from __future__ import annotations

import base64
import itertools
import math
import random
import socket
import time

import pytest

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.capacity.quality import Reflector as There
from ccpor_checks.capacity.quality import measure, mix, reflector_of, summed
from ccpor_checks.kit import stamp_course
from ccpor_checks.kit.stamp_course import Course
from ccpor_checks.kit.stamp_session import Answer
from ccpor_reporting.capacity.protocol import Slot
from tests.peers.stamp_reflector import Reflector, reflecting

KEY = bytes(range(32))


def there(port: int, key: bytes | None = KEY) -> There:
    return There(address="127.0.0.1", port=port, session=7, key=key)


def ctx(seconds: float = 30) -> Context:
    return Context(deadline=time.monotonic() + seconds)


def test_a_clean_line_has_nothing_to_tell() -> None:
    """Both sizes, nothing lost, and the interval still says what so few packets cannot prove."""
    with reflecting(Reflector(key=KEY)) as port:
        seen = measure(there(port), ctx(), seconds=2, gap_s=0.005, line_mbit=6)

    assert 260 < sum(each.sent for each in seen.losses) <= 400
    assert [each.size_bytes for each in seen.losses] == [140, 1400]
    assert [(each.lost, each.pct, each.low_pct) for each in seen.losses] == [(0, 0, 0), (0, 0, 0)]
    assert all(each.high_pct > 0.5 for each in seen.losses)
    assert [(each.lost_up, each.lost_down) for each in seen.losses] == [(0, 0), (0, 0)]
    assert (seen.reordered, seen.reorder_extent, seen.duplicated) == (0, 0, 0)


def test_losses_copies_and_late_ones_are_told_apart() -> None:
    """Each stands where it belongs: a copy hides no loss, a late packet is not a lost one."""
    held: list[bytes] = []
    last = 260  # none is held back past the end of a shorter course

    def gives(number: int, answer: bytes) -> list[bytes]:
        if number % 50 == 7:
            return []
        if number % 40 == 11 and number + 5 <= last:
            held.append(answer)
            return []
        return [answer, held.pop()] if held and number % 40 == 16 else [answer]

    def takes(number: int) -> int:
        return 0 if number % 100 == 31 else 2 if number % 25 == 2 else 1

    with reflecting(Reflector(key=KEY), takes=takes, gives=gives) as port:
        seen = measure(there(port), ctx(), seconds=2, gap_s=0.005, line_mbit=6)

    sent = range(1, sum(each.sent for each in seen.losses) + 1)  # 0 is the packet before them
    up = [n for n in sent if n % 100 == 31]
    down = [n for n in sent if n % 50 == 7]
    late = [n for n in sent if n % 40 == 11 and n + 5 <= last and n not in up]
    assert len(sent) > last
    assert sum(each.lost_up or 0 for each in seen.losses) == len(up)
    assert sum(each.lost_down or 0 for each in seen.losses) == len(down)
    assert sum(each.lost for each in seen.losses) == len(up) + len(down)
    assert (seen.reordered, seen.reorder_extent) == (len(late), 5)
    assert seen.duplicated == sum(n % 25 == 2 for n in sent)
    for each in seen.losses:
        assert each.low_pct <= each.pct <= each.high_pct


def test_silence_is_said_and_never_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A firewall that lets no UDP pass: no loss of 100 %, and no pass either."""
    monkeypatch.setattr(stamp_course, "KNOCK_S", 0.1)
    with reflecting(Reflector(key=bytes(32))) as port, pytest.raises(CannotObserve) as said:
        measure(there(port), ctx(), seconds=3)

    assert "no answer came back" in str(said.value)


def test_nobody_there_is_said() -> None:
    """The collector is up and its reflector is not: another ticket than a firewall's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(CannotObserve) as said:
        measure(there(port), ctx(), seconds=3)

    assert "nobody listens" in str(said.value)


def test_a_few_answers_of_many_say_nothing_of_times() -> None:
    """Nine of ten lost: a jitter of the rest would be invented."""
    gives = lambda number, answer: [answer] if number % 40 == 0 or number > 200 else []  # noqa: E731
    with reflecting(Reflector(key=KEY), gives=gives) as port, pytest.raises(CannotObserve) as said:
        measure(there(port), ctx(), seconds=2, gap_s=0.01)

    assert "came back" in str(said.value)


def test_no_time_left_is_said() -> None:
    """Better no figure than one of three packets."""
    with reflecting(Reflector(key=KEY)) as port, pytest.raises(CannotObserve):
        measure(there(port), ctx(9), seconds=20)


def test_less_time_makes_fewer_packets() -> None:
    """The check's deadline is kept, answers and all."""
    with reflecting(Reflector(key=KEY)) as port:
        started = time.monotonic()
        seen = measure(there(port), ctx(10.5), seconds=20, gap_s=0.01)

    assert time.monotonic() - started < 10.5
    assert 1 <= sum(each.sent for each in seen.losses) <= 251


def test_a_slot_names_its_reflector() -> None:
    """What the collector granted is used as it is; without a reflector that is said."""
    slot = Slot(
        id="1",
        state="granted",
        token="t",
        udp_port=4242,
        session=9,
        key=base64.b64encode(KEY).decode(),
    )

    assert reflector_of(slot, "10.0.0.1") == There(
        address="10.0.0.1", port=4242, session=9, key=KEY
    )
    with pytest.raises(CannotObserve):
        reflector_of(Slot(id="1", state="granted", token="t"), "10.0.0.1")
    with pytest.raises(CannotObserve):
        reflector_of(slot, None)


@pytest.mark.parametrize(
    ("line_mbit", "kbit"), [(None, 100), (0.5, 100), (5.0, 250), (50.0, 300), (1000.0, 300)]
)
def test_the_packets_stay_a_trickle(line_mbit: float | None, kbit: float) -> None:
    """A line of half a Mbit/s carries them beside a clerk's work; a fast one gets more large ones."""
    sizes = mix(140, 1400, 1000, 0.02, line_mbit)
    large = [n for n, size in enumerate(sizes) if size == 1400]

    assert len(sizes) == 1000
    assert sum(sizes) * 8 / 20 / 1000 <= kbit
    assert sum(sizes) * 8 / 20 / 1000 >= kbit - 6
    gaps = {after - before for before, after in itertools.pairwise(large)}
    assert max(gaps) - min(gaps) <= 1


def test_a_pace_too_fast_for_large_packets_has_none() -> None:
    """A thousand small ones in four seconds are 280 kbit/s by themselves."""
    assert set(mix(140, 1400, 1000, 0.004)) == {140}


def run_of(up: list[float], down: list[float], *, size: int = 112) -> Course:
    """Return a course with these times each way, all answered in order."""
    course = Course(0.02, sizes=[size] * len(up), before=0, after=len(up) + 1)
    for place, (there_ms, back_ms) in enumerate(zip(up, down, strict=True)):
        course.answers[place] = Answer(
            number=place + 1,
            ms=40 + there_ms + back_ms,
            up_ms=1e12 + there_ms,
            down_ms=-1e12 + back_ms,
            far_number=place + 1,
            size=size,
        )
        course.order.append(place)
        course.counts.add(place + 1)
    return course


def test_jitter_is_the_mean_difference_of_each_way() -> None:
    """Uniform within ± J: two thirds of J each way, 14/15 of J around; clocks cancel out."""
    dice, sway = random.Random(2), 6.0
    up, down = ([dice.uniform(-sway, sway) for _ in range(20_000)] for _ in range(2))

    seen = summed(run_of(up, down), 28)

    assert seen.jitter_up_ms == pytest.approx(2 * sway / 3, rel=0.02)
    assert seen.jitter_down_ms == pytest.approx(2 * sway / 3, rel=0.02)
    assert seen.jitter_ms == pytest.approx(14 * sway / 15, rel=0.02)
    around = sorted(a + b for a, b in zip(up, down, strict=True))
    assert seen.pdv_p99_ms == pytest.approx(around[math.ceil(0.99 * 20_000) - 1] - around[0], 0.01)


def test_a_large_packets_longer_way_is_no_jitter() -> None:
    """At 1 Mbit/s 1400 bytes take 10 ms more than 140: small ones are compared with small ones."""
    course = run_of([0.0] * 100, [0.0] * 100)
    for place in range(0, 100, 2):
        course.sizes[place] = 1372
        course.answers[place] = Answer(
            number=place + 1,
            ms=60,
            up_ms=1e12 + 10,
            down_ms=10 - 1e12,
            far_number=place + 1,
            size=1372,
        )

    seen = summed(course, 28)

    assert (seen.jitter_ms, seen.jitter_up_ms, seen.pdv_p99_ms) == (0, 0, 0)


def test_a_workstation_too_busy_says_so() -> None:
    """One packet in fifty sent late: the times are this machine's, not the line's."""
    course = run_of([0.0] * 100, [0.0] * 100)
    assert summed(course, 28).too_busy is None

    course.late = 10

    assert "late" in (summed(course, 28).too_busy or "")
