"""``ccpor-check capacity plan``: exit codes, words, and what a slip is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.agent.program import ccpor, python, write_profile

SMALL = ("--users", "15", "--orders-per-hour", "12", "--pages", "9", "--kb-per-page", "60")
WORKLOAD = "[workload]\nusers = 15\norders_per_hour = 12\npages_per_order = 9\nkb_per_page = 60\n"


def plan(*arguments: str | Path) -> tuple[int, str, str]:
    ran = ccpor("capacity", "plan", *arguments)
    return ran.returncode, ran.stdout, ran.stderr


def as_json(*arguments: str | Path) -> dict[str, object]:
    code, said, error = plan(*arguments, "--json")
    assert code in {0, 1}, error
    found: dict[str, object] = json.loads(said)
    return found


def test_without_a_rate_it_says_what_the_line_must_carry() -> None:
    """The question of whoever orders a line: exit 0, since some rate is enough."""
    code, said, error = plan(*SMALL)

    assert (code, error) == (0, "")
    assert "15 users who each send 12 orders an hour, of 9 pages at 60 kB" in said
    assert "the line must carry 1.7 Mbit/s" in said.replace("\n", " ")
    assert "This line carries" not in said


@pytest.mark.parametrize(("rate", "code", "word"), [("5", 0, "In time."), ("1", 1, "Not in time.")])
def test_the_exit_code_says_whether_a_line_does(rate: str, code: int, word: str) -> None:
    """A script asks for many locations at once."""
    ended, said, _ = plan(*SMALL, "--rate", rate)

    assert ended == code
    assert word in said.replace("\n", " ")


def test_gray_scans_on_a_slow_line_are_recognised() -> None:
    """The classic mistake, named with what it costs and what it would take instead."""
    code, said, _ = plan("--kb-per-page", "1000", "--rate", "1.5")

    assert code == 1
    text = said.replace("\n", " ")
    assert "a 12-page gray or colour order takes up to 109 s at the peak; scan in black" in text
    assert "20 to 40 times" in text


def test_latency_and_loss_can_make_every_rate_too_little() -> None:
    """Then no rate may be named."""
    code, said, _ = plan("--rtt", "200", "--loss", "2", "--max-seconds", "3")

    assert code == 1
    assert "At 200 ms and 2 % loss no rate brings 95 of 100 orders" in said.replace("\n", " ")


def test_a_program_gets_the_whole_plan() -> None:
    """Numbers, not words: the load that was meant, the line, the table, the plot."""
    found = as_json(*SMALL, "--rate", "5", "--rtt", "60", "--loss", "0.1", "--peak-share", "0.3")

    assert found["schema"] == "ccpor-capacity-plan/1"
    assert found["in_time"] is True
    assert isinstance(found["line"], dict)
    assert (found["line"]["mbit"], found["line"]["rtt_ms"]) == (5, 60)
    assert found["line"]["loss"] == pytest.approx(0.001)
    assert isinstance(found["load"], dict)
    assert (found["load"]["users"], found["load"]["peak_share"]) == (15, 0.3)
    assert isinstance(found["series"], list)
    assert len(found["series"]) == 12


def test_a_profiles_workload_is_taken_and_options_go_first(tmp_path: Path) -> None:
    """What the court wrote down once is not typed again."""
    profile = write_profile(tmp_path / "court.toml", ['id = "a"\nurl = "tcp://127.0.0.1:1"'])
    profile.write_text(profile.read_text(encoding="utf-8") + f"\n{WORKLOAD}", encoding="utf-8")

    stored = as_json("--profile", profile, "--rate", "5")
    other = as_json("--profile", profile, "--rate", "5", "--users", "30")

    assert stored == as_json(*SMALL, "--rate", "5")
    assert isinstance(other["load"], dict)
    assert (other["load"]["users"], other["load"]["kb_per_page"]) == (30, 60)


def test_the_plan_is_written_to_a_file_and_the_summary_said(tmp_path: Path) -> None:
    """The paragraph goes into a letter, the file beside it."""
    place = tmp_path / "plan.txt"

    code, said, error = plan(*SMALL, "-o", place)

    assert (code, said) == (0, "")
    assert f"Written to {place}" in error
    assert "order takes" in place.read_text(encoding="ascii")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--users", "0"], "0 is not in the range"),
        (["--users", "many"], "'many' is not a valid integer"),
        (["--rate", "nan"], "nan is not a number"),
        (["--rate", "inf"], "inf is not in the range"),
        (["--rate", "0"], "0.0 is not in the range"),
        (["--loss", "51"], "51.0 is not in the range"),
        (["--kb-per-page", "-3"], "-3.0 is not in the range"),
        (["--peak-share", "25"], "25.0 is not in the range"),
        (["--profile", "nowhere.toml"], "nowhere.toml"),
        (["-o", "/nowhere/at/all.txt"], "there is no folder"),
        (["--user", "3"], "No such option"),
    ],
    ids=str,
)
def test_bad_input_is_2_and_says_what_is_wrong(arguments: list[str], words: str) -> None:
    """1 would say "not in time"."""
    code, said, error = plan(*arguments)

    assert (code, said) == (2, "")
    assert words in error


def test_a_misspelt_subcommand_asks_did_you_mean() -> None:
    """As the program itself does."""
    ran = ccpor("capacity", "paln")

    assert ran.returncode == 2
    assert "did you mean plan?" in ran.stderr


def test_the_help_imports_no_model() -> None:
    """Help is light; what computes is imported by what computes."""
    code = (
        "import sys\nfrom ccpor_agent.cli import outcome\noutcome(sys.argv[1:])\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    loaded = set(python(code, "capacity", "--help").stderr.split())

    assert "ccpor_agent.commands.capacity" in loaded
    assert not {name for name in loaded if name.startswith("ccpor_reporting.capacity.")}
    assert "Examples:" in ccpor("capacity", "plan", "--help").stdout
