"""Small segments: they prove a black hole where there is one, and nothing where there is none."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator

import pytest

from ccpor_checks.base import Target
from ccpor_checks.contrast import Question
from ccpor_checks.contrast.segments import SEGMENT, connected
from ccpor_checks.http.evidence import HttpOptions
from ccpor_reporting.contrasts import UNKNOWN, WORKS, Contrast
from tests.checks.contrast.conftest import found
from tests.lab.network import WEB, Network
from tests.peers.certificates import Files
from tests.peers.fault_http import fault_http
from tests.peers.fault_tls import (
    Handler,
    chooses,
    closes_after_hello,
    mute,
    resets_after_hello,
    serving,
    tls,
)

pytestmark = pytest.mark.netns


def target(scheme: str, host: str, port: int, path: str = "", **http: object) -> Target:
    options = {"http": HttpOptions(**http)} if http else {}  # type: ignore[arg-type]
    url = f"{scheme}://{host}:{port}{path}"
    return Target(id="t", url=url, scheme=scheme, host=host, port=port, path=path, options=options)


def repeated(check: str, on: Target) -> Contrast:
    contrast = found(
        Question(
            kind="small-segments",
            what="segments",
            host=on.host,
            addresses=(on.host,),
            port=on.port,
            target=on,
            check=check,
            seconds=1.5,
        )
    )
    assert isinstance(contrast, Contrast)
    return contrast


@contextlib.contextmanager
def at_datacenter(net: Network, handler: Handler) -> Iterator[int]:
    with contextlib.ExitStack() as held:
        yield net.inside("datacenter", lambda: held.enter_context(serving(handler, host=WEB)))


@contextlib.contextmanager
def pages(net: Network, tls_by: ssl.SSLContext | None = None) -> Iterator[int]:
    with contextlib.ExitStack() as held:
        server = net.inside(
            "datacenter", lambda: held.enter_context(fault_http(tls=tls_by, host=WEB))
        )
        yield server.port


def test_a_handshake_that_a_small_mtu_swallows_works_with_small_segments(
    black_hole: Network, files: Files
) -> None:
    """The one proof of a black hole that needs no right and no ICMP."""
    with at_datacenter(black_hole, tls(files)) as port:
        contrast = black_hole.inside("court", lambda: repeated("tls", target("tls", WEB, port)))

    assert (contrast.outcome, contrast.detail) == (WORKS, "with usual segments again: timeout")
    assert (contrast.address, contrast.port) == (WEB, port)
    assert contrast.ms is not None


def test_where_routers_say_what_fits_nothing_is_proven(honest: Network, files: Files) -> None:
    """The healthy twin: a small MTU alone is no fault, and no outcome names one."""
    with at_datacenter(honest, tls(files)) as port:
        contrast = honest.inside("court", lambda: repeated("tls", target("tls", WEB, port)))

    assert contrast.outcome == UNKNOWN
    assert contrast.detail == "usual segments worked, too, this time"


def test_an_upload_that_a_small_mtu_swallows_works_with_small_segments(
    black_hole: Network,
) -> None:
    with pages(black_hole) as port:
        on = target("http", WEB, port, "/ok", upload_kb=600)
        contrast = black_hole.inside("court", lambda: repeated("http", on))

    assert (contrast.outcome, contrast.detail) == (WORKS, "with usual segments again: timeout")


def test_an_order_that_a_small_mtu_swallows_is_told_without_a_second_order(
    black_hole: Network,
) -> None:
    """A repeated order would be one more that somebody has to delete: large packets suffice."""
    with contextlib.ExitStack() as held:
        server = black_hole.inside("datacenter", lambda: held.enter_context(fault_http(host=WEB)))
        on = target("http", WEB, server.port, "/ok")
        contrast = black_hole.inside("court", lambda: repeated("order", on))

    assert (contrast.outcome, contrast.detail) == (WORKS, "with usual segments again: timeout")
    assert {each.method for each in server.asked} == {"HEAD"}


def test_a_page_that_a_small_mtu_swallows_works_with_small_segments(
    black_hole: Network, files: Files
) -> None:
    """Over TLS, as courts ask for it: the certificates are what gets lost first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    with pages(black_hole, context) as port:
        on = target("https", WEB, port, "/long")
        contrast = black_hole.inside("court", lambda: repeated("http", on))

    assert contrast.outcome == WORKS


@pytest.mark.parametrize(
    ("handler", "outcome"),
    [
        (mute, "timeout"),
        (closes_after_hello, "closed"),
        (resets_after_hello, "reset"),
        (chooses(0x0301, 0x002F), "no-common-cipher"),
    ],
    ids=["mute", "closes", "resets", "old"],
)
def test_another_fault_stays_what_it_is(handler: Handler, outcome: str) -> None:
    """A server that is at fault itself must not become a network's black hole."""
    with serving(handler) as port:
        contrast = repeated("tls", target("tls", "127.0.0.1", port))

    assert contrast.outcome == outcome
    assert contrast.ms is None


@pytest.mark.parametrize(
    ("path", "outcome"),
    [("/hang", "timeout"), ("/close", "closed"), ("/reset_now", "reset"), ("/ok", UNKNOWN)],
)
def test_a_page_that_fails_by_itself_stays_what_it_is(path: str, outcome: str) -> None:
    with fault_http() as server:
        contrast = repeated("http", target("http", "127.0.0.1", server.port, path))

    assert contrast.outcome == outcome


def test_both_ways_are_limited() -> None:
    """The peer must be bound, too: the answer is what is lost most often."""
    heard: list[int] = []

    def measures(connection: socket.socket) -> None:
        heard.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))

    with serving(measures) as port, connected("127.0.0.1", port, SEGMENT, 5.0) as sock:
        assert sock.recv(1) == b""
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) <= SEGMENT

    assert len(heard) == 1
    assert heard[0] <= SEGMENT


def test_a_silent_server_costs_no_more_than_the_time_given() -> None:
    with serving(mute) as port:
        begun = time.monotonic()
        repeated("http", target("https", "127.0.0.1", port))

    assert time.monotonic() - begun < 6
