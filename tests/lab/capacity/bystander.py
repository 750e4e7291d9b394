"""Somebody else's traffic beside a test: a bulk transfer, or small requests over one connection.

`serve PORT` in the datacenter; in the court `bulk up|down SECONDS`, `ask SECONDS`. What each saw comes out as JSON:
bulk [[monotonic s, bytes so far] …] where the bytes arrive, each 50 ms; ask [[monotonic s, ms] …]. The monotonic
clock is the same in every namespace of a machine.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
import time

PORT = 8445
BIN_S, GAP_S = 0.05, 0.05
CHUNK = bytes(64 * 1024)
REQUEST = bytes(100)
LONGEST_S = 60.0
Bins = list[list[float]]


def counted(peer: socket.socket, until: float) -> Bins:
    """Return what comes from *peer* until it ends, or until that moment."""
    bins: Bins = [[time.monotonic(), 0]]
    total = 0
    buffer = bytearray(256 * 1024)
    while time.monotonic() < until:
        peer.settimeout(max(0.05, until - time.monotonic()))
        try:
            got = peer.recv_into(buffer)
        except TimeoutError:
            break
        if not got:
            break
        total += got
        if time.monotonic() - bins[-1][0] >= BIN_S:
            bins.append([round(time.monotonic(), 4), total])
    return bins


def poured(peer: socket.socket, until: float) -> None:
    """Send until *until*, or until the peer has enough."""
    with contextlib.suppress(OSError):
        peer.settimeout(2.0)
        while time.monotonic() < until:
            peer.sendall(CHUNK)


def served(peer: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError), peer:
        peer.settimeout(LONGEST_S)
        until = time.monotonic() + LONGEST_S
        wish = peer.recv(1)
        if wish == b"U":
            peer.sendall(json.dumps(counted(peer, until)).encode())
        elif wish == b"D":
            poured(peer, until)
        else:
            while len(got := peer.recv(4096)):
                peer.sendall(got)


def bulk(host: str, direction: str, seconds: float) -> Bins:
    with socket.create_connection((host, PORT), 10) as peer:
        if direction == "down":
            peer.sendall(b"D")
            return counted(peer, time.monotonic() + seconds)
        peer.sendall(b"U")
        poured(peer, time.monotonic() + seconds)
        peer.shutdown(socket.SHUT_WR)
        peer.settimeout(30)
        told = b""
        while len(more := peer.recv(65536)):
            told += more
        found: Bins = json.loads(told)
        return found


def ask(host: str, seconds: float) -> Bins:
    """Return the round trips of small requests, one after the other, at most one each 50 ms."""
    found: Bins = []
    with socket.create_connection((host, PORT), 10) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.settimeout(10)
        peer.sendall(b"E")
        end = time.monotonic() + seconds
        while (begun := time.monotonic()) < end:
            peer.sendall(REQUEST)
            left = len(REQUEST)
            while left:
                left -= len(peer.recv(left))
            found.append([round(begun, 4), round((time.monotonic() - begun) * 1000, 3)])
            time.sleep(max(0.0, GAP_S - (time.monotonic() - begun)))
    return found


def main(words: list[str]) -> None:
    if words[0] == "serve":
        with socket.create_server(("0.0.0.0", PORT), backlog=16) as listener:
            while True:
                peer, _ = listener.accept()
                threading.Thread(target=served, args=(peer,), daemon=True).start()
    host = words[1]
    found = (
        bulk(host, words[2], float(words[3])) if words[0] == "bulk" else ask(host, float(words[2]))
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
