"""What a server shows of an order that it has taken: the bytes themselves, or their hash.

Servers show it in many ways; each is read for what it proves. A hash that could be of something
else is no proof of damage: then nothing is known.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from ccpor_checks.http.body import text_of
from ccpor_checks.http.exchange import Exchange
from ccpor_checks.order.evidence import Readback

FIELDS = ("repr-digest", "content-digest", "digest")
IN_FIELD = re.compile(r"sha-256\s*=\s*:?([A-Za-z0-9+/]{43}=)", re.I)
HEX = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{64}(?![0-9A-Fa-f])")
# `"sha256": "…"`, `SHA-256=…`, `digest: …`, or what sha256sum prints: the hash is what it is about
NAMED = re.compile(
    r"(?:sha-?256|digest|hash|checksum)[\"']?\s*[:=]\s*[\"']?([0-9A-Fa-f]{64})(?![0-9A-Fa-f])", re.I
)
NAMING = re.compile(r"sha-?256|digest|checksum", re.I)  # a field's name
ALONE = re.compile(r"\s*([0-9A-Fa-f]{64})(?:\s+[*]?\S+)?\s*")
DESCRIBING = ("json", "xml", "text/", "html", "urlencoded")  # a record of the order, not the order


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent; `parts` yields it again."""

    size: int
    sha256: str  # hex
    parts: Callable[[], Iterator[bytes]]


def digest_field(sha256: str) -> str:
    """Return a hash (hex) as the value of a Content-Digest field (RFC 9530, section 2)."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode('ascii')}:"


def fetched(there: Exchange, sent: Sent) -> Readback | None:
    """Return what a page fetched from the order's Location proves; None: nothing."""
    return _same_body(there, sent, "location") or shown_in_answer(there, sent, by="location")


def served(there: Exchange, sent: Sent) -> Readback | None:
    """Return what the order's own address proves when it is fetched; None: nothing.

    Any page may stand there. Only one of the order's very length is taken for the order.
    """
    body = there.body
    if body is None or there.body_cut or len(body) != sent.size:
        return None
    found = hashlib.sha256(body).hexdigest()
    return Readback(same=found == sent.sha256, by="location", sha256=found)


def shown_in_answer(
    answer: Exchange, sent: Sent, by: Literal["body", "location"] = "body"
) -> Readback | None:
    """Return what an answer proves of the order: its body, a digest field, a hash in its text."""
    return (
        _same_body(answer, sent, by)
        or _by_field(answer, sent)
        or _by_text(answer, sent)
        or _other_body(answer, by)
    )


def _same_body(answer: Exchange, sent: Sent, by: Literal["body", "location"]) -> Readback | None:
    body = answer.body
    if body is None or answer.body_cut or len(body) != sent.size:
        return None
    found = hashlib.sha256(body).hexdigest()
    return Readback(same=True, by=by, sha256=found) if found == sent.sha256 else None


def _other_body(answer: Exchange, by: Literal["body", "location"]) -> Readback | None:
    """Return the proof of damage where a body is meant to be the order, and is another one."""
    kind = (answer.head.value("content-type") if answer.head else None) or ""
    if not answer.body or answer.body_cut or not kind:
        return None
    if any(word in kind.lower() for word in DESCRIBING):
        return None
    return Readback(same=False, by=by, sha256=hashlib.sha256(answer.body).hexdigest())


def _by_field(answer: Exchange, sent: Sent) -> Readback | None:
    """Return what a digest field says, unless it is about the answer's own body."""
    own = hashlib.sha256(answer.body).hexdigest() if answer.body is not None else None
    other: str | None = None
    for name in FIELDS:
        for text in IN_FIELD.findall((answer.head.value(name) if answer.head else None) or ""):
            try:
                found = base64.b64decode(text, validate=True).hex()
            except binascii.Error:
                continue
            if found == sent.sha256:
                return Readback(same=True, by="digest", sha256=found)
            if found != own:
                other = found
    for name, hashes in _hex_fields(answer):
        if sent.sha256 in hashes:
            return Readback(same=True, by="digest", sha256=sent.sha256)
        if NAMING.search(name):
            other = other or next((each for each in hashes if each != own), None)
    return Readback(same=False, by="digest", sha256=other) if other else None


def _hex_fields(answer: Exchange) -> Iterator[tuple[str, list[str]]]:
    """Yield each header field that holds a hash as hex: ``ETag``, ``X-Content-Sha256`` …"""
    for name, values in (answer.head.fields if answer.head else {}).items():
        if found := [each.lower() for each in HEX.findall(" ".join(values))]:
            yield name, found


def _by_text(answer: Exchange, sent: Sent) -> Readback | None:
    if not answer.body or answer.body_cut:
        return None
    text = text_of(answer.body, answer.head.value("content-type") if answer.head else None)
    as_base64 = base64.b64encode(bytes.fromhex(sent.sha256)).decode("ascii")
    if as_base64 in text or sent.sha256 in (each.lower() for each in HEX.findall(text)):
        return Readback(same=True, by="text", sha256=sent.sha256)
    named = NAMED.search(text) or ALONE.fullmatch(text)
    return Readback(same=False, by="text", sha256=named[1].lower()) if named else None
