"""What a server says before encryption begins: its identification and its lists of algorithms.

Read from a copy of the bytes, so that a session that fails still tells why.
Source: RFC 4253 section 4.2 (identification), 6 (packets), 7.1 (SSH_MSG_KEXINIT).
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from ccpor_checks.kit.os_errors import error_name
from ccpor_checks.ssh.evidence import Algorithms

KEXINIT = 20
COOKIE_END = 17  # message number and 16 random bytes
MOST_HEARD = 65_536  # a greeting is a few kB
MOST_UNPROVEN = 1_000_000  # bytes from a server that has not yet shown its key; it needs some kB
LONGEST_PACKET = 35_000  # RFC 4253 section 6.1: what every side must take; a KEXINIT fits well
SHOWN = 80
MARKERS = ("ext-info-", "kex-strict-")  # no algorithms (RFC 8308; OpenSSH's PROTOCOL file)
# What OpenSSH's listener writes before it hangs up on a client that it has no room for or punishes.
TURNED_AWAY = frozenset({b"Exceeded MaxStartups", b"Not allowed at this time"})


class Tap:
    """A socket that remembers the first bytes heard and how the connection ended.

    ended: None while it is open, "EOF", or the error's name. room: bytes that may still come, None
    without a limit; past it they are no SSH, and what would keep them is told of an end.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.heard = bytearray()
        self.ended: str | None = None
        self.room: int | None = MOST_UNPROVEN
        self._closed = False  # paramiko looks at it before it waits for its thread

    def recv(self, size: int) -> bytes:
        if self.room is not None and self.room <= 0:
            return b""
        size = min(size, MOST_HEARD)  # paramiko asks for whatever length a packet claims to have
        try:
            came = self.sock.recv(size)
        except TimeoutError:
            raise
        except OSError as exc:
            self.ended = self.ended or error_name(exc.errno) or type(exc).__name__
            raise
        if not came:
            self.ended = self.ended or "EOF"
        if self.room is not None:
            self.room -= len(came)
        if len(self.heard) < MOST_HEARD:
            self.heard += came
        return came

    def send(self, content: bytes) -> int:
        return self.sock.send(content)

    def settimeout(self, seconds: float | None) -> None:
        self.sock.settimeout(seconds)

    def getpeername(self) -> object:
        return self.sock.getpeername()

    def close(self) -> None:
        self._closed = True
        self.sock.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """The greeting as far as it came.

    before: lines ahead of the identification. broken: what follows it cannot be SSH.
    """

    before: bytes
    version: str | None
    offered: Algorithms | None
    broken: bool

    @property
    def turned_away(self) -> bool:
        """Whether the server's listener refused us in the words it has for that."""
        return self.version is None and self.before.strip() in TURNED_AWAY

    @property
    def is_other_protocol(self) -> bool:
        """Whether what came is no SSH; False where too little came to tell."""
        if self.version is not None:
            return self.broken
        return bool(self.before) and not self.turned_away and not _begins(self.before)

    @property
    def is_old(self) -> bool:
        """Whether the server speaks protocol 1 only (RFC 4253 section 5.1)."""
        return self.version is not None and not self.version.startswith(("SSH-2.", "SSH-1.99-"))

    @property
    def said(self) -> str | None:
        """The start of what came where it is no SSH, made printable."""
        if not (self.before and (self.is_other_protocol or self.turned_away)):
            return None
        text = self.before[:SHOWN].decode("ascii", "backslashreplace").strip()
        return "".join(letter if letter.isprintable() else "." for letter in text)


def _begins(heard: bytes) -> bool:
    """Say whether *heard* may be the start of an identification that was cut."""
    last = heard.rpartition(b"\n")[2]
    return bool(last) and (last.startswith(b"SSH-") or b"SSH-".startswith(last))


def read_greeting(heard: bytes) -> Greeting:
    """Return what *heard*, the first bytes of a server, says."""
    position = 0
    while (end := heard.find(b"\n", position)) >= 0:
        line = heard[position:end].rstrip(b"\r")
        if line.startswith(b"SSH-"):
            version = line[:255].decode("utf-8", "backslashreplace")
            shown = "".join(each if each.isprintable() else "." for each in version)
            offered, broken = _first_packets(heard[end + 1 :])
            return Greeting(before=heard[:position], version=shown, offered=offered, broken=broken)
        position = end + 1
    return Greeting(before=heard, version=None, offered=None, broken=False)


def _first_packets(heard: bytes) -> tuple[Algorithms | None, bool]:
    """Return the lists of the KEXINIT, and whether a packet before it makes no sense."""
    while len(heard) >= 6:
        length, padding, kind = struct.unpack_from("!IBB", heard)
        if not padding + 1 < length <= LONGEST_PACKET:
            return None, True
        if len(heard) < 4 + length:
            break
        if kind == KEXINIT:
            try:
                return _algorithms(heard[5 : 4 + length - padding]), False
            except (struct.error, UnicodeDecodeError):
                return None, True
        heard = heard[4 + length :]
    return None, False


def _algorithms(kexinit: bytes) -> Algorithms:
    position = COOKIE_END
    lists: list[tuple[str, ...]] = []
    for _each in range(5):
        (size,) = struct.unpack_from("!I", kexinit, position)
        text = kexinit[position + 4 : position + 4 + size].decode("ascii")
        lists.append(tuple(name for name in text.split(",") if name))
        position += 4 + size
    kex, host_key, cipher, _cipher_back, mac = lists
    return Algorithms(
        kex=tuple(name for name in kex if not name.startswith(MARKERS)),
        host_key=host_key,
        cipher=cipher,
        mac=mac,
    )
