"""Limits: how often, how large, how deep, how long. All in memory, all bounded.

Buckets are per replica: with several replicas behind a balancer each grants its own share.
"""

from __future__ import annotations

import asyncio
import threading
import zlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable

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
        codes = settings.bad_codes_per_hour
        self._bad_codes = Buckets(Rate(codes, codes / 3600), monotonic)
        self._sign_ins = Buckets(Rate(30, 30 / 300), monotonic)
        self._denials = Buckets(Rate(60, 0.2), monotonic)
        self._nonces = Buckets(Rate(1, 1 / 900), monotonic)

    def from_address(self, address: str) -> None:
        _require(self._address.take(address), "this address sends too often")

    def from_machine(self, machine_id: str, court: str) -> None:
        _require(self._machine.take(machine_id), "this workstation sends too often")
        _require(self._court.take(court), "this court's workstations send too often")

    def may_try_code(self, address: str) -> None:
        _require(self._bad_codes.wait(address), "too many wrong codes from this address")

    def wrong_code(self, address: str) -> None:
        self._bad_codes.take(address)

    def may_sign_in(self, address: str) -> None:
        _require(self._sign_ins.take(address), "too many sign-ins from this address")

    def may_audit_denial(self, address: str) -> bool:
        return self._denials.take(address) == 0.0

    def is_fresh_nonce(self, key_id: str, nonce: str) -> bool:
        """Return whether this nonce is new; longer remembered than a signature lives."""
        return self._nonces.take(f"{key_id} {nonce}") == 0.0


def _require(wait_s: float, detail: str) -> None:
    if wait_s > 0:
        raise TooMany(detail, wait_s)


async def read_body(request: Request, settings: Settings, *, limit: int | None = None) -> bytes:
    """Return the body, inflated, within the limits; nothing larger is ever held.

    Raises:
        TooLarge, WrongMediaType (a coding that we do not read), BadRequest (not gzip, or it ends
        early), Late (it does not come within `body_seconds`).
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
            chunks = _wire(request, wire_limit)
            if coding == "identity":
                return b"".join([chunk async for chunk in chunks])
            return await _inflated(chunks, settings)
    except TimeoutError:
        raise Late(f"the body did not come within {settings.body_seconds:g} s") from None
    except ClientDisconnect:
        raise BadRequest("the body ended early") from None


async def _wire(request: Request, limit: int) -> AsyncIterator[bytes]:
    seen = 0
    async for chunk in request.stream():
        seen += len(chunk)
        if seen > limit:
            raise TooLarge(f"the body is longer than {limit} bytes")
        yield chunk


async def _inflated(chunks: AsyncIterator[bytes], settings: Settings) -> bytes:
    """Inflate one gzip member in slices; stop at the first that breaks a limit."""
    inflater = zlib.decompressobj(wbits=31)
    parts: list[bytes] = []
    wire = size = 0
    try:
        async for chunk in chunks:
            wire += len(chunk)
            waiting = chunk
            while waiting:
                part = inflater.decompress(waiting, SLICE)
                parts.append(part)
                size += len(part)
                _require_sane(size, wire, settings)
                waiting = inflater.unconsumed_tail
                if inflater.eof:
                    break
            if inflater.unused_data:
                raise BadRequest("bytes follow the gzip member")
    except zlib.error:
        raise BadRequest("the body is not gzip") from None
    if not inflater.eof:
        raise BadRequest("the gzip body ends early")
    return b"".join(parts)


def _require_sane(size: int, wire: int, settings: Settings) -> None:
    if size > settings.inflated_limit:
        raise TooLarge(f"the body inflates to more than {settings.inflated_limit} bytes")
    if size > RATIO_FROM and size > wire * settings.inflated_ratio:
        raise TooLarge(f"the body inflates more than {settings.inflated_ratio} times")
