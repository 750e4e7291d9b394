"""``ccpor-check run`` as a person and a script meet it: exit codes, streams, files, speed."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ccpor_agent.seam import RunLock
from tests.agent.program import (
    black_hole,
    ccpor,
    command,
    environment,
    listening,
    python,
    tcp_target,
    write_profile,
)
from tests.peers import free_port, lacking, wait_until

STATUS = {0: "ready", 1: "not-ready", 3: "unknown"}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return tmp_path / "court.toml"


def report(text: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(text)
    return told


def test_everything_passes_is_ready_and_0(profile: Path) -> None:
    """The one exit code on which a go-live may rely."""
    with listening() as port:
        write_profile(profile, [tcp_target("aoc", port)])
        ran = ccpor("run", "--profile", profile, "--no-upload", "--json")

    assert ran.returncode == 0, ran.stderr
    assert report(ran.stdout)["verdict"] == "ready"
    assert {f["id"]: f["status"] for f in report(ran.stdout)["findings"]} == {
        "aoc/tcp.reach": "pass"
    }


def test_a_failed_blocker_is_not_ready_and_1(profile: Path) -> None:
    """A closed port on a required target stops go-live."""
    write_profile(profile, [tcp_target("aoc", free_port())])
    ran = ccpor("run", "--profile", profile, "--no-upload", "--json")

    assert ran.returncode == 1, ran.stderr
    assert [cause["fault"] for cause in report(ran.stdout)["causes"]] == ["tcp.reach/refused"]


def test_a_failed_optional_target_leaves_it_ready_and_0(profile: Path) -> None:
    """`required = false` turns blockers into warnings, counted beside the verdict."""
    with listening() as port:
        optional = tcp_target("nice", free_port(), "required = false")
        write_profile(profile, [tcp_target("aoc", port), optional])
        ran = ccpor("run", "--profile", profile, "--no-upload", "--json")

    assert ran.returncode == 0, ran.stderr
    assert {(f["status"], f["severity"]) for f in report(ran.stdout)["findings"]} == {
        ("pass", "blocker"),
        ("fail", "warning"),
    }


def test_what_this_machine_cannot_look_at_is_3(profile: Path) -> None:
    """Not run is never passed: a scanner nobody can look at here leaves the verdict open."""
    with listening() as port:
        write_profile(profile, [tcp_target("aoc", port), 'id = "s"\nurl = "twain:fi-7160"'])
        ran = ccpor("run", "--profile", profile, "--no-upload")

    assert ran.returncode == 3, ran.stderr


def test_leaving_out_a_blocker_is_3(profile: Path) -> None:
    """Skipping the hard part must not make a court ready."""
    with listening() as port:
        write_profile(profile, [tcp_target("aoc", port), tcp_target("doj", port)])
        ran = ccpor("run", "--profile", profile, "--no-upload", "--skip", "doj", "--json")

    assert ran.returncode == 3
    assert report(ran.stdout)["coverage"]["excluded"] == 1


USAGE = [
    (["--profile", "gone.toml"], "gone.toml:1: cannot be read"),
    (["--only", "tpc"], '"tpc" names no target, check or code of this profile; did you mean tcp?'),
    (["--skip", "*"], "leave nothing to look at"),
    (["--format", "pdf"], "pdf"),
    (["--json", "--format", "csv"], "contradict"),
    (["--no-upload", "--require-upload"], "contradict"),
    (["--jobs", "0"], "--jobs"),
    (["--deadline", "0"], "--deadline"),
    (["--deadline", "nan"], "--deadline"),
    (["--incident", ""], "--incident"),
    (["--profil", "x"], "--profile"),
    (["--reason", "fun"], "go-live"),
]


@pytest.mark.parametrize(("arguments", "words"), USAGE, ids=lambda value: str(value)[:30])
def test_wrong_usage_is_2_and_says_what_to_do(
    arguments: list[str], words: str, profile: Path
) -> None:
    """A script that misspells an option must not read its exit code as a verdict."""
    write_profile(profile, [tcp_target("aoc", free_port())])
    given = [] if "--profile" in arguments else ["--profile", str(profile)]
    ran = ccpor("run", *given, *arguments)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_bad_profile_is_2_with_all_its_faults(profile: Path) -> None:
    """Two mistakes, two lines, and nothing was looked at."""
    write_profile(profile, ['id = "A b"\nurl = "tcp://h"'])
    ran = ccpor("run", "--profile", profile)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert [line.partition(": ")[0] for line in ran.stderr.splitlines()[:2]] == [
        f"{profile}:11",
        f"{profile}:12",
    ]


def test_no_profile_before_enrolment_is_2_and_names_both_ways_out() -> None:
    """The first thing a newcomer types."""
    ran = ccpor("run")

    assert ran.returncode == 2
    assert "--profile" in ran.stderr
    assert "enroll" in ran.stderr


def test_ready_but_not_acknowledged_is_4_only_when_it_was_required(profile: Path) -> None:
    """A machine that is not enrolled can look, but the AOC has not heard of it."""
    with listening() as port:
        write_profile(profile, [tcp_target("aoc", port)])
        required = ccpor("run", "--profile", profile, "--require-upload")
        plain = ccpor("run", "--profile", profile)

    assert (required.returncode, plain.returncode) == (4, 0)
    assert "not enrolled" in required.stderr


def test_not_ready_stays_1_where_an_upload_was_required(profile: Path) -> None:
    """4 says "ready"; it must never hide a blocker."""
    write_profile(profile, [tcp_target("aoc", free_port())])

    assert ccpor("run", "--profile", profile, "--require-upload").returncode == 1


def test_our_own_bug_is_70_without_a_traceback_on_the_screen(profile: Path, state: Path) -> None:
    """A crash must not look like "not ready", and its traceback must be kept."""
    write_profile(profile, [tcp_target("aoc", free_port())])
    broken = (
        "import sys; from ccpor_checks import registry; from ccpor_agent.cli import main\n"
        "registry.BUILTIN['tcp'] = 'no_such_module:CHECK'\n"
        "main()"
    )
    ran = python(broken, "run", "--profile", str(profile), "--no-upload")

    assert (ran.returncode, ran.stdout) == (70, "")
    assert "Traceback" not in ran.stderr
    assert str(state / "logs" / "agent.log") in ran.stderr
    assert "no_such_module" in (state / "logs" / "agent.log").read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="signals to another process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_130_and_keeps_what_it_saw(
    number: signal.Signals, profile: Path, state: Path
) -> None:
    """Ctrl-C after the first answers: they are saved, the rest is named as interrupted."""
    with listening() as port, black_hole() as hole:
        slow = tcp_target("slow", hole, "[target.tcp]\ntimeout_s = 30")
        write_profile(profile, [tcp_target("aoc", port), slow])
        process = subprocess.Popen(
            command("run", "--profile", profile, "--no-upload", "--json"),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_until(lambda: any("aoc" in p.read_text() for p in state.glob("journal/*")), "a look")
        begun = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)

    assert process.returncode == 130, err
    assert time.monotonic() - begun < 15  # the check may take 30 and more
    told = report(out)
    assert told["interrupted"] is True
    assert {f["id"]: f["status"] for f in told["findings"]} == {
        "aoc/tcp.reach": "pass",
        "slow/tcp.reach": "error",
    }
    assert [path.stem for path in (state / "reports").glob("*.json")] == [told["run_id"]]


def test_two_runs_at_once_are_refused(profile: Path, state: Path) -> None:
    """Two runs would measure each other."""
    write_profile(profile, [tcp_target("aoc", free_port())])
    state.mkdir()
    with RunLock(state / "run.lock"):
        ran = ccpor("run", "--profile", profile, "--no-upload")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "another run" in ran.stderr


def test_the_result_goes_to_stdout_and_everything_else_to_stderr(
    profile: Path, state: Path
) -> None:
    """`ccpor-check run --json | jq` must work."""
    with listening() as port:
        write_profile(profile, [tcp_target("aoc", port)])
        ran = ccpor("run", "--profile", profile, "--format", "json")

    told = report(ran.stdout)
    saved = state / "reports" / f"{told['run_id']}.json"
    assert json.loads(saved.read_bytes()) == told
    assert str(saved) in ran.stderr
    assert "\x1b" not in ran.stdout + ran.stderr
    assert list((state / "journal").iterdir()) == []


@pytest.mark.parametrize("form", ["text", "json", "junit", "html", "csv"])
def test_each_format_can_be_written_to_a_file(form: str, profile: Path, tmp_path: Path) -> None:
    """What goes to the file is the result; stdout stays empty."""
    write_profile(profile, [tcp_target("aoc", free_port())])
    file = tmp_path / "out"
    ran = ccpor("run", "--profile", profile, "--no-upload", "--format", form, "-o", file)

    assert (ran.returncode, ran.stdout) == (1, ""), ran.stderr
    assert f"NOT READY: 1 cause blocks; written to {file}" in ran.stderr.splitlines()
    assert "tcp.reach" in file.read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written_is_2(profile: Path, tmp_path: Path) -> None:
    """Told before the look: minutes later would be too late."""
    write_profile(profile, [tcp_target("aoc", free_port())])
    for place in (tmp_path / "no" / "r.txt", tmp_path):
        ran = ccpor("run", "--profile", profile, "--no-upload", "-o", place)

        assert (ran.returncode, ran.stdout) == (2, "")
        assert str(place) in ran.stderr
        assert "report saved" not in ran.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes of POSIX")
def test_a_device_or_pipe_is_written_to_and_never_replaced(profile: Path, tmp_path: Path) -> None:
    """`-o /dev/null` as root must not turn the device into a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    write_profile(profile, [tcp_target("aoc", free_port())])
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        ccpor("run", "--profile", profile, "--no-upload", "--json", "-o", pipe)
        assert reader.stdout is not None
        assert report(reader.stdout.read())["verdict"] == "not-ready"
    assert pipe.is_fifo()


