"""The contrast phase through the program: on a network with a cut, and in saved reports."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ccpor_agent.enroll import enroll, refresh_profile
from ccpor_reporting.contrasts import CHECK, ContrastEvidence
from tests.agent.program import ROOMS, ccpor, listening, tcp_target, write_profile
from tests.lab.network import Network, network
from tests.peers import free_port, lacking
from tests.peers.fake_collector import CODE, FakeCollector, started_collector

FORTY = range(200, 240)
AGREED_S = 8.0  # of a run with forty targets behind one cut, the program's start and end included


def run_at_court(net: Network, profile: Path, state: Path) -> tuple[dict[str, Any], float]:
    """Run the program in the courthouse without any of root's rights; return report and seconds."""
    command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "env"]
    command += [f"PYTHONPATH={ROOMS}", f"CCPOR_STATE_DIR={state}", sys.executable]
    command += ["-m", "ccpor_agent", "run", "--profile", str(profile), "--no-upload", "--json"]
    begun = time.monotonic()
    ran = net.run("court", *command, check=False)
    took = time.monotonic() - begun
    assert ran.returncode == 1, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    return told, took


def contrasts_in(told: dict[str, Any]) -> dict[str, ContrastEvidence]:
    return {
        each["target"]: msgspec.convert(each["evidence"], ContrastEvidence)
        for each in told["observations"]
        if each["check"] == CHECK
    }


@pytest.mark.netns
def test_forty_targets_behind_one_cut_are_one_cause_with_a_place(tmp_path: Path) -> None:
    """Forty tickets for one firewall rule would go to forty desks; nothing is lost all the same."""
    targets = [f'id = "t{last}"\nurl = "tcp://10.77.4.{last}:443"' for last in FORTY]
    profile = write_profile(tmp_path / "court.toml", targets)
    try:
        with network(ping=False) as net:
            lines = "".join(f"addr add 10.77.4.{last}/24 dev eth0\n" for last in FORTY)
            net.run("datacenter", "ip", "-batch", "-", stdin=lines)
            net.nft("county_edge", "tcp dport 443 drop")
            told, took = run_at_court(net, profile, tmp_path / "state")
    except PermissionError as exc:
        lacking(str(exc))

    assert [(f["id"], f["reason"]) for f in told["findings"] if f["status"] == "fail"] == [
        (f"t{last}/tcp.reach", "dropped") for last in FORTY
    ]
    assert [cause["fault"] for cause in told["causes"]] == ["tcp.reach/dropped"]
    assert len(told["causes"][0]["explains"]) == len(FORTY)
    assert took <= AGREED_S
    (compared,) = contrasts_in(told).values()
    walks = {walk.protocol: walk for walk in compared.walks}
    assert walks["tcp"].last is not None
    assert (walks["tcp"].last.address, walks["tcp"].distance) == ("10.77.2.2", None)
    assert walks["udp"].distance == 4, "without the right to ping, datagrams find the host"


@pytest.fixture
def refused(tmp_path: Path) -> Path:
    """A profile with a closed port beside an open one, compared."""
    with listening() as port:
        more = f'contrast = ["tcp://127.0.0.1:{port}"]'
        profile = write_profile(tmp_path / "court.toml", [tcp_target("aoc", free_port(), more)])
        ran = ccpor("run", "--profile", profile, "--no-upload", "-o", tmp_path / "r.json", "--json")
    assert ran.returncode == 1, ran.stderr
    return profile


def test_a_report_holds_the_comparison_and_counts_no_finding_for_it(
    refused: Path, tmp_path: Path
) -> None:
    """It explains; it does not judge."""
    told = json.loads((tmp_path / "r.json").read_bytes())

    (contrast,) = contrasts_in(told)["aoc"].contrasts
    assert (contrast.kind, contrast.outcome) == ("tcp", "works")
    assert [each["id"] for each in told["findings"]] == ["aoc/tcp.reach"]
    assert told["coverage"]["planned"] == told["coverage"]["assessed"] == 1
    assert told["agent"]["checks"][CHECK] == 1
    assert not list((tmp_path / "state" / "journal").iterdir())


def test_a_saved_comparison_is_judged_and_compared_like_any_other(
    refused: Path, tmp_path: Path
) -> None:
    """An observation without findings must not confuse who reads reports."""
    report = tmp_path / "r.json"

    again = ccpor("judge", report, "--profile", refused, "--json")
    same = ccpor("compare", report, report)

    assert again.returncode == 1, again.stderr
    assert contrasts_in(json.loads(again.stdout)) == contrasts_in(json.loads(report.read_bytes()))
    assert json.loads(again.stdout)["causes"] == json.loads(report.read_bytes())["causes"]
    assert same.returncode == 0, same.stderr  # nothing is worse than it was


