"""Each door to Windows opened once, on a real workstation, for a person to send back what came.

Does:    reads what the checks read (registry, services, COM, WMI, radios, account policy), seals
         and opens 16 bytes by DPAPI, sends one echo to 127.0.0.1, lists scanners without moving
         paper. Nothing goes onto the wire. No name of a person, network or machine, no serial
         number and no address stands in the rows.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.asking import Asked
from ccpor_checks.workstation.windows_com import NO_NAMESPACE, NOT_THERE, ComFailed
from ccpor_reporting import __version__

SCHEMA = "ccpor-selftest/1"
State = Literal["works", "not there", "failed"]
LIMIT_S = 30.0
ABSENT = frozenset({2, 3, 126, 127, 1060})  # no such file, path, module, procedure, service
TELLING = ("USERNAME", "USERDOMAIN", "COMPUTERNAME", "USERPROFILE", "LOGONSERVER", "USERDNSDOMAIN")
SHORTEST_NAME = 3  # a shorter one stands in ordinary text
MOST_WORDS = 600


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One door. code: Windows' error, an HRESULT, "timeout", or the class of our own bug."""

    name: str
    state: State
    code: str | None = None
    seconds: float
    words: str = ""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The whole, as it is written to a file."""

    schema: str
    agent: str
    system: str
    python: str
    rows: tuple[Row, ...]


class Step(NamedTuple):
    """What one row does; `run` returns its words."""

    name: str
    run: Callable[[], str]
    limit_s: float = LIMIT_S


def steps() -> Iterator[Step]:
    """Yield the rows in their order: simple doors first."""
    from ccpor_agent import windows_selftest_steps as doors

    yield from (Step(*each) for each in doors.ALL)


def opened(tests: Sequence[Step], tell: Callable[[Row], object]) -> tuple[Row, ...]:
    """Return a row for each of *tests*, telling each when it is known."""
    rows = []
    for step in tests:
        row = _row(step)
        tell(row)
        rows.append(row)
    return tuple(rows)


def _row(step: Step) -> Row:
    begun = time.monotonic()
    state, code, words = _tried(step)
    return Row(
        name=step.name,
        state=state,
        code=code,
        seconds=round(time.monotonic() - begun, 2),
        words=without_names(words)[:MOST_WORDS],
    )


def _tried(step: Step) -> tuple[State, str | None, str]:
    ended = threading.Event()

    def inside() -> str:
        try:
            return step.run()
        finally:
            ended.set()

    asked = Asked(inside, step.limit_s)
    if not ended.wait(step.limit_s):
        return "failed", "timeout", f"no answer in {step.limit_s:g} s"
    asked.wait(step.limit_s)
    try:
        return "works", None, str(asked.fact())
    except CannotObserve as exc:
        return "not there", None, str(exc)
    except ComFailed as exc:
        absent = exc.code in NOT_THERE | NO_NAMESPACE
        return "not there" if absent else "failed", f"0x{exc.code:08X}", ""
    except TimeoutError:
        return "failed", "timeout", ""
    except OSError as exc:
        number = getattr(exc, "winerror", None) or exc.errno
        return "not there" if number in ABSENT else "failed", str(number), ""
    except Exception as exc:  # noqa: BLE001 - a bug of ours is a row, too, and the others go on
        return "failed", type(exc).__name__, ""


def without_names(words: str) -> str:
    """Return *words* without the names by which Windows knows this person and machine."""
    names = {os.environ.get(name, "").strip("\\") for name in TELLING} | {platform.node()}
    for name in sorted(filter(None, names), key=len, reverse=True):
        if len(name) >= SHORTEST_NAME:
            words = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", words, flags=re.IGNORECASE)
    return words


def seen(rows: tuple[Row, ...]) -> Seen:
    """Return *rows* with what they were seen on."""
    return Seen(
        schema=SCHEMA,
        agent=__version__,
        system=_system(),
        python=f"{platform.python_version()}, {struct.calcsize('P') * 8}-bit",
        rows=rows,
    )


def _system() -> str:
    from ccpor_checks.workstation import this_system

    try:
        fact = this_system().os()
    except (CannotObserve, OSError):
        return platform.system()
    return ("Wine as " if is_wine() else "") + f"{fact.name} ({fact.full_version})"


def is_wine() -> bool:
    """Say whether Windows here is Wine: its ntdll exports one function more."""
    return sys.platform == "win32" and hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")


def text(row: Row) -> str:
    """Return *row* as one line of the table."""
    said = " ".join(filter(None, [f"[{row.code}]" if row.code else "", row.words]))
    return f"{row.state:<9} {row.name:<35} {row.seconds:6.2f} s  {said}".rstrip()


def as_text(whole: Seen) -> str:
    """Return the table as a text for a file."""
    head = f"ccpor-check {whole.agent} self-test on {whole.system}, Python {whole.python}"
    return "\n".join([head, "", *map(text, whole.rows), ""])
