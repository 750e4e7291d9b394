"""One run from the lock to the saved report, and its upload."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TextIO

import click

from ccpor_agent.contrasts import with_contrasts
from ccpor_agent.engine import Seen, Surroundings, Unseen, View, run_plan
from ccpor_agent.logs import log_to
from ccpor_agent.plan import Plan
from ccpor_agent.progress import Live, wants_live
from ccpor_agent.report_builder import Occasion, build_report, new_occasion_id, this_machine
from ccpor_agent.scheduler import Stop
from ccpor_agent.seam import AlreadyRunning, RunLock, make_folder, state_folder, write_durably
from ccpor_checks.base import Sign
from ccpor_reporting.codec import encode_report
from ccpor_reporting.model import Report, RunReason

REFRESH_S = 5.0  # a look must not wait long for a collector that is out of reach
WATCHDOG_S = 5.0  # after the run's own deadline: only a held interpreter lock can be that late

log = logging.getLogger(__name__)


class CannotStart(click.ClickException):
    """This run may not or cannot begin: exit code 2."""

    exit_code = 2

    def show(self, file: TextIO | None = None) -> None:  # type: ignore[override]
        click.echo(self.format_message(), file=file, err=file is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the person asked of a run."""

    plan: Plan
    reason: RunReason
    incident: str | None
    threads: int
    limit_s: float
    plain: bool
    retest: str
    contrasts: bool = True  # look further at what failed
    nonce: str | None = None  # of the collector's request that this run answers
    upload: bool = False  # the person lets this run talk to the collector
    save_scan: Path | None = None  # where the person wants the scanned pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished run: its report, the bytes of it, and where they were saved."""

    report: Report
    body: bytes
    state: Path
    saved_at: Path | None  # None: the disk refused it


def clock() -> datetime:
    """Return the time of this machine, UTC: the agent's one clock."""
    return datetime.fromtimestamp(time.time(), UTC)


def refresh() -> None:
    """Take the newest profile of this machine from its collector, or say why the held one stays."""
    from ccpor_agent.enroll import ProfileKept, refresh_profile
    from ccpor_agent.identity import IdentityInvalid

    try:
        if refresh_profile(state_folder(), seconds=REFRESH_S):
            click.echo("took a newer profile from the collector", err=True)
    except ProfileKept as exc:
        click.echo(f"the profile held here is used: {exc}", err=True)
    except (IdentityInvalid, OSError):
        return  # what is wrong with it is said where the profile is read


def run_and_save(asked: Asked) -> Done:
    """Run the plan, build the report and save it durably in the state folder.

    Raises:
        CannotStart: Another run is going on, or the state folder cannot be written.
    """
    state = state_folder()
    with contextlib.ExitStack() as held:
        try:
            for folder in (state, state / "reports", state / "journal", state / "logs"):
                make_folder(folder)
            held.enter_context(RunLock(state / "run.lock"))
        except AlreadyRunning as exc:
            raise CannotStart(
                "another run of ccpor-check is going on here; wait for its end, or stop it first"
            ) from exc
        except OSError as exc:
            raise CannotStart(
                f"{exc.filename or state} cannot be written ({exc.strerror}); "
                "set CCPOR_STATE_DIR to a folder of yours"
            ) from exc
        log_to(state)
        return _locked(asked, state)


def _locked(asked: Asked, state: Path) -> Done:
    started_at = clock()
    occasion = Occasion(
        run_id=new_occasion_id(started_at),
        reason=asked.reason,
        started_at=started_at,
        machine=this_machine(_machine_id(state)),
        local=started_at.astimezone().tzinfo,
        incident=asked.incident,
        nonce=asked.nonce,
        retest=asked.retest,
    )
    journal = state / "journal" / f"{occasion.run_id}.jsonl"
    log.info("run.started", extra={"run_id": occasion.run_id, "planned": len(asked.plan.nodes)})
    stop = Stop()
    with stopped_by_signals(stop):
        seen = _look(asked, state, journal, stop)
        report = build_report(asked.plan, seen, occasion, clock())
        body = encode_report(report)
        saved_at = _saved(state / "reports" / f"{report.run_id}.json", body)
    if saved_at:
        journal.unlink(missing_ok=True)
    log.info("run.finished", extra={"run_id": report.run_id, "verdict": report.verdict.value})
    return Done(report=report, body=body, state=state, saved_at=saved_at)


