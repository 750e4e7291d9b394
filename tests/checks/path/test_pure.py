"""What the path check reckons: the search for a size, what few samples prove, payloads, words."""

from __future__ import annotations

import ssl
import struct
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import pytest
import trustme

from ccpor_checks.base import Context, NotApplicable, Target
from ccpor_checks.kit.icmp_windows import SUCCESS, TIMED_OUT, Status
from ccpor_checks.path import CHECK, PathEvidence, PathOptions
from ccpor_checks.path.bounds import at_most_share, is_above, is_lasting, tail
from ccpor_checks.path.finding_mtu import tries_for
from ccpor_checks.path.mtu import MOST_PROBES, PASSED, Answer, Search
from ccpor_checks.path.rules import judge_jitter, judge_latency, judge_loss
from ccpor_checks.path.segments import payload
from ccpor_checks.path.windows import TOO_BIG, WindowsSizes
from ccpor_reporting.model import Severity
from ccpor_reporting.model import Status as Outcome
from ccpor_reporting.rules import Setting

NOW = Setting(observed_at=datetime(2026, 11, 23, tzinfo=UTC))


@dataclass
class Line:
    """A line of one size; says: what it does with larger packets."""

    limit: int
    says: str = "vanished"
    largest: int = 1500
    unlucky: int = 0  # so many probes are lost though they fit
    method = "icmp"

    def probe(self, size: int, tries: int) -> Answer:
        if size <= self.limit:
            if self.unlucky:
                self.unlucky -= 1
                return Answer("vanished", repeats=tries - 1)
            return PASSED
        if self.says == "with size":
            return Answer("too-big", self.limit, "10.0.0.1")
        return Answer("too-big" if self.says == "without size" else "vanished")

    def close(self) -> None: ...


def found(line: Line) -> Search:
    search = Search(line, 4)
    assert search.run(2, lambda: 3)
    return search


@pytest.mark.parametrize("largest", [1500, 9000, 65535])
@pytest.mark.parametrize("says", ["vanished", "with size", "without size"])
def test_every_size_is_found_exactly_within_fourteen(says: str, largest: int) -> None:
    """Not only the usual ones: a tunnel in a tunnel has a size that nobody listed."""
    for limit in range(68, 1501):
        search = found(Line(limit, says, largest))
        assert search.low == limit
        assert search.high in {None, limit + 1}
        assert len(search.tried) <= MOST_PROBES


@pytest.mark.parametrize("limit", [1280, 1400, 1420, 1492, 1500])
def test_a_packet_lost_by_chance_does_not_move_the_result(limit: int) -> None:
    """One lost answer must not turn 1500 into a fault of the county."""
    search = found(Line(limit, unlucky=1))

    assert search.low == limit


def test_nothing_that_passes_is_no_size() -> None:
    """A host that answers nothing has no packet size at all."""
    assert not Search(Line(0), 4).run(2, lambda: 3)


def test_one_loss_in_thirty_proves_nothing_about_one_in_a_hundred() -> None:
    """And seven in thirty do."""
    assert not is_above(1, 30, 0.01)
    assert is_above(7, 30, 0.01)
    assert tail(0, 30, 0.01) == 1.0
    assert tail(30, 30, 0.5) == pytest.approx(0.5**30)
    assert tail(1, 30, 0.01) == pytest.approx(1 - 0.99**30)


def test_no_loss_in_so_many_bounds_the_loss() -> None:
    """Nothing lost of 100: at most 6.7 % (0.001 = (1 - p)^100)."""
    assert at_most_share(0, 100) == pytest.approx(1 - 0.001**0.01, rel=1e-3)
    assert at_most_share(5, 5) == 1.0


def test_one_stall_is_no_state_of_the_line() -> None:
    """Twelve late answers in a row, then none: the machine slept, the line is fine."""
    calm, late = [1.0] * 44, [500.0] * 12

    assert not is_lasting(calm + late, 100, 0.05)
    assert not is_lasting(late + calm, 100, 0.05)
    assert is_lasting([1.0, 500.0, 1.0, 1.0] * 14, 100, 0.05)
    assert not is_lasting([500.0] * 19, 100, 0.05)


def test_a_lossy_path_gets_more_tries_before_silence_is_believed() -> None:
    """Chance must leave one case in ten thousand."""
    assert [tries_for(loss) for loss in (0.0, 0.009, 0.05, 0.2, 0.9)] == [2, 2, 4, 6, 8]


def server_hello_to(hello: bytes, ca: trustme.CA) -> bytes:
    """Return what OpenSSL as a server says to *hello*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("h.example").configure_cert(context)
    came, said = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(came, said, server_side=True)
    came.write(hello)
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    return said.read()


@pytest.mark.parametrize("url", ["tcp", "https", "http", "sftp"])
def test_a_payload_has_exactly_the_size_asked_for(url: str) -> None:
    """One byte more would be another packet."""
    port = {"tcp": 9999, "https": 443, "http": 80, "sftp": 22}[url]
    target = Target(id="t", url=url, scheme=url, host="h.example", port=port)

    for room in (16, 200, 516, 517, 518, 521, 522, 1348, 1448, 1460, 8000):
        assert len(payload(target, room)) == room


def test_a_padded_client_hello_is_one_that_servers_answer() -> None:
    """The probe must not look like an attack: it is OpenSSL's hello with RFC 7685 padding."""
    target = Target(id="t", url="tls://h.example:443", scheme="tls", host="h.example", port=443)

    answer = server_hello_to(payload(target, 1448), trustme.CA())

    assert answer[0] == 22  # a handshake record, not an alert
    assert answer[5] == 2  # ServerHello


