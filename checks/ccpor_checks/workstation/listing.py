"""What is wrong with an environment file: line, key, value and what to write, all of it at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

import msgspec

MOST_FAULTS = 8
MOST_ENTRIES = 2_000
WANTED = {
    "schema": 'schema = "ccpor-environment/1"',
    "version": 'a version in quotes, such as "26100" or "3.10"',
    "min_version": 'a version in quotes, such as "3.10"',
    "until": "a date without quotes, such as 2028-10-10",
    "dated": "the day of the list without quotes, such as 2026-11-23",
    "editions": 'a list of patterns, such as ["Professional*"]',
    "name": "a name in quotes",
    "product": 'a product in quotes, such as "windows" or "edge"',
}
HEADER = re.compile(r"^\s*\[\[\s*([A-Za-z_-]+)\s*\]\]")
KEY = re.compile(r"^\s*([A-Za-z_-]+)\s*=")
Kinds = Mapping[str, type[msgspec.Struct]]


def faults_of(
    text: str, whole: type[msgspec.Struct], kinds: Kinds, schema: str
) -> tuple[dict[str, Any], list[str]]:
    """Return *text* as a table, and what keeps it from being a *whole*: [] when nothing does.

    kinds: the struct of each list of tables, by its key.
    """
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        return {}, [f"{exc}; correct that line"]
    lines = _lines(text)
    if table.get("schema") != schema:
        said = _shown(table.get("schema"), "schema" in table)
        return table, [f'{_at(lines, "", 0, "schema")}schema is {said}; use "{schema}"']
    found = [*_top(table, whole, kinds, lines)]
    for key, kind in kinds.items():
        for number, entry in enumerate(_entries(table, key), 1):
            found += _entry(key, number, entry, kind, lines)
    if len(found) > MOST_FAULTS:
        found = [*found[:MOST_FAULTS], f"and {len(found) - MOST_FAULTS} more"]
    return table, found


def _top(
    table: Mapping[str, Any], whole: type[msgspec.Struct], kinds: Kinds, lines: Mapping[Any, int]
) -> Iterator[str]:
    known = {field.name for field in msgspec.structs.fields(whole)}
    for key in sorted(table.keys() - known):
        yield f"{_at(lines, '', 0, key)}{key} is not a key; use {', '.join(sorted(known))}"
    version = table.get("version")
    if type(version) is not int or version < 1:
        said = _shown(version, "version" in table)
        yield f"{_at(lines, '', 0, 'version')}version is {said}; write a whole number from 1"
    if not _is_day(table.get("dated")):
        said = _shown(table.get("dated"), "dated" in table)
        yield f"{_at(lines, '', 0, 'dated')}dated is {said}; write {WANTED['dated']}"
    for key in sorted(kinds.keys() & table.keys()):
        entries = table[key]
        if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
            yield f"{_at(lines, '', 0, key)}{key} is {_shown(entries)}; write [[{key}]] above each"
        elif len(entries) > MOST_ENTRIES:
            yield f"{key} has {len(entries)} entries; write at most {MOST_ENTRIES}"


def _entries(table: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    entries = table.get(key, [])
    listed = entries if isinstance(entries, list) else []
    return [one for one in listed[:MOST_ENTRIES] if isinstance(one, dict)]


def _entry(
    key: str,
    number: int,
    entry: Mapping[str, Any],
    kind: type[msgspec.Struct],
    lines: Mapping[Any, int],
) -> Iterator[str]:
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    for name in sorted(entry.keys() - fields.keys()):
        where = _at(lines, key, number, name)
        yield f"{where}{key} {number}: {name} is not a key; use {', '.join(fields)}"
    for name, field in fields.items():
        if name not in entry and not field.required:
            continue
        value = entry.get(name)
        try:
            if name in entry and (value not in ("", [])):
                msgspec.convert(value, field.type, strict=True)
                if not isinstance(value, datetime):
                    continue
        except msgspec.ValidationError:
            pass
        said = f"{name} is {_shown(value, name in entry)}; write {WANTED[name]}"
        yield f"{_at(lines, key, number, name)}{key} {number}: {said}"


def _is_day(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _shown(value: object, is_there: bool = True) -> str:
    if not is_there:
        return "missing"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _lines(text: str) -> dict[tuple[str, int, str], int]:
    """Return the line of each key by table, number of the table and key; "" is the table's own."""
    found: dict[tuple[str, int, str], int] = {}
    counts: dict[str, int] = {}
    table, number = "", 0
    for place, line in enumerate(text.splitlines(), 1):
        if header := HEADER.match(line):
            table = header[1]
            number = counts[table] = counts.get(table, 0) + 1
            found[table, number, ""] = place
        elif key := KEY.match(line):
            found.setdefault((table, number, key[1]), place)
    return found


def _at(lines: Mapping[tuple[str, int, str], int], table: str, number: int, key: str) -> str:
    """Return ``line 7, `` of a key, or of its table where the key is not there; "" of neither."""
    place = lines.get((table, number, key)) or lines.get((table, number, ""))
    return f"line {place}, " if place else ""
