"""The gateway's echo against a real service, over HTTP and HTTPS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ccpor_checks.base import CannotObserve
from ccpor_checks.gateway import CHECK, Echo, GatewayEvidence, GatewayOptions
from ccpor_checks.gateway import look as gateway_look
from ccpor_checks.gateway.rules import judge_echo, judge_latency
from ccpor_reporting.model import Severity, Status
from tests.checks.looking import Looked, looked
from tests.peers import free_port
from tests.peers.certificates import authority, leaf, write
from tests.peers.order_server import OrderServer, order_server, service_target


@pytest.fixture(scope="module")
def server() -> Iterator[OrderServer]:
    with order_server() as running:
        yield running


def echo(
    server: OrderServer | int,
    path: str,
    *,
    scheme: str = "http",
    ca_file: Path | None = None,
    **options: Any,
) -> Looked:
    target = service_target(server, path, scheme, ca_file)
    return looked(CHECK, target, options)


# --- healthy ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/echo", "/echo-in-words", "/echo-gzip", "/echo?court=x"])
def test_twenty_messages_that_come_back_pass(server: OrderServer, path: str) -> None:
    """Each with a word of its own, wherever in the answer it stands."""
    seen = echo(server, path)

    assert seen.statuses == {Status.PASS}
    assert set(seen.findings) == {"gateway.echo", "gateway.latency"}
    assert (seen.attempts, len(seen.evidence.echoes)) == (20, 20)
    assert 0 < seen.evidence.p50_s <= seen.evidence.p95_s


def test_a_message_holds_one_random_word_and_nothing_else(server: OrderServer) -> None:
    """It can never be taken for a transaction; and no cache can answer it."""
    echo(server, "/echo")

    messages = [json.loads(each) for each in server.bodies[-20:]]
    assert all(set(each) == {"ccpor_check_echo"} for each in messages)
    assert len({each["ccpor_check_echo"] for each in messages}) == 20
    assert server.headers[-1]["content-type"] == "application/json"


# --- gateway.echo ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/status/403", "refused"),
        ("/status/404", "refused"),
        ("/status/500", "refused"),
        ("/status/503", "refused"),
        ("/cut", "refused"),
        ("/closes", "refused"),
        ("/echo-other", "bad-answer"),
        ("/echo-empty", "bad-answer"),
        ("/echo-garbled", "bad-answer"),
        ("/status/302", "bad-answer"),
        ("/half", "bad-answer"),
        ("/hang", "timeout"),
    ],
)
def test_each_ending_has_its_reason(server: OrderServer, path: str, reason: str) -> None:
    """And three of them are enough: more would only wait."""
    seen = echo(server, path, timeout_s=0.3 if path == "/hang" else 5)

    assert seen.blocking == {f"gateway.echo/{reason}"}
    assert seen.findings["gateway.latency"].status is Status.SKIP
    assert len(seen.evidence.echoes) == 3


def test_a_closed_port_is_refused() -> None:
    """Without the tcp check before it, it says so itself."""
    seen = echo(free_port(), "/echo")

    assert seen.blocking == {"gateway.echo/refused"}
    assert "the connection was refused" in seen.findings["gateway.echo"].summary


def test_one_lost_message_of_many_fails_and_is_counted(server: OrderServer) -> None:
    """Twenty of twenty is the rule; "sometimes" is what a technician must be told."""
    server.bodies.clear()
    seen = echo(server, "/echo-mostly", echoes=9)

    assert seen.blocking == {"gateway.echo/refused"}
    assert seen.findings["gateway.echo"].summary == "1 of 9 test messages failed: status 503"


# --- gateway.latency -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "severity"),
    [([0.01, 30], Severity.WARNING), ([0.005, 0.01], Severity.BLOCKER), (0.01, Severity.BLOCKER)],
)
def test_answers_beyond_the_limit_are_slow(
    server: OrderServer, limit: object, severity: Severity
) -> None:
    """The pair is [warning, blocker], one number blocks; the echo itself is fine."""
    seen = echo(server, "/after/20/echo", max_p95_s=limit)

    assert seen.failed == {"gateway.latency/slow"}
    assert seen.findings["gateway.latency"].severity is severity


def test_few_answers_say_nothing_of_latency(server: OrderServer) -> None:
    """The slowest of five is no 95th percentile."""
    seen = echo(server, "/echo", echoes=5)

    assert seen.findings["gateway.echo"].status is Status.PASS
    assert seen.findings["gateway.latency"].status is Status.ERROR
    assert seen.evidence.p95_s is None


def told(*seconds: float, asked: int = 20) -> GatewayEvidence:
    return GatewayEvidence(
        url="http://g/",
        address=None,
        asked=asked,
        echoes=tuple(Echo(ms=s * 1000, status=200, returned=True) for s in seconds),
    )


def test_where_time_was_over_two_answers_beyond_blocking_prove_slow(
    server: OrderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The 95th percentile of twenty is the second slowest: two such answers settle it."""
    setting: Any = None
    said = judge_latency(told(9, 1, 1, 9), GatewayOptions(), setting)
    assert (said.status, said.reason, said.severity) == (
        Status.FAIL,
        "slow",
        None,
    )  # the rule blocks
    assert judge_latency(told(9, 1, 1), GatewayOptions(), setting).status is Status.ERROR
    assert judge_latency(told(5, 5, 5), GatewayOptions(), setting).status is Status.ERROR
    assert judge_latency(told(9, 9, asked=2), GatewayOptions(), setting).status is Status.ERROR
    assert judge_echo(told(9, 9), GatewayOptions(), setting).status is Status.PASS
    assert judge_echo(told(), GatewayOptions(), setting).status is Status.ERROR

    monkeypatch.setattr(gateway_look, "LONGEST_S", 0.2)
    seen = echo(server, "/after/60/echo", max_p95_s=0.05)
    assert seen.blocking == {"gateway.latency/slow"}
    assert 2 <= len(seen.evidence.echoes) < 20


# --- TLS and budget --------------------------------------------------------------------------


def test_it_goes_through_verified_tls(tmp_path: Path) -> None:
    """The same trust as the tls check's."""
    ca = authority("Gateway Root")
    files = write(tmp_path, "gateway", leaf(ca, names=("127.0.0.1",)))
    (tmp_path / "ca.pem").write_bytes(ca.pem)
    with order_server(files) as secure:
        seen = echo(secure, "/echo", scheme="https", ca_file=tmp_path / "ca.pem")
        assert seen.statuses == {Status.PASS}
        with pytest.raises(CannotObserve, match="let the tls check run"):
            echo(secure, "/echo", scheme="https")


def test_the_budget_covers_the_longest_look() -> None:
    """The last message may start at the end and take its whole time."""
    assert CHECK.budget_s(GatewayOptions()) == 170 + 10 + 2
    assert CHECK.budget_s(GatewayOptions(echoes=3, timeout_s=2)) == 6 + 2 + 2


def test_the_words_are_not_kept(server: OrderServer) -> None:
    """Nor the answers: evidence says what became of each message, not what it was."""
    kept = msgspec.json.encode(echo(server, "/echo?who=me", echoes=3).evidence)

    assert json.loads(server.bodies[-1])["ccpor_check_echo"].encode() not in kept
    assert b"who=me" not in kept
