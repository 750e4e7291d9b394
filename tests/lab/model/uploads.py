"""`python -m tests.lab.model.uploads ADDRESS PORT CA`: sends orders when they are due, says how long each took.

Standard input: JSON, [[second, bytes], ...]. Each order has a thread and a TLS 1.3 connection of its own, as from
a workstation of its own. Standard output: JSON {"seconds": [...], "late_ms": how late the latest began, "control"}.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import sys
import threading
import time

PIECE = 1 << 16
PATIENCE_S = 120.0
NAME = "ccpor.lab.test"


class Order(http.client.HTTPConnection):
    """One order on its way; TLS is by `context`, whatever the address is called."""

    def __init__(self, address: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(address, port, timeout=PATIENCE_S)
        self.context = context

    def connect(self) -> None:
        super().connect()
        self.sock = self.context.wrap_socket(self.sock, server_hostname=NAME)

    def send_all(self, content: memoryview) -> None:
        self.putrequest("POST", "/orders", skip_accept_encoding=True)
        self.putheader("Content-Type", "application/octet-stream")
        self.putheader("Content-Length", str(len(content)))
        self.endheaders()
        for begin in range(0, len(content), PIECE):
            self.send(content[begin : begin + PIECE])
        with self.getresponse() as answer:
            if answer.status != 201:
                raise ConnectionError(f"answered {answer.status}")
            answer.read()


def at_once() -> None:
    """Let this process run before all others but the line itself, where the kernel allows that.

    A court's workstation and a datacenter do not wait for what else this machine does.
    """
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def main(address: str, port: int, ca: str) -> None:
    orders: list[tuple[float, int]] = [(at, size) for at, size in json.load(sys.stdin)]
    at_once()
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    content = memoryview(os.urandom(max(size for _, size in orders)))
    took: list[float | None] = [None] * len(orders)
    control: set[str] = set()

    def upload(number: int) -> None:
        began = time.monotonic()
        order = Order(address, port, context)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(order):
            order.connect()
            by = order.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
            control.add(by.rstrip(b"\0").decode())
            order.send_all(content[: orders[number][1]])
            took[number] = time.monotonic() - began

    threads, late, start = [], 0.0, time.monotonic() + 0.5
    for number, (at, _) in enumerate(orders):
        time.sleep(max(0.0, start + at - time.monotonic()))
        late = max(late, time.monotonic() - start - at)
        thread = threading.Thread(target=upload, args=(number,))
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()
    seconds = [None if one is None else round(one, 3) for one in took]
    answer = {"seconds": seconds, "late_ms": round(late * 1000, 1), "control": sorted(control)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
