"""A bare ClientHello, for what OpenSSL no longer speaks: SSLv3, RC4, short curves.

Asked only where OpenSSL's widest offer shares nothing with the target, to tell "old" from "nothing
in common". The answer is read up to the certificate, which these versions send in the clear; the
handshake is then given up. Source: RFC 5246 section 7.4, RFC 6101, IANA TLS Cipher Suites.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from dataclasses import dataclass

from ccpor_checks.tls.names import as_address

VERSIONS = {0x0300: "SSLv3", 0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2"}
NEWEST = 0x0303

SUITES: dict[int, tuple[str, int]] = {  # number: OpenSSL's name, bits
    0xC011: ("ECDHE-RSA-RC4-SHA", 128),
    0xC007: ("ECDHE-ECDSA-RC4-SHA", 128),
    0x0005: ("RC4-SHA", 128),
    0x0004: ("RC4-MD5", 128),
    0x0018: ("ADH-RC4-MD5", 128),
    0xC012: ("ECDHE-RSA-DES-CBC3-SHA", 112),
    0xC008: ("ECDHE-ECDSA-DES-CBC3-SHA", 112),
    0x0016: ("DHE-RSA-DES-CBC3-SHA", 112),
    0x0013: ("DHE-DSS-DES-CBC3-SHA", 112),
    0x000A: ("DES-CBC3-SHA", 112),
    0x001B: ("ADH-DES-CBC3-SHA", 112),
    0x0007: ("IDEA-CBC-SHA", 128),
    0x0096: ("SEED-SHA", 128),
    0x009A: ("DHE-RSA-SEED-SHA", 128),
    0x0015: ("DHE-RSA-DES-CBC-SHA", 56),
    0x0009: ("DES-CBC-SHA", 56),
    0x0003: ("EXP-RC4-MD5", 40),
    0x0006: ("EXP-RC2-CBC-MD5", 40),
    0x0008: ("EXP-DES-CBC-SHA", 40),
    0x0014: ("EXP-DHE-RSA-DES-CBC-SHA", 40),
    0x0001: ("NULL-MD5", 0),
    0x0002: ("NULL-SHA", 0),
    0x003B: ("NULL-SHA256", 0),
    0xC010: ("ECDHE-RSA-NULL-SHA", 0),
    # for servers whose key lies on a curve that no client offers any more
    0xC02B: ("ECDHE-ECDSA-AES128-GCM-SHA256", 128),
    0xC02C: ("ECDHE-ECDSA-AES256-GCM-SHA384", 256),
    0xC009: ("ECDHE-ECDSA-AES128-SHA", 128),
    0xC00A: ("ECDHE-ECDSA-AES256-SHA", 256),
    # what OpenSSL speaks too, for servers that stop at SSLv3
    0x002F: ("AES128-SHA", 128),
    0x0035: ("AES256-SHA", 256),
    0x0033: ("DHE-RSA-AES128-SHA", 128),
    0x0039: ("DHE-RSA-AES256-SHA", 256),
    0xC013: ("ECDHE-RSA-AES128-SHA", 128),
    0xC014: ("ECDHE-RSA-AES256-SHA", 256),
}
RENEGOTIATION_INFO = 0x00FF  # TLS_EMPTY_RENEGOTIATION_INFO_SCSV, RFC 5746
GROUPS = (0x001D, 0x0017, 0x0018, 0x0019, 0x0016, 0x0015, 0x0014, 0x0013, 0x0012)  # RFC 8422
SIGNATURES = (0x0403, 0x0401, 0x0503, 0x0501, 0x0601, 0x0203, 0x0201, 0x0202)
HANDSHAKE, SERVER_HELLO, CERTIFICATE, SERVER_HELLO_DONE = 22, 2, 11, 14
MOST_BYTES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OldAnswer:
    """What the target chose. Certificates are DER, leaf first."""

    version: str
    cipher: str
    cipher_bits: int | None
    certificates: tuple[bytes, ...]


def ask_old(sock: socket.socket, server_name: str, timeout_s: float) -> OldAnswer | None:
    """Return what the target chooses of the old offer; None where it chooses nothing.

    Closes nothing; the socket is of no further use.
    """
    end = time.monotonic() + timeout_s
    received = b""
    try:
        sock.sendall(client_hello(server_name))
        while len(received) < MOST_BYTES:
            left = end - time.monotonic()
            if left <= 0:
                break
            sock.settimeout(left)
            heard = sock.recv(65536)
            received += heard
            messages, is_over = _messages(received)
            if not heard or is_over or CERTIFICATE in messages:
                break
    except OSError:  # the answer may have come before the reset
        pass
    return read_answer(received)


def client_hello(server_name: str) -> bytes:
    """Return one TLS record with a ClientHello of the old offer."""
    suites = b"".join(struct.pack(">H", suite) for suite in (*SUITES, RENEGOTIATION_INFO))
    extensions = b""
    if as_address(server_name) is None:
        name = server_name.encode("ascii")
        entry = b"\0" + _sized(name, 2)
        extensions += _extension(0, _sized(entry, 2))
    extensions += _extension(10, _sized(_numbers(GROUPS), 2))
    extensions += _extension(11, b"\x01\x00")
    extensions += _extension(13, _sized(_numbers(SIGNATURES), 2))
    body = struct.pack(">H", NEWEST) + os.urandom(32) + b"\0" + _sized(suites, 2) + b"\x01\0"
    body += _sized(extensions, 2)
    message = b"\x01" + _sized(body, 3)
    return b"\x16\x03\x01" + _sized(message, 2)


def _numbers(values: tuple[int, ...]) -> bytes:
    return b"".join(struct.pack(">H", value) for value in values)


def _sized(content: bytes, width: int) -> bytes:
    return len(content).to_bytes(width, "big") + content


def _extension(number: int, content: bytes) -> bytes:
    return struct.pack(">H", number) + _sized(content, 2)


def _messages(received: bytes) -> tuple[dict[int, bytes], bool]:
    """Return the whole handshake messages by type, and whether an alert or other record came."""
    stream, at, is_over = b"", 0, False
    while at + 5 <= len(received):
        kind, major, size = (
            received[at],
            received[at + 1],
            int.from_bytes(received[at + 3 : at + 5]),
        )
        if kind != HANDSHAKE or major != 3:
            is_over = True
            break
        stream += received[at + 5 : at + 5 + size]
        at += 5 + size
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(stream):
        size = int.from_bytes(stream[at + 1 : at + 4])
        if at + 4 + size > len(stream):
            break
        found[stream[at]] = stream[at + 4 : at + 4 + size]
        at += 4 + size
    return found, is_over or SERVER_HELLO_DONE in found


def read_answer(received: bytes) -> OldAnswer | None:
    """Return what the server chose in *received*, whole records; None: nothing of our offer."""
    messages, _ = _messages(received)
    hello = messages.get(SERVER_HELLO, b"")
    if len(hello) < 38 or len(hello) < 37 + hello[34]:
        return None
    version = int.from_bytes(hello[:2])
    suite = int.from_bytes(hello[35 + hello[34] : 37 + hello[34]])
    if version not in VERSIONS or suite not in SUITES:
        return None
    cipher, bits = SUITES[suite]
    return OldAnswer(
        version=VERSIONS[version],
        cipher=cipher,
        cipher_bits=bits,
        certificates=_certificates(messages.get(CERTIFICATE, b"")),
    )


def _certificates(message: bytes) -> tuple[bytes, ...]:
    found, at = [], 3
    while at + 3 <= len(message):
        size = int.from_bytes(message[at : at + 3])
        found.append(message[at + 3 : at + 3 + size])
        at += 3 + size
    return tuple(found)
