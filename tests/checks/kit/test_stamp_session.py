"""A STAMP session against a reflector of the tests' own, which can be told to do wrong."""

from __future__ import annotations

import socket
import sys
import time

import pytest

from ccpor_checks.base import Context
from ccpor_checks.kit import packets, stamp_course
from ccpor_checks.kit.stamp_course import Course, take_course
from ccpor_checks.kit.stamp_session import Answer, StampSession
from tests.peers.stamp_reflector import Reflector, reflecting

KEY = bytes(range(32))
GAP_S = 0.002


def answers(session: StampSession, count: int, seconds: float = 5.0) -> list[Answer]:
    """Return what came until *count* answers did."""
    found: list[Answer] = []
    end = time.monotonic() + seconds
    while len(found) < count and (left := end - time.monotonic()) > 0:
        found += session.wait(left)
    return found


def course(port: int, count: int = 60, key: bytes | None = KEY) -> Course | None:
    with StampSession("127.0.0.1", port, 7, key) as session:
        ctx = Context(deadline=time.monotonic() + 30)
        return take_course(session, [112] * count, GAP_S, ctx, seconds=10)


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("ptp", [False, True])
def test_an_answer_is_timed_and_numbered(key: bytes | None, *, ptp: bool) -> None:
    """Both modes, both formats of time; on loopback nothing takes a second."""
    with (
        reflecting(Reflector(key=key, ptp=ptp)) as port,
        StampSession("127.0.0.1", port, 7, key) as session,
    ):
        sent = [session.send(size) for size in (0, 200, 1372)]
        found = answers(session, 3)

    assert [each.number for each in found] == sent == [0, 1, 2]
    assert [each.far_number for each in found] == [0, 1, 2]
    assert [each.size for each in found] == [44 if key is None else 112, 200, 1372]
    assert all(each.ms is None or 0 <= each.ms < 1000 for each in found)
    for way in ([each.up_ms for each in found], [each.down_ms for each in found]):
        assert max(way) - min(way) < 1000


def test_what_the_reflector_keeps_is_not_the_lines_delay() -> None:
    """It says when a packet came and when the answer left; between them nothing travelled."""

    def slowly(_number: int, answer: bytes) -> list[bytes]:
        return [answer[:16] + shifted(answer[16:20]) + answer[20:]]

    def shifted(seconds: bytes) -> bytes:  # it came a second before it left
        return (int.from_bytes(seconds, "big") - 1).to_bytes(4, "big")

    with (
        reflecting(Reflector(), gives=slowly) as port,
        StampSession("127.0.0.1", port) as session,
    ):
        session.send()
        kept = answers(session, 1)[0]

    assert kept.ms is None or kept.ms < 900
    assert kept.up_ms < -500


def test_answers_of_another_key_session_or_number_are_no_answers() -> None:
    """Whoever guesses the port proves nothing with it: no such packet may hide a loss."""

    def forged(number: int, answer: bytes) -> list[bytes]:
        other = Reflector(key=bytes(32))
        strange = other.answer(other_packet(number), "x", 0)
        assert strange is not None
        cut = answer[:60]
        return [strange, cut, b"", answer]

    def other_packet(number: int) -> bytes:
        from tests.peers.stamp_reflector import tag

        head = number.to_bytes(4, "big") + bytes(92)
        return head + tag(head, bytes(32))

    with (
        reflecting(Reflector(key=KEY), gives=forged) as port,
        StampSession("127.0.0.1", port, 7, KEY) as session,
    ):
        session.send()
        found = answers(session, 1)

    assert [each.number for each in found] == [0]
    assert session.foreign == 3


def test_a_number_that_was_never_sent_is_no_answer() -> None:
    """In plain mode only the number says that it is ours."""

    def ahead(_number: int, answer: bytes) -> list[bytes]:
        return [answer[:24] + (99).to_bytes(4, "big") + answer[28:]]

    with reflecting(Reflector(), gives=ahead) as port, StampSession("127.0.0.1", port) as session:
        session.send()
        found = session.wait(1.0)

    assert found == []
    assert session.foreign == 1


def test_another_sessions_answer_is_no_answer() -> None:
    """RFC 8972: the session identifier tells two of the same sender apart; zero is one of RFC 8762."""

    def of_session(value: int) -> list[Answer]:
        def gives(_number: int, answer: bytes) -> list[bytes]:
            return [answer[:14] + value.to_bytes(2, "big") + answer[16:]]

        with (
            reflecting(Reflector(), gives=gives) as port,
            StampSession("127.0.0.1", port, 7) as session,
        ):
            session.send()
            return session.wait(1.0)

    assert [len(of_session(value)) for value in (7, 0, 8)] == [1, 1, 0]


def test_nobody_there_is_told_by_name() -> None:
    """Port unreachable comes from the target itself: no firewall is to blame."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with StampSession("127.0.0.1", port) as session:
        session.send()
        assert session.wait(0.5) == []
        assert session.refused_by == ("127.0.0.1" if sys.platform == "linux" else None)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells when a packet came")
def test_a_program_that_reads_late_times_the_packet_not_itself() -> None:
    """The kernel notes the arrival: half a second of another program's work is no delay."""
    with reflecting(Reflector()) as port, StampSession("127.0.0.1", port) as session:
        session.send()
        time.sleep(0.5)
        late = answers(session, 1)[0]

    assert late.ms is None or late.ms < 450


