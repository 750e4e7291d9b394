"""The steps of the demo, each by the programs that a court and the AOC would run."""

from __future__ import annotations

import json
import os
import re
import socket
import string
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

from tests.demo.certificates import Issued, issue
from tests.demo.sample_courts import add_samples
from tests.demo.servers import serving

NAME = "ccpor.example.org"
COURT, PLACE, ROLE = "ca-sonoma", "santa-rosa", "scan-station"
STARTS_WITHIN_S = 20
DAYS_TO_GO_LIVE = 28


class StepFailed(Exception):
    """A program of the demo ended otherwise than it should; the message quotes it."""


class Demo:
    """Start, enrol, run, upload, show. As a context manager it stops whatever it started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self._port = 0
        self._sign_in: tuple[str, str] = ("", "")
        self._issued: Issued

    def __enter__(self) -> Demo:
        self.folder.mkdir(parents=True)
        self._issued = issue(self.folder / "tls", (NAME, "localhost"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def whole_way(self) -> int:
        """Go the whole way; return how many technical items the checklist shows as met."""
        self.collector()
        servers = self._stack.enter_context(
            serving((NAME,), self._issued.cert_file, self._issued.key_file)
        )
        say("publishing the profile of a sample court")
        profile = self._write(
            "profile.toml",
            dns_1=servers.dns[0],
            dns_2=servers.dns[1],
            ntp=servers.ntp,
            web=servers.web,
            scanner=self._scanner(),
        )
        place = ("--court", COURT, "--location", PLACE, "--role", ROLE)
        self._office("profile", "publish", *place, str(profile))
        say("making a one-time code and enrolling this machine")
        code_file = self.folder / "code.txt"
        self._office("code", "create", *place, "-o", str(code_file))
        self._agent(
            "enroll",
            *("--collector", self.address),
            *("--code-file", str(code_file)),
            *("--ca-file", str(self._issued.ca_file)),
        )
        say("looking, judging, signing, uploading: ccpor-check run")
        run = self._agent("run", "--reason", "go-live", "--require-upload", ends=(0, 1, 3, 4))
        print(run)
        for turn in ("second", "third"):
            say(f"a {turn} run: a line is judged by several (ccpor-check schedule spreads them)")
            self._agent("run", "--reason", "scheduled", "--require-upload", ends=(0, 1, 3, 4))
        say("the Go-Live Readiness Checklist, as the collector fills it")
        checklist = self._office("court", "checklist", COURT)
        print(checklist)
        name, password = self._sign_in
        print(f"\npages     {self.address}\nsign in   {name}\npassword  {password}  (one time)")
        filled = self._office("court", "checklist", COURT, "--json")
        (self.folder / "checklist.json").write_text(filled, encoding="utf-8")
        return technical_items_met(filled)

    def collector(self, port: int = 0, *, samples: bool = True) -> None:
        """Make a fresh collector with one court and three samples; serve it over TLS."""
        say("starting a collector with an empty database")
        made = self._office("init", "--admin", "demo.admin")
        found = re.search(r"password\W+(\S+)", made, re.IGNORECASE)
        if not found:
            raise StepFailed(f"init printed no one-time password:\n{made}")
        self._sign_in = ("demo.admin", found[1])
        self._office("court", "import", str(self._write("courts.toml")))
        if samples:
            say("adding three sample courts (ccpor-collector sample remove takes them away)")
            add_samples(self._environment())
        self._port = port or free_port()
        log = (self.folder / "collector.log").open("wb")
        self._stack.callback(log.close)
        process = subprocess.Popen(
            [
                *program("ccpor-collector"),
                *("serve", "--host", "127.0.0.1", "--port", str(self._port)),
                *("--tls-cert", str(self._issued.cert_file)),
                *("--tls-key", str(self._issued.key_file)),
            ],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        self._stack.callback(stop, process)
        self._wait_for(process, self._port, "collector")

    def _scanner(self) -> int:
        """Start a network scanner with twelve of our test sheets in its feeder; return its port."""
        port = free_port()
        log = (self.folder / "scanner.log").open("wb")
        self._stack.callback(log.close)
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.peers.escl_server"),
                *("--port", str(port), "--feeder", "12", "--endless-feeder"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        self._stack.callback(stop, process)
        self._wait_for(process, port, "scanner")
        return port

    @property
    def address(self) -> str:
        return f"https://localhost:{self._port}"

    def wait_for_ctrl_c(self) -> None:
        name, password = self._sign_in
        print(f"\nlook around at {self.address} ({name} / {password}); Ctrl-C stops everything")
        while True:
            time.sleep(1)

    def _wait_for(self, process: subprocess.Popen[bytes], port: int, name: str) -> None:
        end = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < end and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        log = (self.folder / f"{name}.log").read_text(errors="replace")
        raise StepFailed(f"the {name} did not start:\n{log}")

    def _write(self, name: str, **ports: int) -> Path:
        """Fill in the template *name* and return the file."""
        template = Path(__file__).with_name(f"{name}.in").read_text(encoding="utf-8")
        go_live = (datetime.now(UTC) + timedelta(days=DAYS_TO_GO_LIVE)).date().isoformat()
        text = string.Template(template).substitute(
            ports,
            collector=self._port,
            go_live=go_live,
            ca_file=self._issued.ca_file.as_posix(),
        )
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.upper().startswith("CCPOR_")}
        return kept | {
            "CCPOR_STATE_DIR": str(self.folder / "agent"),
            "CCPOR_COLLECTOR_STATE_DIR": str(self.folder / "collector"),
            "PYTHONUTF8": "1",
        }

    def _office(self, *words: str) -> str:
        return self._call("ccpor-collector", words, ends=(0,))

    def _agent(self, *words: str, ends: tuple[int, ...] = (0,)) -> str:
        return self._call("ccpor-check", words, ends=ends)

    def _call(self, name: str, words: tuple[str, ...], *, ends: tuple[int, ...]) -> str:
        done = subprocess.run(
            [*program(name), *words],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        if done.returncode not in ends:
            said = (done.stdout + done.stderr).strip()
            raise StepFailed(f"{name} {' '.join(words)} ended with {done.returncode}:\n{said}")
        return done.stdout.rstrip()


def technical_items_met(checklist: str) -> int:
    """Return how many items of the checklist (JSON) are met, with evidence."""
    items = json.loads(checklist)["items"]
    return sum(
        one["state"] == "met" and one["item"]["kind"] != "attested" and bool(one["evidence"])
        for one in items
    )


def program(name: str) -> list[str]:
    """Return how to start one of ours with the interpreter that runs the demo."""
    module = {"ccpor-check": "ccpor_agent.cli", "ccpor-collector": "ccpor_server.cli"}[name]
    return [sys.executable, "-c", f"import sys; from {module} import main; sys.exit(main())"]


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def say(what: str) -> None:
    print(f"\n── {what}", flush=True)
