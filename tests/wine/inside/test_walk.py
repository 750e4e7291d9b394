"""Walks on Windows: the IP helper's echoes, and connections that live a few hops, on loopback."""

from __future__ import annotations

import socket
import time

import pytest

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.kit import icmp_windows
from ccpor_checks.kit.walk import walk
from ccpor_reporting.contrasts import Walk
from tests.peers import free_port


def walked(protocol: str, port: int | None = None, address: str = "127.0.0.1") -> Walk:
    return walk(address, port, protocol, Context(deadline=time.monotonic() + 20), wait_s=2.0)


def test_an_echo_names_who_answered() -> None:
    """IcmpSendEcho is what names routers on Windows; here the first hop is the target."""
    seen = walked("icmp")

    assert [(hop.address, hop.answer) for hop in seen.hops] == [("127.0.0.1", "open")]
    assert (seen.end, seen.distance) == ("open", 1)


def test_an_echo_to_nobody_is_silent_or_says_so() -> None:
    """A status other than success must not read as an answer of the target."""
    said = icmp_windows.echo("203.0.113.1", b"ccpor", wait_ms=300, hops=1)

    assert said.code != icmp_windows.SUCCESS


def test_an_open_port_ends_the_walk() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        seen = walked("tcp", server.getsockname()[1])

    assert (seen.end, seen.distance, len(seen.hops)) == ("open", 1, 1)


def test_a_closed_port_ends_the_walk() -> None:
    """WSAECONNREFUSED comes by the set of exceptions that select() watches."""
    seen = walked("tcp", free_port())

    assert (seen.end, seen.distance, len(seen.hops)) == ("refused", None, 1)


def test_udp_cannot_be_walked() -> None:
    """Windows shows no ICMP error to a UDP socket: better said than guessed."""
    with pytest.raises(CannotObserve):
        walked("udp")
