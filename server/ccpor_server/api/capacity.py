"""Measuring a line: a turn, what is sent and counted in it, and how it is given back.

A turn is asked for by a workstation's signature; all else goes by the token of the turn, which the
guard has found (`request.state.slot`). Bodies and downloads are as long as the turn allows, and end
with it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ccpor_reporting.capacity.protocol import (
    FEEDBACK_MS,
    MOST_FLOWS,
    Arrived,
    Counted,
)
from ccpor_server.access import collector
from ccpor_server.api.enroll import signed_by
from ccpor_server.api.reports import require_media_type
from ccpor_server.capacity.filler import sizes
from ccpor_server.capacity.slots import HeldSlot, LineWish
from ccpor_server.client import client_address, named_proxy
from ccpor_server.limits import read_body
from ccpor_server.problems import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    TooMany,
    json_response,
)

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from ccpor_server.capacity.measuring import Measuring

WISH_LIMIT = 2 * 1024
LEAST_MBIT, MOST_MBIT = 0.01, 100_000.0
MOST_BYTES = 10**12
LONGEST_CODING = 40
AS_IT_IS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}


async def ask_for_slot(request: Request) -> Response:
    """Ask for a turn at measuring this workstation's line; one that it has already ends.

    201 waiting or granted; 400, 413, 415 no wish that we read; 401 unsigned or unknown;
    403 revoked; 404 this collector measures no lines; 408 the body is slow; 429 too often;
    503 too many wait.
    """
    running = collector(request)
    running.limits.from_address(client_address(request))
    machine = await run_in_threadpool(signed_by, request)
    if not running.settings.capacity:
        raise NotFound("this collector measures no lines")
    running.limits.may_measure(machine.id, machine.court)
    require_media_type(request, "application/json")
    body = await read_body(request, running.settings, limit=WISH_LIMIT)
    try:
        wish = msgspec.json.decode(body, type=LineWish)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise BadRequest("the body is not a wish: seconds, megabytes, flows") from exc
    held, token = running.measuring.slots.ask(machine.id, wish)
    return _told(request, held, token, 201)


async def slot(request: Request) -> Response:
    """Say whether the turn has come, and renew it.

    200 waiting or granted; 401 it ended; 403 revoked; 404 another's.
    """
    held = await _own(request)
    return _told(request, held, bearer(request), 200)


async def give_back(request: Request) -> Response:
    """Give the turn back, waiting or granted. 204; 401 it ended; 403 revoked; 404 another's."""
    held = await _own(request)
    slots = collector(request).measuring.slots
    slots.end(held, "given-back")
    slots.sweep()
    return Response(status_code=204)


async def up(request: Request) -> Response:
    """Count a body by arrival and throw it away.

    200 what was counted; 400 no such flow; 401 the turn ended; 403 revoked; 409 it still waits;
    429 the turn's megabytes or its time are used up.
    """
    held = await _granted(request)
    flow = _whole(request, "flow", 0, MOST_FLOWS - 1)
    measuring = collector(request).measuring
    counting = asyncio.create_task(_counted(request, held, flow, measuring))
    await _until_end(held, counting)
    if counting.cancelled():
        raise _cut(TooMany("this turn has ended; ask for another one", 1))
    counted = counting.result()
    if counted is None:
        raise _cut(TooMany("the megabytes of this turn are used up; ask for another one", 1))
    return json_response(counted)


async def _counted(
    request: Request, held: HeldSlot, flow: int, measuring: Measuring
) -> Counted | None:
    """Return what came; None where it was more than the turn may move."""
    count, first_ms, last_ms = 0, measuring.now_ms, measuring.now_ms
    try:
        while True:
            message = await request.receive()
            if message["type"] != "http.request":
                break  # the client is gone; nobody hears the answer
            if size := len(message.get("body", b"")):
                now = measuring.monotonic()
                last_ms = now * 1000
                first_ms = first_ms if count else last_ms
                count += size
                held.arrived(flow, size, now)
                if held.moved > held.budget:
                    return None
            if not message.get("more_body", False):
                break
    finally:
        measuring.moved("up", count)
    coding = request.headers.get("content-encoding")
    return Counted(
        bytes=count,
        first_ms=first_ms,
        last_ms=last_ms,
        coding=coding[:LONGEST_CODING] if coding else None,
    )


async def down(request: Request) -> Response:
    """Send random bytes, evenly paced where a rate is given, as many as the turn may still move.

    200; 400 no such flow, size or rate; 401 the turn ended; 403 revoked; 409 it still waits;
    429 the turn's megabytes are used up.
    """
    held = await _granted(request)
    _whole(request, "flow", 0, MOST_FLOWS - 1)
    count = min(_whole(request, "bytes", 1, MOST_BYTES), held.left)
    mbit = _rate(request)
    if not count:
        raise TooMany("the megabytes of this turn are used up; ask for another one", 1)
    return Download(held, collector(request).measuring, count, mbit)


