"""A TCP proxy that cuts a connection after an exact number of bytes, in either direction.

A cut resets both sides, as a firewall that forgets its state does. Bytes are counted per
connection; after one cut the proxy lets everything through until `cut` is called again.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Literal

Way = Literal["up", "down"]
RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close sends RST


class ChaosProxy:
    """Forwards to one port of this machine."""

    def __init__(self, to_port: int) -> None:
        self.to_port = to_port
        self.cuts = 0
        self.passed = {"up": 0, "down": 0}  # bytes of the last connection
        self._plan: tuple[Way, int] | None = None
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._is_open = True

    def cut(self, way: Way, after: int) -> None:
        """Cut the next connection once *after* bytes went that *way*, and no byte more."""
        self._plan = (way, after)

    def serve(self) -> None:
        while self._is_open:
            with contextlib.suppress(OSError):
                client, _ = self._listener.accept()
                self._forward(client) if self._is_open else client.close()

    def close(self) -> None:
        self._is_open = False
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 0.5).close()
        self._listener.close()

    def _forward(self, client: socket.socket) -> None:
        plan, self._plan = self._plan, None
        try:
            server = socket.create_connection(("127.0.0.1", self.to_port), 5)
        except OSError:
            client.close()
            return
        with client, server, selectors.DefaultSelector() as ready:
            self.passed = {"up": 0, "down": 0}
            ready.register(client, selectors.EVENT_READ, ("up", server))
            ready.register(server, selectors.EVENT_READ, ("down", client))
            if plan is not None and plan[1] == 0:
                self._reset(client, server)
                return
            while self._is_open:
                for key, _ in ready.select(5):
                    way, other = key.data
                    sock = key.fileobj
                    assert isinstance(sock, socket.socket)
                    if not self._pass(sock, other, way, plan):
                        return  # neither side of an HTTP request closes half a connection
                    if plan is not None and way == plan[0] and self.passed[way] >= plan[1]:
                        self._reset(client, server)
                        return

    def _pass(
        self, source: socket.socket, other: socket.socket, way: Way, plan: tuple[Way, int] | None
    ) -> bool:
        """Move what is there, never past the cut; return whether more may come."""
        left = 65536
        if plan is not None and plan[0] == way:
            left = min(left, plan[1] - self.passed[way])
        try:
            data = source.recv(left)
            self.passed[way] += len(data)  # before: who has the last byte may ask at once
            if data:
                other.sendall(data)
        except OSError:
            return False
        return bool(data)

    def _reset(self, *ends: socket.socket) -> None:
        self.cuts += 1
        for end in ends:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


@contextlib.contextmanager
def started_proxy(to_port: int) -> Iterator[ChaosProxy]:
    """Run a proxy to *to_port* until the block ends."""
    proxy = ChaosProxy(to_port)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(6)
