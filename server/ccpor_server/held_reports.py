"""What each workstation's kept reports show, folded once and held until it is heard again.

A report counts only while its signature still fits its workstation's key: a row that somebody
changed in the database proves nothing. What was folded is what was signed: a row that is changed
later shows in `verify`, and in the next folding.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from weakref import WeakKeyDictionary

import msgspec
import sqlalchemy as sa

from ccpor_reporting.checklist.ledger import Shown, shown_by
from ccpor_reporting.checklist.load import our_checklist
from ccpor_reporting.checklist.model import KnownMachine, Level, Received
from ccpor_reporting.codec import ReportInvalid, decode_kept
from ccpor_reporting.envelope import (
    REPORT_TYPE,
    EnvelopeInvalid,
    PublicKey,
    open_envelope,
    public_key_from_pem,
)
from ccpor_reporting.model import Report
from ccpor_server.store import reports
from ccpor_server.store.machines import MachineRecord

MOST_RECENT = 25


class HeldReports(msgspec.Struct, frozen=True, kw_only=True):
    """One workstation's reports. newest: without what no page of a court shows."""

    known: KnownMachine
    shown: Shown
    newest: Received | None


_held: WeakKeyDictionary[sa.Engine, dict[str, tuple[object, HeldReports]]] = WeakKeyDictionary()


def held_of(
    db: sa.Connection,
    machine: MachineRecord,
    *,
    each: int,
    fresh: Collection[str],
    until: datetime,
) -> HeldReports:
    """Return what the newest *each* reports of *machine* up to *until* show.

    fresh: run ids that answered a request, so that they cannot be older than it.
    """
    if machine.last_run_id and machine.last_heard_at and machine.last_heard_at > until:
        return _fold(db, machine, each, fresh, until)  # a look back: nothing to hold
    held = _held.setdefault(db.engine, {})
    known = (machine, each)
    before, found = held.get(machine.id, (None, None))
    if found is None or before != known:
        found = _fold(db, machine, each, fresh, until)
        held[machine.id] = (known, found)
    return found


def _fold(
    db: sa.Connection, machine: MachineRecord, each: int, fresh: Collection[str], until: datetime
) -> HeldReports:
    known = KnownMachine(
        id=machine.id, name=machine.name, location=machine.location, role=machine.role
    )
    received = []
    for stored in reports.newest_of(db, machine.id, each=each, until=until):
        report = signed_report(stored.envelope, machine.public_key)
        if report is not None:
            level = Level.L2 if stored.run_id in fresh else Level.L1
            received.append(
                Received(
                    report=_what_counts(report),
                    machine_id=machine.id,
                    received_at=stored.received_at,
                    level=level,
                )
            )
    newest = max(received, key=lambda one: one.at, default=None)
    return HeldReports(
        known=known,
        shown=shown_by(known, received),
        newest=None
        if newest is None
        else msgspec.structs.replace(newest, report=_without_evidence(newest.report)),
    )


def _what_counts(report: Report) -> Report:
    """Return *report* with no more evidence than the checklist's limits are set over."""
    wanted = _limits_over()
    return msgspec.structs.replace(
        report,
        observations=tuple(
            msgspec.structs.replace(
                seen,
                evidence={name: value for name, value in seen.evidence.items() if name in wanted},
            )
            for seen in report.observations
        ),
        causes=tuple(
            msgspec.structs.replace(one, ticket="", fix="", evidence=()) for one in report.causes
        ),
    )


def _without_evidence(report: Report) -> Report:
    return msgspec.structs.replace(report, observations=())


@lru_cache(maxsize=1)
def _limits_over() -> frozenset[str]:
    """Return which fields of a check's evidence any item sets a limit over."""
    return frozenset(
        name.split(".")[0]
        for item in our_checklist().items
        for need in (item.proof.needs if item.proof else ())
        for bound in need.bounds
        for name in (bound.field, bound.when_field)
        if name
    )


def recent_reports(
    db: sa.Connection, enrolled: Sequence[MachineRecord], most: int = MOST_RECENT
) -> list[Received]:
    """Return the newest *most* signed reports of all of *enrolled*, newest first."""
    keys = {one.id: one.public_key for one in enrolled}
    lines = [line for name in keys for line in reports.of_machine(db, name, most)]
    lines.sort(key=lambda one: one.log_index, reverse=True)
    found = []
    for line in lines[:most]:
        stored = reports.by_run_id(db, line.run_id)
        report = signed_report(stored.envelope, keys[line.machine_id]) if stored else None
        if report is not None:
            found.append(
                Received(report=report, machine_id=line.machine_id, received_at=line.received_at)
            )
    return found


def signed_report(envelope: bytes, public_key: str) -> Report | None:
    """Return the report in *envelope*; None unless the key (PEM) signed these very bytes."""
    key = _key(public_key)
    try:
        opened = open_envelope(envelope, payload_type=REPORT_TYPE, key=lambda _hint: key)
        return decode_kept(opened.payload)
    except (EnvelopeInvalid, ReportInvalid):
        return None


@lru_cache(maxsize=5000)
def _key(pem: str) -> PublicKey:
    return public_key_from_pem(pem)
