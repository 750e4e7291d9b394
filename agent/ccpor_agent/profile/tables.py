"""One TOML table against the struct it should become: every wrong key is found, not the first.

Types and ranges come from the struct's annotations (`msgspec.Meta`), so a check states its limits
once, in its own options.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

import msgspec
import msgspec.inspect as kinds

from ccpor_agent.profile.faults import MISSING, Faults, key_words, unknown_key, value_words
from ccpor_agent.profile.hidden import HIDDEN, SECRET_HEADER, WANTED, holds_secret, may_be_secret
from ccpor_agent.profile.lines import Path
from ccpor_agent.profile.words import describe, kind_words, pair_of, wanted_words
from ccpor_checks.base import OptionsRefused, Refusal

LONGEST_TEXT = 4000
LONGEST_LIST = 1000
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029]")
Wrong = tuple[Path, str | None]  # where, and what to write where it is not the type's own words


def read_table(
    faults: Faults, path: Path, table: Mapping[str, Any], struct: type[msgspec.Struct]
) -> msgspec.Struct | None:
    """Return *table* as *struct*; None, with every fault noted, where it is not one."""
    before = len(faults.found)
    fields = fields_of(struct)
    sound = dict(table)
    for key, value in table.items():
        if key not in fields:
            unknown_key(faults, (*path, key), value, list(fields))
            del sound[key]
            continue
        if (nested := _table_of(fields[key].type)) is not None:
            if not _is_sound(faults, (*path, key), value, nested):
                del sound[key]
            continue
        for below, wanted in [*wrong(value, fields[key].type), *_wrong_limit(key, value, fields)]:
            words = wanted or f"write {wanted_words(fields[key])}"
            faults.add((*path, key, *below), _shown((key, *below), table), words)
            _leave_out(sound, key, below)
    for name, field in fields.items():
        if field.required and name not in table:
            faults.add((*path, name), MISSING, f"write {wanted_words(field)}")
    if all(not field.required or name in sound for name, field in fields.items()):
        read = _converted(faults, path, table, sound, struct)
        return read if len(faults.found) == before else None
    return None


def _table_of(kind: kinds.Type) -> type[msgspec.Struct] | None:
    """Return the struct of a key that is a table of its own, None of any other."""
    match kind:
        case kinds.Metadata(type=inner):
            return _table_of(inner)
        case kinds.UnionType(types=types):
            found = [table for each in types if (table := _table_of(each)) is not None]
            return found[0] if found else None
        case kinds.StructType(cls=struct):
            return struct
        case _:
            return None


def _is_sound(faults: Faults, path: Path, value: Any, struct: type[msgspec.Struct]) -> bool:
    """Say whether *value* is a table that *struct* reads, having noted every fault of it."""
    if not isinstance(value, dict):
        wanted = f"write [{key_words(path)}] and its keys on lines below"
        faults.add(path, HIDDEN if holds_secret(value) else value_words(value), wanted)
        return False
    return read_table(faults, path, value, struct) is not None


def _leave_out(sound: dict[str, Any], key: str, below: Path) -> None:
    """Take a faulty value out of *sound*; of a table of headers only the faulty header."""
    if below and isinstance(sound.get(key), dict):
        sound[key] = {name: each for name, each in sound[key].items() if name != below[0]}
    else:
        sound.pop(key, None)


def _converted(
    faults: Faults,
    path: Path,
    table: Mapping[str, Any],
    sound: Mapping[str, Any],
    struct: type[msgspec.Struct],
) -> msgspec.Struct | None:
    """Return *sound* as *struct*, having noted what only the struct itself knows."""
    try:
        return msgspec.convert(sound, struct)
    except msgspec.ValidationError as exc:
        cause = exc.__cause__
        if not isinstance(cause, OptionsRefused):  # a third party's own words
            faults.add(path, "not usable as written", f"mend it: {exc}")
            return None
        for refusal in cause.refusals:
            if refusal.beside not in table or refusal.beside in sound:
                key = (*path, *refusal.key)
                faults.add(key, _refused(refusal, table), refusal.wanted)
        return None


def _refused(refusal: Refusal, table: Mapping[str, Any]) -> str:
    if refusal.key[0] not in table:
        return MISSING
    return _shown(refusal.key, table)


@cache
def fields_of(struct: type[msgspec.Struct]) -> dict[str, kinds.Field]:
    """Return the fields of *struct* by the key a profile writes."""
    info = kinds.type_info(struct)
    assert isinstance(info, kinds.StructType)
    return {field.encode_name: field for field in info.fields}


def wrong(value: Any, kind: kinds.Type) -> Iterator[Wrong]:
    """Yield what of *value* does not fit *kind*; nothing when it fits."""
    if holds_secret(value):
        yield (), f"{WANTED}, leave it out and name a file in a *_file key"
        return
    match kind:
        case kinds.Metadata(type=inner):
            yield from wrong(value, inner)
        case kinds.AnyType():
            pass
        case kinds.UnionType(types=types):
            yield from _wrong_for_all(value, types)
        case kinds.TupleType(item_types=items):
            yield from _wrong_pair(value, items)
        case kinds.VarTupleType(item_type=item) if kind.min_length == kind.max_length == 2:
            yield from _wrong_pair(value, (item, item))
        case kinds.VarTupleType(item_type=item) | kinds.ListType(item_type=item):
            yield from _wrong_list(value, item, kind.min_length, kind.max_length)
        case kinds.DictType(value_type=inner):
            yield from _wrong_dict(value, inner)
        case _:
            if not _fits(value, kind):
                yield (), None
            elif isinstance(value, str):
                yield from _wrong_text(value)


def _wrong_for_all(value: Any, types: tuple[kinds.Type, ...]) -> Iterator[Wrong]:
    alternatives = [list(wrong(value, each)) for each in types if not _is_none(each)]
    if all(alternatives):
        sharpest = [found for found in alternatives if found[0] != ((), None)]
        yield from sharpest[0] if sharpest else [((), None)]


def _wrong_list(
    value: Any, item: kinds.Type, shortest: int | None, longest: int | None
) -> Iterator[Wrong]:
    if not isinstance(value, list):
        yield (), None
        return
    if len(value) > min(longest or LONGEST_LIST, LONGEST_LIST):
        yield (), f"write at most {min(longest or LONGEST_LIST, LONGEST_LIST)} elements"
    elif len(value) < (shortest or 0):
        yield (), f"write at least {shortest} element{'s' if shortest != 1 else ''}"
    else:
        for position, each in enumerate(value):
            for below, wanted in wrong(each, item):
                format_words = describe(item) or kind_words(item)
                yield (position, *below), wanted or f"write {format_words}"


def _wrong_pair(value: Any, items: tuple[kinds.Type, ...]) -> Iterator[Wrong]:
    fits = isinstance(value, list) and len(value) == len(items)
    if not fits or any(list(wrong(each, kind)) for each, kind in zip(value, items, strict=True)):
        yield (), None


def _wrong_limit(key: str, value: Any, fields: Mapping[str, kinds.Field]) -> Iterator[Wrong]:
    """Yield what no type says of a limit: never below zero, and the warning comes first."""
    kind = fields[key].type
    pair = pair_of(kind)
    if pair is None or list(wrong(value, kind)):
        return
    numbers = value if isinstance(value, list) else [value]
    least = key.startswith("min_")  # a least amount warns above where it blocks
    if any(each < 0 for each in numbers):
        yield (), f"write {kind_words(kind)}, not below 0"
    elif numbers != sorted(numbers, reverse=least):
        first = "larger" if least else "smaller"
        yield (), f"write the {pair[0]} first: [{', '.join(pair)}], the {first} number in front"


def _wrong_dict(value: Any, inner: kinds.Type) -> Iterator[Wrong]:
    if not isinstance(value, dict):
        yield (), None
        return
    for key, each in value.items():
        if SECRET_HEADER.match(key):
            yield (key,), "secrets never stand in a profile, leave this header out"
            continue
        for below, wanted in wrong(each, inner):
            yield (key, *below), wanted or f"write {kind_words(inner)}"


def _wrong_text(value: str) -> Iterator[Wrong]:
    if CONTROL.search(value):
        yield (), "write it without control characters"
    elif len(value) > LONGEST_TEXT:
        yield (), f"write at most {LONGEST_TEXT} characters"


def _fits(value: Any, kind: kinds.Type) -> bool:
    match kind:
        case kinds.BoolType():
            return isinstance(value, bool)
        case kinds.IntType():
            return type(value) is int and _in_range(value, kind) and abs(value) < 2**63
        case kinds.FloatType():
            number = type(value) is int or type(value) is float
            return number and abs(value) < 1e15 and math.isfinite(value) and _in_range(value, kind)
        case kinds.StrType():
            return isinstance(value, str) and _text_fits(value, kind)
        case kinds.LiteralType(values=values):
            return any(value == each and type(value) is type(each) for each in values)
        case kinds.EnumType(cls=enum):
            return isinstance(value, str) and value in {each.value for each in enum}
        case kinds.DateType():
            return isinstance(value, date) and not isinstance(value, datetime)
        case _:
            return False


def _in_range(value: float, kind: kinds.IntType | kinds.FloatType) -> bool:
    return not (
        (kind.ge is not None and value < kind.ge)
        or (kind.gt is not None and value <= kind.gt)
        or (kind.le is not None and value > kind.le)
        or (kind.lt is not None and value >= kind.lt)
    )


def _text_fits(value: str, kind: kinds.StrType) -> bool:
    return not (
        len(value) < (kind.min_length or 0)
        or (kind.max_length is not None and len(value) > kind.max_length)
        or (kind.pattern is not None and not re.search(kind.pattern, value))
    )


def _is_none(kind: kinds.Type) -> bool:
    return isinstance(kind, kinds.NoneType)


def _shown(key: Path, table: Mapping[str, Any]) -> str:
    """Return the value at *key* of *table* in words, or that it is not shown."""
    value: Any = table
    for part in key:
        value = value[part]
    name = next(part for part in reversed(key) if isinstance(part, str))
    if len(key) > 1 and SECRET_HEADER.match(name):
        return HIDDEN
    return HIDDEN if may_be_secret(name, value) else value_words(value)
