"""What the kernel tells by rtnetlink: links, addresses and routes as raw messages, taken apart.

By netlink and not by files: ``/sys`` belongs to the network of whoever mounted it, a socket to the
network of the thread that opened it.
Source: rtnetlink(7), netlink(7), linux/rtnetlink.h, linux/if_link.h; RFC 3549.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator

GET_LINK, GET_ADDRESS, GET_ROUTE = 18, 22, 26
REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
ERROR, DONE = 2, 3
HEADER = struct.Struct("=IHHII")
ATTRIBUTE = struct.Struct("=HH")
KIND = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER
ROOM = 1 << 18
MOST_MESSAGES = 20_000  # a workstation has tens; a router that carries the Internet's has a million
WAIT_S = 2.0

Attributes = dict[int, bytes]


def dump(kind: int, body: bytes) -> Iterator[bytes]:
    """Yield the payload of each message of one dump.

    Raises:
        OSError: The kernel refuses; TimeoutError: it does not answer.
    """
    family = getattr(socket, "AF_NETLINK", None)
    if family is None:
        raise OSError(errno.EAFNOSUPPORT, "there is no netlink on this system")
    with socket.socket(family, socket.SOCK_RAW, 0) as wire:
        wire.settimeout(WAIT_S)
        wire.send(HEADER.pack(HEADER.size + len(body), kind, REQUEST_DUMP, 1, 0) + body)
        for _, payload in zip(range(MOST_MESSAGES), _messages(wire), strict=False):
            yield payload


def _messages(wire: socket.socket) -> Iterator[bytes]:
    while True:
        some = wire.recv(ROOM)
        at = 0
        while at + HEADER.size <= len(some):
            size, kind, _flags, _sequence, _port = HEADER.unpack_from(some, at)
            payload = some[at + HEADER.size : at + size]
            if kind == DONE or size < HEADER.size:
                return
            if kind == ERROR:
                number = -int.from_bytes(payload[:4], "little", signed=True)
                raise OSError(number, os.strerror(number))
            yield payload
            at += (size + 3) & ~3


def attributes(blob: bytes) -> Attributes:
    """Return the attributes in *blob* by type; of a repeated one the last."""
    found: Attributes = {}
    at = 0
    while at + ATTRIBUTE.size <= len(blob):
        size, kind = ATTRIBUTE.unpack_from(blob, at)
        if size < ATTRIBUTE.size:
            break
        found[kind & KIND] = blob[at + ATTRIBUTE.size : at + size]
        at += (size + 3) & ~3
    return found


def number(blob: bytes | None) -> int | None:
    """Return an unsigned number in the machine's own order, None where there is none."""
    import sys

    return int.from_bytes(blob, sys.byteorder) if blob else None


def text(blob: bytes | None) -> str:
    return (blob or b"").split(b"\0")[0].decode("utf-8", "replace")
