"""Limits: how often, how large, how deep, how long. All in memory, all bounded.

Buckets are per replica: with several replicas behind a balancer each grants its own share.
"""

from __future__ import annotations

import asyncio
import threading
import zlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable

import msgspec
from starlette.requests import ClientDisconnect, Request

from ccpor_server.problems import BadRequest, Late, TooLarge, TooMany, WrongMediaType
from ccpor_server.settings import Rate, Settings

REMEMBERED = 50_000  # keys; the one longest unused is forgotten first
RATIO_FROM = 64 * 1024  # small bodies may compress as well as they like
SLICE = 64 * 1024


class Buckets:
    """Token buckets by key; safe from any thread."""

    def __init__(self, rate: Rate, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Take one token; return 0.0, or the seconds until there is one."""
        with self._lock:
            tokens = self._tokens(key)
            if tokens < 1:
                return (1 - tokens) / self._rate.per_second
            self._keep(key, tokens - 1)
            return 0.0

    def wait(self, key: str) -> float:
        """Return the seconds until there is a token, 0.0 for now; takes none."""
        with self._lock:
            return max(0.0, (1 - self._tokens(key)) / self._rate.per_second)

    def _tokens(self, key: str) -> float:
        now = self._monotonic()
        tokens, at = self._held.get(key, (self._rate.burst, now))
        return min(self._rate.burst, tokens + (now - at) * self._rate.per_second)

    def _keep(self, key: str, tokens: float) -> None:
        self._held[key] = (tokens, self._monotonic())
        self._held.move_to_end(key)
        while len(self._held) > REMEMBERED:
            self._held.popitem(last=False)


class Limits:
    """The limits of one collector. `TooMany` carries when to come back."""

    def __init__(self, settings: Settings, monotonic: Callable[[], float]) -> None:
        self._machine = Buckets(settings.rate_machine, monotonic)
        self._court = Buckets(settings.rate_court, monotonic)
        self._address = Buckets(settings.rate_address, monotonic)
        self._looks = Buckets(settings.rate_looks, monotonic)
        self._slots = Buckets(settings.rate_slots, monotonic)
        codes = settings.bad_codes_per_hour
        self._bad_codes = Buckets(Rate(codes, codes / 3600), monotonic)
        self._sign_ins = Buckets(Rate(30, 30 / 300), monotonic)
        self._hashes = Buckets(Rate(300, 1), monotonic)  # each costs 0.1 s of work, right or wrong
        self._denials = Buckets(Rate(60, 0.2), monotonic)
        self._plans = Buckets(Rate(15, 0.2), monotonic)  # each simulates for a second or more
        self._nonces = Buckets(Rate(1, 1 / 900), monotonic)

    def from_address(self, address: str) -> None:
        _require(self._address.take(address), "this address sends too often")

    def from_machine(self, machine_id: str, court: str) -> None:
        _require(self._machine.take(machine_id), "this workstation sends too often")
        _require(self._court.take(court), "this court's workstations send too often")

    def may_look(self, machine_id: str, court: str) -> None:
        self.from_machine(machine_id, court)
        _require(self._looks.take(machine_id), "this workstation asks for looks too often")

    def may_measure(self, machine_id: str, court: str) -> None:
        self.from_machine(machine_id, court)
        _require(self._slots.take(machine_id), "this workstation asks for turns too often")

    def may_try_code(self, address: str) -> None:
        _require(self._bad_codes.wait(address), "too many wrong codes from this address")

    def may_plan(self, person: str) -> None:
        _require(self._plans.take(person), "you ask for plans too often")

    def wrong_code(self, address: str) -> None:
        self._bad_codes.take(address)

    def may_sign_in(self, address: str) -> None:
        _require(self._sign_ins.wait(address), "too many wrong passwords from this address")
        _require(self._hashes.take(address), "too many sign-ins from this address")

    def wrong_password(self, address: str) -> None:
        self._sign_ins.take(address)

    def may_audit_denial(self, address: str) -> bool:
        return self._denials.take(address) == 0.0

    def is_fresh_nonce(self, key_id: str, nonce: str) -> bool:
        """Return whether this nonce is new; longer remembered than a signature lives."""
        return self._nonces.take(f"{key_id} {nonce}") == 0.0


def _require(wait_s: float, detail: str) -> None:
    if wait_s > 0:
        raise TooMany(detail, wait_s)


async def read_body(request: Request, settings: Settings, *, limit: int | None = None) -> bytes:
    """Return a small body, inflated, within the limits.

    Raises: as `read_wire` and `inflated`.
    """
    wire = await read_wire(request, settings, limit=limit)
    return inflated(wire, settings, settings.inflated_limit if limit is None else 8 * limit)


class Wire(msgspec.Struct, frozen=True):
    """A body as it came."""

    body: bytes
    packed: bool  # one gzip member


async def read_wire(request: Request, settings: Settings, *, limit: int | None = None) -> Wire:
    """Return the body as it comes, within the limit on the wire.

    Raises:
        TooLarge, WrongMediaType (a coding that we do not read), BadRequest (it ends early), Late
        (it does not come within `body_seconds`).
    """
    wire_limit = limit or settings.wire_limit
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"identity", "gzip"}:
        raise WrongMediaType("Content-Encoding must be gzip or absent")
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:20]) > wire_limit:
        raise TooLarge(f"the body is longer than {wire_limit} bytes")
    try:
        async with asyncio.timeout(settings.body_seconds):
            body = b"".join([chunk async for chunk in _wire(request, wire_limit)])
    except TimeoutError:
        raise Late(f"the body did not come within {settings.body_seconds:g} s") from None
    except ClientDisconnect:
        raise BadRequest("the body ended early") from None
    return Wire(body, packed=coding == "gzip")


async def _wire(request: Request, limit: int) -> AsyncIterator[bytes]:
    seen = 0
    async for chunk in request.stream():
        seen += len(chunk)
        if seen > limit:
            raise TooLarge(f"the body is longer than {limit} bytes")
        yield chunk


def inflated(wire: Wire, settings: Settings, largest: int) -> bytes:
    """Return the body's bytes; one gzip member is inflated in slices, nothing larger is ever held.

    Raises:
        TooLarge: It breaks the limit *largest*, or grows too much. BadRequest: It is not gzip.
    """
    if not wire.packed:
        return wire.body
    inflater = zlib.decompressobj(wbits=31)
    whole = bytearray()
    used, waiting = 0, b""
    try:
        while not inflater.eof and (waiting or used < len(wire.body)):
            fresh = b"" if waiting else wire.body[used : used + SLICE]
            used += len(fresh)
            whole += inflater.decompress(waiting or fresh, SLICE)
            _require_sane(len(whole), used, largest, settings.inflated_ratio)
            waiting = inflater.unconsumed_tail
    except zlib.error:
        raise BadRequest("the body is not gzip") from None
    if not inflater.eof:
        raise BadRequest("the gzip body ends early")
    if inflater.unused_data or used < len(wire.body):
        raise BadRequest("bytes follow the gzip member")
    return bytes(whole)


def _require_sane(size: int, wire: int, largest: int, ratio: int) -> None:
    if size > largest:
        raise TooLarge(f"the body inflates to more than {largest} bytes")
    if size > RATIO_FROM and size > wire * ratio:
        raise TooLarge(f"the body inflates more than {ratio} times")
