"""The client's side of SFTP version 3, as little of it as one file's way there and back needs.

Written out because status codes decide what a failure means, and paramiko's own client turns most
of them into text and loses those of a pipelined write.
Source: draft-ietf-secsh-filexfer-02; statvfs@openssh.com: OpenSSH's PROTOCOL file, section 4.4.
"""

from __future__ import annotations

import itertools
import struct
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

INIT, VERSION, OPEN, CLOSE, READ, WRITE = 1, 2, 3, 4, 5, 6
REMOVE, STAT = 13, 17
STATUS, HANDLE, DATA, ATTRS = 101, 102, 103, 105
EXTENDED, EXTENDED_REPLY = 200, 201
OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE = range(5)
READING, WRITING, NEW = 0x01, 0x02, 0x08 | 0x20  # NEW: make it, and refuse where it exists
HAS_SIZE, HAS_OWNER, HAS_MODE = 0x01, 0x02, 0x04
MODE_KIND, MODE_FOLDER = 0o170000, 0o040000
READ_ONLY = 0x1  # flag of statvfs@openssh.com
PART = 32_768  # section 3: a packet of 34,000 bytes is taken by every server
ON_THE_WAY = 32  # requests of PART bytes: 1 MB, enough for 80 Mbit/s at 100 ms
LONGEST_PACKET = 1 << 20


class Refused(Exception):
    """The server answered a request with a status other than OK."""

    def __init__(self, status: int) -> None:
        super().__init__(f"SFTP status {status}")
        self.status = status


class NotSftp(Exception):
    """What came is no SFTP."""


