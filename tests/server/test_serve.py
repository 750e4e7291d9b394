"""The collector as a process: killed at any moment it loses nothing that it acknowledged."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from ccpor_reporting.receipt import verify_receipt
from ccpor_server import keys
from ccpor_server.settings import Settings
from ccpor_server.store import connect
from ccpor_server.verify import verify
from tests.peers import started, wait_until
from tests.server.rig import ENVELOPE, Workstation, kept_runs, rig_in

JSONL = {"content-type": ENVELOPE}


class Served:
    """A state folder, its environment, and a workstation that is enrolled there."""

    def __init__(self, template: Path, folder: Path) -> None:
        with rig_in(template, folder) as rig:
            self.machine: Workstation = rig.enrol()
        # the rig's clock stands in November 2026; a process has the real one
        self.folder = folder
        self.log = folder.parent / "serve.log"
        self.settings = Settings(
            state_dir=folder, database_url=f"sqlite:///{folder / 'collector.db'}"
        )
        self.environment = {
            "CCPOR_COLLECTOR_STATE_DIR": str(folder),
            "CCPOR_COLLECTOR_RATE_MACHINE": "1000000:1000000",
            "CCPOR_COLLECTOR_RATE_COURT": "1000000:1000000",
            "CCPOR_COLLECTOR_RATE_ADDRESS": "1000000:1000000",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "ccpor_server.cli", *words]

    @contextlib.contextmanager
    def running(self, *words: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
        """Give the address and the process of a collector that listens."""
        with started(
            self.command("serve", "--port", "0", *words),
            log=self.log,
            ready=lambda: self._address() is not None,
            env=self.environment,
        ) as process:
            address = self._address()
            assert address is not None
            yield address, process

    def _address(self) -> str | None:
        found = re.search(rb"listening on (\S+)", self.log.read_bytes())
        return found[1].decode() if found else None

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def held(self) -> set[str]:
        engine = connect.reading_engine(connect.database_url(self.settings.database_url))
        with engine.connect() as db:
            found = set(kept_runs(db, "ca-sonoma"))
        engine.dispose()
        return found

    def faults(self) -> tuple[object, ...]:
        key = keys.load(self.settings.key_file)
        url = connect.database_url(self.settings.database_url)
        return verify(url, key, self.settings.checkpoint_file).faults


@pytest.fixture
def served(collector_template: Path, tmp_path: Path) -> Served:
    return Served(collector_template, tmp_path / "state")


def test_sixty_four_senders_of_one_report_get_one_place_in_the_log(served: Served) -> None:
    """Every retry of every proxy at once: one row, one 201, 63 equal answers."""
    body = served.machine.sealed()
    answers: list[httpx.Response] = []
    with served.running() as (address, _process):
        start = threading.Barrier(64)

        def send() -> None:
            with httpx.Client(trust_env=False, timeout=60) as client:
                start.wait()
                url = f"{address}/api/v1/reports"
                answers.append(client.post(url, content=body, headers=JSONL))

        threads = [threading.Thread(target=send) for _ in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(one.status_code for one in answers) == [200] * 63 + [201]
    assert len({one.json()["log_index"] for one in answers}) == 1
    assert len(served.held()) == 1


@pytest.mark.slow
def test_killed_under_load_nothing_acknowledged_is_lost(served: Served) -> None:
    """kill -9 four times while three clients send: each receipt stands for a report that is there.

    A report whose answer was lost may be there or not; its sender asks again.
    """
    public = keys.load(served.settings.key_file).public
    acknowledged: dict[str, str] = {}
    sent: set[str] = set()
    faults: list[str] = []

    def send(address: str, stop: threading.Event) -> None:
        with httpx.Client(trust_env=False, timeout=10) as client:
            while not stop.is_set():
                report = served.machine.report()
                body = served.machine.sealed(report)
                sent.add(report.run_id)
                try:
                    answer = client.post(f"{address}/api/v1/reports", content=body, headers=JSONL)
                except httpx.HTTPError:
                    return
                if answer.status_code != 201:
                    faults.append(answer.text)
                    return
                receipt = json.dumps(answer.json()["receipt"]).encode()
                digest = sha256(body).hexdigest()
                verify_receipt(receipt, public, digest, report.run_id, served.machine.id)
                acknowledged[report.run_id] = digest

    for life in range(4):
        with served.running() as (address, process):
            stop = threading.Event()
            threads = [threading.Thread(target=send, args=(address, stop)) for _ in range(3)]
            for thread in threads:
                thread.start()
            before = len(acknowledged)
            wait_until(lambda n=before: len(acknowledged) > n + 3, "a first receipt", 30)
            time.sleep(0.05 + 0.07 * life)  # another moment each time
            process.send_signal(signal.SIGKILL)
            process.wait(10)
            stop.set()
            for thread in threads:
                thread.join(20)

    assert faults == []
    held = served.held()
    assert acknowledged.keys() <= held <= sent
    assert len(acknowledged) > 12
    assert served.faults() == ()


def test_stopping_finishes_what_was_accepted_and_exits_with_zero(served: Served) -> None:
    """A service manager's stop must not look like a crash."""
    with served.running() as (address, process):
        assert httpx.get(f"{address}/readyz", trust_env=False).status_code == 200
        process.terminate()

        assert process.wait(20) == 0