class Stream(Response):
    """An answer that is made while it is sent; ends when the client goes or the turn ends."""

    media_type = "application/octet-stream"

    def __init__(self, held: HeldSlot, measuring: Measuring, **headers: str) -> None:
        super().__init__(headers={**AS_IT_IS, **headers}, media_type=self.media_type)
        if "content-length" not in {name.lower() for name in headers}:
            del self.headers["content-length"]
        self._held = held
        self._measuring = measuring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        sending = asyncio.create_task(self._send(send))
        gone = asyncio.create_task(_gone(receive))
        await _until_end(self._held, sending, gone)
        if not sending.cancelled():
            sending.result()

    async def _send(self, send: Send) -> None:
        raise NotImplementedError


class Download(Stream):
    """Random bytes."""

    def __init__(
        self, held: HeldSlot, measuring: Measuring, count: int, mbit: float | None
    ) -> None:
        super().__init__(held, measuring, **{"Content-Length": str(count)})
        self._count = count
        self._mbit = mbit

    async def _send(self, send: Send) -> None:
        held, left = self._held, self._count
        piece = self._measuring.filler.piece
        try:
            async for size in sizes(self._count, self._mbit, self._measuring.monotonic):
                if size > held.left:
                    break  # other flows used it up: the connection ends early
                held.moved += size
                left -= size
                body = {"type": "http.response.body", "body": piece(size), "more_body": left > 0}
                await send(body)
        finally:
            self._measuring.moved("down", self._count - left)


async def echo(request: Request) -> Response:
    """Answer at once: one round trip. 204; 401 the turn ended; 409 it still waits."""
    _require_granted(request.state.slot)
    return Response(status_code=204)


async def feedback(request: Request) -> Response:
    """Say every 50 ms how much has arrived, until the turn ends or the client goes.

    200; 400 no such number of flows; 401 the turn ended; 403 revoked; 409 it still waits.
    """
    held = await _granted(request)
    flows = _whole(request, "flows", 1, MOST_FLOWS)
    return Feedback(held, collector(request).measuring, flows)


class Feedback(Stream):
    """JSON lines of `Arrived`."""

    media_type = "application/x-ndjson"

    def __init__(self, held: HeldSlot, measuring: Measuring, flows: int) -> None:
        super().__init__(held, measuring)
        self._flows = flows

    async def _send(self, send: Send) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        with self._measuring.lag.watched():
            while self._held.why is None:
                line = msgspec.json.encode(self._now()) + b"\n"
                await send({"type": "http.response.body", "body": line, "more_body": True})
                due = max(due + FEEDBACK_MS / 1000, loop.time())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(due):
                        await self._held.ended.wait()
            line = msgspec.json.encode(self._now()) + b"\n"
            await send({"type": "http.response.body", "body": line, "more_body": False})

    def _now(self) -> Arrived:
        flows = tuple(self._held.flows[: self._flows])
        return Arrived(
            ms=round(self._measuring.now_ms, 3),
            bytes=sum(self._held.flows),
            flows=flows,
            busy=self._measuring.lag.busy,
        )


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] == "http.request":
        pass


async def _until_end(held: HeldSlot, *work: asyncio.Task[Any]) -> None:
    """Return when one of *work* is done or the turn ends; the rest is cancelled."""
    ended = asyncio.create_task(held.ended.wait())
    try:
        await asyncio.wait({ended, *work}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in (ended, *work):
            one.cancel()
        await asyncio.gather(ended, *work, return_exceptions=True)


def bearer(request: Request) -> str:
    return request.headers.get("authorization", "").partition(" ")[2].strip()


async def _still_enrolled(request: Request) -> HeldSlot:
    held: HeldSlot = request.state.slot
    await collector(request).measuring.end_revoked((held,))
    if held.why == "revoked":
        raise Forbidden("this workstation is revoked; ask your AOC administrator for a new code")
    return held


async def _own(request: Request) -> HeldSlot:
    held = await _still_enrolled(request)
    if request.path_params["slot_id"] != held.id:
        raise NotFound("no such turn")
    return held


async def _granted(request: Request) -> HeldSlot:
    held = await _still_enrolled(request)
    _require_granted(held)
    return held


def _require_granted(held: HeldSlot) -> None:
    if held.granted_at is None:
        raise Conflict("this turn still waits; ask until it is granted", title="still waiting")


def _told(request: Request, held: HeldSlot, token: str, status: int) -> Response:
    measuring = collector(request).measuring
    told = measuring.told(held, token, client_address(request), named_proxy(request))
    return json_response(told, status, {"Cache-Control": "no-store"})


def _whole(request: Request, name: str, least: int, most: int) -> int:
    text = request.query_params.get(name, str(least))
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        raise BadRequest(f"{name} is a whole number from {least} to {most}")
    return int(text)


def _rate(request: Request) -> float | None:
    text = request.query_params.get("mbit")
    if text is None:
        return None
    try:
        mbit = float(text[:30])
    except ValueError:
        mbit = 0.0
    if not LEAST_MBIT <= mbit <= MOST_MBIT:
        raise BadRequest(f"mbit is a number from {LEAST_MBIT:g} to {MOST_MBIT:g}")
    return mbit


def _cut(refused: TooMany) -> TooMany:
    """Return *refused* with the end of the connection: the rest of the body is not read."""
    refused.headers["Connection"] = "close"
    return refused
