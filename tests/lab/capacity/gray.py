"""A site with a line of 1.5 Mbit/s that scans in gray: what a whole run of the agent says of it.

The run must be "not ready", its first cause capacity.order/too-slow-at-peak, and its words must name the scan in
black and white and the seconds of both.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from tests.lab.capacity.site import PORT, Site, environment
from tests.lab.shaped import DATACENTER, ROOT, shaped

MBIT, RTT_MS = 1.5, 40.0
FAULT = "capacity.order/too-slow-at-peak"
LONGEST_S = 180.0
PROFILE = """schema = "ccpor-profile/1"
version = 1
[location]
court = "ca-lab"
name = "main"
role = "clerk"
[workload]
users = 1
orders_per_hour = 4
pages_per_order = 12
kb_per_page = 1000
[[target]]
id = "line"
owner = "county-network"
url = "capacity://{host}:{port}"
[target.tls]
ca_file = "{ca}"
[target.capacity]
directions = ["up"]
"""
SECONDS = re.compile(r"(\d[\d.,]*) (?:s|seconds|minutes|min)\b")
OPEN_HOURS = range(9, 16)
SATURDAY = 5


class Gray(msgspec.Struct, frozen=True, kw_only=True):
    """What the run said. words: of the first cause."""

    exit_code: int
    verdict: str = ""
    faults: tuple[str, ...] = ()
    words: str = ""
    upload_mbit: float | None = None
    seconds: float = 0.0
    trouble: str = ""

    @property
    def wrong(self) -> tuple[str, ...]:
        """Return what is not as it must be."""
        named = self.words.lower()
        times = {found.replace(",", "") for found in SECONDS.findall(self.words)}
        wanted = {
            f"the verdict is {self.verdict or 'missing'}": self.verdict == "not-ready",
            f"the exit code is {self.exit_code}": self.exit_code == 1,
            f"the first cause is {self.faults[0] if self.faults else 'missing'}": bool(
                self.faults and self.faults[0] == FAULT
            ),
            f"there are {len(self.faults)} causes": len(self.faults) == 1,
            "black and white is not named": "black and white" in named,
            f"the times named are {sorted(times) or 'none'}": len(times) >= 2,
        }
        return tuple(why for why, met in wanted.items() if not met)


def court_hour(now: datetime) -> str | None:
    """Return a TZ in which *now* falls into a court's hours; None: no zone of a day's width has them."""
    for east in sorted(range(-24, 25), key=abs):
        local = now + timedelta(hours=east)
        if local.weekday() < SATURDAY and local.hour in OPEN_HOURS:
            return f"LAB{-east:+d}"  # POSIX counts to the west
    return None


def looked(site: Site, *, udp: bool = True) -> Gray:
    """Return what a whole run of the agent said on such a line; without *udp* it takes 20 s less."""
    zone = court_hour(datetime.now(UTC))
    with (
        shaped(mbit=MBIT, rtt_ms=RTT_MS, queue_ms=300) as line,
        site.on(line, udp=udp) as state,
    ):
        profile, report = state / "gray.toml", state / "report.json"
        profile.write_text(PROFILE.format(host=DATACENTER, port=PORT, ca=site.ca))
        agent = [sys.executable, "-m", "ccpor_agent", "run", "--profile", str(profile)]
        agent += ["--format", "json", "-o", str(report), "--no-upload", "--plain"]
        try:
            done = subprocess.run(
                line.command("court", *agent),
                env=environment(state, state) | ({"TZ": zone} if zone else {}),
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=LONGEST_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Gray(exit_code=-1, trouble=f"no end within {LONGEST_S:g} s")
        if not report.exists():
            return Gray(exit_code=done.returncode, trouble=done.stderr.strip()[-600:])
        _keep(report)
        return said(done.returncode, report.read_text(encoding="utf-8"))


def _keep(report: Path) -> None:
    if folder := os.environ.get("LAB_KEEP"):
        (Path(folder) / "gray.json").write_bytes(report.read_bytes())


def said(exit_code: int, text: str) -> Gray:
    report = json.loads(text)
    causes = report["causes"]
    seen = next((one for one in report["observations"] if one["check"] == "capacity"), None)
    transfers = seen["evidence"].get("transfers", []) if seen else []
    first = causes[0] if causes else {}
    of_it = [one for one in report["findings"] if one["code"] == "capacity.order"]
    parts = [first.get("summary"), first.get("fix"), *(one.get("summary") for one in of_it)]
    return Gray(
        exit_code=exit_code,
        verdict=report["verdict"],
        faults=tuple(cause["fault"] for cause in causes),
        words=" ".join(part for part in parts if part),
        upload_mbit=transfers[0]["mbit"] if transfers else None,
        seconds=(seen or {}).get("duration_ms", 0) / 1000,
    )
