"""One report on its way in: signature over the exact bytes first, then reading, then the store.

The order is the defence: for a stranger we spend one hash-table look-up and one signature check,
never a parse of what he wrote.
"""

from __future__ import annotations

import hmac
from functools import partial
from hashlib import sha256

import msgspec

from ccpor_reporting.codec import ReportInvalid, decode_report
from ccpor_reporting.envelope import (
    REPORT_TYPE,
    EnvelopeInvalid,
    Opened,
    PublicKey,
    open_envelope,
    public_key_from_pem,
)
from ccpor_reporting.model import Report
from ccpor_reporting.receipt import Receipt, seal_receipt
from ccpor_server import consistency
from ccpor_server.collector import Collector
from ccpor_server.problems import (
    BadRequest,
    Conflict,
    Forbidden,
    Refused,
    Unauthorised,
    Unprocessable,
)
from ccpor_server.store import Committed, Transaction, audit, incidents, machines, reports
from ccpor_server.store.machines import MachineRecord
from ccpor_server.store.reports import Held, Kept, NewReport
from ccpor_server.turns import Turn

# An envelope has five keys and four texts; base64 has no quote and no bracket. Counting marks costs
# nothing and keeps a bomb of a million keys from becoming objects.
_MOST_QUOTES = 64
_MOST_BRACKETS = 16


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A report whose signature, place and machine are in order."""

    machine: MachineRecord
    report: Report
    digest: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a sender gets; `receipt` is a signed envelope."""

    run_id: str
    digest: str
    log_index: int
    tree_size: int
    root: str
    receipt: msgspec.Raw


def envelope_payload(running: Collector, body: bytes) -> tuple[MachineRecord, Opened]:
    """Return who signed *body* and the bytes signed.

    Raises:
        BadRequest: Not an envelope. Unprocessable: an envelope of something else.
        Unauthorised: A key that nobody enrolled, or a signature that does not fit.
        Forbidden: The workstation is revoked. TooMany: it sends too often.
    """
    brackets = sum(body.count(mark) for mark in (b"{", b"["))
    if body.count(b'"') > _MOST_QUOTES or brackets > _MOST_BRACKETS:
        raise BadRequest("not an envelope: too many values")
    found: list[MachineRecord] = []

    def enrolled(hint: str) -> PublicKey | None:
        with running.store.reading() as db:
            machine = machines.by_key_id(db, hint)
        if machine is None:
            return None
        found.append(machine)
        return public_key_from_pem(machine.public_key)

    try:
        opened = open_envelope(body, payload_type=REPORT_TYPE, key=enrolled)
    except EnvelopeInvalid as exc:
        raise _refusal(exc) from exc
    (machine,) = found
    if machine.revoked_at is not None:
        raise Forbidden("this workstation is revoked; ask your AOC administrator for a new code")
    running.limits.from_machine(machine.id, machine.court)
    return machine, opened


def _refusal(exc: EnvelopeInvalid) -> Refused:
    if exc.code == "malformed":
        return BadRequest(str(exc))
    if exc.code == "wrong-type":
        return Unprocessable(str(exc))
    return Unauthorised(str(exc))


def verified(running: Collector, body: bytes) -> Verified:
    """Return the report in *body* once everything about it is in order; blocking.

    Raises: as `envelope_payload`; Unprocessable (not a report we read); Forbidden (another place).
    """
    machine, opened = envelope_payload(running, body)
    try:
        report = decode_report(opened.payload)
    except ReportInvalid as exc:
        raise Unprocessable(str(exc)) from exc
    if faults := consistency.faults(report):
        raise Unprocessable("; ".join(faults))
    place = report.location
    if (place.court, place.name, place.role) != (machine.court, machine.location, machine.role):
        raise Forbidden(
            f"the report is of {place.court}/{place.name}/{place.role}, this workstation is "
            f"enrolled at {machine.court}/{machine.location}/{machine.role}"
        )
    # None: the run was made before enrolment; the signature says whose it is
    if report.machine.id not in {None, machine.id}:
        raise Forbidden("the report names another workstation than the one that signed it")
    return Verified(machine=machine, report=report, digest=sha256(body).hexdigest())


def new_report(running: Collector, body: bytes) -> tuple[NewReport, str | None]:
    """Return what is to be kept of *body*, and its nonce; blocking, the report's objects end here.

    Raises: as `verified`.
    """
    checked = verified(running, body)
    report = checked.report
    new = NewReport(
        run_id=report.run_id,
        machine_id=checked.machine.id,
        digest=checked.digest,
        envelope=body,
        started_at=started_at_text(report),
        verdict=report.verdict.value,
        reason=report.reason.value,
        schema=report.schema,
    )
    return new, report.nonce


def note_answer(tx: Transaction, new: NewReport, nonce: str | None) -> None:
    """Note that the report answers the request whose nonce it carries; any other nonce is nothing.

    Only this workstation's own request counts, once, and while it lives: what was made before the
    request cannot hold its nonce.
    """
    if not nonce:
        return
    for asked in incidents.waiting(tx.db, new.machine_id, tx.now):
        if hmac.compare_digest(asked.nonce.encode(), nonce.encode()):
            incidents.answered(tx, asked.id, new.run_id)
            if asked.incident:
                who, words = f"machine {new.machine_id}", "a fresh run came in"
                incidents.tell(
                    tx, asked.incident, "answered", words, who=who, run_ids=(new.run_id,)
                )


async def receive(running: Collector, turn: Turn, facts: audit.Source) -> tuple[Held, Answer]:
    """Store one report and return a signed receipt; safe to repeat.

    Raises: as `verified`; Conflict when the run id is held with other bytes.
    """
    new, nonce = await turn.run(partial(new_report, running, turn.body))
    facts = audit.Source(who=f"machine {new.machine_id}", place=facts.place, address=facts.address)

    def job(tx: Transaction) -> Kept:
        kept = reports.add(tx, new)
        if kept.held is not Held.SAME:
            audit.record(tx, "report", kept.held.value, facts, about=new.run_id)
        if kept.held is Held.NEW:
            note_answer(tx, new, nonce)
        return kept

    done: Committed[Kept] = await running.store.awrite(job)
    kept = done.value
    running.metrics.reports.labels(kept.held.value).inc()
    if kept.held is Held.OTHER:
        raise Conflict(f"run {new.run_id} is held with other bytes; a report is never replaced")
    receipt = Receipt(
        run_id=new.run_id,
        machine_id=new.machine_id,
        digest=new.digest,
        log_index=kept.log_index,
        tree_size=done.head.size,
        root=done.head.root,
        received_at=kept.received_at,
    )
    answer = Answer(
        run_id=new.run_id,
        digest=new.digest,
        log_index=kept.log_index,
        tree_size=done.head.size,
        root=done.head.root,
        receipt=msgspec.Raw(seal_receipt(receipt, running.key)),
    )
    return kept.held, answer


def started_at_text(report: Report) -> str:
    """Return the start as the column holds it; `verify` computes it again from the signed bytes."""
    return report.started_at.isoformat()
