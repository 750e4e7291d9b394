"""Is the agent itself in order? Each line says what was seen, and what to do where it is not good.

Does:    reads the state folder, writes and removes one small file there, and asks the collector
         for /healthz.
"""

from __future__ import annotations

import enum
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import msgspec

from ccpor_agent import seam
from ccpor_agent.identity import (
    Identity,
    IdentityInvalid,
    NotEnrolled,
    key_path,
    load_identity,
    machine_signer,
)
from ccpor_agent.spool import Place, Spool
from ccpor_agent.transport import Answer, Unreachable

HEALTH = "/healthz"
ASK_S = 10.0
# The collector refuses a request signed more than 300 s from its own time.
CLOCK_WARNING_S, CLOCK_FAIL_S = 60.0, 300.0
FREE_WARNING = 100 * 1024 * 1024  # bytes: some years of reports
EXPIRY_WARNING_DAYS = 7
WINDOWS = sys.platform == "win32"
Clock = Callable[[], float]


class State(enum.StrEnum):
    """What a line says."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    UNKNOWN = "unknown"


class Line(msgspec.Struct, frozen=True):
    """One thing looked at. `fix` is set where the state is not good."""

    name: str
    state: State
    words: str
    fix: str | None = None


UNREACHABLE_FIX = {
    "name": "check this machine's DNS, or the collector's address",
    "refused": "ask the AOC whether the collector is up",
    "timeout": "ask the county network whether port 443 to the collector is open",
    "network": "check this machine's network",
    "untrusted": "see who issued it; behind an inspecting proxy, enroll with --ca-file",
    "tls": "ask the AOC which TLS versions the collector offers",
    "closed": "try again; a firewall or proxy may cut the connection",
    "proxy": "check the system's proxy settings and whether the proxy wants a password",
}


def examine(state: Path, clock: Clock = time.time) -> list[Line]:
    """Return one line for each thing that the agent needs, in the order to mend them."""
    lines = [*_folder(state), *_space(state)]
    identity = None
    try:
        identity = load_identity(state)
    except IdentityInvalid as exc:
        lines.append(Line("key", State.BAD, str(exc), "ccpor-check enroll --replace"))
    else:
        lines += _key(state, identity)
    lines += _spool(state)
    if identity is not None and not any(one.name == "key" and one.fix for one in lines):
        lines += [_profile(state, identity, clock), *_collector(state, identity, clock)]
    return lines


def _folder(state: Path) -> Iterator[Line]:
    probe = state / "doctor"
    try:
        seam.make_folder(state)
        seam.write_durably(probe, b"doctor\n")
        probe.unlink()
    except OSError as exc:
        words = f"{state} cannot be written ({exc.strerror})"
        fix = "run as the administrator, or set CCPOR_STATE_DIR to a folder of yours"
        yield Line("state folder", State.BAD, words, fix)
        return
    if sys.platform != "win32" and state.stat().st_uid != os.geteuid():
        words = f"{state} belongs to another user"
        yield Line("rights", State.WARNING, words, "run as the user who enrolled this machine")
    else:
        yield Line("rights", State.GOOD, "this user owns what the agent writes")
    if seam.is_private(state):
        yield Line("state folder", State.GOOD, f"{state} is writable and private")
    else:
        fix = "remove Users from its access list" if WINDOWS else f"chmod 700 {state}"
        yield Line("state folder", State.WARNING, f"others can look into {state}", fix)


def _space(state: Path) -> Iterator[Line]:
    try:
        free = shutil.disk_usage(state).free
    except OSError:
        return  # the folder's own line says why
    words = f"{free // 1_000_000} MB free where reports are kept"
    if free < FREE_WARNING:
        yield Line("disk", State.WARNING, words, "free some space")
    else:
        yield Line("disk", State.GOOD, words)


def _key(state: Path, identity: Identity | None) -> Iterator[Line]:
    if identity is None:
        yield Line("key", State.BAD, "not enrolled", "ccpor-check enroll --collector URL")
        return
    try:
        machine_signer(state)
        identity.collector_key()
    except NotEnrolled:
        return
    except IdentityInvalid as exc:
        yield Line("key", State.BAD, str(exc), "ccpor-check enroll --replace")
        return
    path = key_path(state, identity.key_id)
    if seam.is_private(path):
        yield Line("key", State.GOOD, f"machine {identity.machine_id}, its key is private")
    else:
        mend = f"remove Users from the access list of {path}" if WINDOWS else f"chmod 600 {path}"
        fix = f"{mend}; others may have read it, so enroll again with --replace"
        yield Line("key", State.BAD, f"others can read {path}", fix)


def _spool(state: Path) -> Iterator[Line]:
    spool = Spool(state)
    waiting = len(spool.read(Place.WAITING))
    damaged = len(spool.quarantined()) + len(spool.rotten())
    parked, dropped = len(spool.read(Place.PARKED)), spool.dropped().count
    words = f"{waiting} waiting, {parked} put aside, {damaged} damaged, {dropped} let go of"
    if parked or damaged or dropped:
        yield Line("spool", State.WARNING, words, "see ccpor-check spool")
    elif waiting:
        why = spool.next_try().why or "not tried yet"
        fix = "ccpor-check upload --now"
        yield Line("spool", State.WARNING, f"{words}; {why}", fix)
    else:
        yield Line("spool", State.GOOD, words)


def _profile(state: Path, identity: Identity, clock: Clock) -> Line:
    from ccpor_agent.enroll import held_profile

    held = held_profile(state, identity.collector_key())
    if held is None:
        return Line("profile", State.WARNING, "none is held", "ask the AOC to publish one")
    days = (held.expires_at - datetime.fromtimestamp(clock(), UTC)).days
    words = f"version {held.version}, published {held.published_at.date()}"
    fix = "ccpor-check run asks for a newer one; if none comes, ask the AOC"
    if days < 0:
        return Line("profile", State.BAD, f"{words}, expired {held.expires_at.date()}", fix)
    if days < EXPIRY_WARNING_DAYS:
        return Line("profile", State.WARNING, f"{words}, expires in {days} days", fix)
    return Line("profile", State.GOOD, f"{words}, good for {days} days")


def _collector(state: Path, identity: Identity, clock: Clock) -> Iterator[Line]:
    from ccpor_agent.enroll import collector_of

    try:
        answer = collector_of(state, identity).ask("GET", HEALTH, seconds=ASK_S)
    except Unreachable as exc:
        yield Line("collector", State.BAD, str(exc), UNREACHABLE_FIX[exc.reason])
        words = "not compared: the collector did not answer"
        yield Line("clock", State.UNKNOWN, words, "mend the way to the collector first")
        return
    if answer.status == 200:
        trust = "and its certificate is trusted" if identity.collector.startswith("https") else ""
        yield Line("collector", State.GOOD, f"{identity.collector} answers {trust}".strip())
    else:
        words = f"{identity.collector} answers HTTP {answer.status}"
        yield Line("collector", State.BAD, words, "ask the AOC; a sign-in page may be on the way")
    yield _clock(answer, clock)


def _clock(answer: Answer, clock: Clock) -> Line:
    try:
        theirs = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        words = "not compared: the collector's answer has no Date"
        return Line("clock", State.UNKNOWN, words, "check the clock by hand")
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    offset = clock() - theirs.timestamp()
    side = "ahead of" if offset > 0 else "behind"
    words = f"{abs(offset):.0f} s {side} the collector's"
    if abs(offset) <= CLOCK_WARNING_S:
        return Line("clock", State.GOOD, words)
    fix = "set this machine's clock; it should follow a time server"
    return Line("clock", State.BAD if abs(offset) > CLOCK_FAIL_S else State.WARNING, words, fix)
