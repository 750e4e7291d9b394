"""The command line itself: light to start, the same words everywhere, helpful about slips."""

from __future__ import annotations

import json
import os
import subprocess
from importlib import import_module
from pathlib import Path

import click
import pytest

from ccpor_agent.cli.table import COMMANDS
from ccpor_reporting import __version__
from ccpor_reporting.faults import catalogue
from tests.agent import program
from tests.agent.program import ccpor, command, environment, python

HEAVY = {"requests", "paramiko", "pysnmp", "psutil", "ssl", "asyncio", "msgspec", "ccpor_checks"}
LOADED = (
    "import sys\nfrom ccpor_agent.cli import outcome\noutcome(sys.argv[1:])\n"
    "print(*sys.modules, file=sys.stderr)"
)


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_help_and_version_import_nothing_heavy(option: str) -> None:
    """On a court machine under a virus scanner, each library costs seconds."""
    ran = python(LOADED, option)
    loaded = {name.split(".")[0] for name in ran.stderr.split()}

    assert "click" in loaded, ran.stderr
    assert loaded & HEAVY == set()


def test_the_import_test_sees_what_a_command_loads() -> None:
    """Negative control: `list` does need the checks."""
    ran = python(LOADED, "list")

    assert {"msgspec", "ccpor_checks"} <= {name.split(".")[0] for name in ran.stderr.split()}


def test_version_is_the_distributions_own() -> None:
    """What a person reads out on the telephone."""
    assert ccpor("--version").stdout == f"ccpor-check {__version__}\n"


def loaded(name: str) -> click.Command:
    module, _, attribute = COMMANDS[name][0].partition(":")
    found: click.Command = getattr(import_module(module), attribute)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_exists_with_the_help_line_of_the_table(name: str) -> None:
    """The table's line is a copy, so that --help need not import; copies drift unless compared."""
    assert loaded(name).name == name
    assert (loaded(name).help or "").partition("\n")[0] == COMMANDS[name][1]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_help_has_examples_and_words_for_every_option(name: str) -> None:
    """The help is all the documentation that is at hand at two in the morning."""
    command = loaded(name)
    silent = [
        option.name
        for option in command.params
        if isinstance(option, click.Option) and not option.help and option.name != "format_name"
    ]

    assert "Examples:" in (command.epilog or "")
    assert silent == []


def test_a_misspelt_command_is_2_and_asks_did_you_mean() -> None:
    """The commonest slip."""
    ran = ccpor("rnu")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert 'there is no command "rnu"; did you mean run?' in ran.stderr


def test_explain_tells_each_reason_of_a_code() -> None:
    """Means, by hand, fix, who: for a code all its faults, for a fault itself alone."""
    whole = ccpor("explain", "tls.validity")
    one = ccpor("explain", "tls.validity/expired")

    faults = [f"tls.validity/{reason}" for reason in catalogue()["tls.validity"].reasons]
    assert [
        line for line in whole.stdout.splitlines() if line.startswith("tls.validity/")
    ] == faults
    assert [line for line in one.stdout.splitlines() if line.startswith("tls.validity/")] == [
        "tls.validity/expired"
    ]
    assert "Usually fixed by" in one.stdout


def test_explain_takes_a_code_in_any_case() -> None:
    """Codes are typed from paper."""
    assert ccpor("explain", "TLS.VALIDITY").stdout == ccpor("explain", "tls.validity").stdout


def test_explain_of_a_check_lists_its_codes() -> None:
    """Whoever knows only the check's name finds the codes."""
    said = ccpor("explain", "tls")
    codes = [code for code in catalogue() if code.startswith("tls.")]

    assert said.returncode == 0, said.stderr
    listed = [line.strip().partition(":")[0] for line in said.stdout.splitlines()]
    assert [each for each in listed if each.startswith("tls.")] == codes


@pytest.mark.parametrize(
    ("code", "meant"),
    [("tls.validty", "tls.validity"), ("tls.validity/expird", "tls.validity/expired")],
)
def test_explain_asks_did_you_mean(code: str, meant: str) -> None:
    """Codes are typed from paper."""
    ran = ccpor("explain", code)

    assert ran.returncode == 2
    assert f"did you mean {meant}?" in ran.stderr


def test_list_names_every_code_of_the_catalogue_once() -> None:
    """A code that `list` does not show does not exist for a profile's author."""
    listed = json.loads(ccpor("list", "--json").stdout)

    codes = [code for each in listed for code in each["codes"]]
    assert len(codes) == len(set(codes))
    assert [each["id"] for each in listed if each["version"] is None] == []
    assert set(codes) == set(catalogue())


def test_completion_prints_the_scripts_of_three_shells() -> None:
    """Click's own completion, reached without knowing its variable."""
    for shell in ("bash", "zsh", "fish"):
        assert "_CCPOR_CHECK_COMPLETE" in ccpor("completion", shell).stdout


def test_a_reader_that_goes_away_is_no_bug() -> None:
    """`ccpor-check list | head -1` must not end in a traceback or a 70."""
    with subprocess.Popen(
        command("list"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install two packages of third parties: one check that works, one that does not import."""
    (tmp_path / "badge.py").write_text(
        "import msgspec\n"
        "from ccpor_checks.base import Check, Evidence, Options\n"
        "from ccpor_reporting.rules import Rule, met\n"
        "CHECK = Check(id='badge', version=7, title='Badge reader', does='reads a badge',\n"
        "    options=Options, evidence=Evidence, run=lambda target, options, ctx: Evidence(),\n"
        "    rules=(Rule(code='badge.read', reasons=(), judge=lambda *_: met('read')),))\n"
    )
    info = tmp_path / "court_badge-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: court-badge\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[ccpor_check.checks]\nbadge = badge:CHECK\nbroken = no_such_module:CHECK\n"
    )
    monkeypatch.setattr(program, "ROOMS", os.pathsep.join((program.ROOMS, str(tmp_path))))


@pytest.mark.usefixtures("plugins")
def test_a_third_partys_check_comes_through_the_same_door(tmp_path: Path) -> None:
    """It is listed, it runs where the profile names it, and the report says so."""
    asks = 'id = "door"\nurl = "workstation:"\nchecks = ["badge"]'
    profile = program.write_profile(tmp_path / "p.toml", [asks])
    ran = ccpor("run", "--profile", profile, "--no-upload", "--json")

    told = json.loads(ran.stdout)
    assert (ran.returncode, told["agent"]["checks"]) == (0, {"badge": 7})
    listed = {each["id"]: each for each in json.loads(ccpor("list", "--json").stdout)}
    assert (listed["badge"]["origin"], listed["badge"]["version"]) == ("court-badge", 7)


@pytest.mark.usefixtures("plugins")
def test_a_third_partys_broken_check_is_named_by_list_and_by_a_profile(tmp_path: Path) -> None:
    """Its own package is at fault, and the others still work."""
    asks = 'id = "door"\nurl = "workstation:"\nchecks = ["broken"]'
    profile = program.write_profile(tmp_path / "p.toml", [asks])

    assert "broken: no_such_module:CHECK does not load (ModuleNotFoundError" in ccpor("list").stdout
    ran = ccpor("run", "--profile", profile)
    assert ran.returncode == 2
    assert "mend the package that brings it" in ran.stderr
