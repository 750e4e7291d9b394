"""A client of the collector's capacity API, for tests: plain http.client, nothing of the agent."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ccpor_reporting import stamp
from ccpor_reporting.capacity.protocol import BASE, SLOTS
from tests.server.rig import Workstation

PIECE = bytes(range(256)) * 64  # 16 kB


class TurnClient:
    """One workstation's turn at a served collector."""

    def __init__(
        self, address: str, machine: Workstation, tls: ssl.SSLContext | None = None
    ) -> None:
        self.host, _, port = address.partition("://")[2].rpartition(":")
        self.port = int(port)
        self.machine = machine
        self.tls = tls
        self.slot: dict[str, Any] = {}

    def connection(self) -> http.client.HTTPConnection:
        if self.tls is None:
            return http.client.HTTPConnection(self.host, self.port, timeout=20)
        return http.client.HTTPSConnection(self.host, self.port, timeout=20, context=self.tls)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.slot['token']}"}

    def ask(
        self, seconds: float = 20, megabytes: float = 100, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Ask for a turn; the answer becomes this client's."""
        wish = json.dumps({"seconds": seconds, "megabytes": megabytes})
        signed = self.machine.signed("POST", SLOTS, datetime.now(UTC))
        status, body = self.request(
            "POST", SLOTS, wish, {**signed, "Content-Type": "application/json", **headers}
        )
        self.slot = body
        return status, body

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Return the status and the JSON of the answer (None: it has no body)."""
        with contextlib.closing(self.connection()) as connection:
            connection.request(method, path, body, self.bearer if headers is None else headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None

    def again(self) -> tuple[int, Any]:
        return self.request("GET", f"{SLOTS}/{self.slot['id']}")

    def until_granted(self, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while self.slot["state"] != "granted":
            assert time.monotonic() < end, f"still {self.slot['state']}"
            time.sleep(0.1)
            status, self.slot = self.again()
            assert status == 200, self.slot

    def give_back(self) -> int:
        return self.request("DELETE", f"{SLOTS}/{self.slot['id']}")[0]

    def up(self, count: int, flow: int = 0, **headers: str) -> tuple[int, Any]:
        """Send *count* bytes in chunks."""

        def pieces() -> Iterator[bytes]:
            left = count
            while left > 0:
                yield PIECE[:left]
                left -= len(PIECE)

        return self.request("POST", f"{BASE}/up?flow={flow}", pieces(), {**self.bearer, **headers})

    @contextlib.contextmanager
    def opened(self, path: str) -> Iterator[http.client.HTTPResponse]:
        with contextlib.closing(self.connection()) as connection:
            connection.request("GET", f"{BASE}/{path}", headers=self.bearer)
            yield connection.getresponse()

    def down(self, count: int, mbit: float | None = None) -> bytes:
        rate = f"&mbit={mbit}" if mbit else ""
        with self.opened(f"down?bytes={count}{rate}") as answer:
            assert answer.status == 200, answer.read()
            return answer.read()

    def packet(self, number: int, size: int = 0, **changes: Any) -> bytes:
        """Return a STAMP packet signed for this turn."""
        return stamp.sender_packet(
            number,
            time.time_ns(),
            **{"session": self.slot["session"], "key": self.key, "size": size, **changes},
        )

    @property
    def key(self) -> bytes:
        return base64.b64decode(self.slot["key"])

    def datagrams(self) -> socket.socket:
        """Return a socket connected to the reflector; its owner closes it."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.settimeout(2)
        sock.connect((self.host, self.slot["udp_port"]))
        return sock
