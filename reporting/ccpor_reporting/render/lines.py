"""Lines of fixed width for a terminal: wrapping by cells, not by characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from ccpor_reporting.text import single_line

_ASCII: Mapping[str, str] = {
    "·": "-",
    "…": "...",
    "–": "-",
    "—": "-",
    "→": "->",
    "✓": "+",
    "✗": "x",
    "“": '"',
    "”": '"',
    "’": "'",
    "‘": "'",
    "ß": "ss",
}


def cells(text: str) -> int:
    """Return how many columns *text* takes: 2 for wide characters, 0 for combining ones."""
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrap(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    """Return *text* in lines of at most *width* columns; *first* and *rest* stand before them.

    A word wider than a line is broken: nothing may leave the page.
    """
    rest = first if rest is None else rest
    lines: list[str] = []
    line, lead = "", first
    for word in _pieces(single_line(text), max(8, width - max(cells(first), cells(rest)))):
        if not line:
            line = word
        elif cells(lead) + cells(line) + 1 + cells(word) <= width:
            line += f" {word}"
        else:
            lines.append(f"{lead}{line}".rstrip())
            line, lead = word, rest
    lines.append(f"{lead}{line}".rstrip())
    return lines


def _pieces(text: str, room: int) -> Iterator[str]:
    for word in text.split():
        piece, used = "", 0
        for character in word:
            wide = _cells(character)
            if used + wide > room:
                yield piece
                piece, used = "", 0
            piece += character
            used += wide
        yield piece


def padded(text: str, width: int) -> str:
    return text + " " * max(0, width - cells(text))


def plain_ascii(text: str) -> str:
    """Return *text* in ASCII: letters lose their marks, what has no likeness becomes ``?``."""
    return "".join(_plain(character) for character in text)


def _plain(character: str) -> str:
    if character.isascii():
        return character
    if character in _ASCII:
        return _ASCII[character]
    folded = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return folded or ("" if unicodedata.combining(character) else "?")
