"""A body's content coding and character set undone, within a limit of size."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterable

from ccpor_checks.http.message import MOST_BODY, malformed

GZIP = 16 + zlib.MAX_WBITS
# Python's own; one of them takes time that grows with the square of the text
NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
META_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{1,40})""", re.I
)


def decoded(parts: Iterable[bytes], coding: str | None) -> tuple[bytes, bool]:
    """Return the decoded body, at most `MOST_BODY` bytes, and whether it was cut there.

    coding: the Content-Encoding field.

    Raises:
        ExchangeEnded: A coding that nobody asked for, or that cannot be undone (`malformed`).
    """
    match (coding or "identity").strip().lower():
        case "identity" | "":
            return _as_it_is(parts)
        case "gzip" | "x-gzip":
            return _inflated(parts, GZIP)
        case "deflate":
            return _inflated(parts, zlib.MAX_WBITS)
        case other:
            raise malformed(f'the content coding "{other[:40]}", which nobody asked for')


def _as_it_is(parts: Iterable[bytes]) -> tuple[bytes, bool]:
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > MOST_BODY:
            return bytes(body[:MOST_BODY]), True
    return bytes(body), False


def _inflated(parts: Iterable[bytes], window: int) -> tuple[bytes, bool]:
    body = bytearray()
    inflater = None
    travelled = 0
    for part in parts:
        travelled += len(part)
        if travelled > MOST_BODY:  # content that never grows, or noise behind its end
            return bytes(body), True
        if inflater is not None and inflater.eof:
            continue  # the framing goes on to its end; zlib would keep all of it
        if inflater is None:
            # "deflate" is zlib's format by RFC 9110, and bare deflate by several servers
            if window == zlib.MAX_WBITS and part[0] & 0x0F != zlib.DEFLATED:
                window = -zlib.MAX_WBITS
            inflater = zlib.decompressobj(window)
        try:
            body += inflater.decompress(part, MOST_BODY + 1 - len(body))
        except zlib.error as exc:
            raise malformed("the content coding cannot be undone") from exc
        if len(body) > MOST_BODY:
            return bytes(body[:MOST_BODY]), True
    if inflater is not None and not inflater.eof:
        raise malformed("the coded content ends too early")
    return bytes(body), False


def text_of(body: bytes, content_type: str | None) -> str:
    """Return *body* as text: by the Content-Type's charset, the page's own word, else UTF-8."""
    named = re.search(r"charset\s*=\s*\"?([A-Za-z0-9_.:-]+)", content_type or "", re.I)
    within = META_CHARSET.search(body[:2048])
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        charset = "utf-16"
    elif named:
        charset = named[1]
    else:
        charset = within[1].decode("ascii") if within else "utf-8"
    try:
        if codecs.lookup(charset).name in NO_CHARSETS:
            raise LookupError
        return body.decode(charset, errors="replace").removeprefix("\ufeff")
    except (LookupError, ValueError):  # a charset that does not exist, or is no text coding
        return body.decode("utf-8", errors="replace")


def holds(page: str, wanted: str) -> bool:
    """Say whether *page* holds *wanted*, as written or as its character references read."""
    import html

    return wanted in page or wanted in html.unescape(page)
