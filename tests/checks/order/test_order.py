"""The staged order against a real service, over HTTP and HTTPS."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccpor_checks.base import CannotObserve, OptionsRefused
from ccpor_checks.order import CHECK, OrderOptions
from ccpor_checks.order import look as order_look
from ccpor_reporting.model import Severity, Status
from tests.checks.looking import Looked, looked
from tests.peers import free_port
from tests.peers.certificates import authority, leaf, write
from tests.peers.order_server import OrderServer, order_server, service_target

SMALL = {"pages": 2, "kb_per_page": 1.5}


@pytest.fixture(scope="module")
def server() -> Iterator[OrderServer]:
    with order_server() as running:
        yield running


def order(
    server: OrderServer | int,
    path: str,
    *,
    scheme: str = "http",
    ca_file: Path | None = None,
    **options: Any,
) -> Looked:
    target = service_target(server, path, scheme, ca_file)
    return looked(CHECK, target, {**SMALL, **options})


# --- it arrives ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "by"),
    [
        ("/located", "location"),
        ("/recorded", "text"),
        ("/lost-but-hashed", "text"),
        ("/sent-back", "body"),
        ("/digest", "digest"),
        ("/old-digest", "digest"),
        ("/hash", "text"),
        ("/plain-hash", "text"),
        ("/base64-hash", "text"),
        ("/etag", "digest"),
        ("/keeps", "location"),
    ],
)
def test_an_order_that_comes_back_the_same_passes(server: OrderServer, path: str, by: str) -> None:
    """However the service shows what it has: the bytes, a header, a word in its answer."""
    seen = order(server, path)

    assert seen.statuses == {Status.PASS}
    assert (seen.evidence.readback.same, seen.evidence.readback.by) == (True, by)
    assert seen.evidence.readback.sha256 == seen.evidence.sha256
    assert seen.evidence.size_bytes == seen.evidence.sent_bytes == 3000


def test_the_order_says_that_it_is_synthetic_and_carries_its_hash(server: OrderServer) -> None:
    """Whoever finds it in a queue must see at once that no person is in it; each is another."""
    first = order(server, "/digest")
    order(server, "/digest")

    one, two = server.bodies[-2:]
    assert one.startswith(b"ccpor-check synthetic data; no order and no person in it\n")
    assert one != two
    assert first.evidence.sha256 == hashlib.sha256(one).hexdigest()
    fields = server.headers[-1]
    assert fields["content-type"] == "application/octet-stream"
    assert fields["content-digest"].startswith("sha-256=:")
    assert fields["content-length"] == "3000"


def test_the_default_order_is_twelve_pages_of_52_kb(server: OrderServer) -> None:
    """The size that the limits are meant for."""
    seen = order(server, "/located", pages=12, kb_per_page=52)

    assert seen.statuses == {Status.PASS}
    assert seen.evidence.size_bytes == 624_000
    assert OrderOptions().size_bytes == 624_000


def test_what_was_put_there_is_taken_away_again(server: OrderServer) -> None:
    """A staging system full of synthetic orders is nobody's friend."""
    seen = order(server, "/located")

    assert seen.evidence.deleted_status == 204
    assert server.held.keys() & {int(seen.evidence.location.rpartition("/")[2])} == set()


@pytest.mark.parametrize("path", ["/spoilt-located", "/recorded"])
def test_nothing_is_deleted_that_is_not_proven_ours(server: OrderServer, path: str) -> None:
    """Its bytes are the proof; anything else could be somebody's."""
    order(server, path)

    assert "DELETE" not in [method for method, _ in server.asked[-2:]]


def test_a_location_on_another_server_is_not_asked(server: OrderServer) -> None:
    """An answer must not send a court's workstation to hosts that the profile does not name."""
    seen = order(server, "/elsewhere")

    assert seen.evidence.location_elsewhere
    assert seen.findings["order.upload"].status is Status.ERROR
    assert "127.0.0.2" in seen.findings["order.upload"].summary


