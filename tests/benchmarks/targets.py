"""Dead targets on loopback: ports that refuse and ports that stay silent."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def refused(count: int) -> Iterator[list[str]]:
    """Give *count* ports that nobody listens on, held so that nobody else takes them."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for holder in held:
            holder.bind(("127.0.0.1", 0))
        yield [f"127.0.0.1:{holder.getsockname()[1]}" for holder in held]


@contextmanager
def silent(count: int) -> Iterator[list[str]]:
    """Give *count* ports whose accept queue is full: the kernel drops every SYN, as a filter does."""
    with ExitStack() as stack:
        addresses = []
        for _ in range(count):
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            for _ in range(3):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    filler.connect(listener.getsockname())
            addresses.append(f"127.0.0.1:{listener.getsockname()[1]}")
        yield addresses