def test_a_packet_sent_twice_is_not_timed() -> None:
    """Whose answer is it? Nobody can tell, so neither time is believed."""
    with reflecting(Reflector()) as port, StampSession("127.0.0.1", port) as session:
        session.send(number=3)
        session.send(number=3)
        found = answers(session, 2)

    assert {each.number for each in found} == {3}
    assert found[-1].ms is None


def test_a_held_up_packet_counts_and_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between reading the clock and sending the machine did something else: not the line's time."""
    monkeypatch.setattr(packets.SendClock, "HELD_UP_NS", -1)
    with reflecting(Reflector()) as port, StampSession("127.0.0.1", port) as session:
        session.send()
        found = answers(session, 1)

    assert [each.ms for each in found] == [None]


def test_a_clean_course_loses_and_turns_nothing() -> None:
    """No fault, no finding: every packet back, in order, once."""
    with reflecting(Reflector(key=KEY)) as port:
        seen = course(port)

    assert seen is not None
    assert (seen.sent, seen.lost, seen.copies, seen.unsent) == (60, 0, 0, 0)
    assert seen.order == list(range(60))
    assert seen.ways() == {}


def test_each_loss_is_told_by_its_way() -> None:
    """The reflector's own count: what it never saw was lost going there, the rest coming back."""
    there, back = {5, 6, 20, 57}, {10, 25, 40, 59}

    with reflecting(
        Reflector(key=KEY),
        takes=lambda number: 0 if number - 1 in there else 1,
        gives=lambda number, answer: [] if number - 1 in back else [answer],
    ) as port:
        seen = course(port)

    assert seen is not None
    assert seen.lost == 8
    assert seen.ways() == dict.fromkeys(there, "up") | dict.fromkeys(back, "down")


def test_copies_hide_no_loss() -> None:
    """iperf3 reads 2 % loss with 5 % copies as 0.1 %: it counts packets, not numbers."""
    with reflecting(
        Reflector(key=KEY),
        takes=lambda number: 0 if number == 30 else 2 if number % 10 == 4 else 1,
        gives=lambda number, answer: [] if number == 41 else [answer] * (1 + (number % 20 == 7)),
    ) as port:
        seen = course(port)

    assert seen is not None
    assert (seen.sent, seen.lost, seen.copies) == (60, 2, 6 + 3)
    assert seen.ways() == {29: "up", 40: "down"}


def test_a_packet_held_back_is_reordered_not_lost() -> None:
    """RFC 4737: after how many later ones it came is its extent."""
    held: list[bytes] = []

    def gives(number: int, answer: bytes) -> list[bytes]:
        if number == 20:
            held.append(answer)
            return []
        return [answer, *held] if number == 24 else [answer]

    with reflecting(Reflector(key=KEY), gives=gives) as port:
        seen = course(port)

    assert seen is not None
    assert (seen.lost, seen.copies) == (0, 0)
    assert seen.order[18:25] == [18, 20, 21, 22, 23, 19, 24]


def test_a_silent_reflector_is_no_course(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is never a pass: there is nothing to judge."""
    monkeypatch.setattr(stamp_course, "KNOCK_S", 0.1)
    with reflecting(Reflector(key=bytes(32))) as port:
        assert course(port) is None


def test_the_pace_neither_drifts_nor_bursts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stall of the machine is told as late; what it held up is not sent all at once."""
    times: list[float] = []
    send = StampSession.send

    def noted(self: StampSession, size: int = 0, *, number: int | None = None) -> int | None:
        times.append(time.perf_counter())
        if len(times) == 20:
            time.sleep(0.2)
        return send(self, size, number=number)

    monkeypatch.setattr(StampSession, "send", noted)
    with reflecting(Reflector(key=KEY)) as port:
        seen = course(port)

    assert seen is not None
    sent = times[1:-1]  # without the packets before and after
    assert sent == sorted(sent)
    assert seen.late >= 1
    assert sent[-1] - sent[0] >= 59 * GAP_S + 0.2 - 2 * GAP_S - 0.001


def test_a_course_ends_with_its_time() -> None:
    """A shorter one is honest: what was not sent is not lost."""
    with (
        reflecting(Reflector(key=KEY)) as port,
        StampSession("127.0.0.1", port, 7, KEY) as session,
    ):
        ctx = Context(deadline=time.monotonic() + 30)
        seen = take_course(session, [112] * 1000, 0.01, ctx, seconds=0.3)

    assert seen is not None
    assert 1 <= seen.sent <= 31
    assert seen.lost == 0


def test_a_deadline_ends_it_at_once() -> None:
    """The engine gave the check up: no packet more."""
    with (
        reflecting(Reflector(key=KEY)) as port,
        StampSession("127.0.0.1", port, 7, KEY) as session,
    ):
        ctx = Context(deadline=time.monotonic() + 0.2)
        with pytest.raises(TimeoutError):
            take_course(session, [112] * 1000, 0.01, ctx, seconds=9)
