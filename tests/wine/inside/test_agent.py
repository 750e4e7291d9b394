"""The agent as a court runs it on Windows: one command, its exit code, its report."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers import free_port

PROFILE = """
schema = "ccpor-profile/1"
title = "A PC"
version = 1
[location]
court = "ca-sonoma"
name = "santa-rosa"
role = "clerk"
[[target]]
id = "pc"
title = "This workstation"
why = "It scans and signs in"
owner = "court-it"
url = "workstation:"
[target.workstation]
assess = ["memory", "inventory", "crypto"]
min_memory_gb = 0.5
[[target]]
id = "time"
title = "Time server"
why = "Records carry a time"
owner = "court-it"
url = "ntp://127.0.0.1:{ntp}"
[[target]]
id = "app"
title = "The application"
why = "It is what all this is for"
owner = "datacenter"
url = "tcp://127.0.0.1:{tcp}"
"""


@pytest.fixture
def agent(tmp_path: Path):
    """Run ``ccpor-check run`` on a profile whose application is at the port given."""

    def run(tcp: int) -> tuple[int, dict]:
        profile, report = tmp_path / "profile.toml", tmp_path / "report.json"
        profile.write_text(PROFILE.format(ntp=os.environ["LANE_NTP_PORT"], tcp=tcp))
        done = subprocess.run(
            [
                *(sys.executable, "-X", "utf8", "-m", "ccpor_agent", "run", "--no-upload"),
                *("--profile", str(profile), "--format", "json", "-o", str(report)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        assert report.exists(), done.stdout.decode(errors="replace")
        return done.returncode, json.loads(report.read_text(encoding="utf-8"))

    return run


def outcome(report: dict) -> dict[str, tuple[str, str | None]]:
    return {f["id"]: (f["status"], f.get("reason")) for f in report["findings"]}


HEALTHY = {
    "pc/workstation.crypto": ("pass", None),
    "pc/workstation.memory": ("pass", None),
    "pc/workstation.inventory": ("pass", None),
    "time/clock.server": ("pass", None),
    "time/clock.offset": ("pass", None),
    "app/tcp.reach": ("pass", None),
}


def without_dns(found: dict[str, tuple[str, str | None]]) -> dict[str, tuple[str, str | None]]:
    """Leave out what the DNS check says of a literal address."""
    return {key: value for key, value in found.items() if "/dns." not in key}


def test_a_ready_pc_ends_with_0(agent) -> None:
    """The same words and codes as on Linux; only the machine's own facts differ."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        code, report = agent(server.getsockname()[1])

    assert without_dns(outcome(report)) == HEALTHY
    assert (code, report["verdict"]) == (0, "ready")
    assert report["machine"]["os"].startswith("Windows")


def test_a_closed_port_ends_with_1_and_names_the_fault(agent) -> None:
    """WSAECONNREFUSED is 10061 here and 111 on Linux; the fault is one."""
    code, report = agent(free_port())

    assert without_dns(outcome(report)) == HEALTHY | {"app/tcp.reach": ("fail", "refused")}
    assert (code, report["verdict"]) == (1, "not-ready")
    assert [cause["fault"] for cause in report["causes"]] == ["tcp.reach/refused"]


def test_the_report_is_kept_on_the_machine(agent) -> None:
    """Saved under the state folder, whole, and readable by the agent itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        agent(server.getsockname()[1])

    kept = list(Path(os.environ["CCPOR_STATE_DIR"]).rglob("*.json"))
    assert len(kept) == 1
    shown = subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "ccpor_agent", "show", str(kept[0])],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert shown.returncode in {0, 1}, shown.stderr.decode(errors="replace")
    assert b"READY" in shown.stdout
