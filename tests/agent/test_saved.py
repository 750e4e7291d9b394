"""What can be done with a saved report: show it, judge it again, compare it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.agent.program import (
    ccpor,
    command,
    environment,
    listening,
    tcp_target,
    write_profile,
)
from tests.peers import free_port


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return tmp_path / "court.toml"


def run(profile: Path, out: Path, *more: str) -> dict[str, Any]:
    ran = ccpor("run", "--profile", profile, "--no-upload", "--json", "-o", out, *more)
    assert out.exists(), ran.stderr
    told: dict[str, Any] = json.loads(out.read_bytes())
    return told


def statuses(told: dict[str, Any]) -> dict[str, str]:
    return {finding["id"]: finding["status"] for finding in told["findings"]}


def test_show_upload_gives_the_saved_bytes_exactly(profile: Path, tmp_path: Path) -> None:
    """A court may read what leaves its house, to the last byte."""
    write_profile(profile, [tcp_target("aoc", free_port())])
    told = run(profile, tmp_path / "r.json")
    saved = tmp_path / "state" / "reports" / f"{told['run_id']}.json"

    for name in ("last", told["run_id"], str(saved)):
        shown = subprocess.run(
            command("show", name, "--upload"), env=environment(), capture_output=True, check=True
        )
        assert shown.stdout == saved.read_bytes()


@pytest.mark.parametrize("form", ["text", "json", "junit", "html", "csv"])
def test_show_renders_a_saved_report_in_each_format(
    form: str, profile: Path, tmp_path: Path
) -> None:
    """Looking again is not needed to print it for the file."""
    write_profile(profile, [tcp_target("aoc", free_port())])
    run(profile, tmp_path / "r.json")
    shown = ccpor("show", tmp_path / "r.json", "--format", form)

    assert shown.returncode == 0, shown.stderr
    assert "tcp.reach" in shown.stdout


@pytest.mark.parametrize(
    ("name", "words"),
    [("gone.json", "there is no report"), ("court.toml", "is not a report"), ("last", "run first")],
)
def test_show_says_what_is_wrong_with_a_name(name: str, words: str, tmp_path: Path) -> None:
    """Wrong file, wrong folder, nothing saved yet: 2 and a sentence."""
    (tmp_path / "court.toml").write_text("schema = 1")
    given = tmp_path / name if name == "court.toml" else name
    shown = ccpor("show", given)

    assert (shown.returncode, shown.stdout) == (2, "")
    assert words in shown.stderr


def test_judge_applies_other_limits_without_looking_again(profile: Path, tmp_path: Path) -> None:
    """The server is gone by then: a changed threshold needs no visit to the court."""
    with listening() as port:
        write_profile(profile, [tcp_target("aoc", port)])
        before = run(profile, tmp_path / "r.json")
    strict = write_profile(
        tmp_path / "strict.toml", [tcp_target("aoc", port, "[target.tcp]\nmax_ms = 0.000001")]
    )
    judged = ccpor("judge", tmp_path / "r.json", "--profile", strict, "--json")

    assert before["verdict"] == "ready"
    assert judged.returncode == 1, judged.stderr
    after = json.loads(judged.stdout)
    assert after["verdict"] == "not-ready"
    assert after["observations"] == before["observations"]
    assert after["run_id"] == before["run_id"]


def test_judge_under_the_same_profile_says_the_same(profile: Path, tmp_path: Path) -> None:
    """Judging is a pure function of the evidence."""
    write_profile(profile, [tcp_target("aoc", free_port())])
    before = run(profile, tmp_path / "r.json")
    judged = ccpor("judge", tmp_path / "r.json", "--profile", profile, "--json")

    assert json.loads(judged.stdout) == before


def test_judge_never_passes_what_the_report_did_not_see(profile: Path, tmp_path: Path) -> None:
    """A new target, another address, a check that did not run: errors, and 3."""
    with listening() as port:
        write_profile(profile, [tcp_target("aoc", port), tcp_target("moved", port)])
        run(profile, tmp_path / "r.json")
        other = write_profile(
            tmp_path / "other.toml",
            [
                tcp_target("aoc", port),
                tcp_target("moved", free_port()),
                tcp_target("new", port),
                'id = "named"\nurl = "tcp://localhost:1"',
            ],
        )
    judged = ccpor("judge", tmp_path / "r.json", "--profile", other, "--json")

    assert judged.returncode == 3
    found = statuses(json.loads(judged.stdout))
    assert {key: value for key, value in found.items() if key.endswith("tcp.reach")} == {
        "aoc/tcp.reach": "pass",
        "moved/tcp.reach": "error",
        "new/tcp.reach": "error",
        "named/tcp.reach": "skip",
    }


def test_compare_of_the_same_report_is_0_and_of_a_new_blocker_1(
    profile: Path, tmp_path: Path
) -> None:
    """After an incident: did anything that blocks appear since the accepted run?"""
    with listening() as port:
        write_profile(profile, [tcp_target("aoc", port)])
        run(profile, tmp_path / "before.json")
    run(profile, tmp_path / "after.json")
    before, after = tmp_path / "before.json", tmp_path / "after.json"

    assert ccpor("compare", before, before).returncode == 0
    assert ccpor("compare", after, before).returncode == 0
    worse = ccpor("compare", before, after)
    assert worse.returncode == 1
    assert "tcp.reach" in worse.stdout
    assert json.loads(ccpor("compare", before, after, "--json").stdout)["new"]


def test_compare_is_3_where_a_blocker_was_not_looked_at(profile: Path, tmp_path: Path) -> None:
    """A comparison with half a run proves nothing."""
    with listening() as port:
        write_profile(profile, [tcp_target("aoc", port), tcp_target("doj", port)])
        run(profile, tmp_path / "before.json")
        run(profile, tmp_path / "after.json", "--skip", "doj")

    assert ccpor("compare", tmp_path / "before.json", tmp_path / "after.json").returncode == 3
