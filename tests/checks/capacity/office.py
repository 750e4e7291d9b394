"""A collector that is served over TLS on loopback, and a workstation that is enrolled there."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from ccpor_checks.base import Context, Target
from ccpor_checks.capacity.turn import Turn
from ccpor_checks.tls.evidence import TlsOptions
from ccpor_reporting.capacity.protocol import Wish
from tests.peers import certificates
from tests.server.rig import Workstation, prepared, rig_in
from tests.server.test_serve import Served

HOST = "127.0.0.1"
WISH = Wish(seconds=30, megabytes=200, flows=16)


class Office:
    """Where the collector listens, and who may ask."""

    def __init__(self, port: int, machines: tuple[Workstation, ...], ca: Path) -> None:
        self.port, self.machines, self.ca = port, machines, ca
        self.told: list[str] = []

    @property
    def target(self) -> Target:
        return Target(
            id="line",
            url=f"capacity://{HOST}:{self.port}",
            scheme="capacity",
            host=HOST,
            port=self.port,
            options={"tls": TlsOptions(ca_file=str(self.ca))},
        )

    def context(self, seconds: float = 60, machine: int = 0) -> Context:
        def sign(method: str, path: str) -> Mapping[str, str]:
            return self.machines[machine].signed(method, path, datetime.now(UTC))

        return Context(
            deadline=time.monotonic() + seconds,
            base_dir=self.ca.parent,
            sign=sign,
            tell=self.told.append,
        )

    def turn(self, ctx: Context, wish: Wish = WISH) -> Turn:
        return Turn(self.target, wish, ctx)


@contextlib.contextmanager
def office_in(folder: Path, *words: str) -> Iterator[Office]:
    """Give an office whose collector was started with *words*."""
    template = folder / "template"
    prepared(template)
    served = Served(template, folder / "state")
    with rig_in(folder / "state", folder / "both") as rig:
        other = rig.enrol("ca-marin")
    (folder / "state").rename(folder / "before")
    (folder / "both").rename(folder / "state")
    served.environment["CCPOR_COLLECTOR_RATE_SLOTS"] = "1000:1000"
    authority = certificates.authority("Test CA")
    files = certificates.write(
        folder, "server", certificates.leaf(authority, names=[HOST]), authority
    )
    ca = folder / "ca.pem"
    ca.write_bytes(authority.pem)
    tls = ("--tls-cert", str(files.certificate), "--tls-key", str(files.key))
    with served.running(*tls, *words) as (address, _process):
        yield Office(int(address.rpartition(":")[2]), (served.machine, other), ca)
