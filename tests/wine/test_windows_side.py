"""The Windows side, run by a real Windows Python under Wine: seam, registry, calls, sockets.

What passes here has been seen under Wine and not on Windows; docs/windows.md says what that leaves.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.checks.tls.conftest import Pki, pki, ports
from tests.peers.fake_ntp import FakeNtp, fake_ntp
from tests.wine.lane import lane, windows_console, windows_python
from tests.wine.locked import subset

__all__ = ["pki", "ports"]  # the endpoints of the TLS tests; nginx runs on this side

wine = [
    pytest.mark.wine,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

# Tests of the Linux lane that run unchanged on a Windows Python.
SHARED = (
    "tests/checks/clock",
    "tests/checks/dns/test_dns.py::test_nobody_listening_is_told_from_silence_at_once",
    "tests/checks/http/test_http.py::test_a_failed_upload_says_who_ended_it"
    "[6000-/stall-upload-http.upload/cut]",
    "tests/checks/gateway/test_gateway.py",
    "tests/checks/link/test_link.py",
    "tests/checks/order/test_order.py",
    "tests/checks/proxy/test_settings.py",
    "tests/checks/scanner/test_windows_parts.py",
    "tests/checks/tls/test_handshake_faults.py",
    "tests/checks/workstation/test_windows.py",
    "tests/checks/workstation/test_workstation.py",
)
# Linux' own servers are missing inside, and some tests are about not being on Windows.
LEFT_OUT = {
    "test_a_right_clock_against_a_real_server_passes",
    "test_the_reason_says_where_this_machine_stands[400-behind]",
    "test_the_reason_says_where_this_machine_stands[-400-ahead]",
    "test_a_real_server_without_a_source_of_time_is_unsynchronised",
    "test_elsewhere_the_doors_say_that_this_is_not_windows",
    "test_elsewhere_it_is_said_that_this_is_not_windows[twain]",
    "test_elsewhere_it_is_said_that_this_is_not_windows[wia]",
    "test_elsewhere_it_is_said_that_this_is_not_windows[isis]",
    "test_a_folder_that_refuses_is_told_from_one_that_is_not_there",
    "test_the_children_say_so_where_there_is_no_windows",
}
SILENT = """schema = "ccpor-profile/1"
title = "Silent"
version = 1
[location]
court = "ca-sonoma"
name = "santa-rosa"
role = "clerk"
[[target]]
id = "silent"
url = "ntp://127.0.0.1:{port}"
[target.clock]
timeout_s = 25
"""
# Wine, not Windows: a reset of a TCP connection mostly reads as a plain end.
RESETS = {
    "test_each_ending_has_its_reason[resets after ClientHello]",
    "test_each_ending_has_its_reason[resets at accept]",
    "test_a_session_reset_right_after_the_handshake_is_not_good",
}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """The lane's folder; between tests Wine stays up, after them nothing of it is left running."""
    with lane() as built:
        yield built


def run_inside(
    folder: Path, junit: Path, tests: Sequence[str], env: Mapping[str, str] | None = None
) -> tuple[dict[str, set[str]], str]:
    """Run *tests* on the Windows Python; return their names by outcome, and pytest's output."""
    _, output = windows_python(
        folder,
        [
            *("-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml=Z:{junit}"),
            # A test that may fail here (RESETS) keeps its socket until some later test, which
            # would be blamed for it; on Linux the same tests run with these warnings as errors.
            *("-W", "ignore::ResourceWarning"),
            *("-W", "ignore::pytest.PytestUnraisableExceptionWarning"),
            *tests,
        ],
        {"CI": "", **(env or {})},  # what is missing inside is skipped also where CI is set
    )
    assert junit.exists(), output
    return outcomes(junit), output


def outcomes(junit: Path) -> dict[str, set[str]]:
    """Return the names of the tests by their outcome."""
    by: dict[str, set[str]] = {"passed": set(), "failed": set(), "skipped": set()}
    for case in ElementTree.parse(junit).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome = "passed"
        if kinds & {"failure", "error"}:
            outcome = "failed"
        elif "skipped" in kinds:
            outcome = "skipped"
        by[outcome].add(f"{case.get('classname')}::{case.get('name')}")
    return by


class TestUnderWine:
    pytestmark = wine

    def test_the_windows_side_passes_in_a_windows_python(
        self, folder: Path, tmp_path: Path, pki: Pki, ports: dict[str, int]
    ) -> None:
        """One call for all of them: starting Wine costs more than the tests do."""
        with fake_ntp() as exact, fake_ntp(FakeNtp(offset_s=400)) as ahead:
            seen, output = run_inside(
                folder,
                tmp_path / "inside.xml",
                ["tests/wine/inside", *SHARED],
                {
                    "LANE_NTP_PORT": str(exact.port),
                    "LANE_NTP_AHEAD_PORT": str(ahead.port),
                    "LANE_TLS_FOLDER": f"Z:{pki.folder}",
                    "LANE_TLS_PORTS": json.dumps(ports),
                },
            )

        assert {name.split("::")[1] for name in seen["failed"]} <= RESETS, output
        assert {name.split("::")[1] for name in seen["skipped"]} == LEFT_OUT
        assert len(seen["passed"]) > 230, output

    def test_ctrl_c_on_a_console_ends_the_run_and_keeps_its_report(
        self, folder: Path, tmp_path: Path
    ) -> None:
        """A console that draws the running checks, in UTF-8; the second half minute is not waited."""
        profile = tmp_path / "silent.toml"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            profile.write_text(SILENT.format(port=silent.getsockname()[1]), encoding="utf-8")
            code, shown = windows_console(
                folder,
                ["-m", "ccpor_agent", "run", "--no-upload", "--profile", f"Z:{profile}"],
                {"CCPOR_STATE_DIR": f"Z:{tmp_path}/state"},
                press=(b"  2.", b"\x03"),
            )

        assert code == 130, shown
        assert "The run was interrupted" in shown
        (report,) = (tmp_path / "state/reports").glob("*.json")
        assert json.loads(report.read_bytes())["interrupted"] is True

    def test_a_test_that_fails_inside_is_seen_outside(self, folder: Path, tmp_path: Path) -> None:
        """Negative control: Wine swallows exit codes and outputs in ways of its own."""
        bad = tmp_path / "test_bad.py"
        bad.write_text(
            "import sys\n"
            "def test_windows():\n    assert sys.platform == 'win32'\n"
            "def test_bad():\n    assert sys.platform == 'linux'\n"
        )

        seen, _ = run_inside(folder, tmp_path / "bad.xml", [f"Z:{bad}"])

        names = {outcome: {n.split("::")[1] for n in found} for outcome, found in seen.items()}
        assert names == {"passed": {"test_windows"}, "failed": {"test_bad"}, "skipped": set()}


def test_the_lane_installs_what_the_lock_names_and_nothing_else() -> None:
    """A wheel without a hash, or one that the lock does not know, is refused before any download."""
    lock = (
        'a==1 ; sys_platform == "win32" \\\n    --hash=sha256:11 \\\n    --hash=sha256:22\nB==2\n'
    )

    newer = (
        "c==1 ; python_full_version < '3.12' \\\n    --hash=sha256:33\n"
        "c==2 ; python_full_version >= '3.12' \\\n    --hash=sha256:44\n"
    )

    assert subset(lock, ["a"]) == ["a==1 --hash=sha256:11 --hash=sha256:22"]
    assert subset(lock + newer, ["c"]) == ["c==1 --hash=sha256:33"], "the lane's Python is 3.11"
    with pytest.raises(LookupError, match="c"):
        subset(lock, ["a", "c"])
