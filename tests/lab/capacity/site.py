"""A collector in the datacenter of a shaped line and an enrolled workstation in its court.

Both are made once, on a line that nothing shapes; every further line gets a copy of them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from ccpor_reporting.model import Location
from tests.lab.shaped import DATACENTER, Line
from tests.peers import certificates, wait_until
from tests.server.rig import HeldClock, Rig, prepared

PORT = 8443
URL = f"https://{DATACENTER}:{PORT}"


class Site:
    """The states of a collector and of a workstation, and their certificate, in *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.agent, self.collector = folder / "agent", folder / "collector"
        self.ca = folder / "ca.pem"
        self.cert, self.key = folder / "server.pem", folder / "server.key"
        self._copies = 0
        self._lock = threading.Lock()

    @classmethod
    def made(cls, folder: Path) -> Site:
        """Return a site whose workstation is enrolled; in this process, as seven programs take ten seconds."""
        folder.mkdir(parents=True, exist_ok=True)
        site = cls(folder)
        authority = certificates.authority("Lab CA")
        site.ca.write_bytes(authority.pem)
        issued = certificates.leaf(authority, names=[DATACENTER])
        site.cert.write_bytes(issued.pem)
        site.key.write_bytes(issued.key_pem)
        site.key.chmod(0o600)
        site._enroll()
        return site

    def _enroll(self) -> None:
        from ccpor_agent.identity import Identity, adopt_pending_key, pending_key, save_identity
        from ccpor_reporting.envelope import public_key_pem

        rig = Rig(prepared(self.collector), HeldClock())
        try:
            court = rig.court("ca-lab", "main")
            self.agent.mkdir(mode=0o700)
            key = pending_key(self.agent)
            pem = public_key_pem(key.public_key())
            answer = rig.enroll_by_api(rig.code(court, "main"), pem)
            assert answer.status_code == 201, answer.text
            save_identity(
                self.agent,
                Identity(
                    machine_id=answer.json()["machine_id"],
                    collector=URL,
                    collector_public_key=answer.json()["collector_public_key"],
                    location=Location(court=court, name="main", role="clerk"),
                    key_id=adopt_pending_key(self.agent, key),
                    enrolled_at=rig.clock.now(),
                    ca_file="collector-ca.pem",
                ),
            )
        finally:
            rig.close()
        shutil.copy(self.ca, self.agent / "collector-ca.pem")

    @contextlib.contextmanager
    def on(self, line: Line, *, udp: bool = True) -> Iterator[Path]:
        """Run a collector of its own in *line* for the block; give its workstation's state folder."""
        with self._lock:
            self._copies += 1
            copy = self.folder / f"copy-{os.getpid()}-{self._copies}"
        shutil.copytree(self.collector, copy / "collector")
        shutil.copytree(self.agent, copy / "agent")
        server = self.serve(line, copy / "collector", udp=udp)
        try:
            yield copy / "agent"
        finally:
            line.stop(server)
            shutil.rmtree(copy, ignore_errors=True)

    def serve(self, line: Line, state: Path, *, udp: bool = True) -> subprocess.Popen[bytes]:
        """Start a collector on *state* in the datacenter; return when it answers."""
        words = ["serve", "--host", DATACENTER, "--port", str(PORT)]
        words += ["--tls-cert", str(self.cert), "--tls-key", str(self.key)]
        words += [] if udp else ["--udp-port", "0"]
        log = state.parent / "collector.log"
        server = line.start(
            "datacenter",
            [sys.executable, "-m", "ccpor_server.cli", *words],
            log=log,
            env=environment(self.agent, state),
        )
        try:
            wait_until(lambda: self._ready(line, server), "the collector", 60)
        except AssertionError as exc:
            raise AssertionError(f"{exc}: {log.read_text()[-2000:]}") from exc
        return server

    def _ready(self, line: Line, server: subprocess.Popen[bytes]) -> bool:
        if server.poll() is not None:
            raise AssertionError("the collector ended")
        return f":{PORT} " in line.run("datacenter", "ss", "-Hltn").stdout


def environment(agent: Path, collector: Path) -> dict[str, str]:
    kept_out = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.upper() not in kept_out and not name.startswith("CCPOR_")
    }
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "CCPOR_STATE_DIR": str(agent),
        "CCPOR_COLLECTOR_STATE_DIR": str(collector),
    }
