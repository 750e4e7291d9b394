"""Times of the pages over many courts: on SQLite and PostgreSQL, with few and with many reports.

The whole of `tests.season`'s courts and workstations, each with as many real reports as a page reads;
then three years of daily reports more, which nobody's page may read.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ccpor_reporting.codec import encode_report
from ccpor_reporting.envelope import key_id
from ccpor_server.rights import Role
from ccpor_server.settings import Settings
from ccpor_server.store import Transaction, connect, courts, machines, migrate, reports
from ccpor_server.store.machines import NewMachine
from ccpor_server.store.reports import NewReport
from tests.season.script import WHOLE, Court, Machine, Size, courts_of
from tests.server.rig import NOON, HeldClock, Rig, Workstation, prepared
from tests.server.sample import Desk, report_of

EACH, LIVE_EACH = 12, 30  # as many as a page reads of a workstation
DAYS = 3 * 365
LOOKS = 120


@dataclass(frozen=True, slots=True)
class Timed:
    what: str
    p95_ms: float
    bound_ms: float | None


class World:
    """A collector with the courts; `agents`: a workstation of each to send from."""

    def __init__(self, rig: Rig, size: Size) -> None:
        self.rig = rig
        self.number = 0
        self.courts = courts_of(size, NOON, random.Random(1))
        self.agents: list[tuple[Machine, Workstation]] = []
        rig.store.write(self._places)
        for one in self.courts:
            rig.store.write(lambda tx, court=one: self._court(tx, court))
        self.reader = rig.signed_in("the.auditor", Role.AUDITOR)

    def _places(self, tx: Transaction) -> None:
        for one in self.courts:
            court = courts.Court(
                id=one.id, name=one.name, kind=one.kind, go_live=one.go_live, scope=one.scope,
                contacts=one.contacts,
            )  # fmt: skip
            courts.put(tx, court)
            for (place, role), count in one.declared.items():
                courts.put_location(tx, one.id, place)
                row = courts.Declared(court=one.id, location=place, role=role, machines=count)
                courts.declare(tx, row)

    def _court(self, tx: Transaction, court: Court) -> None:
        is_live = court.go_live is not None and court.go_live <= NOON.date()
        for machine in court.machines:
            station = Workstation(court.id, machine.location, machine.role)
            station.id = f"{len(self.agents):08x}-0000-4000-8000-000000000000"
            name = key_id(station.signer._key.public_key())
            new = NewMachine(
                id=station.id, court=court.id, location=machine.location, role=machine.role,
                public_key=station.pem, key_id=name, name=machine.name, os="Windows", code_id="-",
            )  # fmt: skip
            machines.enrol(tx, new)
            for back in reversed(range(LIVE_EACH if is_live else EACH)):
                reports.add(tx, self._report(machine, station, hours=1 + 24 * back))
            self.agents.append((machine, station))

    def _report(self, machine: Machine, station: Workstation, hours: float) -> NewReport:
        self.number += 1
        desk = Desk(
            machine.name, machine.court.id, machine.location, machine.role,
            station.signer, station.id,
        )  # fmt: skip
        at = NOON - timedelta(hours=hours)
        faulty = self.number % 7 == 0
        made = report_of(desk, at, number=self.number, whole=True, faulty=faulty)
        body = station.sealed(made)
        assert len(encode_report(made)) < len(body)
        return NewReport(
            run_id=made.run_id, machine_id=station.id, digest=sha256(body).hexdigest(),
            envelope=body, started_at=made.started_at.isoformat(), verdict=made.verdict,
            reason=made.reason, schema=made.schema,
        )  # fmt: skip

    def age(self, days: int) -> int:
        """Add a report a day of each workstation, older than all it has; return how many."""
        engine = connect.writing_engine(self.rig.url)
        text = """
            INSERT INTO report (run_id, machine_id, received_at, digest, envelope, started_at,
                                verdict, reason, schema, log_index)
            WITH RECURSIVE day(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM day WHERE i < :days)
            SELECT substr(machine.id, 1, 30) || '-' || CAST(i AS TEXT), machine.id,
                   '2020-01-01T00:00:00.000000Z', 'x', :body, 'x', 'ready', 'scheduled', 'x',
                   -(machine.log_index * 10000 + i)
            FROM machine, day"""
        with engine.begin() as db:
            db.execute(sa.text(text), {"days": days, "body": b"x" * 100})
            db.execute(sa.text("ANALYZE"))
        engine.dispose()
        return days * len(self.agents)

    def times(self, note: str) -> Iterator[Timed]:
        """Yield how long each page takes; before each board, one workstation sends a report."""
        paths = [f"/courts/{one.id}" for one in self.courts]
        self._get("/")
        yield Timed(f"board, {note}", self._p95(["/"] * LOOKS), 150)
        yield Timed(f"board after a report, {note}", self._p95(["/"] * 40, sending=True), 150)
        yield Timed(f"court, {note}", self._p95(paths * (LOOKS // len(paths))), 100)
        yield Timed(f"statewide, {note}", self._p95(["/statewide"] * 40), None)

    def _p95(self, paths: list[str], *, sending: bool = False) -> float:
        took = []
        for turn, path in enumerate(paths):
            if sending:
                machine, station = self.agents[turn * 37 % len(self.agents)]
                new = self._report(machine, station, hours=0.5)
                self.rig.store.write(lambda tx, new=new: reports.add(tx, new))
            begun = time.perf_counter()
            self._get(path)
            took.append(time.perf_counter() - begun)
        return 1000 * sorted(took)[int(len(took) * 0.95)]

    def _get(self, path: str) -> Any:
        answer = self.rig.ask("GET", path, session=self.reader, headers={"accept": "text/html"})
        assert answer.status_code == 200, answer.text[:300]
        return answer


@contextmanager
def world(folder: Path, size: Size, database_url: str | None = None) -> Iterator[World]:
    """Give a filled collector, on SQLite in *folder* unless another database is named."""
    settings = prepared(folder)
    if database_url:
        settings = Settings(state_dir=folder, database_url=database_url)
        migrate.upgrade(connect.database_url(database_url))
    rig = Rig(settings, HeldClock())
    try:
        yield World(rig, size)
    finally:
        rig.close()


def times(
    folder: Path, database_url: str | None, size: Size = WHOLE, days: int = DAYS
) -> list[Timed]:
    """Return the times of one database, with few reports and with *days* more of each."""
    name = "PostgreSQL" if database_url else "SQLite"
    with world(folder, size, database_url) as filled:
        found = list(filled.times(f"{name}, {filled.number} reports"))
        more = filled.age(days)
        return found + list(filled.times(f"{name}, {(filled.number + more) / 1e6:.1f} million"))
