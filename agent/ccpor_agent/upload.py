"""Send what waits: newest first, then the rest in order; only a valid receipt ends an item's wait.

send_report     save one report, then try for a while (the end of a run)
deliver         try for a while (`ccpor-check upload`, the schedule)
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ccpor_agent import retry, seam
from ccpor_agent.identity import (
    Identity,
    IdentityInvalid,
    enrolled_identity,
    machine_signer,
)
from ccpor_agent.retry import Meaning
from ccpor_agent.spool import Item, NotSaved, Spool
from ccpor_agent.spool.folder import NextTry
from ccpor_agent.transport import Answer, Collector, Unreachable
from ccpor_reporting.envelope import (
    ENVELOPE_MEDIA_TYPE,
    REPORT_TYPE,
    EnvelopeInvalid,
    PublicKey,
    peek_key_id,
    seal,
)
from ccpor_reporting.receipt import ReceiptInvalid, receipt_in, verify_receipt

REPORTS = "/api/v1/reports"
INTERACTIVE_S = 30.0
ONE_TRY_S = 30.0
FAILED_ITEMS = 3  # answers of no use in a row: the collector is in trouble, not one report
LONGEST_PAUSE_S = 2 * retry.REFUSED_PAUSE_S  # a next try beyond it was set by a wrong clock
LOCK = "upload.lock"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UploadOutcome:
    """What became of one report. `message` is one sentence for a person."""

    acknowledged: bool
    message: str


@dataclass(frozen=True, slots=True)
class Pace:
    """Time and chance, so that a test can hold both."""

    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)


@dataclass(slots=True)
class Delivery:
    """What one go at the spool came to."""

    acknowledged: list[str] = field(default_factory=list)  # run ids
    parked: list[str] = field(default_factory=list)
    waiting: int = 0
    message: str = ""


class _Lead(msgspec.Struct, frozen=True):
    """The part of a report that the spool needs."""

    class Profile(msgspec.Struct, frozen=True):
        id: str

    class Coverage(msgspec.Struct, frozen=True):
        excluded: int = 0

    run_id: str
    profile: Profile
    coverage: Coverage
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class _Setback:
    """An item still waits. ends: the collector is left alone; else the next item is tried."""

    why: str
    pause_s: float = 0.0  # at least this long until the next try; the usual backoff if longer
    ends: bool = False


def save_report(report_bytes: bytes, state: Path, now: datetime) -> Item:
    """Return the spooled, signed report; once this returns, a kill or power cut keeps it.

    Raises:
        IdentityInvalid: No usable key to sign with.
        NotSaved: The disk did not confirm it.
    """
    lead = msgspec.json.decode(report_bytes, type=_Lead)
    spool = Spool(state)
    if (held := spool.find(lead.run_id)) is not None:
        return held  # signed before: other bytes under the same run id would be refused
    item = spool.save(
        seal(report_bytes, REPORT_TYPE, machine_signer(state)),
        run_id=lead.run_id,
        profile=lead.profile.id,
        full=not lead.interrupted and lead.coverage.excluded == 0,
        now=now,
    )
    if dropped := spool.apply_caps(now):
        log.warning("spool.dropped", extra={"reports": dropped})
    return item


def send_report(
    report_bytes: bytes,
    state: Path,
    log: logging.Logger = log,
    *,
    seconds: float = INTERACTIVE_S,
    pace: Pace | None = None,
) -> UploadOutcome:
    """Save the report and try to deliver it for *seconds*; it waits in the spool otherwise."""
    pace = pace or Pace()
    try:
        item = save_report(report_bytes, state, pace.now())
    except (IdentityInvalid, NotSaved) as exc:
        log.error("report.unsaved", extra={"why": type(exc).__name__})
        return UploadOutcome(False, f"not uploaded and not kept for later: {exc}")
    log.info("report.saved", extra={"run_id": item.run_id, "sequence": item.sequence})
    try:
        went = deliver(state, seconds=seconds, log=log, pace=pace)
    except (IdentityInvalid, OSError) as exc:
        return UploadOutcome(False, f"saved, not uploaded: {exc}")
    kept = Spool(state).find(item.run_id)
    if kept is not None and kept.receipt is not None:
        return UploadOutcome(
            True, f"uploaded; the collector keeps it as entry {kept.log_index} of its log"
        )
    if kept is not None and kept.parked is not None:
        return UploadOutcome(False, f"the collector does not take this report: {kept.parked}")
    return UploadOutcome(False, f"saved, not yet acknowledged: {went.message}")


def deliver(
    state: Path,
    *,
    seconds: float = INTERACTIVE_S,
    at_once: bool = False,
    log: logging.Logger = log,
    pace: Pace | None = None,
) -> Delivery:
    """Send what waits until all is acknowledged, it makes no sense now, or *seconds* are over.

    at_once: do not wait for the next try that an earlier failure set.

    Raises:
        IdentityInvalid: This workstation cannot speak to a collector.
        OSError: The spool cannot be changed.
    """
    pace = pace or Pace()
    end = pace.monotonic() + seconds
    identity = enrolled_identity(state)
    spool = Spool(state)
    seam.make_folder(spool.folder)
    while True:
        try:
            with seam.RunLock(spool.folder / LOCK):
                rounds = _Rounds(state, identity, log=log, pace=pace, end=end)
                return rounds.run(at_once=at_once)
        except seam.AlreadyRunning:
            if pace.monotonic() + 0.2 > end:
                waiting = len(spool.waiting())
                return Delivery(waiting=waiting, message="another upload is under way")
            pace.pause(0.2)


class _Rounds:
    """Tries at the spool until the end; the lock is held."""

    def __init__(
        self, state: Path, identity: Identity, *, log: logging.Logger, pace: Pace, end: float
    ) -> None:
        ca_file = state / identity.ca_file if identity.ca_file else None
        self.collector = Collector(identity.collector, ca_file)
        self.key: PublicKey = identity.collector_key()
        self.spool, self.identity = Spool(state), identity
        self.log, self.pace, self.end = log, pace, end
        self.went = Delivery()

    def run(self, *, at_once: bool) -> Delivery:
        self.spool.sweep(self.pace.clock())
        while waiting := self.spool.waiting():
            delay = 0.0 if at_once else self._delay()
            at_once = False
            if delay > self.end - self.pace.monotonic():
                self.went.message = self._words(self.spool.next_try(), delay)
                break
            if delay:
                self.pace.pause(delay)
            setback = self._round([waiting[-1], *waiting[:-1]])
            if setback is None:
                self.spool.set_next_try(NextTry())
            else:
                self._set_back(setback)
        self.went.waiting = len(self.spool.waiting())
        self.went.message = self.went.message or "nothing waits"
        return self.went

    def _round(self, order: list[Item]) -> _Setback | None:
        """Try each item once; return why the collector is left alone for now, or None."""
        in_a_row, worst = 0, None
        for item in order:
            left = self.end - self.pace.monotonic()
            if left <= 0:
                return worst or _Setback("the time for this upload was over")
            setback = self._send(item, min(left, ONE_TRY_S))
            if setback is None:
                in_a_row = 0
                continue
            in_a_row += 1
            worst = max(worst or setback, setback, key=lambda one: one.pause_s)
            # One report that the collector chokes on must not hold back those behind it.
            if setback.ends or in_a_row == FAILED_ITEMS:
                break
        return worst

    def _send(self, item: Item, seconds: float) -> _Setback | None:
        """Try one item; return None when it waits no more."""
        headers = {"Content-Type": ENVELOPE_MEDIA_TYPE, "Accept": ENVELOPE_MEDIA_TYPE}
        try:
            answer = self.collector.ask(
                "POST", REPORTS, seconds=seconds, body=item.envelope_bytes, headers=headers
            )
        except Unreachable as exc:
            self.log.info("upload.unreachable", extra={"run_id": item.run_id, "why": exc.reason})
            return _Setback(str(exc), ends=True)
        self.log.info("upload.answered", extra={"run_id": item.run_id, "status": answer.status})
        return self._judge(item, answer)

    def _judge(self, item: Item, answer: Answer) -> _Setback | None:
        meaning = retry.meaning_of(answer.status)
        if meaning in {Meaning.KEPT, Meaning.CONFLICT}:
            return self._accept(item, answer, meaning)
        if meaning is Meaning.UNREADABLE:
            return self._park(item, f"the collector cannot take it (HTTP {answer.status})")
        if meaning is Meaning.UNWELCOME:
            if not self._is_ours(item):
                return self._park(item, "signed with a key this workstation no longer uses")
            why = f"the collector refuses this workstation (HTTP {answer.status}); ask the AOC"
            return _Setback(why, retry.REFUSED_PAUSE_S, ends=answer.status == 401)
        why = f"the collector answered HTTP {answer.status}, which is no receipt"
        asked = retry.retry_after_s(answer.headers.get("retry-after"), self.pace.clock())
        return _Setback(why, asked or 0.0, ends=meaning is Meaning.BUSY)

    def _accept(self, item: Item, answer: Answer, meaning: Meaning) -> _Setback | None:
        """Clear *item* if the answer holds the collector's signed receipt for exactly its bytes."""
        receipt = receipt_in(answer.body)
        try:
            proven = verify_receipt(
                receipt, self.key, item.digest, item.run_id, self.identity.machine_id
            )
        except ReceiptInvalid as exc:
            self.log.warning("upload.unproven", extra={"run_id": item.run_id, "why": exc.reason})
            if meaning is Meaning.CONFLICT:
                return self._park(item, "the collector holds other bytes under this run id (409)")
            return _Setback(f"HTTP {answer.status} without a valid receipt ({exc.reason})")
        self.spool.acknowledge(item, receipt, proven.log_index)
        self.went.acknowledged.append(item.run_id)
        return None

    def _park(self, item: Item, why: str) -> _Setback | None:
        """Put *item* aside; None: it waits no more."""
        self.spool.park(item, why)
        self.went.parked.append(item.run_id)
        self.log.warning("upload.parked", extra={"run_id": item.run_id, "why": why})
        return None

    def _is_ours(self, item: Item) -> bool:
        try:
            return peek_key_id(item.envelope_bytes) == self.identity.key_id
        except EnvelopeInvalid:
            return False

    def _set_back(self, setback: _Setback) -> None:
        failures = self.spool.next_try().failures + 1
        usual = retry.backoff_s(failures, self.pace.uniform)
        not_before = self.pace.clock() + max(usual, setback.pause_s)
        self.spool.set_next_try(NextTry(not_before, failures, setback.why))

    def _delay(self) -> float:
        """Return the seconds until the next try may be made."""
        delay = self.spool.next_try().not_before - self.pace.clock()
        return delay if 0.0 < delay <= LONGEST_PAUSE_S else 0.0

    def _words(self, next_try: NextTry, delay: float) -> str:
        at_once = "`ccpor-check upload --now` tries at once"
        return f"{next_try.why}; next try in {delay:.0f} s ({at_once})"
