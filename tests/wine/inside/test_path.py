"""The path check by the IP helper API: echoes on loopback; what needs a network runs on Linux."""

from __future__ import annotations

import socket
import time

from ccpor_checks import path
from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.kit.icmp_windows import SUCCESS, echo
from ccpor_checks.path.methods import own_interface
from ccpor_checks.path.windows import WindowsSizes
from tests.checks.looking import looked


def test_an_echo_comes_back() -> None:
    """IcmpSendEcho needs no right of an ordinary user."""
    status = echo("127.0.0.1", bytes(56), wait_ms=2000)

    assert (status.code, status.sender) == (SUCCESS, "127.0.0.1")


def test_loopback_loses_nothing_by_echo() -> None:
    """The whole check, its samples by echo."""
    target = Target(id="t", url="icmp://127.0.0.1", scheme="icmp", host="127.0.0.1")
    seen = looked(path.CHECK, target, {"route": False}, seconds=60)

    assert "path.loss/lossy" not in seen.failed
    assert (seen.evidence.method, seen.evidence.lost) == ("icmp", 0)


def test_loopback_loses_nothing_by_tcp() -> None:
    """Handshakes are timed without the figures that only Linux gives."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        port = server.getsockname()[1]
        target = Target(
            id="t", url=f"tcp://127.0.0.1:{port}", scheme="tcp", host="127.0.0.1", port=port
        )
        seen = looked(path.CHECK, target, {"route": False}, seconds=60)

    assert "path.loss/lossy" not in seen.failed
    assert (seen.evidence.method, seen.evidence.lost) == ("tcp", 0)


def test_this_workstations_packet_size_is_known_or_said_to_be_unknown() -> None:
    """Without it the search has no start; Windows says it, Wine may not: then that is an error."""
    try:
        known = own_interface("127.0.0.1")
    except CannotObserve:
        known = None

    assert known is None or known >= 1280


def test_packets_that_must_not_be_split_pass_on_loopback() -> None:
    """The flag of IP_OPTION_INFORMATION is set, and the echo still comes back."""
    context = Context(deadline=time.monotonic() + 30)

    assert WindowsSizes("127.0.0.1", context, 1500, 2.0).probe(1400, 2).kind == "passed"