class Pipe(Protocol):
    """A channel: both raise TimeoutError where nothing moves in time."""

    def recv(self, nbytes: int, /) -> bytes: ...

    def sendall(self, s: bytes, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Room:
    """What the server's file system has left for this user. files: None where it has no limit."""

    free_bytes: int
    free_files: int | None
    is_read_only: bool


class Sftp:
    """Requests and their answers over one channel.

    Each call raises `Refused`, `NotSftp`, `EOFError` (the channel ended), `TimeoutError` (nothing
    moved) or `OSError`.
    """

    def __init__(self, pipe: Pipe) -> None:
        """Agree on version 3; a server that can only do less is none."""
        self._pipe = pipe
        self._numbers = itertools.count(1)
        self._asked: set[int] = set()  # requests without an answer yet
        self._answers: dict[int, tuple[int, bytes]] = {}  # that nobody has waited for yet
        try:
            self._send(INIT, struct.pack("!I", 3))
        except TimeoutError:
            raise
        except OSError:  # it has hung up already: what it said before that tells why
            pass
        kind, content = self._packet()
        if kind != VERSION or len(content) < 4:
            raise NotSftp
        self.extensions = frozenset(_strings(content[4:])[::2])

    def is_folder(self, path: str) -> bool | None:
        """Say whether *path* is a folder; None where the server does not tell."""
        kind, content = self._call(STAT, _string(path))
        if kind != ATTRS:
            raise NotSftp
        flags = _number(content, 0)
        if not flags & HAS_MODE:
            return None
        mode = _number(
            content, 4 + (8 if flags & HAS_SIZE else 0) + (8 if flags & HAS_OWNER else 0)
        )
        return bool(mode & MODE_KIND == MODE_FOLDER)

    def room(self, path: str) -> Room | None:
        """Return what is left where *path* lies; None where the server cannot tell."""
        if b"statvfs@openssh.com" not in self.extensions:
            return None
        kind, content = self._call(EXTENDED, _string("statvfs@openssh.com") + _string(path))
        if kind != EXTENDED_REPLY or len(content) < 88:
            return None
        _bsize, unit, _blocks, _bfree, free, files, _ffree, free_files, _id, flags, _longest = (
            struct.unpack_from("!11Q", content)
        )
        return Room(unit * free, free_files if files else None, bool(flags & READ_ONLY))

    def create(self, path: str) -> bytes:
        """Make the file *path*, which must not exist, and return a handle to write it."""
        return self._open(path, WRITING | NEW)

    def open(self, path: str) -> bytes:
        """Return a handle to read *path*."""
        return self._open(path, READING)

    def _open(self, path: str, flags: int) -> bytes:
        kind, content = self._call(OPEN, _string(path) + struct.pack("!II", flags, 0))
        if kind != HANDLE:
            raise NotSftp
        return _only_string(content)

    def close(self, handle: bytes) -> None:
        self._confirmed(self._ask(CLOSE, _string(handle)))

    def remove(self, path: str) -> None:
        self._confirmed(self._ask(REMOVE, _string(path)))

    def write(self, handle: bytes, parts: Iterable[bytes]) -> Iterator[int]:
        """Write *parts* one after another; yield the bytes of each as the server confirms it."""
        waiting: deque[tuple[int, int]] = deque()
        offset = 0
        for part in parts:
            request = _string(handle) + struct.pack("!Q", offset) + _string(part)
            waiting.append((self._ask(WRITE, request), len(part)))
            offset += len(part)
            if len(waiting) >= ON_THE_WAY:
                yield self._written(*waiting.popleft())
        while waiting:
            yield self._written(*waiting.popleft())

    def _written(self, number: int, size: int) -> int:
        self._confirmed(number)
        return size

    def _confirmed(self, number: int) -> None:
        """Wait until the server says that it has done what request *number* asks."""
        kind, _ = self._answer(number)
        if kind != STATUS:
            raise NotSftp

    def read(self, handle: bytes, size: int) -> Iterator[bytes]:
        """Yield the file's bytes in order up to its end, at most *size* of them."""
        starts = iter(range(0, size, PART))
        waiting: deque[tuple[int, int]] = deque()
        while True:
            for start in itertools.islice(starts, ON_THE_WAY - len(waiting)):
                waiting.append((self._ask_read(handle, start, min(PART, size - start)), start))
            if not waiting:
                return
            number, start = waiting.popleft()
            position, end = start, min(start + PART, size)
            while position < end:
                came = self._read_answer(number)
                if not came:
                    return
                yield came
                position += len(came)
                if position < end:  # less than asked for: not yet the end (section 6.4)
                    number = self._ask_read(handle, position, end - position)

    def _ask_read(self, handle: bytes, offset: int, size: int) -> int:
        return self._ask(READ, _string(handle) + struct.pack("!QI", offset, size))

    def _read_answer(self, number: int) -> bytes:
        """Return the bytes of one answer, none at the end of the file."""
        try:
            kind, content = self._answer(number)
        except Refused as exc:
            if exc.status == EOF:
                return b""
            raise
        if kind != DATA:
            raise NotSftp
        return _only_string(content)

    def _call(self, kind: int, content: bytes) -> tuple[int, bytes]:
        return self._answer(self._ask(kind, content))

    def _ask(self, kind: int, content: bytes) -> int:
        number = next(self._numbers)
        self._send(kind, struct.pack("!I", number) + content)
        self._asked.add(number)
        return number

    def _answer(self, number: int) -> tuple[int, bytes]:
        """Return the answer to request *number*; servers may answer in any order."""
        while number not in self._answers:
            kind, content = self._packet()
            if len(content) < 4:
                raise NotSftp
            (came,) = struct.unpack_from("!I", content)
            if came not in self._asked:  # they would pile up here
                raise NotSftp
            self._asked.remove(came)
            self._answers[came] = kind, content[4:]
        kind, content = self._answers.pop(number)
        if kind == STATUS:
            status = _number(content, 0)
            if status != OK:
                raise Refused(status)
        return kind, content

    def _send(self, kind: int, content: bytes) -> None:
        self._pipe.sendall(struct.pack("!IB", len(content) + 1, kind) + content)

    def _packet(self) -> tuple[int, bytes]:
        (size,) = struct.unpack("!I", self._exactly(4))
        if not 0 < size <= LONGEST_PACKET:
            raise NotSftp
        content = self._exactly(size)
        return content[0], content[1:]

    def _exactly(self, size: int) -> bytes:
        came = bytearray()
        while len(came) < size:
            part = self._pipe.recv(size - len(came))
            if not part:
                raise EOFError
            came += part
        return bytes(came)


def _string(value: str | bytes) -> bytes:
    raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    return struct.pack("!I", len(raw)) + raw


def _strings(content: bytes) -> list[bytes]:
    """Return the strings that *content* consists of.

    Raises:
        NotSftp: It does not.
    """
    found = []
    position = 0
    while position < len(content):
        start = position + 4
        position = start + _number(content, position)
        if position > len(content):
            raise NotSftp
        found.append(content[start:position])
    return found


def _only_string(content: bytes) -> bytes:
    found = _strings(content)
    if len(found) != 1:
        raise NotSftp
    return found[0]


def _number(content: bytes, position: int) -> int:
    """Return the 32 bits at *position*.

    Raises:
        NotSftp: They are not there.
    """
    if len(content) < position + 4:
        raise NotSftp
    return int(struct.unpack_from("!I", content, position)[0])
