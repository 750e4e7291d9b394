"""One thread with one loop for all devices of a run; engines are shared by equal credentials.

An engine costs 70 ms and its first use more; twenty devices in twenty threads would each pay that.
The thread begins with the first user and ends with the last, with every task of pysnmp's.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine

from ccpor_checks.snmp.secrets import Credentials

T = TypeVar("T")
MOST_BYTES = 8_000_000  # from one device in one look
PENDING_CS = 1000  # pysnmp forgets a request after 10 s; we stop waiting sooner
V2C, V3 = 1, 3
WHO = "asker"
AUTH = {
    None: config.USM_AUTH_NONE,
    "MD5": config.USM_AUTH_HMAC96_MD5,
    "SHA": config.USM_AUTH_HMAC96_SHA,
    "SHA-224": config.USM_AUTH_HMAC128_SHA224,
    "SHA-256": config.USM_AUTH_HMAC192_SHA256,
    "SHA-384": config.USM_AUTH_HMAC256_SHA384,
    "SHA-512": config.USM_AUTH_HMAC384_SHA512,
}
PRIV = {
    None: config.USM_PRIV_NONE,
    "DES": config.USM_PRIV_CBC56_DES,
    "AES": config.USM_PRIV_CFB128_AES,
    "AES-192": config.USM_PRIV_CFB192_AES,
    "AES-256": config.USM_PRIV_CFB256_AES,
}
_numbers = itertools.count(1)
_log = logging.getLogger("ccpor_checks.snmp")


class Wire(udp.UdpAsyncioTransport):  # type: ignore[misc]
    """A socket of its own, connected: strangers are not heard, and ICMP errors are."""

    def __init__(self, address: str, port: int) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self.where = (address, port)
        self.received = 0
        self.error: OSError | None = None
        self.failed = asyncio.Event()

    async def open(self) -> None:
        """Make the socket.

        Raises:
            OSError: This machine has no way there.
        """
        await self.loop.create_datagram_endpoint(lambda: self, remote_addr=self.where)

    def normalize_address(self, _address: object) -> None:
        return None  # connected: there is one way only

    def datagram_received(self, datagram: bytes, address: Any) -> None:
        self.received += len(datagram)
        if self.received <= MOST_BYTES:
            super().datagram_received(datagram, address)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError):
            self.error = exc
            self.failed.set()


@dataclass(slots=True)
class _Shared:
    engine: Any
    users: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """An engine and the name under which it knows a device."""

    engine: Any
    target: str
    wire: Wire


@dataclass(slots=True)
class _Running:
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    end: asyncio.Event
    users: int = 0


@dataclass(slots=True)
class Hub:
    """Where looks are handed in; safe from any thread."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: _Running | None = None
    _engines: dict[object, _Shared] = field(default_factory=dict)  # the loop's thread alone

    @contextlib.contextmanager
    def joined(self) -> Iterator[asyncio.AbstractEventLoop]:
        """Give the loop; while anybody is inside, it runs."""
        with self._lock:
            if self._running is None:
                self._running = _start()
            running = self._running
            running.users += 1
        try:
            yield running.loop
        finally:
            with self._lock:
                running.users -= 1
                if not running.users:
                    self._running = None
                    running.loop.call_soon_threadsafe(running.end.set)
                    running.thread.join(10)
                    self._engines.clear()

    @contextlib.asynccontextmanager
    async def line(
        self, credentials: Credentials, address: str, port: int, *, alone: bool
    ) -> AsyncIterator[Line]:
        """Give a way to ask *address*; *alone*: with an engine that nobody else uses.

        Raises:
            OSError: This machine has no way there.
        """
        number = next(_numbers)
        key = (credentials, number if alone else 0)
        shared = self._engines.get(key)
        if shared is None:
            shared = self._engines[key] = _Shared(_engine_for(credentials))
        wire = Wire(address, port)
        await wire.open()
        shared.users += 1
        engine = shared.engine
        base = udp6.DOMAIN_NAME if ":" in address else udp.DOMAIN_NAME
        domain, target, params = (*base, number), f"a{number}", f"p{number}"
        model, level = _level(credentials)
        try:
            config.add_transport(engine, domain, wire)
            config.add_target_parameters(engine, params, _security_name(credentials), level, model)
            config.add_target_address(
                engine, target, domain, (address, port), params, PENDING_CS, 0
            )
            yield Line(engine, target, wire)
        finally:
            shared.users -= 1
            with contextlib.suppress(Exception):
                config.delete_target_address(engine, target)
                config.delete_target_parameters(engine, params)
            config.delete_transport(engine, domain)
            if wire.transport is not None:
                wire.transport.close()
            if not shared.users:
                engine.close_dispatcher()
                self._engines.pop(key, None)


def _engine_for(credentials: Credentials) -> Any:
    engine = SnmpEngine()
    if credentials.version == "v2c":
        config.add_v1_system(engine, WHO, credentials.community.encode())
    else:
        config.add_v3_user(
            engine,
            credentials.user,
            AUTH[credentials.auth],
            credentials.auth_password.encode() or None,
            PRIV[credentials.priv],
            credentials.priv_password.encode() or None,
        )
    return engine


def _security_name(credentials: Credentials) -> str:
    return WHO if credentials.version == "v2c" else credentials.user


def _level(credentials: Credentials) -> tuple[int, str]:
    if credentials.version == "v2c":
        return V2C, "noAuthNoPriv"
    if credentials.priv:
        return V3, "authPriv"
    return V3, "authNoPriv" if credentials.auth else "noAuthNoPriv"


def _start() -> _Running:
    """Return a loop that runs in a thread of its own.

    A selector loop, on Windows too: the other kind stops hearing after one ICMP error there.
    """
    loop = asyncio.SelectorEventLoop()
    loop.set_exception_handler(_quietly)
    end = asyncio.Event()

    def serve() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(end.wait())
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            loop.run_until_complete(asyncio.sleep(0))  # closed sockets say good-bye
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    thread = threading.Thread(target=serve, name="snmp", daemon=True)
    thread.start()
    return _Running(loop, thread, end)


def _quietly(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A device's nonsense makes pysnmp raise in a callback; it counts as no answer."""
    _log.debug("snmp.callback_failed", extra={"error": type(context.get("exception")).__name__})


HUB = Hub()


def submit(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> Future[T]:
    """Run *work* on *loop*; cancelling the future cancels it there."""
    return asyncio.run_coroutine_threadsafe(work, loop)
