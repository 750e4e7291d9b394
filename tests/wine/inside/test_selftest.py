"""`doctor --windows-selftest` as a person runs it: each row by its real door, under Wine."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ccpor_agent.cli import outcome

# What Wine has not, with its own numbers; everything else works.
FAILED = {
    "account policy (netapi32)": "2140",
    "update agent (COM)": "0x80004001",
    "BitLocker (shell)": "0x80004001",
}
NO_NAMESPACE = "0x8004100E"


def test_each_door_is_opened_once_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file to send back: which door works, which is not there, and the number where one fails."""
    monkeypatch.setenv("USERNAME", "wineclerk")
    path = tmp_path / "selftest.json"

    code = outcome(["doctor", "--windows-selftest", "-o", str(path)])
    shown = capsys.readouterr().out
    seen = json.loads(path.read_text(encoding="utf-8"))

    rows = {row["name"]: row for row in seen["rows"]}
    assert code == 1
    assert seen["system"].startswith("Wine as ")
    assert {name: row["code"] for name, row in rows.items() if row["state"] == "failed"} == FAILED
    assert {row["code"] for name, row in rows.items() if "Center" in name} == {NO_NAMESPACE}
    assert rows["sealing (DPAPI)"]["words"] == "16 bytes sealed and opened"
    assert rows["echo (IcmpSendEcho)"]["state"] == rows["WMI"]["state"] == "works"
    assert {f"scanner: {kind}" for kind in ("twain", "wia", "isis")} <= rows.keys()
    assert shown.count("\n") == len(rows)
    names = (os.environ["COMPUTERNAME"], "wineclerk")
    assert [name for name in names if name.lower() in path.read_text("utf-8").lower()] == []
