"""From the target to an `SnmpEvidence`: one walk of a device, and two looks at its counters."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.kit.connect import resolve
from ccpor_checks.snmp import counters, mibs, reading
from ccpor_checks.snmp.evidence import AnswerReason, Interface, SnmpEvidence, SnmpOptions, Stop
from ccpor_checks.snmp.hub import HUB, submit
from ccpor_checks.snmp.mibs import Oid
from ccpor_checks.snmp.secrets import Credentials, read_credentials
from ccpor_checks.snmp.session import FIRST_WAITS_S, Refused, Rejected, Session, Silent, Value

PORT = 161
ADDRESSES = 2  # of a name with many; each may cost the whole wait
LOOK_S = 20.0  # all questions of one device together, the sample beside them
MOST_INTERFACES = 4096
MOST_ROWS = 512
MOST_JUDGED = 64  # interfaces that nobody named
OUT_OF_STEP = {"NotInTimeWindow", "UnknownEngineID"}
STATUSES = {5: "genErr", 6: "noAccess", 16: "authorizationError"}  # RFC 3416 section 3
REASONS: dict[str, AnswerReason] = {
    "UnknownUserName": "unknown-user",
    "UnknownSecurityName": "unknown-user",
}


def look(target: Target, options: SnmpOptions, ctx: Context) -> SnmpEvidence:
    """Return what *target* tells of itself.

    Raises:
        CannotObserve: No secret to ask with, or no address to ask.
        TimeoutError: The deadline of the check came first.
    """
    credentials = read_credentials(options, ctx)
    addresses = _addresses(target, ctx)[:ADDRESSES]
    if not addresses:
        raise CannotObserve(f"{target.host} has no address to ask")
    port = target.port or PORT
    seen = SnmpEvidence(port=port, address=addresses[0], version=options.version)
    with HUB.joined() as loop:
        for address in addresses:
            seen = msgspec.structs.replace(seen, address=address)
            asked = submit(loop, _asked(seen, credentials, options))
            ctx.on_abandon(asked.cancel)
            try:
                seen = asked.result(ctx.remaining())
            except concurrent.futures.CancelledError:
                raise TimeoutError("the check was given up") from None
            finally:
                asked.cancel()
            if seen.failure != "timeout" or seen.heard:
                break
    return seen


def _addresses(target: Target, ctx: Context) -> tuple[str, ...]:
    known: tuple[str, ...] = tuple(getattr(ctx.earlier.get("dns"), "addresses", ()))
    if known:
        return known
    try:
        return resolve(target.host, ctx.remaining(3.0))
    except (OSError, UnicodeError) as exc:
        raise CannotObserve(f"{target.host} has no address to ask") from exc


async def _asked(
    seen: SnmpEvidence, credentials: Credentials, options: SnmpOptions
) -> SnmpEvidence:
    """Return *seen* with what the device says; an engine of its own where a shared one fails.

    Two devices copied from one image call themselves the same; a shared engine then mixes up
    their clocks.
    """
    for alone in (False, True):
        try:
            return await _at(seen, credentials, options, alone=alone)
        except Rejected as exc:
            if alone or exc.error not in OUT_OF_STEP:
                reason = REASONS.get(exc.error, "authentication")
                return msgspec.structs.replace(seen, failure=reason, error=exc.error, heard=True)
    raise AssertionError("the last try returns or raises")


async def _at(
    seen: SnmpEvidence, credentials: Credentials, options: SnmpOptions, *, alone: bool
) -> SnmpEvidence:
    address = str(seen.address)
    try:
        async with HUB.line(credentials, address, seen.port, alone=alone) as line:
            end = asyncio.get_running_loop().time() + LOOK_S + options.sample_s
            session = Session(line, end)
            try:
                return await _Look(session, options).taken(seen)
            except Silent as exc:
                return msgspec.structs.replace(
                    seen,
                    failure="timeout",
                    error=exc.error,
                    closed=exc.closed,
                    heard=line.wire.received > 0,
                )
            except Refused as exc:
                return msgspec.structs.replace(
                    seen,
                    failure="no-such-object",
                    error=STATUSES.get(exc.status, f"error status {exc.status}"),
                    heard=True,
                )
    except OSError as exc:
        from ccpor_checks.kit.os_errors import error_name

        name = error_name(exc.errno) or type(exc).__name__
        return msgspec.structs.replace(seen, failure="timeout", error=name)


@dataclass(slots=True)
class _Look:
    """One look at one device."""

    session: Session
    options: SnmpOptions
    stops: list[Stop] = field(default_factory=list)

    async def taken(self, seen: SnmpEvidence) -> SnmpEvidence:
        """Return *seen* with everything.

        Raises:
            Silent, Rejected, Refused: Already the first question was not answered.
        """
        first = await self.session.get((mibs.SYS_DESCR, mibs.SYS_UPTIME), FIRST_WAITS_S)
        found = await self.session.walk(mibs.INTERFACE_COLUMNS, MOST_INTERFACES)
        if found.why:
            self.stops.append(Stop(part="interfaces", why=found.why))
        all_interfaces = reading.interfaces(found.cells)
        picked, missing = self._picked(all_interfaces)
        seen = msgspec.structs.replace(
            seen,
            heard=True,
            description=reading.text(first[mibs.SYS_DESCR]),
            uptime_s=reading.ticks(first[mibs.SYS_UPTIME]),
            interfaces_seen=len(all_interfaces),
            not_found=missing,
            found_instead=_names(all_interfaces) if missing else (),
        )
        interfaces, device = await self._sampled(picked)
        seen = msgspec.structs.replace(seen, interfaces=interfaces, **device)
        nothing = (seen.description, seen.uptime_s) == (None, None) and not (
            all_interfaces or seen.devices or seen.printers or seen.alerts or self.stops
        )
        return msgspec.structs.replace(
            seen,
            stops=tuple(self.stops),
            objects=self.session.objects,
            failure="no-such-object" if nothing else None,
        )

    def _picked(self, there: Sequence[Interface]) -> tuple[list[Interface], tuple[str, ...]]:
        """Return the interfaces to judge, and the names in the profile that none of them has."""
        if not self.options.interfaces:
            up = [each for each in there if each.oper == "up" and _has_a_medium(each)]
            return up[:MOST_JUDGED], ()
        picked: dict[int, Interface] = {}
        missing: list[str] = []
        for name in self.options.interfaces:
            fitting = [each for each in there if name in reading.names_of(each)]
            if not fitting:
                missing.append(name)
            for each in fitting:
                picked[each.index] = msgspec.structs.replace(each, named=True)
        return list(picked.values()), tuple(missing)

    async def _sampled(
        self, picked: Sequence[Interface]
    ) -> tuple[tuple[Interface, ...], dict[str, tuple[msgspec.Struct, ...]]]:
        """Return *picked* with traffic, and the device's own state.

        The state is asked for while the counters count.
        """
        running = [each for each in picked if each.oper not in reading.NOT_RUNNING]
        first = await self._counters(running)
        device = await self._device()
        if not running or not first:
            return tuple(picked), device
        spent = time.monotonic() - first[running[0].index][0]
        await asyncio.sleep(max(self.options.sample_s - spent, 0))
        second = await self._counters(running)
        done: list[Interface] = []
        for each in picked:
            one, two = first.get(each.index), second.get(each.index)
            if one and two:
                passed = two[0] - one[0]
                carried = counters.traffic(one[1], two[1], each.index, each.speed_bps, passed)
                each = msgspec.structs.replace(each, traffic=carried)  # noqa: PLW2901
            done.append(each)
        return tuple(done), device

    async def _counters(
        self, interfaces: Sequence[Interface]
    ) -> dict[int, tuple[float, counters.Look]]:
        """Return by index when the counters were read, and what they said; {}: no answer."""
        looks: dict[int, tuple[float, counters.Look]] = {}
        for position in range(0, len(interfaces), 3):
            some = interfaces[position : position + 3]
            wanted = [
                mibs.SYS_UPTIME,
                *((*column, each.index) for each in some for column in mibs.COUNTER_COLUMNS),
            ]
            asked_at = time.monotonic()
            told = await self._got(wanted)
            if not told:
                return looks
            middle = (asked_at + time.monotonic()) / 2
            numbers = {name: each if isinstance(each, int) else None for name, each in told.items()}
            looks |= {each.index: (middle, numbers) for each in some}
        return looks

    async def _got(self, wanted: Sequence[Oid]) -> dict[Oid, Value]:
        """Return the values; {} with a note where the device has fallen silent."""
        try:
            return await self.session.get(wanted)
        except Silent:
            if (stop := Stop(part="counters", why="no-answer")) not in self.stops:
                self.stops.append(stop)
        except Refused:
            return dict.fromkeys(wanted)
        return {}

    async def _device(self) -> dict[str, tuple[msgspec.Struct, ...]]:
        walked = await self.session.walk(mibs.DEVICE_COLUMNS, MOST_ROWS)
        if walked.why:
            self.stops.append(Stop(part="device", why=walked.why))
        return reading.device(walked.cells)


def _has_a_medium(each: Interface) -> bool:
    """Say whether there is a cable or a radio: by its type, or because it tells its duplex."""
    return each.type in mibs.PHYSICAL or each.duplex in {"half", "full"}


def _names(there: Sequence[Interface]) -> tuple[str, ...]:
    return tuple(each.name for each in there)[:MOST_JUDGED]
