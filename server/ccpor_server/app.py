"""The application: every route comes from the access table, every answer carries its headers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccpor_reporting.capacity.protocol import ECHO
from ccpor_server import course
from ccpor_server.access import Entry, guarded
from ccpor_server.api.routes import API_ENDPOINTS
from ccpor_server.clock import Clock, utc_now
from ccpor_server.collector import Collector
from ccpor_server.mail import posting
from ccpor_server.pages.drafts import kept_draft
from ccpor_server.pages.errors import error_page, wants_page
from ccpor_server.pages.routes import PAGE_ENDPOINTS
from ccpor_server.problems import (
    BadRequest,
    NotAllowed,
    NotFound,
    Refused,
    Unavailable,
    problem_response,
)
from ccpor_server.settings import Settings
from ccpor_server.store import LogBroken, StoreBusy, StoreFailed

log = logging.getLogger(__name__)
ROUTES: tuple[Entry, ...] = (*API_ENDPOINTS, *PAGE_ENDPOINTS)

API_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_app(
    settings: Settings,
    *,
    now: Clock = utc_now,
    monotonic: Callable[[], float] = time.monotonic,
    routes: tuple[Entry, ...] = ROUTES,
) -> Starlette:
    """Return the application on an initialised database.

    Raises:
        KeyUnusable, DatabaseUnusable: with what to do.
    """
    collector = Collector(settings, now=now, monotonic=monotonic)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        running = (collector.measuring.watch(), course.keep(collector), posting.keep(collector))
        tasks = [asyncio.create_task(one) for one in running]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            collector.measuring.stop()
            collector.close()

    app = Starlette(
        routes=[
            Route(entry.path, guarded(entry), methods=list(entry.methods), name=entry.name)
            for entry in routes
        ],
        middleware=[Middleware(Observed, collector=collector)],
        exception_handlers={
            Refused: _refused,
            HTTPException: _http,
            StoreBusy: _busy,
            StoreFailed: _failed,
            LogBroken: _failed,
            Exception: _unexpected,
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # one address a page; no redirect built from a Host header
    app.state.collector = collector
    app.state.keep_draft = kept_draft
    return app


class Observed:
    """Puts the security headers on every answer, and counts and times each."""

    def __init__(self, app: ASGIApp, collector: Collector) -> None:
        self._app = app
        self._collector = collector

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def answered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _secure(MutableHeaders(scope=message), scope["path"], self._collector.settings)
            await send(message)

        try:
            await self._app(scope, receive, answered)
        finally:
            self._count(scope, status, time.perf_counter() - started)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")  # "none": no such route
        metrics = self._collector.metrics
        metrics.requests.labels(route, str(status)).inc()
        metrics.seconds.labels(route).observe(seconds)
        if route == ECHO and status < 400:
            return  # dozens a second while a line is measured
        log.info(
            "request.answered",
            extra={"route": route, "status": status, "ms": round(seconds * 1000, 1)},
        )


def _secure(headers: MutableHeaders, path: str, settings: Settings) -> None:
    is_api = path.startswith("/api/")
    headers["Content-Security-Policy"] = API_POLICY if is_api else PAGE_POLICY
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "no-referrer" if is_api else "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers.setdefault("Cache-Control", "no-store")
    if settings.https:
        headers["Strict-Transport-Security"] = "max-age=63072000"


def _answer(request: Request, refused: Refused) -> Response:
    if wants_page(request):
        return error_page(request, refused)
    return problem_response(refused, request.url.path)


async def _refused(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, Refused)
    return _answer(request, exc)


async def _http(request: Request, exc: Exception) -> Response:
    """Answer what Starlette itself refuses: no such route, wrong method, unreadable form."""
    assert isinstance(exc, HTTPException)
    if exc.status_code == 405:
        allowed = dict(exc.headers or {})
        return _answer(
            request, NotAllowed(f"use {allowed.get('Allow', 'another method')}", headers=allowed)
        )
    if exc.status_code == 404:
        return _answer(request, NotFound("nothing here"))
    return _answer(request, BadRequest("the request cannot be read"))


async def _busy(request: Request, _exc: Exception) -> Response:
    return _answer(request, Unavailable("too many writes wait; come back soon", after_s=2))


async def _failed(request: Request, _exc: Exception) -> Response:
    return _answer(request, Unavailable("the database does not take writes now", after_s=30))


async def _unexpected(request: Request, _exc: Exception) -> Response:
    """Tell nothing but a number; the traceback is in the log beside it."""
    number = str(uuid.uuid4())
    log.error("request.failed", exc_info=_exc, extra={"incident": number})
    refused = Refused(f"our own fault; tell the operator this number: {number}")
    response = _answer(request, refused)
    # this handler stands outside of the middleware
    _secure(response.headers, request.url.path, request.app.state.collector.settings)
    return response
