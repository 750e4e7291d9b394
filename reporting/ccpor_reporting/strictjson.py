"""What every JSON reader of ours refuses before a value is built.

JSON readers differ over repeated keys, lone surrogates, NaN and very large numbers; two readers
that differ can be made to see two reports in one signed body. One pass over the tokens, with a
limit on their number, keeps a bomb from ever becoming objects.
"""

from __future__ import annotations

import codecs
import json
import math
import re

DEEPEST = 32  # a report is about 10 deep
MOST_VALUES = 200_000  # a report of 5,000 findings holds about 120,000
MOST_TOKENS = 4 * MOST_VALUES  # key, colon, value, comma
LONGEST_NUMBER = 40  # a 64-bit integer has 19 digits, a float's repr at most 24 characters
CHUNK = 65_536

# Possessive: a hostile string must cost one pass, not a backtracking search.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}:,]|[^\s\[\]{}:,"]++|"', re.DOTALL)
_NUMBER = re.compile(rb"-?[0-9]")
_LOW, _HIGH = "\ud800", "\udfff"


class NotStrict(ValueError):
    """The bytes are not JSON that every reader understands alike; the message says where."""


class _Level:
    """One open object or array: what has been seen in it, for repeated keys and for paths."""

    __slots__ = ("expects_key", "index", "key", "keys")

    def __init__(self, is_object: bool) -> None:
        self.keys: set[str] | None = set() if is_object else None
        self.expects_key = is_object
        self.key = ""
        self.index = 0


def check_strict(body: bytes) -> None:
    """Return when *body* is free of what readers disagree about; grammar is the decoder's part.

    Raises:
        NotStrict: Not UTF-8, too deep, too many values, a repeated key, a lone surrogate, NaN or
            infinity, a number past 64 bits or past a double.
    """
    _require_utf8(body)
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > MOST_VALUES:
        raise NotStrict(f"more than {MOST_VALUES} values")
    levels: list[_Level] = []
    for number, match in enumerate(_TOKEN.finditer(body)):
        if number > MOST_TOKENS:  # values without commas: no JSON, and long to walk
            raise NotStrict(f"more than {MOST_VALUES} values")
        token = match.group()
        match token[:1]:
            case b"{" | b"[":
                levels.append(_Level(token == b"{"))
                if len(levels) > DEEPEST:
                    raise NotStrict(f"nested more than {DEEPEST} deep")
            case b"}" | b"]":
                if levels:
                    levels.pop()
            case b",":
                _next(levels)
            case b":":
                pass
            case b'"':
                _string(token, levels)
            case _:
                _scalar(token, levels)


def _require_utf8(body: bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(body), CHUNK):
            decoder.decode(body[start : start + CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as exc:
        raise NotStrict("not UTF-8") from exc


def _next(levels: list[_Level]) -> None:
    if not levels:
        return
    level = levels[-1]
    level.index += 1
    level.expects_key = level.keys is not None


def _string(token: bytes, levels: list[_Level]) -> None:
    is_key = bool(levels) and levels[-1].expects_key
    text = ""
    if b"\\" in token:
        try:
            text = json.loads(token)
        except ValueError as exc:
            raise NotStrict(f"{_path(levels)}: a string is malformed") from exc
        if any(_LOW <= character <= _HIGH for character in text):
            raise NotStrict(f"{_path(levels)}: half of a surrogate pair in a string")
    elif is_key:
        text = token[1:-1].decode()
    if is_key:
        level = levels[-1]
        assert level.keys is not None, "only objects expect keys"
        level.key, level.expects_key = text, False
        if text in level.keys:
            raise NotStrict(f"{_path(levels)}: the key stands twice")
        level.keys.add(text)


def _scalar(token: bytes, levels: list[_Level]) -> None:
    if token in {b"true", b"false", b"null"}:
        return
    if not _NUMBER.match(token):
        raise NotStrict(
            f'{_path(levels)}: "{token[:40].decode(errors="replace")}" is no JSON value'
        )
    if len(token) > LONGEST_NUMBER:
        raise NotStrict(f"{_path(levels)}: a number of {len(token)} characters")
    try:
        value = int(token) if token.lstrip(b"-").isdigit() else float(token)
    except ValueError as exc:
        shown = token.decode(errors="replace")
        raise NotStrict(f'{_path(levels)}: "{shown}" is no JSON number') from exc
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise NotStrict(f"{_path(levels)}: {value} does not fit 64 bits")
    if not math.isfinite(value):
        raise NotStrict(f"{_path(levels)}: {token.decode()} does not fit a double")


def _path(levels: list[_Level]) -> str:
    """Return where we are, as ``findings[3].status``."""
    words = ""
    for level in levels:
        words += f".{level.key}" if level.keys is not None else f"[{level.index}]"
    return words.lstrip(".") or "the report"
