"""The clock check against servers that behave, and against each way of not behaving."""

from __future__ import annotations

import socket
import struct
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ccpor_checks.base import Context, Target
from ccpor_checks.clock import CHECK, ClockOptions, ntp
from ccpor_reporting.model import Severity
from tests.checks.clock.conftest import Look
from tests.peers import free_port
from tests.peers.chrony import chronyd
from tests.peers.fake_ntp import FakeNtp, fake_ntp

ALL_PASS = {"clock.server": ("pass", None), "clock.offset": ("pass", None)}


def stage_failed(reason: str) -> dict[str, tuple[str, str | None]]:
    return {"clock.server": ("fail", reason), "clock.offset": ("skip", None)}


def offset_failed(reason: str) -> dict[str, tuple[str, str | None]]:
    return {"clock.server": ("pass", None), "clock.offset": ("fail", reason)}


# A real server


def test_a_right_clock_against_a_real_server_passes(look: Look, tmp_path: Path) -> None:
    """The healthy case: chronyd and we share one clock, so nothing but the error bound is left."""
    with chronyd(tmp_path) as port:
        seen = look(port)

    assert seen.outcome == ALL_PASS
    assert seen.evidence.offset_s == pytest.approx(0, abs=0.05)
    assert (seen.evidence.stratum, seen.evidence.leap) == (3, 0)
    assert ": exact" in seen["clock.offset"].summary


@pytest.mark.parametrize(("server_off_s", "side"), [(400, "behind"), (-400, "ahead")])
def test_the_reason_says_where_this_machine_stands(
    look: Look, tmp_path: Path, server_off_s: int, side: str
) -> None:
    """A technician turns the clock the wrong way if the sign is the server's."""
    with chronyd(tmp_path, off_s=server_off_s) as port:
        seen = look(port)

    assert seen.outcome == offset_failed(side)
    assert seen.evidence.offset_s == pytest.approx(server_off_s, abs=0.1)
    assert seen["clock.offset"].severity is Severity.BLOCKER
    assert seen["clock.offset"].observed == -seen.evidence.offset_s


def test_a_real_server_without_a_source_of_time_is_unsynchronised(
    look: Look, tmp_path: Path
) -> None:
    """chronyd writes stratum 0 and leap 3 then, which must not read as a Kiss-o'-Death."""
    with chronyd(tmp_path, has_time=False) as port:
        seen = look(port)

    assert seen.outcome == stage_failed("unsynchronised")
    assert seen.evidence.offset_s is None


# Refusals and silence


def test_a_closed_port_refuses(look: Look) -> None:
    """Nobody serves time there: the machine said so at once, it did not stay silent."""
    began = time.monotonic()

    seen = look(free_port(socket.SOCK_DGRAM))

    assert seen.outcome == stage_failed("refused")
    assert time.monotonic() - began < 2


def test_silence_is_a_timeout_after_the_time_that_the_profile_gives(look: Look) -> None:
    """A firewall that drops UDP 123 is the usual case in a courthouse."""
    with fake_ntp(FakeNtp(answers=lambda _nth: False)) as server:
        began = time.monotonic()
        seen = look(server.port, timeout_s=0.4)
        took = time.monotonic() - began

    assert seen.outcome == stage_failed("timeout")
    assert 0.38 < took < 2
    assert 1 < len(server.requests) <= ntp.REQUESTS, "one lost datagram is not silence"


@pytest.mark.parametrize("code", ["RATE", "DENY", "RSTR"])
def test_a_kiss_of_death_is_a_refusal_with_its_code(look: Look, code: str) -> None:
    """The server heard us and does not want us: another one has to be named."""
    with fake_ntp(FakeNtp(kiss=code.encode(), zero_time=True)) as server:
        seen = look(server.port)

    assert seen.outcome == stage_failed("refused")
    assert code in seen["clock.server"].summary
    assert len(server.requests) == 1, "asked to stop, and stopped"


@pytest.mark.parametrize("code", ["INIT", "STEP"])
def test_a_kiss_that_says_no_time_yet_is_unsynchronised(look: Look, code: str) -> None:
    """ntpd answers so for some minutes after a start; it refuses nobody."""
    with fake_ntp(FakeNtp(kiss=code.encode(), leap=3)) as server:
        seen = look(server.port)

    assert seen.outcome == stage_failed("unsynchronised")


@pytest.mark.parametrize(
    "server",
    [FakeNtp(stratum=16), FakeNtp(leap=3), FakeNtp(stratum=16, leap=3), FakeNtp(stratum=17)],
    ids=["stratum 16", "leap 3", "both", "a stratum that is reserved"],
)
def test_a_server_without_time_is_unsynchronised(look: Look, server: FakeNtp) -> None:
    """Its offset may look perfect and means nothing, so it is not judged."""
    with fake_ntp(server):
        seen = look(server.port)

    assert seen.outcome == stage_failed("unsynchronised")
    assert seen.evidence.offset_s is None


