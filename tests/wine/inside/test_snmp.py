"""SNMP through Windows' sockets: an answer, a closed port, and no thread left behind."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from ccpor_checks.base import Target
from ccpor_checks.snmp import CHECK
from ccpor_reporting.model import Status
from tests.checks.looking import Looked, looked
from tests.peers.odd_snmp import odd_snmp


def asked(port: int, folder: Path) -> Looked:
    (folder / "community").write_text("public")
    target = Target(
        id="t", url=f"snmp://127.0.0.1:{port}", scheme="snmp", host="127.0.0.1", port=port
    )
    options = {"version": "v2c", "community_file": "community", "sample_s": 0.1}
    return looked(CHECK, target, options, base_dir=folder)


def test_a_device_answers_and_its_circles_are_stopped(tmp_path: Path) -> None:
    """The loop of asyncio differs on Windows; the words must not."""
    with odd_snmp("circle") as port:
        seen = asked(port, tmp_path)

    assert seen.findings["snmp.answer"].status is Status.PASS
    assert {stop.why for stop in seen.evidence.stops} == {"not-increasing"}


def test_a_closed_port_is_told(tmp_path: Path) -> None:
    """Windows tells of ICMP "port unreachable" as a reset; Wine as Linux does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]

    seen = asked(port, tmp_path)

    assert seen.failed == {"snmp.answer/timeout"}
    assert [thread.name for thread in threading.enumerate() if thread.name == "snmp"] == []
