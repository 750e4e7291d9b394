"""The vendored components are what their package makes, and fetch nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.conftest import ROOT
from tests.peers import lacking, program

SHEET = ROOT / "server" / "ccpor_server" / "static" / "styles" / "05-uswds.css"


def test_the_committed_sheet_is_what_its_script_builds(tmp_path: Path) -> None:
    if not (ROOT / "node_modules" / "@uswds").exists():
        lacking("needs @uswds/uswds; run npm ci --ignore-scripts")
    node, before = program("node"), SHEET.read_bytes()
    script = ROOT / "server" / "ccpor_server" / "static" / "uswds.mjs"
    copy = tmp_path / "uswds.mjs"
    (tmp_path / "styles").mkdir()
    copy.write_bytes(script.read_bytes())
    done = subprocess.run(
        [node, str(copy)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "styles" / "05-uswds.css").read_bytes() == before


def test_the_sheet_fetches_no_file() -> None:
    text = SHEET.read_text(encoding="utf-8")

    assert "url(" not in text
    assert "@import" not in text
    assert "@font-face" not in text
    assert {".usa-step-indicator", ".usa-process-list"} <= set(text.replace("{", " ").split())