@pytest.mark.parametrize("form", ["text", "junit", "html", "csv", "sarif", "oscal", "prometheus"])
def test_a_saved_comparison_is_rendered(form: str, refused: Path, tmp_path: Path) -> None:
    shown = ccpor("show", tmp_path / "r.json", "--format", form)

    assert shown.returncode == 0, shown.stderr
    assert "tcp.reach" in shown.stdout


def test_a_healthy_run_compares_nothing(tmp_path: Path) -> None:
    """No failure, no further packet."""
    with listening() as port:
        more = f'contrast = ["tcp://127.0.0.1:{free_port()}"]'
        profile = write_profile(tmp_path / "court.toml", [tcp_target("aoc", port, more)])
        ran = ccpor("run", "--profile", profile, "--no-upload", "--json")

    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert contrasts_in(told) == {}
    assert CHECK not in told["agent"]["checks"]


def test_plan_says_what_would_be_contacted_more(tmp_path: Path) -> None:
    """Before anything is sent: a court's network people ask."""
    profile = write_profile(
        tmp_path / "court.toml",
        [
            'id = "aoc"\nurl = "https://ccpor.example.org/"\ncontrast = ["tcp://10.0.0.1:22"]\n'
            '[target.dns]\nresolvers = ["10.0.0.53"]\nexpected = ["10.1.1.1", "10.8.0.0/16"]\n'
            "[target.http]\nupload_kb = 50"
        ],
    )

    text = ccpor("plan", "--profile", profile)
    told = json.loads(ccpor("plan", "--profile", profile, "--json").stdout)

    assert text.returncode == 0, text.stderr
    assert "Only if targets fail, for at most 6 of them and 3.5 s in all" in text.stdout
    (ahead,) = told["if_it_fails"]
    assert ahead == {
        "target": "aoc",
        "contacts": [
            "a walk of single packets to ccpor.example.org:443, and by ICMP or UDP to its address",
            "tcp://10.0.0.1:22",
            "the system's name servers about ccpor.example.org",
            "a walk of single packets to a name server that gives no answer",
            "10.1.1.1, port 443",
            "ccpor.example.org:443 again, twice, once with small segments, "
            "a POST of at most 50000 bytes",
            "ccpor.example.org:443 through this system's proxy, where it has one",
        ],
    }


@pytest.mark.parametrize(("options", "asked"), [((), 1), (("--no-upload",), 0)], ids=str)
def test_the_collector_is_asked_by_an_enrolled_machine_that_uploads(
    options: tuple[str, ...], asked: int, tmp_path: Path
) -> None:
    """A collector that makes no such looks costs nothing; who wants no upload is not overruled."""
    toml = """schema = "ccpor-profile/1"
version = 1
[location]
court = "ca-sonoma"
name = "santa-rosa"
role = "scan-station"
[[target]]
id = "aoc"
"""
    with started_collector(FakeCollector()) as collector:
        enroll(tmp_path / "state", collector.url, CODE)
        collector.publish(toml=f'{toml}url = "tcp://127.0.0.1:{free_port()}"\n')
        refresh_profile(tmp_path / "state")
        ran = ccpor("run", "--json", *options)
        looks = [each for each in collector.requests if "/looks/aoc/tcp" in str(each)]

    assert ran.returncode == 1, ran.stderr
    assert len(looks) == asked
    assert contrasts_in(json.loads(ran.stdout)) == {}


def test_the_end_of_the_run_is_the_end_of_the_comparison(tmp_path: Path) -> None:
    """`--deadline` is a promise, and what was found by then is told."""
    silent = 'id = "aoc"\nurl = "tcp://192.0.2.1:443"\n[target.tcp]\ntimeout_s = 0.3\ntries = 1'
    profile = write_profile(tmp_path / "court.toml", [silent])
    begun = time.monotonic()

    ran = ccpor("run", "--profile", profile, "--no-upload", "--json", "--deadline", "1.5")

    assert time.monotonic() - begun < 6
    assert ran.returncode in {1, 3}, ran.stderr
    assert len(json.loads(ran.stdout)["findings"]) == 1


def test_the_program_starts_without_what_only_failures_need() -> None:
    """A healthy run does not pay for the explanation of a failure."""
    code = (
        "import sys, ccpor_agent.whole_run;"
        "print([m for m in sys.modules if m.startswith('ccpor_checks.contrast')])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ROOMS},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stdout.strip() == "[]", ran.stderr