@pytest.mark.parametrize("number", range(1, 5))
def test_a_location_that_is_none_is_not_asked(server: OrderServer, number: int) -> None:
    """What a server writes there is its own affair, and no crash of ours."""
    seen = order(server, f"/odd-place-{number}")

    assert seen.findings["order.upload"].status is Status.ERROR
    assert seen.evidence.location_elsewhere
    assert server.asked[-1][0] == "POST"
    assert order(server, "/odd-redirect").blocking == {"order.upload/failed"}


@pytest.mark.parametrize("path", ["/nothing", "/thanks", "/lost", "/own-digest"])
def test_an_order_of_which_nothing_is_shown_is_never_passed(server: OrderServer, path: str) -> None:
    """Read back was asked for and could not be: unknown. Without the question it is a pass."""
    seen = order(server, path)

    assert seen.findings["order.upload"].status is Status.ERROR
    assert "readback = false" in seen.findings["order.upload"].summary
    assert order(server, path, readback=False).statuses == {Status.PASS}


# --- corrupted -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/spoilt-located",
        "/spoilt-sent-back",
        "/spoilt-digest",
        "/spoilt-field",
        "/spoilt-hash",
        "/spoils",
    ],
)
def test_an_order_that_comes_back_another_one_is_corrupted(server: OrderServer, path: str) -> None:
    """One wrong bit is enough: a picture converter or a filter on the way."""
    seen = order(server, path)

    assert seen.blocking == {"order.upload/corrupted"}
    assert seen.evidence.sha256 in seen.findings["order.upload"].summary


def test_damage_is_not_looked_for_where_the_profile_does_not_ask(server: OrderServer) -> None:
    """`readback = false` neither fetches nor compares."""
    seen = order(server, "/spoilt-located", readback=False)

    assert seen.failed == set()
    assert server.asked[-1] == ("POST", "/spoilt-located")


# --- failed ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_an_answer_of_no_success_is_failed(server: OrderServer, status: int) -> None:
    """With its status, which says whom to ask."""
    seen = order(server, f"/status/{status}")

    assert seen.blocking == {"order.upload/failed"}
    assert str(status) in seen.findings["order.upload"].summary


def test_a_redirect_is_not_followed_and_says_where_to(server: OrderServer) -> None:
    """The profile's url is then wrong; an order sent on unasked could land anywhere."""
    seen = order(server, "/redirects")

    assert seen.blocking == {"order.upload/failed"}
    assert f"redirects to http://127.0.0.1:{server.port}/hash;" in (
        seen.findings["order.upload"].summary
    )
    assert "a=b" not in seen.findings["order.upload"].summary
    assert server.asked[-1] == ("POST", "/redirects")


def test_a_refusal_in_the_middle_of_the_upload_is_read(server: OrderServer) -> None:
    """413 comes while the rest is still under way; the reset behind it must not hide it."""
    seen = order(server, "/too-large", pages=100, kb_per_page=200)

    assert seen.blocking == {"order.upload/failed"}
    assert seen.evidence.status == 413


def test_an_upload_that_is_cut_is_failed(server: OrderServer) -> None:
    """A filter that counts bytes."""
    seen = order(server, "/cut", pages=100, kb_per_page=200)

    assert seen.blocking == {"order.upload/failed"}
    assert seen.evidence.cut
    assert seen.evidence.took_s is None


@pytest.mark.parametrize("path", ["/closes", "/half"])
def test_an_end_without_a_whole_answer_is_failed(server: OrderServer, path: str) -> None:
    """Nobody knows whether it was taken."""
    assert order(server, path).blocking == {"order.upload/failed"}


def test_a_service_that_never_answers_is_failed(
    server: OrderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All bytes arrived, and nothing came back: that is not the line's slowness."""
    monkeypatch.setattr(order_look, "LEAST_WAIT_S", 1.0)
    seen = order(server, "/hang", max_s=[0.01, 0.02])

    assert seen.blocking == {"order.upload/failed"}
    assert seen.evidence.failed_at == "head"


def test_a_port_that_refuses_is_failed() -> None:
    """Without the tcp check before it, it says so itself."""
    seen = order(free_port(), "/located")

    assert seen.blocking == {"order.upload/failed"}
    assert "ECONNREFUSED" in seen.findings["order.upload"].summary


# --- slow ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "severity"),
    [([0.05, 30], Severity.WARNING), ([0.01, 0.05], Severity.BLOCKER), (0.05, Severity.BLOCKER)],
)
def test_an_order_beyond_its_limit_is_slow(
    server: OrderServer, limit: object, severity: Severity
) -> None:
    """The pair is [warning, blocker], one number blocks."""
    seen = order(server, "/after/120/digest", max_s=limit)

    assert seen.failed == {"order.upload/slow"}
    assert seen.findings["order.upload"].severity is severity


