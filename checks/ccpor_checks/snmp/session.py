"""Requests to one device: GET, and walks of columns by GETBULK, bounded in every way.

Exceptions::

    Exception
    ├── Silent      no answer in time
    ├── Rejected    an answer that says no, as the security model has it
    └── Refused     an answer with an error status
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pysnmp.entity.rfc3413 import cmdgen
from pysnmp.error import PySnmpError
from pysnmp.proto import errind, rfc1902, rfc1905
from pysnmp.proto.error import StatusInformation

from ccpor_checks.snmp.evidence import Why
from ccpor_checks.snmp.hub import Line
from ccpor_checks.snmp.mibs import Oid

Value = int | bytes | Oid | None  # None: no such object or instance
Columns = dict[Oid, dict[Oid, Value]]  # by column, then by what follows it
FIRST_WAITS_S = (1.0, 2.0, 3.0)  # a printer that sleeps takes its time
WAITS_S = (1.5, 3.0)
AGAIN_S = 0.2  # after a closed port: a restarting agent is back soon
BINDINGS = 60  # values asked for at a time: an answer of 1500 octets holds about as many
MOST_OBJECTS = 40_000
TOO_BIG = 1  # error status, RFC 3416 section 3
NO_RIGHT = frozenset({6, 16})  # noAccess, authorizationError
# what an answer can say against our credentials; any other indication is no valid answer
AGAINST_US = frozenset(
    {"WrongDigest", "AuthenticationFailure", "AuthenticationError", "UnknownUserName"}
    | {"UnknownSecurityName", "UnsupportedSecurityLevel", "UnsupportedAuthProtocol"}
    | {"UnsupportedPrivProtocol", "DecryptionError", "NotInTimeWindow", "UnknownEngineID"}
)
_INTEGERS = (
    *(rfc1902.Integer, rfc1902.Integer32, rfc1902.Unsigned32, rfc1902.Gauge32),
    *(rfc1902.Counter32, rfc1902.TimeTicks, rfc1902.Counter64),
)


class Silent(Exception):
    """Nothing valid came back; `closed` where the port said that nobody listens."""

    def __init__(self, error: str | None = None, *, closed: bool = False) -> None:
        super().__init__(error)
        self.error, self.closed = error, closed


class Rejected(Exception):
    """`error` is the class of pysnmp's indication, e.g. ``WrongDigest``."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class Refused(Exception):
    """`status` as in RFC 3416 section 3."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _End:
    """The end of the MIB view."""


@dataclass(slots=True)
class Walked:
    """The cells of some columns; `why`: what ended the walk early."""

    cells: Columns
    why: Why | None = None


@dataclass(slots=True)
class Session:
    """What is asked of one device. end: on the loop's clock, for everything."""

    line: Line
    end: float
    objects: int = 0
    _engine: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._engine = self.line.engine

    async def get(
        self, oids: Sequence[Oid], waits_s: Sequence[float] = WAITS_S
    ) -> dict[Oid, Value]:
        """Return the value of each of *oids*; one that the device will not give is None.

        Raises:
            Silent: No answer. Rejected: Not with these credentials.
            Refused: The device will not answer one object alone.
        """
        found: dict[Oid, Value] = {}
        for start in range(0, len(oids), BINDINGS):
            found |= await self._get_some(oids[start : start + BINDINGS], waits_s)
        return found

    async def _get_some(self, oids: Sequence[Oid], waits_s: Sequence[float]) -> dict[Oid, Value]:
        try:
            answer = await self._asked(oids, 0, waits_s)
        except Refused as exc:
            if len(oids) == 1 or exc.status in NO_RIGHT:
                raise
            return await self._halves(oids, waits_s)
        told = {name: None if isinstance(value, _End) else value for name, value in answer}
        return {name: told.get(name) for name in oids}

    async def _halves(self, oids: Sequence[Oid], waits_s: Sequence[float]) -> dict[Oid, Value]:
        """Return what half of *oids* at a time gives: old agents refuse all for the sake of one."""
        middle, found = len(oids) // 2, dict[Oid, Value]()
        refusals: list[Refused] = []
        for half in (oids[:middle], oids[middle:]):
            try:
                found |= await self._get_some(half, waits_s)
            except Refused as exc:
                refusals.append(exc)
        if len(refusals) == 2:
            raise refusals[0]
        return dict.fromkeys(oids) | found

    async def walk(self, columns: Sequence[Oid], rows: int) -> Walked:
        """Return the cells of *columns*, at most *rows* each, side by side by GETBULK.

        Raises:
            Rejected: Not with these credentials.
        """
        walked = Walked({column: {} for column in columns})
        cursors = {column: column for column in columns}
        live, repetitions = list(columns), BINDINGS
        while live and walked.why is None:
            if asyncio.get_running_loop().time() > self.end:
                walked.why = "too-long"
                break
            at_a_time = max(1, min(24, repetitions // len(live)))
            try:
                answer = await self._asked([cursors[each] for each in live], at_a_time, WAITS_S)
            except Silent:
                walked.why = "no-answer"
            except Refused as exc:
                if exc.status == TOO_BIG and at_a_time > 1:
                    repetitions //= 2
                    continue
                walked.why = "refused"
            else:
                walked.why = self._taken(answer, live, cursors, walked.cells, rows)
        return walked

    def _taken(
        self,
        answer: Sequence[tuple[Oid, Value | _End]],
        live: list[Oid],
        cursors: dict[Oid, Oid],
        cells: Columns,
        rows: int,
    ) -> Why | None:
        """Sort *answer* into *cells*; a column that ended leaves *live*. Say why to stop."""
        asked, ended = tuple(live), set[Oid]()
        for position, (name, value) in enumerate(answer):
            column = asked[position % len(asked)]
            if column in ended:
                continue
            if isinstance(value, _End) or name[: len(column)] != column:
                ended.add(column)
                continue
            if name <= cursors[column]:
                return "not-increasing"
            cursors[column] = name
            cells[column][name[len(column) :]] = value
            if len(cells[column]) > rows or self.objects > MOST_OBJECTS:
                return "too-many"
        live[:] = [column for column in asked if column not in ended]
        return None if answer else "malformed"

    async def _asked(
        self, oids: Sequence[Oid], repetitions: int, waits_s: Sequence[float]
    ) -> list[tuple[Oid, Value | _End]]:
        """Return the bindings of one answer; repetitions: 0 asks by GET, more by GETBULK."""
        refused = 0
        wire = self.line.wire
        for wait_s in waits_s:
            left = self.end - asyncio.get_running_loop().time()
            if left <= 0:
                break
            wire.failed.clear()
            try:
                return await self._once(oids, repetitions, min(wait_s, left))
            except TimeoutError:
                if wire.error is None or not wire.failed.is_set():
                    continue
            refused += 1
            if refused > 1:
                raise Silent(_name(wire.error), closed=_is_closed(wire.error))
            await asyncio.sleep(AGAIN_S)
        error = wire.error if wire.failed.is_set() else None
        raise Silent(_name(error), closed=_is_closed(error))

    async def _once(
        self, oids: Sequence[Oid], repetitions: int, wait_s: float
    ) -> list[tuple[Oid, Value | _End]]:
        """Ask once; TimeoutError: no answer, or the wire failed."""
        answered: asyncio.Future[tuple[Any, int, Any]] = asyncio.get_running_loop().create_future()

        def came(
            _e: Any, _h: Any, indication: Any, status: Any, _i: Any, got: Any, _c: Any
        ) -> None:
            if not answered.done():
                answered.set_result((indication, int(status), got))

        bindings = [(rfc1902.ObjectName(each), rfc1905.unSpecified) for each in oids]
        try:
            if repetitions:
                cmdgen.BulkCommandGenerator().send_varbinds(
                    *(self._engine, self.line.target, None, ""), 0, repetitions, bindings, came
                )
            else:
                cmdgen.GetCommandGenerator().send_varbinds(
                    *(self._engine, self.line.target, None, ""), bindings, came
                )
        except StatusInformation as exc:
            raise Rejected(type(exc["errorIndication"]).__name__) from exc
        except PySnmpError as exc:
            raise Silent(type(exc).__name__) from exc
        failed = asyncio.ensure_future(self.line.wire.failed.wait())
        either: set[asyncio.Future[Any]] = {answered, failed}
        try:
            await asyncio.wait(either, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            failed.cancel()
        if not answered.done():
            answered.cancel()
            raise TimeoutError
        return self._read(*answered.result())

    def _read(self, indication: Any, status: int, got: Any) -> list[tuple[Oid, Value | _End]]:
        if indication:
            if isinstance(indication, errind.EmptyResponse):
                return []
            if (name := type(indication).__name__) in AGAINST_US:
                raise Rejected(name)
            raise TimeoutError
        if status:
            raise Refused(status)
        self.objects += len(got)
        return [(tuple(name), _value(value)) for name, value in got]


def _value(value: Any) -> Value | _End:
    if isinstance(value, _INTEGERS):
        return int(value)
    if isinstance(value, rfc1905.EndOfMibView):
        return _End()
    if isinstance(value, rfc1902.OctetString):
        return bytes(value)
    if value.tagSet == rfc1902.ObjectIdentifier.tagSet:
        return tuple(value)
    return None


def _is_closed(error: OSError | None) -> bool:
    # Windows tells of ICMP "port unreachable" as a reset.
    return isinstance(error, ConnectionRefusedError | ConnectionResetError)


def _name(error: OSError | None) -> str | None:
    from ccpor_checks.kit.os_errors import error_name

    return None if error is None else error_name(error.errno) or type(error).__name__
