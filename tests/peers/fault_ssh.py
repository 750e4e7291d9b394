"""A listener that is no good SSH server; each fault says one thing at most and then does it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Literal

Fault = Literal[
    "http", "smtp", "tls", "silent", "close", "reset", "turned-away", "old", "close-after-greeting",
    "silent-after-greeting", "garbage-after-greeting", "half-greeting", "lines-before", "flood",
    "no-algorithms", "silent-after-algorithms", "endless-line", "endless-packet",
]  # fmt: skip
SAYS: dict[str, bytes] = {
    "smtp": b"220 mail.example.org ESMTP ready\r\n",
    "tls": b"\x15\x03\x01\x00\x02\x02\x46",
    "turned-away": b"Exceeded MaxStartups\r\n",
    "old": b"SSH-1.5-OldRouter_1.2\r\n",
    "half-greeting": b"SSH-2.0-Op",
    "close-after-greeting": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "silent-after-greeting": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "garbage-after-greeting": b"SSH-2.0-OpenSSH_9.2p1\r\n" + b"\xff\xfe" * 4000,
    "lines-before": b"Property of the county\r\nSSH-2.0-OpenSSH_9.2p1\r\n",
    "flood": b"A" * 200_000,
}
WAITS = frozenset(
    {"smtp", "silent", "silent-after-greeting", "garbage-after-greeting", "lines-before", "flood",
     "silent-after-algorithms"}
)  # fmt: skip
ENDLESS = frozenset({"endless-line", "endless-packet"})
ANSWERS_FIRST = frozenset({"http", "tls"})  # these wait for what the other side says


def kexinit(kex: str, host_key: str, cipher: str, mac: str) -> bytes:
    """Return an SSH_MSG_KEXINIT as a packet (RFC 4253 sections 6 and 7.1)."""
    lists = (kex, host_key, cipher, cipher, mac, mac, "none", "none", "", "")
    payload = bytes([20]) + bytes(16)
    payload += b"".join(struct.pack("!I", len(each)) + each.encode() for each in lists)
    payload += bytes(5)
    padding = 8 - (len(payload) + 5) % 8 + 8
    return struct.pack("!IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


SAYS["no-algorithms"] = b"SSH-2.0-Strict_1\r\n" + kexinit(
    "sntrup761x25519-sha512", "ssh-ed448", "chacha20-poly1305@openssh.com", "umac-128@openssh.com"
)
SAYS["silent-after-algorithms"] = b"SSH-2.0-Slow_1\r\n" + kexinit(
    "curve25519-sha256@libssh.org", "ssh-ed25519", "aes128-ctr", "hmac-sha2-256"
)
SAYS["endless-packet"] = b"SSH-2.0-Endless_1\r\n" + struct.pack("!I", 2**31 - 8)
SAYS["http"] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"


@contextlib.contextmanager
def fault_ssh(fault: Fault) -> Iterator[int]:
    """Serve *fault* on the port that is yielded, to each connection, until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    done = threading.Event()

    def serve() -> None:
        while not done.is_set():
            with contextlib.suppress(OSError):
                client, _ = listener.accept()
                threading.Thread(target=_talk, args=(client, fault, done), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        done.set()
        with contextlib.suppress(OSError):
            socket.create_connection(listener.getsockname(), 0.5).close()
        thread.join(5)
        listener.close()


def _talk(client: socket.socket, fault: Fault, done: threading.Event) -> None:
    with client, contextlib.suppress(OSError):
        if fault == "reset":
            client.recv(1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        if fault in ANSWERS_FIRST:
            client.recv(65536)
        client.sendall(SAYS.get(fault, b""))
        while fault in ENDLESS and not done.is_set():
            client.sendall(b"\x05" * 65_536)
        if fault in WAITS:
            done.wait(60)
        elif SAYS.get(fault):
            client.shutdown(socket.SHUT_WR)
            end = time.monotonic() + 5
            while client.recv(65536) and time.monotonic() < end:
                pass