def _saved(path: Path, body: bytes) -> Path | None:
    """Return where the report was saved; None, having said why, where the disk refused it."""
    try:
        write_durably(path, body)
    except OSError as exc:
        log.exception("report.unsaved")
        click.echo(f"the report is NOT saved: {path} cannot be written ({exc.strerror})", err=True)
        return None
    click.echo(f"report saved as {path}", err=True)
    return path


class Journal:
    """The results so far, on the disk as they come; a full disk costs the journal, not the run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def __enter__(self) -> Journal:
        with contextlib.suppress(OSError):
            self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return self

    def add(self, line: str) -> None:
        if self._handle is None:
            return
        try:
            os.write(self._handle, line.encode("utf-8", "backslashreplace"))
        except OSError as exc:
            log.warning("journal.lost", extra={"error": repr(exc)})
            self._close()

    def __exit__(self, *_exception: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _look(asked: Asked, state: Path, journal: Path, stop: Stop) -> Seen:
    live, begun = None, time.monotonic()
    if wants_live(sys.stderr, os.environ, plain=asked.plain):
        live = Live(sys.stderr, total=len(asked.plan.nodes))
    view: View = live or Unseen()
    try:
        with Journal(journal) as lines, _watched(asked.limit_s, state):
            around = Surroundings(
                now=clock,
                threads=asked.threads,
                limit_s=asked.limit_s,
                state_dir=state,
                journal=lines.add,
                view=view,
                stop=stop,
                sign=_signing(state),
                save_scan=asked.save_scan,
            )
            seen = run_plan(asked.plan, around)
            if not asked.contrasts:
                return seen
            return with_contrasts(
                asked.plan,
                seen,
                around,
                seconds=begun + asked.limit_s - time.monotonic(),
                asks_collector=asked.upload,
            )
    finally:
        if live:
            live.close()


@contextlib.contextmanager
def _watched(limit_s: float, state: Path) -> Iterator[None]:
    """End the process if even the scheduler hangs, e.g. on C code that keeps the interpreter."""
    with contextlib.ExitStack() as held:
        traces: TextIO = sys.stderr
        with contextlib.suppress(OSError):
            path = state / "logs" / "watchdog.txt"
            traces = held.enter_context(path.open("w", encoding="utf-8"))
        faulthandler.dump_traceback_later(limit_s + WATCHDOG_S, exit=True, file=traces)
        held.callback(faulthandler.cancel_dump_traceback_later)
        yield


@contextlib.contextmanager
def stopped_by_signals(stop: Stop) -> Iterator[None]:
    """Let Ctrl-C and a termination end the run early, its results kept; the second one at once."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set:
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _signing(state: Path) -> Sign:
    """Return what signs a check's request to the collector with this machine's own key."""

    def sign(method: str, path: str) -> Mapping[str, str] | None:
        import secrets

        from ccpor_agent.identity import IdentityInvalid, load_identity, machine_signer
        from ccpor_reporting.request_signature import sign_request

        try:
            if load_identity(state) is None:
                return None
            signer = machine_signer(state)
        except (IdentityInvalid, OSError):
            return None  # said once already, at the beginning of the run
        return sign_request(method, path, int(time.time()), secrets.token_urlsafe(16), signer)

    return sign


def _machine_id(state: Path) -> str | None:
    """Return the id that the collector gave this machine; None before enrolment."""
    from ccpor_agent.identity import IdentityInvalid, load_identity

    try:
        identity = load_identity(state)
    except IdentityInvalid as exc:  # looking is still worth it; doctor says how to mend the key
        click.echo(f"cannot sign or upload: {exc}", err=True)
        return None
    return identity.machine_id if identity else None


def send(done: Done) -> bool:
    """Send the report of a run where this machine is enrolled; True once it is acknowledged."""
    if done.report.machine.id is None:
        click.echo("not uploaded: this machine is not enrolled (ccpor-check enroll)", err=True)
        return False
    from ccpor_agent.upload import send_report

    outcome = send_report(done.body, done.state, log)
    click.echo(outcome.message, err=True)
    return outcome.acknowledged
