"""Three sample courts for the demo's board: in planning, near go-live, and live for a while.

They are written by the collector's own functions: enrolled workstations with their own keys, signed
reports that come in by the real way. Each is marked as a sample; one command removes them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from ccpor_reporting.checklist.model import DeclarationKind, Party
from ccpor_server.checklist_state import court_view
from ccpor_server.collector import Collector
from ccpor_server.settings import Settings
from ccpor_server.store import Transaction, assignments, comments, courts, samples, standings
from tests.server.sample import Clock, Desk, Sample

IMAGE_ONLY = {
    "images": True,
    "gateway": False,
    "sheriff_enters": False,
    "lea_extranet": False,
    "training_room": False,
}
YOLO, FRESNO, KERN = "sample-yolo", "sample-fresno", "sample-kern"
COURTS: dict[str, tuple[str, int, dict[str, bool]]] = {
    YOLO: ("Yolo", 75, {"images": True, "gateway": True}),
    FRESNO: ("Fresno", 5, IMAGE_ONLY),
    KERN: ("Kern", -9, IMAGE_ONLY),
}
DAYS_OF_COURSE = (28, 21, 14, 7, 3, 1, 0)


def add_samples(environment: Mapping[str, str]) -> None:
    """Add the three courts to a collector that does not run; *environment* holds its settings.

    Raises: SettingsInvalid, KeyUnusable, DatabaseUnusable.
    """
    settings = Settings.from_environment(environment)
    clock = Clock(datetime.now(UTC).replace(microsecond=0))
    collector = Collector(settings, now=clock.now)
    try:
        make = Sample(collector, clock)
        for court_id, (county, days, scope) in COURTS.items():
            name = f"Superior Court of {county} County (sample)"
            make.court(court_id, name, days, scope=scope, contacts={"county": county})
            collector.store.write(lambda tx, one=court_id: samples.mark(tx, one))
        _planning(make)
        _near_go_live(make)
        _live(make)
        _course(collector, clock)
    finally:
        collector.close()


def _planning(make: Sample) -> None:
    """A court that has begun: a first look, and a county that closes a port."""
    desk = make.desk("WOODLAND-01", YOLO, "woodland", "clerk")
    make.declared(YOLO, "woodland", "clerk", 4)
    make.declared(YOLO, "woodland", "scan-station", 1)
    make.report(desk, 6, faulty=True)
    make.attest(YOLO, {"planning"}, {"PL-05", "PL-10", "PL-13"})
    make.said(YOLO, "PL-13", Party.COURT, "the county has not answered", DeclarationKind.NOT_MET)
    due = (make.clock.at + timedelta(days=10)).date()

    def job(tx: Transaction) -> None:
        assignments.add(tx, YOLO, "PL-13", "r.diaz", due, who="m.ortiz")
        comments.add(tx, YOLO, "Asked again; the ticket is 2026-5511.", who="r.diaz", item="PL-13")

    make.collector.store.write(job)


def _near_go_live(make: Sample) -> None:
    """A court with all it needs."""
    desks = [
        make.desk(f"FRESNO-{role.upper()}-1", FRESNO, "fresno", role)
        for role in ("scan-station", "clerk")
    ]
    for desk in desks:
        make.declared(FRESNO, "fresno", desk.role, 1)
        for hours in (50, 26, 2):
            make.report(desk, hours, whole=True)
    make.attest(FRESNO, {"planning", "implement"})


def _live(make: Sample) -> None:
    """A court that is live, with one workstation that has fallen silent."""
    desks: list[Desk] = [
        make.desk(f"KERN-{number:02}", KERN, "bakersfield", "clerk") for number in (1, 2)
    ]
    make.declared(KERN, "bakersfield", "clerk", 2)
    make.attest(KERN, {"planning", "implement", "go-live"})
    for hours in (24 * 13, 24 * 12, 24 * 11):
        for desk in desks:
            make.report(desk, hours, whole=True)
    for hours in (50, 26, 2):
        make.report(desks[0], hours, whole=True)


def _course(collector: Collector, clock: Clock) -> None:
    """Write how each court stood on some days of the last month, as the daily task would have."""
    for days in DAYS_OF_COURSE:
        at = clock.at - timedelta(days=days)

        def job(tx: Transaction, at: datetime = at) -> None:
            for court in courts.every(tx.db):
                if court.id not in COURTS:
                    continue
                ready = court_view(tx.db, court, at).checklist.readiness
                standings.put(
                    tx,
                    court.id,
                    at.date(),
                    verdict=ready.verdict,
                    counts=ready.counts,
                    blocking=len(ready.blocking_open),
                )

        collector.store.write(job)
