"""The look: one upload, what the server shows of it, and away with it again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.http.browsing import REDIRECTS, is_web, shown, url_of
from ccpor_checks.http.evidence import Method
from ccpor_checks.http.exchange import DEFAULT_PORTS, Exchange, Request
from ccpor_checks.http.line import Broken, Line
from ccpor_checks.http.portal import joined
from ccpor_checks.http.posting import Posting
from ccpor_checks.kit.synthetic import synthetic
from ccpor_checks.order.evidence import OrderEvidence, OrderOptions, Readback
from ccpor_checks.order.showing import Sent, digest_field, fetched, served, shown_in_answer

CLEAN_UP_S = 5.0
LEAST_WAIT_S = 5.0
STILL_MOVING_S = 5.0  # socket buffers take a small order at once; later bytes went out for room
WANTED = {"Want-Repr-Digest": "sha-256=10"}  # RFC 9530, section 4


def wait_s(options: OrderOptions) -> float:
    """Return how long the order may take before we go: well beyond its limit, to say slow."""
    limit = options.max_s
    most = (max(limit) if isinstance(limit, tuple) else limit) or 0.0
    return max(LEAST_WAIT_S, min(3 * most, most + 60))


def most_s(options: OrderOptions) -> float:
    """Return the seconds that the whole look can take: sent, fetched, deleted."""
    return wait_s(options) * (2 if options.readback else 1) + CLEAN_UP_S


@dataclass(slots=True)
class _Order:
    """The synthetic order, the same bytes whenever they are asked for."""

    size: int
    seed: int
    ctx: Context
    last_taken_at: float | None = field(default=None, init=False)  # on the context's clock

    def parts(self) -> Iterator[bytes]:
        for part in synthetic(self.size, seed=self.seed):
            self.last_taken_at = self.ctx.monotonic()
            yield part

    def sent(self) -> Sent:
        digest = hashlib.sha256()
        for part in synthetic(self.size, seed=self.seed):
            digest.update(part)
        return Sent(self.size, digest.hexdigest(), lambda: synthetic(self.size, seed=self.seed))


def run(target: Target, options: OrderOptions, ctx: Context) -> OrderEvidence:
    """Send one synthetic order to *target* and return what became of it.

    Raises:
        CannotObserve: No TLS session comes about, or the profile's url cannot be asked.
    """
    line = Line(target, ctx)
    order = _Order(options.size_bytes, ctx.dice.getrandbits(64), ctx)
    sent = order.sent()
    request = Posting(
        method="POST",
        url=url_of(target),
        headers={
            "Content-Type": "application/octet-stream",
            "Content-Digest": digest_field(sent.sha256),
            **WANTED,
        },
        upload_bytes=sent.size,
        content=order.parts,
    )
    begun = ctx.monotonic()
    patience = ctx.remaining(wait_s(options))
    broken: Broken | None = None
    try:
        exchange = line.ask(request, begun + patience)
    except Broken as exc:
        broken, exchange = exc, exc.exchange
    took_s = round(ctx.monotonic() - begun, 3)
    late = order.last_taken_at is not None and order.last_taken_at - begun > STILL_MOVING_S
    seen = _evidence(exchange, broken, sent, took_s if broken is None else None)
    seen |= {"waited_s": round(patience, 3), "moving": bool(seen["cut"]) and late}
    if options.readback and broken is None and _is_success(exchange):
        seen |= _read_back(line, exchange, sent, ctx, wait_s(options))
    return OrderEvidence(**seen)


def _is_success(exchange: Exchange) -> bool:
    return exchange.head is not None and 200 <= exchange.head.status < 300


def _evidence(
    exchange: Exchange, broken: Broken | None, sent: Sent, took_s: float | None
) -> dict[str, Any]:
    """Return the fields of the evidence that the upload itself gives."""
    head, upload = exchange.head, exchange.upload
    redirect = None
    if head is not None and head.status in REDIRECTS and (where := head.value("location")):
        redirect = shown(joined(exchange.request.url, where))
    return {
        "url": shown(exchange.request.url),
        "address": exchange.address,
        "size_bytes": sent.size,
        "sha256": sent.sha256,
        "sent_bytes": upload.sent_bytes if upload else 0,
        "status": head.status if head else None,
        "failure": broken.cause.failure if broken else None,
        "failed_at": exchange.stage if broken else None,
        "error": broken.cause.error if broken else None,
        "cut": upload is not None and upload.cut is not None,
        "redirect": redirect,
        "took_s": took_s,
    }


def _read_back(
    line: Line, answer: Exchange, sent: Sent, ctx: Context, patience_s: float
) -> dict[str, Any]:
    """Return what the server shows of the order: where it put it first, then in its answer.

    Where it says nothing at all, the address that took the order may give it back.
    Only the server that took it is asked: an answer must not send this workstation elsewhere.
    """
    assert answer.head is not None
    found: dict[str, Any] = {}
    readback: Readback | None = None
    where = answer.head.value("location")
    if where is not None:
        url = joined(answer.request.url, where).partition("#")[0]
        found = {"location": shown(url), "location_elsewhere": not _same_server(answer, url)}
        if not found["location_elsewhere"]:
            there = _asked(line, "GET", url, ctx, patience_s)
            if there is not None and there.head is not None:
                found["location_status"] = there.head.status
                readback = fetched(there, sent) if _is_success(there) else None
            if readback is not None and readback.same and readback.by == "location":
                gone = _asked(line, "DELETE", url, ctx, CLEAN_UP_S)
                found["deleted_status"] = gone.head.status if gone and gone.head else None
    readback = readback or shown_in_answer(answer, sent)
    if readback is None and where is None:
        there = _asked(line, "GET", answer.request.url, ctx, patience_s)
        readback = served(there, sent) if there is not None and _is_success(there) else None
    return {**found, "readback": readback}


def _same_server(answer: Exchange, url: str) -> bool:
    return is_web(url) and _server_of(url) == _server_of(answer.request.url)


def _server_of(url: str) -> tuple[str, str | None, int | None]:
    split = urlsplit(url)
    return split.scheme, split.hostname, split.port or DEFAULT_PORTS.get(split.scheme)


def _asked(line: Line, method: str, url: str, ctx: Context, most: float) -> Exchange | None:
    """Return one further exchange; None where it came to no good end, which is not the upload's."""
    # A profile may not ask for DELETE; here it takes away what we have put there ourselves.
    request = Request(method=cast("Method", method), url=url, headers=WANTED, first=True)
    try:
        return line.ask(request, ctx.monotonic() + ctx.remaining(most))
    except (Broken, CannotObserve, TimeoutError):
        return None
