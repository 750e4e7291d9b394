"""Several connections at once, staggered, in one thread and within one deadline.

A next try of an address starts when those before it ended, or `STAGGER_S` after the last one
started, so a silent target costs one timeout and a refusing one a few milliseconds.
"""

from __future__ import annotations

import errno
import selectors
import socket
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.kit.icmp import Icmp
from ccpor_checks.kit.os_errors import error_name
from ccpor_checks.tcp.errors import icmp_error, reason_of, show_icmp
from ccpor_checks.tcp.evidence import Try

STAGGER_S = 0.25  # RFC 8305, section 5: "Connection Attempt Delay"
LISTEN_S = 0.05  # a reset right after accept comes within one round trip on a court's network
UNDER_WAY = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN})


@dataclass(slots=True)
class _Attempt:
    """One connection under way; `connected_ms` is set once it is made and only listened to."""

    sock: socket.socket
    address: str
    started: float
    until: float
    connected_ms: float | None = None


class Connecting:
    """The tries of one target. `local_address` is known once a connection was under way."""

    def __init__(self, port: int, timeout_s: float, ctx: Context) -> None:
        self.port, self.timeout_s, self.ctx = port, timeout_s, ctx
        self.local_address: str | None = None
        self._done: list[Try] = []
        self._active: list[_Attempt] = []
        self._reached: set[str] = set()
        self._started: dict[str, float] = {}  # when each address was tried last

    def run(self, addresses: Sequence[str], tries: int) -> tuple[Try, ...]:
        """Return the outcome of each try: by address, within it in the order they ended.

        Each address is tried once, all at the same time. The further tries follow in order; an
        address gets them only while none before it was reached.

        Raises:
            TimeoutError: The check's own deadline passed.
            CannotObserve: This workstation could not even try (no descriptor, no memory).
        """
        waiting = deque([*addresses, *(each for each in addresses for _ in range(tries - 1))])
        order = {address: position for position, address in enumerate(addresses)}
        with selectors.DefaultSelector() as selector:
            try:
                while waiting or self._active:
                    next_start = None
                    if waiting:
                        address = waiting[0]
                        before = self._reached.intersection(addresses[: order[address]])
                        if address in self._started and before:
                            waiting.popleft()
                            continue
                        next_start = self._may_start(address)
                        if next_start <= self.ctx.monotonic():
                            self._start(selector, waiting.popleft())
                            continue
                    self._wait(selector, next_start)
            finally:
                for attempt in self._active:
                    attempt.sock.close()
        return tuple(sorted(self._done, key=lambda each: order[each.address]))

    def _may_start(self, address: str) -> float:
        """Return when *address* may be tried (again), on the context's clock."""
        under_way = any(
            attempt.address == address and attempt.connected_ms is None for attempt in self._active
        )
        return self._started[address] + STAGGER_S if under_way else 0.0

    def _start(self, selector: selectors.BaseSelector, address: str) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        started = self._started[address] = self.ctx.monotonic()
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as exc:
            self._ended(address, started, exc.errno or 0, None, None)
            return
        sock.setblocking(False)
        show_icmp(sock)
        try:
            number = sock.connect_ex((address, self.port))
        except OSError as exc:  # an address that cannot be put into a sockaddr
            number = exc.errno or errno.EINVAL
        if number not in UNDER_WAY:
            icmp, port = icmp_error(sock), _local(sock)[1]
            sock.close()
            self._ended(address, started, number, icmp, port)
            return
        attempt = _Attempt(sock, address, started, started + self.timeout_s)
        self._active.append(attempt)
        selector.register(sock, selectors.EVENT_WRITE, attempt)

    def _wait(self, selector: selectors.BaseSelector, next_start: float | None) -> None:
        """Wait for the next thing to happen, then settle what ended."""
        soonest = min(attempt.until for attempt in self._active)
        if next_start is not None:
            soonest = min(soonest, next_start)
        left = max(0.0, soonest - self.ctx.monotonic())
        for key, _ in selector.select(self.ctx.remaining(left) if left else 0):
            attempt: _Attempt = key.data
            if attempt.connected_ms is None:
                self._made_or_failed(selector, attempt)
            else:
                self._spoke(selector, attempt)
        now = self.ctx.monotonic()
        for attempt in [each for each in self._active if now >= each.until]:
            if attempt.connected_ms is None:
                self._close(selector, attempt, errno.ETIMEDOUT)
            else:
                self._close(selector, attempt, 0)

    def _made_or_failed(self, selector: selectors.BaseSelector, attempt: _Attempt) -> None:
        number = attempt.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self._close(selector, attempt, number)
            return
        now = self.ctx.monotonic()
        attempt.connected_ms = (now - attempt.started) * 1000
        attempt.until = now + LISTEN_S
        self._reached.add(attempt.address)
        selector.modify(attempt.sock, selectors.EVENT_READ, attempt)

    def _spoke(self, selector: selectors.BaseSelector, attempt: _Attempt) -> None:
        """Settle a connection on which something came: a greeting, an end, or a reset."""
        try:
            attempt.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError as exc:
            self._close(selector, attempt, exc.errno or errno.ECONNRESET)
        else:
            self._close(selector, attempt, 0)

    def _close(self, selector: selectors.BaseSelector, attempt: _Attempt, number: int) -> None:
        selector.unregister(attempt.sock)
        self._active.remove(attempt)
        icmp = icmp_error(attempt.sock) if number else None
        address, port = _local(attempt.sock)
        self.local_address = address or self.local_address
        attempt.sock.close()
        if number:
            self._ended(attempt.address, attempt.started, number, icmp, port)
            return
        self._done.append(
            Try(
                address=attempt.address,
                reason=None,
                ms=round(attempt.connected_ms or 0.0, 3),
                local_port=port,
            )
        )

    def _ended(
        self, address: str, started: float, number: int, icmp: Icmp | None, port: int | None
    ) -> None:
        reason = reason_of(number, icmp, address)
        name = error_name(number)
        if reason is None:
            raise CannotObserve(
                f"this workstation could not open a connection to {address} ({name}); "
                "close programs that hold many connections and run again"
            )
        self._done.append(
            Try(
                address=address,
                reason=reason,
                ms=round((self.ctx.monotonic() - started) * 1000, 3),
                error=name,
                icmp=icmp,
                local_port=port,
            )
        )


def _local(sock: socket.socket) -> tuple[str | None, int | None]:
    try:
        name = sock.getsockname()
    except OSError:  # Windows: a socket that was never bound has no name
        return None, None
    return (str(name[0]), int(name[1])) if name[1] else (None, None)