def test_a_state_folder_that_cannot_be_written_is_2(
    profile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Better to refuse than to look and lose the report."""
    write_profile(profile, [tcp_target("aoc", free_port())])
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CCPOR_STATE_DIR", str(tmp_path / "file" / "state"))
    ran = ccpor("run", "--profile", profile, "--no-upload")

    assert ran.returncode == 2
    assert "CCPOR_STATE_DIR" in ran.stderr


def test_a_lock_that_cannot_be_taken_is_2_and_not_our_bug(profile: Path, state: Path) -> None:
    """The administrator ran it first; the clerk who tries next must read what to do."""
    (state / "run.lock").mkdir(parents=True)  # root, too, cannot open it
    write_profile(profile, [tcp_target("aoc", free_port())])
    ran = ccpor("run", "--profile", profile, "--no-upload")

    assert (ran.returncode, ran.stdout) == (2, ""), ran.stderr
    assert "CCPOR_STATE_DIR" in ran.stderr


def test_the_run_says_why_it_was_made(profile: Path) -> None:
    """An incident's runs are found by its id."""
    write_profile(profile, [tcp_target("aoc", free_port())])
    ran = ccpor("run", "--profile", profile, "--no-upload", "--json", "--incident", "INC-7")

    told = report(ran.stdout)
    assert (told["reason"], told["incident"]) == ("incident", "INC-7")
    assert told["profile"]["id"] == "ca-test/main/clerk"


def test_the_verdict_stands_even_if_nobody_reads_it(profile: Path) -> None:
    """`ccpor-check run | head` in a script: the exit code still is the verdict."""
    with listening() as port:
        write_profile(profile, [tcp_target("aoc", port)])
        line = command("run", "--profile", profile, "--no-upload", "--json")
        with subprocess.Popen(
            line, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            said = process.stderr.read()

    assert process.returncode == 0
    assert "Error" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits of POSIX")
def test_a_full_disk_still_tells_the_result_but_never_ready(profile: Path, state: Path) -> None:
    """What could not be kept proves nothing tomorrow: 70, with the result on the screen."""
    full = (
        "import resource, signal; from ccpor_agent.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))\nmain()"
    )
    with listening() as port:
        write_profile(profile, [tcp_target("aoc", port)])
        ran = python(full, "run", "--profile", str(profile), "--no-upload", "--json")

    assert ran.returncode == 70, ran.stderr
    assert report(ran.stdout)["verdict"] == "ready"
    assert "NOT saved" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert list((state / "reports").glob("*.json")) == []


def seconds_of(told: dict[str, Any]) -> float:
    begun, ended = (datetime.fromisoformat(told[key]) for key in ("started_at", "finished_at"))
    return (ended - begun).total_seconds()


def test_a_hundred_black_holes_with_three_seconds_each_end_within_six(profile: Path) -> None:
    """A court behind a silent firewall gets its answer while the technician waits."""
    with black_hole() as hole:
        more = "[target.tcp]\ntimeout_s = 3"
        write_profile(profile, [tcp_target(f"t{n}", hole, more) for n in range(100)])
        told = report(ccpor("run", "--profile", profile, "--no-upload", "--json").stdout)

    assert {f["reason"] for f in told["findings"]} == {"dropped"}
    assert seconds_of(told) <= 6


def test_two_hundred_refused_targets_end_within_a_second(profile: Path) -> None:
    """After start-up, the engine must not be what takes the time."""
    write_profile(profile, [tcp_target(f"t{n}", free_port()) for n in range(200)])
    told = report(ccpor("run", "--profile", profile, "--no-upload", "--json").stdout)

    assert {f["reason"] for f in told["findings"]} == {"refused"}
    assert seconds_of(told) <= 1


def test_the_deadline_of_the_run_holds(profile: Path) -> None:
    """`--deadline 1` means one second, whatever the profile asks."""
    with black_hole() as hole:
        more = "[target.tcp]\ntimeout_s = 30"
        write_profile(profile, [tcp_target("slow", hole, more)])
        ran = ccpor("run", "--profile", profile, "--no-upload", "--json", "--deadline", "1")

    told = report(ran.stdout)
    assert ran.returncode == 3
    assert {f["status"] for f in told["findings"]} == {"error"}
    assert seconds_of(told) < 2


def on_a_terminal(*arguments: str | Path) -> str:
    """Run the program with stdout and stderr on a terminal of 60 columns; return what it drew."""
    pty = pytest.importorskip("pty", reason="a pseudo-terminal")
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 60, 0, 0))
    env = {**environment(), "TERM": "xterm"}
    with subprocess.Popen(command(*arguments), env=env, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        drawn = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says EIO when the other end is gone
                break
            if not piece:
                break
            drawn += piece
        process.wait(20)
    os.close(ours)
    return drawn.decode("utf-8", "replace")


def test_a_terminal_shows_what_is_running_and_wipes_it_at_the_end(profile: Path) -> None:
    """What stays on the screen is the result and not the progress."""
    if sys.platform == "win32":
        lacking("needs a POSIX terminal")
    with black_hole() as hole:
        more = "[target.tcp]\ntimeout_s = 1\ntries = 1"
        write_profile(profile, [tcp_target("x" * 60, hole, more)])
        drawn = on_a_terminal("run", "--profile", profile, "--no-upload")

    live, _, result = drawn.rpartition("\x1b[?25h")
    assert "0 of 1 done" in live
    assert "tcp on xxx" in live
    assert live.endswith("\x1b[0J")
    assert "of 1 done" not in result
    words = re.sub(r"\x1b\[[?0-9]*[A-Za-z]|\r", "", live)
    widest = max(len(line) for line in words.split("\n"))
    assert widest < 60


def test_plain_draws_nothing_and_colours_nothing(profile: Path) -> None:
    """A screen reader and a log file get words only."""
    if sys.platform == "win32":
        lacking("needs a POSIX terminal")
    write_profile(profile, [tcp_target("aoc", free_port())])

    assert "\x1b" not in on_a_terminal("run", "--profile", profile, "--no-upload", "--plain")


def test_plan_contacts_nobody(profile: Path) -> None:
    """A plan is shown before anyone allowed a single packet."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver,
    ):
        resolver.bind(("127.0.0.1", 0))
        name_server = f"127.0.0.1:{resolver.getsockname()[1]}"
        port = server.getsockname()[1]
        asks = f'id = "n"\nurl = "tcp://h.test:{port}"\n[target.dns]\nresolvers = ["{name_server}"]'
        write_profile(profile, [tcp_target("aoc", port), asks])
        told = ccpor("plan", "--profile", profile, "--json")
        words = ccpor("plan", "--profile", profile)
        server.settimeout(0.1)
        resolver.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()
        with pytest.raises(TimeoutError):
            resolver.recv(1)

    steps = [(s["target"], s["check"], s["contacts"]) for s in json.loads(told.stdout)["steps"]]
    assert steps == [
        ("aoc", "tcp", f"127.0.0.1:{port}"),
        ("n", "dns", f"{name_server} about h.test"),
        ("n", "tcp", f"h.test:{port}"),
    ]
    assert f"contacts 127.0.0.1:{port}" in words.stdout
    assert "not enrolled" in words.stdout


def test_a_plan_tells_an_upload_as_a_sentence_of_its_own(profile: Path) -> None:
    """What is sent must not run into the words before it."""
    asks = 'id = "web"\nurl = "http://127.0.0.1:9/"\n[target.http]\nupload_kb = 10'
    write_profile(profile, [asks])
    said = " ".join(ccpor("plan", "--profile", profile).stdout.split())

    assert ". Uploads 10000 bytes of synthetic data" in said


def test_a_ticket_of_a_real_run_names_both_ends(profile: Path) -> None:
    """What the check saw must reach the letter: addresses, ports and both times."""
    port = free_port()
    write_profile(profile, [tcp_target("aoc", port)])
    ran = ccpor("run", "--profile", profile, "--no-upload", "--json")
    (cause,) = json.loads(ran.stdout)["causes"]

    assert "TCP from 127.0.0.1 port " in cause["ticket"]
    assert f" to 127.0.0.1 port {port}\n" in cause["ticket"]
    assert " local time\n" in cause["ticket"]


HUNG = """
import re, sys, time
from dataclasses import replace
from ccpor_agent.cli import main
from ccpor_checks import registry
def hangs(target, options, ctx):
    {hang}
tcp = replace(registry.load("tcp"), run=hangs, budget_s=lambda options: 0.1)
registry.load = lambda name: tcp
main()
"""


def test_a_hung_thread_does_not_keep_the_process(profile: Path) -> None:
    """A check that ignores its deadline is left behind, and the terminal comes back."""
    write_profile(profile, [tcp_target("aoc", free_port())])
    begun = time.monotonic()
    ran = python(
        HUNG.format(hang="time.sleep(60)"), "run", "--profile", str(profile), "--no-upload"
    )

    assert ran.returncode == 3, ran.stderr
    assert time.monotonic() - begun < 30  # the check sleeps for 60


@pytest.mark.slow
def test_the_last_resort_ends_a_run_whose_interpreter_is_held(profile: Path, state: Path) -> None:
    """C code that never lets go stops even the scheduler; the process still ends, not with 0."""
    write_profile(profile, [tcp_target("aoc", free_port())])
    held = HUNG.format(hang="re.match('(a+)+$', 'a' * 60 + 'b')")
    begun = time.monotonic()
    ran = python(held, "run", "--profile", str(profile), "--no-upload", "--deadline", "1")

    assert ran.returncode != 0
    assert 5 < time.monotonic() - begun < 30  # the expression alone would take years
    assert ran.stdout == ""
    assert "in hangs" in (state / "logs" / "watchdog.txt").read_text(encoding="utf-8")
