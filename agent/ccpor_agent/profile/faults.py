"""What is wrong with a profile, said so that the person who wrote it can mend it at once.

Exceptions::

    ValueError
    └── ProfileInvalid    carries every fault of the file, in the order of its lines
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from difflib import get_close_matches
from typing import Any

from ccpor_agent.profile.hidden import (
    HIDDEN,
    PUBLIC_NAMES,
    WANTED,
    holds_secret,
    is_secret_name,
)
from ccpor_agent.profile.lines import Lines, Path

LONGEST_SHOWN = 60
MISSING = "missing"


@dataclass(frozen=True, slots=True)
class ProfileFault:
    """One fault: where it stands, what stands there, and what to write instead.

    `key` is empty where the fault is of the file as a whole; then `value` says what is wrong.
    """

    file: str
    line: int
    key: str
    value: str
    wanted: str

    def __str__(self) -> str:
        what = f"{self.key} is {self.value}" if self.key else self.value
        return f"{self.file}:{self.line}: {what}; {self.wanted}"


class ProfileInvalid(ValueError):
    """The profile cannot be used; `faults` has all of its faults."""

    def __init__(self, faults: Iterable[ProfileFault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class Faults:
    """Gathers the faults of one file; keys are paths as TOML nests them."""

    def __init__(self, file: str, lines: Lines) -> None:
        self.file, self._lines = file, lines
        self.found: list[ProfileFault] = []
        self._told: set[Path] = set()

    def add(self, path: Path, value: str, wanted: str) -> None:
        """Note that *path* is *value* (already in words) and that *wanted* should be written."""
        if path in self._told:  # one mistake, one line
            return
        self._told.add(path)
        self.found.append(
            ProfileFault(self.file, self._lines.of(path), key_words(path), value, wanted)
        )

    def at(self, line: int, what: str, wanted: str) -> None:
        """Note a fault of no key, e.g. a line that is not TOML."""
        self.found.append(ProfileFault(self.file, line, "", what, wanted))

    def __bool__(self) -> bool:
        return bool(self.found)


def key_words(path: Path) -> str:
    """Return *path* as people write it: ``target.http.status[1]``; the line says which target."""
    words = ""
    for position, part in enumerate(path):
        if isinstance(part, str):
            words += f".{part}" if words else part
        elif not (position == 1 and path[0] == "target"):
            words += f"[{part}]"
    return words


def value_words(value: Any) -> str:
    """Return *value* as a profile writes it, shortened, without control characters or secrets."""
    match value:
        case str() if holds_secret(value):
            return HIDDEN
        case bool():
            return "true" if value else "false"
        case str():
            shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in value)
            words = f'"{shown}"'
        case list() | tuple():
            words = "[" + ", ".join(value_words(each) for each in list(value)[:20]) + "]"
        case Mapping():
            return "a table" if value else "an empty table"
        case date() | time():
            words = value.isoformat()
        case int() if abs(value) >= 10**LONGEST_SHOWN:
            return f"a number of more than {LONGEST_SHOWN} digits"
        case float():
            words = f"{value:g}"
        case _:
            words = str(value)
    if len(words) > LONGEST_SHOWN:
        return f"{words[:LONGEST_SHOWN]}… ({len(words)} characters)"
    return words


def unknown_key(faults: Faults, path: Path, value: Any, known: Sequence[str]) -> None:
    """Note a key that nobody reads; a secret is never shown again."""
    name = str(path[-1])
    near = get_close_matches(name, known, 1, 0.8)
    if is_secret_name(name) and near and near[0] in PUBLIC_NAMES:
        faults.add(path, HIDDEN, f"there is no such key, did you mean {near[0]}?")
        return
    if is_secret_name(name) or any(holds_secret(each) for each in _texts_in(value)):
        instead = f"{name}_file"
        way = f"{instead} = PATH" if instead in known else "the path of a file in a *_file key"
        faults.add(path, HIDDEN, f"{WANTED}, write {way}")
        return
    faults.add(path, value_words(value), f"there is no such key, {did_you_mean(name, known)}")


def _texts_in(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for each in value for text in _texts_in(each)]
    return [value] if isinstance(value, str) else []


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the nearest of *known* as a question, or all of them."""
    names = list(known)
    near = get_close_matches(name, names, 1, 0.6)
    if near:
        return f"did you mean {near[0]}?"
    return f"write one of {', '.join(names)}" if names else "remove it"
