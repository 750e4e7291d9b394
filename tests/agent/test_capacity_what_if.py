"""A measured line judged again for another workload, and `--saturate`, by the real program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ccpor_checks.capacity import CapacityEvidence
from tests.agent.program import ccpor
from tests.checks.capacity.seen import delay, enough_runs, seen, transfer
from tests.peers import free_port

PROFILE = """schema = "ccpor-profile/1"
title = "Small court"

[location]
court = "ca-sonoma"
name = "santa-rosa"
role = "clerk"

[workload]
users = 1
orders_per_hour = 4
pages_per_order = 9
kb_per_page = {kb}

[[target]]
id = "line"
url = "capacity://127.0.0.1:{port}"
checks = ["capacity"]
"""


def a_line_of_1_5_mbit() -> CapacityEvidence:
    """Return five runs in all bands, none of which found more than 1.48 Mbit/s."""
    narrow: dict[str, Any] = {
        "streams": 1,
        "asked_mbit": 1.875,
        "mbit": 1.48,
        "low_mbit": 1.47,
        "high_mbit": 1.49,
        "limited_by": "queue",
        "loaded": delay(p95_ms=120.0),
    }
    return seen(transfer(**narrow), transfer("down", **narrow), history=enough_runs(up_mbit=1.47))


def profile(folder: Path, kb: int, port: int) -> Path:
    path = folder / f"court-{kb}.toml"
    path.write_text(PROFILE.format(kb=kb, port=port))
    return path


@pytest.fixture
def measured(tmp_path: Path) -> tuple[Path, int]:
    """A real run's report, with the evidence of a line in place of what it could not look at."""
    port = free_port()
    out = tmp_path / "r.json"
    asked = profile(tmp_path, 60, port)
    ran = ccpor("run", "--profile", asked, "--no-upload", "--json", "-o", out, "--no-contrasts")
    assert out.exists(), ran.stderr
    report = json.loads(out.read_bytes())
    (observation,) = report["observations"]
    observation["evidence"] = json.loads(msgspec.json.encode(a_line_of_1_5_mbit()))
    observation["ending"] = None
    out.write_text(json.dumps(report))
    return out, port


def judged(report: Path, asked: Path) -> tuple[int, dict[str, Any]]:
    said = ccpor("judge", report, "--profile", asked, "--json")
    assert said.stdout, said.stderr
    told: dict[str, Any] = json.loads(said.stdout)
    return said.returncode, told


def test_black_and_white_is_in_time_and_gray_is_not(
    measured: tuple[Path, int], tmp_path: Path
) -> None:
    """The same line, measured once: what the court scans decides, and the report says so."""
    report, port = measured

    code, black = judged(report, profile(tmp_path, 60, port))
    gray_code, gray = judged(report, profile(tmp_path, 1200, port))

    assert (code, black["verdict"]) == (0, "ready"), black["findings"]
    assert (gray_code, gray["verdict"]) == (1, "not-ready")
    cause = gray["causes"][0]
    assert cause["fault"] == "capacity.order/too-slow-at-peak"
    assert "too slow at peak; scan in black and white (" in cause["summary"]
    assert " s instead of " in cause["summary"]
    assert cause["owner"] == "court-it"
    assert "line/capacity.upload" in cause["explains"]
    for part in ("UTC", "capacity.order", "1.5 Mbit/s", "--only line"):
        assert part in cause["ticket"]


def test_the_plan_says_what_a_line_gets(tmp_path: Path) -> None:
    """Planned by default; filled only where somebody asks for it."""
    asked = profile(tmp_path, 60, 8443)

    planned = ccpor("plan", "--profile", asked)
    filled = ccpor("plan", "--profile", asked, "--saturate")

    assert "1.88 Mbit/s up and down, at most 25 MB and 10 s each way" in planned.stdout
    assert "fills the line up and down, at most 60 MB and 10 s each way" in filled.stdout


def test_to_saturate_nothing_is_a_mistake(tmp_path: Path) -> None:
    """Whoever asks for it believes that a line is measured."""
    asked = tmp_path / "court.toml"
    text = PROFILE.format(kb=60, port=1).replace("capacity://", "tcp://")
    asked.write_text(text.replace('["capacity"]', '["tcp"]'))

    refused = ccpor("run", "--profile", asked, "--saturate", "--no-upload")

    assert refused.returncode == 2
    assert "--saturate fills no line" in refused.stderr