@pytest.mark.parametrize(
    "server",
    [
        FakeNtp(good_origin=False),
        FakeNtp(mode=3),
        FakeNtp(mode=5),
        FakeNtp(size=47),
        FakeNtp(size=0),
        FakeNtp(zero_time=True),
        FakeNtp(kiss=b"DENY", good_origin=False),
    ],
    ids=[
        "wrong origin",
        "a client's mode",
        "broadcast",
        "a byte short",
        "empty",
        "no time in it",
        "a forged kiss",
    ],
)
def test_what_is_no_answer_to_our_request_is_discarded(look: Look, server: FakeNtp) -> None:
    """Anyone can send us a datagram; one that does not repeat our die's throw proves nothing."""
    with fake_ntp(server):
        seen = look(server.port, timeout_s=0.3)

    assert seen.outcome == stage_failed("timeout")


def test_a_forged_answer_does_not_stop_the_true_one(look: Look) -> None:
    """Discarding means to go on listening, not to give up."""
    with fake_ntp(FakeNtp(forged_first=True)) as server:
        seen = look(server.port)

    assert seen.outcome == ALL_PASS
    assert len(seen.evidence.samples) == ntp.REQUESTS


def test_requests_tell_nothing_of_this_machine_and_never_repeat(look: Look) -> None:
    """A guessable transmit timestamp would let anyone answer in the server's name."""
    with fake_ntp() as server:
        look(server.port)

    assert {request[:40] for request in server.requests} == {b"\x23" + b"\0" * 39}
    assert len({request[40:] for request in server.requests}) == ntp.REQUESTS
    hours = [struct.unpack("!I", request[40:44])[0] // 3600 for request in server.requests]
    assert (int(time.time()) + 2_208_988_800) // 3600 not in hours


# Delay, loss and the choice of a sample


def test_the_quickest_of_the_answers_is_believed(look: Look) -> None:
    """A queue on the way back moves the offset by half of it; only one answer was not queued."""
    with fake_ntp(FakeNtp(delay_s=lambda nth: 0.0 if nth == 3 else 0.2)) as server:
        seen = look(server.port)

    assert seen.evidence.delay_s < 0.1
    assert seen.evidence.offset_s == pytest.approx(0, abs=0.05)
    assert max(sample.delay_s for sample in seen.evidence.samples) > 0.19
    assert seen.evidence.delay_s == min(sample.delay_s for sample in seen.evidence.samples)


def test_the_servers_own_time_is_not_the_roads(look: Look) -> None:
    """A busy server stamps when it received and when it sent; neither is delay nor offset."""
    with fake_ntp(FakeNtp(busy_s=0.1)) as server:
        seen = look(server.port)

    assert seen.evidence.delay_s < 0.08
    assert seen.evidence.offset_s == pytest.approx(0, abs=0.04)


def test_an_answer_slower_than_the_next_request_still_counts(look: Look) -> None:
    """A satellite line of 0.7 s in a 1 s budget: the first request is answered after the third."""
    with fake_ntp(FakeNtp(delay_s=0.7)) as server:
        seen = look(server.port, timeout_s=1.0)

    assert seen.outcome == ALL_PASS
    assert seen.evidence.delay_s == pytest.approx(0.7, abs=0.1)
    assert seen.evidence.bound_s >= seen.evidence.delay_s / 2


def test_one_lost_request_is_no_timeout(look: Look) -> None:
    """UDP loses packets; a warning about them is the business of another check."""
    with fake_ntp(FakeNtp(answers=lambda nth: nth != 1)) as server:
        seen = look(server.port, timeout_s=1.0)

    assert seen.outcome == ALL_PASS
    assert len(seen.evidence.samples) == ntp.REQUESTS - 1


def test_the_error_bound_is_the_root_distance(look: Look) -> None:
    """Half of all round trips to the reference, and what drifted since."""
    with fake_ntp(FakeNtp(root_delay_s=0.5, root_dispersion_s=0.25)) as server:
        seen = look(server.port)

    own = seen.evidence.delay_s / 2 + ntp.precision_s()
    assert seen.evidence.bound_s == pytest.approx(0.25 + 0.25 + own, abs=1e-3)


# Limits


@pytest.mark.parametrize(
    ("off_s", "outcome", "severity"),
    [
        (1.5, ALL_PASS, Severity.BLOCKER),
        (59, ALL_PASS, Severity.BLOCKER),
        (61, offset_failed("ahead"), Severity.WARNING),
        (-299, offset_failed("behind"), Severity.WARNING),
        (301, offset_failed("ahead"), Severity.BLOCKER),
        (-301, offset_failed("behind"), Severity.BLOCKER),
    ],
)
def test_a_minute_warns_and_five_minutes_block(
    look: Look,
    off_s: float,
    outcome: dict[str, tuple[str, str | None]],
    severity: Severity,
) -> None:
    """Five minutes are where Kerberos stops signing people in; a minute makes records doubtful."""
    with fake_ntp() as server:
        seen = look(server.port, off_s=off_s)

    assert seen.outcome == outcome
    assert seen["clock.offset"].severity is severity


def test_one_number_is_a_blocker_and_no_warning_comes_before_it(look: Look) -> None:
    """A pair is a choice of the profile's author; a single limit means what it says."""
    with fake_ntp(FakeNtp(offset_s=3)) as server:
        within = look(server.port, max_offset_s=5.0)
        beyond = look(server.port, max_offset_s=2.0)

    assert within.outcome == ALL_PASS
    assert beyond.outcome == offset_failed("behind")
    assert beyond["clock.offset"].severity is Severity.BLOCKER
    assert beyond["clock.offset"].expected == "at most 2 s"


def test_a_limit_within_the_error_is_said(look: Look) -> None:
    """Whoever reads 59.9 s against a limit of 60 must know that it could be 60.1."""
    with fake_ntp(FakeNtp(root_dispersion_s=1.0)) as server:
        close = look(server.port, off_s=59.5)
        far = look(server.port, off_s=30)

    assert "the limit lies within that error" in close["clock.offset"].summary
    assert "the limit lies within that error" not in far["clock.offset"].summary


# Eras, addresses, deadlines


def test_a_clock_before_and_a_server_after_the_era_change_compare(look: Look) -> None:
    """NTP's 32 bits of seconds wrap on 7 February 2036, 06:28:16 UTC."""
    wrap = datetime(2036, 2, 7, 6, 28, 16, tzinfo=UTC)
    began = time.monotonic()

    def before() -> datetime:
        return wrap - timedelta(seconds=30) + timedelta(seconds=time.monotonic() - began)

    server = FakeNtp(now=lambda: wrap.timestamp() + 90 + time.monotonic() - began)
    with fake_ntp(server):
        seen = look(server.port, now=before)

    assert seen.outcome == offset_failed("behind")
    assert seen.evidence.offset_s == pytest.approx(120, abs=0.05)


def test_a_machine_that_forgot_the_date_is_seen_to_the_second(look: Look) -> None:
    """An empty battery puts a PC back to 1 January 1980, 46 years away."""
    start = datetime(1980, 1, 1, tzinfo=UTC)
    began = time.monotonic()
    with fake_ntp() as server:
        seen = look(server.port, now=lambda: start + timedelta(seconds=time.monotonic() - began))

    assert seen.outcome == offset_failed("behind")
    assert seen.evidence.offset_s == pytest.approx(time.time() - start.timestamp(), abs=5)


def test_a_clock_set_while_we_look_does_not_bend_the_delay(look: Look) -> None:
    """Intervals are the monotonic clock's; a wall clock that jumps an hour is only another offset."""
    readings = iter([0, 0, 3600, 3600, 3600, 3600])

    def jumping() -> datetime:
        return datetime.fromtimestamp(time.time() + next(readings), UTC)

    with fake_ntp() as server:
        seen = look(server.port, now=jumping)

    assert all(0 <= sample.delay_s < 0.2 for sample in seen.evidence.samples)


def test_a_server_on_ipv6_is_asked(look: Look) -> None:
    """Nothing here knows only one family."""
    with fake_ntp(host="::1") as server:
        assert look(server.port, host="::1").outcome == ALL_PASS


def test_the_next_address_is_asked_when_the_first_is_closed() -> None:
    """A name with a dead IPv6 address and a living IPv4 one is still a server."""

    class Names:
        addresses = ("127.0.0.9", "127.0.0.1")

    with fake_ntp() as server:
        evidence = CHECK.run(
            Target(id="t", url="", scheme="ntp", host="time.example", port=server.port),
            ClockOptions(timeout_s=1.0),
            Context(deadline=time.monotonic() + 10, earlier={"dns": Names()}),  # type: ignore[dict-item]
        )

    assert evidence.address == "127.0.0.1"


def test_our_own_deadline_is_not_the_servers_fault(look: Look) -> None:
    """Cut short by the run's deadline, we know nothing about the server."""
    with (
        fake_ntp(FakeNtp(answers=lambda _nth: False)) as server,
        pytest.raises(TimeoutError),
    ):
        look(server.port, timeout_s=5.0, deadline_s=0.2)


def test_an_abandoned_look_ends_at_once() -> None:
    """The engine leaves a thread behind; it must not wait on for a socket that nobody needs."""
    with fake_ntp(FakeNtp(answers=lambda _nth: False)) as server:
        ctx = Context(deadline=time.monotonic() + 30)
        threading.Timer(0.2, ctx.abandon).start()
        began = time.monotonic()
        target = Target(id="t", url="", scheme="ntp", host="127.0.0.1", port=server.port)
        with pytest.raises(TimeoutError):
            CHECK.run(target, ClockOptions(timeout_s=20.0), ctx)

    assert time.monotonic() - began < 2