def test_an_ssh_payload_is_a_whole_message_to_be_ignored() -> None:
    """SSH_MSG_IGNORE (RFC 4253, section 11.2) behind the first line."""
    target = Target(id="t", url="ssh://h.example", scheme="ssh", host="h.example", port=22)
    line, _, rest = payload(target, 1448).partition(b"\r\n")
    length, padding, kind = struct.unpack(">IBB", rest[:6])

    assert line.startswith(b"SSH-2.0-")
    assert (length + 4, kind) == (len(rest), 2)
    assert len(rest) % 8 == 0
    assert padding >= 4


def evidence(**known: object) -> PathEvidence:
    plain = {
        "address": "10.0.0.1",
        "method": "icmp",
        "sent": 100,
        "lost": 0,
        "rtts_ms": [10.0] * 100,
        "loss_pct": 0.0,
        "rtt_p50_ms": 10.0,
        "rtt_p95_ms": 10.0,
        "jitter_ms": 0.0,
    }
    return msgspec.convert({**plain, **known}, PathEvidence)


def test_a_pair_of_limits_warns_first() -> None:
    """150 ms is beyond 100 and within 200."""
    seen = evidence(rtts_ms=[150.0] * 100, rtt_p50_ms=150.0, rtt_p95_ms=150.0)
    said = judge_latency(seen, PathOptions(), NOW)

    assert (said.reason, said.severity) == ("slow", Severity.WARNING)


def test_what_this_workstations_own_delays_explain_is_not_held_against_the_path() -> None:
    """A busy machine sees jitter everywhere: neither a fault nor a pass, but "could not tell"."""
    shaky = [10.0, 10.0, 10.0, 60.0] * 25
    calm = evidence(rtts_ms=shaky, jitter_ms=50.0)
    busy = evidence(rtts_ms=shaky, jitter_ms=50.0, held_up_p95_ms=20.0)

    assert judge_jitter(calm, PathOptions(), NOW).reason == "unsteady"
    said = judge_jitter(busy, PathOptions(), NOW)
    assert said.status is Outcome.ERROR
    assert "too busy" in said.summary


def test_few_answers_are_not_judged() -> None:
    """Below twenty there is no 95th percentile."""
    seen = evidence(sent=10, rtts_ms=[10.0] * 10, rtt_p95_ms=None, jitter_ms=None)

    assert judge_latency(seen, PathOptions(), NOW).status is Outcome.ERROR
    assert judge_jitter(seen, PathOptions(), NOW).status is Outcome.ERROR


def test_the_share_beyond_the_limit_is_said_both_ways() -> None:
    """A stored report judged again under a stricter profile gives another answer."""
    seen = evidence(lost=9, loss_pct=9.0, rtts_ms=[10.0] * 91)

    assert judge_loss(seen, PathOptions(), NOW).severity is Severity.BLOCKER
    assert judge_loss(seen, PathOptions(max_loss_pct=20.0), NOW).status is Outcome.PASS
    assert judge_loss(seen, PathOptions(max_loss_pct=(0.5, 20.0)), NOW).severity is Severity.WARNING


def test_a_target_behind_a_proxy_has_no_path_of_ours() -> None:
    """What is measured would be another way than the one that is used."""

    class Proxy(msgspec.Struct):
        via: str = "http://proxy:3128"

    target = Target(id="t", url="tcp://h:443", scheme="tcp", host="h", port=443)
    context = Context(deadline=time.monotonic() + 5, earlier={"proxy": Proxy()})

    with pytest.raises(NotApplicable):
        CHECK.run(target, PathOptions(), context)


@pytest.mark.parametrize(("code", "kind"), [(TIMED_OUT, "vanished"), (TOO_BIG, "too-big")])
def test_windows_says_too_big_without_a_size_and_the_search_still_ends(
    code: int, kind: str
) -> None:
    """IP_PACKET_TOO_BIG carries no next size: the bisection does without."""

    def ask(_address: str, content: bytes, **_more: object) -> Status:
        fits = len(content) + 28 <= 1337
        return Status(SUCCESS if fits else code, "10.0.0.1", 1.0)

    context = Context(deadline=time.monotonic() + 5)
    search = Search(WindowsSizes("10.0.0.9", context, 1500, 0.1, ask=ask), 4)

    assert search.run(2, lambda: 3)
    assert (search.low, search.high, search.high_answer.kind) == (1337, 1338, kind)
    assert len(search.tried) <= MOST_PROBES