def test_slow_beyond_blocking_is_said_even_where_nothing_is_shown(server: OrderServer) -> None:
    """A certain fault goes before an open question; a mere warning does not hide it."""
    assert order(server, "/after/120/nothing", max_s=0.05).blocking == {"order.upload/slow"}
    seen = order(server, "/after/120/nothing", max_s=[0.05, 30])
    assert seen.findings["order.upload"].status is Status.ERROR


def test_a_line_that_still_moves_when_time_is_over_is_slow(
    server: OrderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stuck upload is failed; one that creeps is slow, and the line's owner must act."""
    monkeypatch.setattr(order_look, "STILL_MOVING_S", 0.4)
    monkeypatch.setattr(order_look, "LEAST_WAIT_S", 1.2)
    seen = order(server, "/drip", pages=100, kb_per_page=300, max_s=0.1)

    assert seen.blocking == {"order.upload/slow"}
    assert seen.evidence.cut
    assert seen.evidence.moving


def test_an_upload_that_is_stuck_is_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first bytes fit into buffers, then nothing moves: not a slow line."""
    monkeypatch.setattr(order_look, "STILL_MOVING_S", 1.2)
    monkeypatch.setattr(order_look, "LEAST_WAIT_S", 1.8)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepted by the kernel, never read
        port = int(silent.getsockname()[1])
        seen = order(port, "/x", pages=100, kb_per_page=300, max_s=0.1)

    assert seen.blocking == {"order.upload/failed"}
    assert seen.evidence.cut
    assert not seen.evidence.moving


# --- TLS, sizes, options ---------------------------------------------------------------------


def test_it_goes_through_verified_tls(tmp_path: Path) -> None:
    """The same trust as the tls check's; without it the order does not leave the workstation."""
    ca = authority("Order Root")
    files = write(tmp_path, "orders", leaf(ca, names=("127.0.0.1",)))
    (tmp_path / "ca.pem").write_bytes(ca.pem)
    with order_server(files) as secure:
        seen = order(
            secure,
            "/located",
            scheme="https",
            ca_file=tmp_path / "ca.pem",
            pages=12,
            kb_per_page=52,
        )
        assert seen.statuses == {Status.PASS}
        assert seen.evidence.deleted_status == 204
        with pytest.raises(CannotObserve, match="let the tls check run"):
            order(secure, "/located", scheme="https")
        assert len(secure.bodies) == 1


def test_an_order_longer_than_we_read_back_is_known_by_its_hash(server: OrderServer) -> None:
    """5 MB of an answer are read; a longer order is proven by a header or a word, or not at all."""
    seen = order(server, "/digest", pages=100, kb_per_page=60)
    assert seen.statuses == {Status.PASS}
    assert seen.evidence.size_bytes == 6_000_000
    assert order(server, "/located", pages=100, kb_per_page=60).statuses == {Status.ERROR}


def test_an_order_beyond_any_real_one_is_refused_in_the_profile() -> None:
    """This is a readiness check, not a load test."""
    with pytest.raises(OptionsRefused, match="100 MB in all"):
        OrderOptions(pages=1000, kb_per_page=101)


def test_the_budget_covers_the_longest_look() -> None:
    """Sent, fetched, deleted; each may take its whole time."""
    assert order_look.wait_s(OrderOptions()) == 60
    assert CHECK.budget_s(OrderOptions()) == 60 + 60 + 5 + 2
    assert CHECK.budget_s(OrderOptions(max_s=200.0, readback=False)) == 260 + 5 + 2
