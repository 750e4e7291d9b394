"""README.md says what the programs say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ccpor_agent import cli
from ccpor_reporting.faults import catalogue

GOLD = bool(os.environ.get("CCPOR_GOLD"))  # read before the environment is cleaned
HELP = re.compile(r"<!-- help: ccpor-check -->\n```text\n(.*?)```\n<!-- /help -->", re.DOTALL)


def written_help(root: Path) -> str:
    (found,) = HELP.findall((root / "README.md").read_text(encoding="utf-8"))
    return str(found)


def real_help() -> str:
    program = "import sys; from ccpor_agent.cli import main; sys.argv[0] = 'ccpor-check'; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "--help"],
        env=os.environ | {"COLUMNS": "80", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout


def test_the_commands_in_the_readme_are_documented_as_they_are(root: Path) -> None:
    """A newcomer types what the README shows."""
    said = real_help()
    if GOLD:
        page = root / "README.md"
        text = page.read_text(encoding="utf-8")
        block = f"<!-- help: ccpor-check -->\n```text\n{said}```\n<!-- /help -->"
        page.write_text(HELP.sub(lambda _: block, text), encoding="utf-8")

    assert written_help(root) == said


def test_every_exit_code_has_its_row(root: Path) -> None:
    """Scripts are written from this table."""
    page = (root / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \|", page, re.MULTILINE)

    assert rows == ["0", "1", "2", "3", "4", "70", "130"]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_link_leads_somewhere(root: Path, page: str) -> None:
    """A dead link is the first thing a reader meets."""
    links = re.findall(r"\]\(([^)#:]+)\)", (root / page).read_text(encoding="utf-8"))

    assert [link for link in links if not (root / link).exists()] == []


def test_the_fault_in_the_example_is_one_we_name(root: Path) -> None:
    """Taken from a real run, names and times changed: it must stay one that could happen."""
    page = (root / "README.md").read_text(encoding="utf-8")
    (fault,) = re.findall(r"More    ccpor-check explain (\S+)", page)
    code, reason = fault.split("/")

    assert " ".join(catalogue()[code].reasons[reason].fix.split()) in " ".join(page.split())
    assert callable(cli.main)
