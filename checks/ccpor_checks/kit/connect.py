"""One TCP connection to a target, by the address that earlier checks of its chain found, or through
the proxy that its `proxy` check found in effect.

Name look-ups of the operating system take no deadline, so they run in a thread of their own that is
left behind when it does not answer in time.
"""

from __future__ import annotations

import contextlib
import errno
import queue
import socket
import threading

from ccpor_checks.base import CannotObserve, Context, Target


def open_connection(target: Target, ctx: Context, timeout_s: float) -> socket.socket:
    """Return a socket connected to *target*; its timeout is what is left of *timeout_s*.

    The address that the TCP check reached is taken, else those of the DNS check in their order,
    else what the system says of the host. Where a proxy is in effect the connection is a tunnel
    through it. The caller closes the socket; giving the check up closes it too.

    Raises:
        TimeoutError: Not within *timeout_s* (all addresses together) or the check's deadline.
        OSError: The last address's own error (ConnectionRefusedError, socket.gaierror,
            `kit.tunnel.TunnelRefused`, …).
        CannotObserve: The target names no host or port.
    """
    if not target.host or target.port is None:
        raise CannotObserve(f"{target.url} names no host and port; write both in the target's url")
    end = ctx.monotonic() + ctx.remaining(timeout_s)
    if getattr(ctx.earlier.get("proxy"), "via", None):
        from ccpor_checks.kit import tunnel

        if (proxy := tunnel.proxy_in_effect(ctx)) is not None:
            where = tunnel.authority(target.host, target.port)
            return tunnel.open_through(proxy, target, where, ctx, end)
    addresses = _known(ctx) or resolve(target.host, ctx.remaining(timeout_s))
    sock = connect_any(addresses, target.port, ctx, end)
    ctx.on_abandon(lambda: sock.shutdown(socket.SHUT_RDWR))
    return sock


def connect_any(addresses: tuple[str, ...], port: int, ctx: Context, end: float) -> socket.socket:
    """Return a socket connected to the first of *addresses* that answers before *end*.

    end: on `ctx.monotonic`. Each address gets an equal share of what is left.

    Raises:
        OSError: The last address's error; TimeoutError past *end*.
    """
    failure: OSError = OSError(errno.EADDRNOTAVAIL, "no address to connect to")
    for position, address in enumerate(addresses):
        left = min(end - ctx.monotonic(), ctx.remaining())
        if left <= 0:
            raise TimeoutError(f"{address} port {port}: no time left to connect")
        try:
            sock = socket.create_connection((address, port), left / (len(addresses) - position))
        except OSError as exc:
            failure = exc
            continue
        sock.settimeout(max(end - ctx.monotonic(), 0.001))
        return sock
    raise failure


def resolve(host: str, timeout_s: float) -> tuple[str, ...]:
    """Return the addresses of *host* as the operating system answers, in its order.

    Raises:
        TimeoutError: No answer within *timeout_s*.
        socket.gaierror: The system says there is none; UnicodeError: *host* is no name.
    """
    answers: queue.SimpleQueue[tuple[str, ...] | OSError | UnicodeError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as exc:
            answers.put(exc)
        else:
            answers.put(tuple(dict.fromkeys(str(entry[4][0]) for entry in found)))

    threading.Thread(target=ask, name=f"resolve {host}", daemon=True).start()
    with contextlib.suppress(queue.Empty):
        answer = answers.get(timeout=max(timeout_s, 0.001))
        if isinstance(answer, Exception):
            raise answer
        return answer
    raise TimeoutError(f"{host}: the system's resolver gave no answer within {timeout_s:.1f} s")


def _known(ctx: Context) -> tuple[str, ...]:
    """Return the addresses that earlier evidence on this target names, the proven one alone."""
    reached = getattr(ctx.earlier.get("tcp"), "address", None)
    if reached:
        return (str(reached),)
    found = getattr(ctx.earlier.get("dns"), "addresses", ())
    return tuple(str(address) for address in found)
