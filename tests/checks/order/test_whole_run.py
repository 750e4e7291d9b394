"""A staged order and a gateway's echo through the real program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.agent.program import ccpor, write_profile
from tests.peers.order_server import order_server

ORDER = """id = "staging"
url = "http://127.0.0.1:{port}{path}"
[target.http]
status = [404]
[target.order]
"""
GATEWAY = """id = "gateway"
url = "http://127.0.0.1:{port}{path}"
owner = "gateway"
[target.http]
status = [404]
[target.order]
"""


def ran(tmp_path: Path, order: str, echo: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Return exit code, report and the faults or statuses of the findings of both."""
    with order_server() as server:
        targets = [
            ORDER.format(port=server.port, path=order),
            GATEWAY.format(port=server.port, path=echo),
        ]
        profile = write_profile(tmp_path / "p.toml", targets)
        done = ccpor("run", "--profile", profile, "--no-upload", "--json")
        planned = ccpor("plan", "--profile", profile)
        if order == "/located":
            assert server.held == {}
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout.count("never a CLETS transaction") == 2
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    mine = [each for each in told["findings"] if each["check"] in {"order", "gateway"}]
    return done.returncode, told, {each["id"]: each["reason"] or each["status"] for each in mine}


def test_a_service_and_a_gateway_that_work_are_ready(tmp_path: Path) -> None:
    """GET is answered with 404 there; the order and the echo are asked all the same."""
    code, told, findings = ran(tmp_path, "/located", "/echo")

    assert findings == {
        "staging/order.upload": "pass",
        "gateway/gateway.echo": "pass",
        "gateway/gateway.latency": "pass",
    }
    assert (code, told["verdict"], told["causes"]) == (0, "ready", [])


def test_each_fault_is_a_cause_with_its_owner(tmp_path: Path) -> None:
    """A spoilt order is the service's affair, a refused echo the gateway operator's."""
    code, told, findings = ran(tmp_path, "/spoilt-hash", "/status/503")

    assert findings == {
        "staging/order.upload": "corrupted",
        "gateway/gateway.echo": "refused",
        "gateway/gateway.latency": "skip",
    }
    owners = {each["fault"]: each["owner"] for each in told["causes"]}
    assert code == 1
    assert owners == {"order.upload/corrupted": "datacenter", "gateway.echo/refused": "gateway"}