def test_a_second_collector_on_one_sqlite_is_refused(served: Served) -> None:
    """SQLite mode is one process; the second says so instead of fighting for the file."""
    with served.running():
        second = served.run("serve", "--port", "0")

    assert second.returncode == 1
    assert "a collector runs already" in second.stderr


def test_verify_and_backup_work_while_it_serves(served: Served, tmp_path: Path) -> None:
    """Nobody stops a collector to check it, and so nobody would check it."""
    with served.running() as (address, _process):
        stop = threading.Event()
        statuses: list[int] = []

        def send() -> None:
            with httpx.Client(trust_env=False, timeout=30) as client:
                while not stop.is_set():
                    body = served.machine.sealed()
                    answer = client.post(f"{address}/api/v1/reports", content=body, headers=JSONL)
                    statuses.append(answer.status_code)

        sender = threading.Thread(target=send)
        sender.start()
        wait_until(lambda: len(statuses) > 3, "some reports")
        whole = served.run("verify")
        copied = served.run("backup", str(tmp_path / "backup.db"))
        stop.set()
        sender.join(30)

    assert whole.returncode == 0, whole.stdout
    assert whole.stdout.startswith("whole: ")
    assert copied.returncode == 0, copied.stderr
    assert set(statuses) == {201}


def test_over_tls_it_answers_and_nothing_older_than_1_2(served: Served, tmp_path: Path) -> None:
    """The demo and small courts end TLS here."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(key))
    context = ssl.create_default_context()
    authority.configure_trust(context)

    with served.running("--tls-cert", str(cert), "--tls-key", str(key)) as (address, _process):
        answer = httpx.get(f"{address}/healthz", verify=context, trust_env=False)

    assert address.startswith("https://127.0.0.1:")
    assert answer.status_code == 200
    assert "strict-transport-security" in answer.headers
    assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["serve", "--host", "0.0.0.0"], "without TLS only loopback is served"),
        (["serve", "--tls-cert", "cert.pem"], "does not exist"),
        (["serve", "--port", "70000"], "70000"),
    ],
)
def test_a_wrong_call_ends_with_two_and_words(served: Served, words: Any, said: str) -> None:
    done = served.run(*words)

    assert done.returncode == 2
    assert said in done.stderr


def test_every_log_line_is_one_json_object(served: Served) -> None:
    """A value with a line break in it must not forge a second event."""
    with served.running() as (address, _process):
        httpx.get(f"{address}/a%0a%7B%22event%22%3A%22forged%22%7D", trust_env=False)
        httpx.get(f"{address}/healthz", trust_env=False)

    lines = [json.loads(line) for line in served.log.read_text().splitlines() if line[0] == "{"]
    answered = [one for one in lines if one["event"] == "request.answered"]
    assert [one["status"] for one in answered] == [404, 200]
    assert "forged" not in {one["event"] for one in lines}
