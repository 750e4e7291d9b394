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

from ccpor_agent.profile.faults import (
    HIDDEN,
    MISSING,
    SECRET_HEADER,
    Faults,
    unknown_key,
    value_words,
)
from ccpor_agent.profile.lines import Path

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
    for key, value in table.items():
        if key not in fields:
            unknown_key(faults, (*path, key), value, list(fields))
            continue
        for below, wanted in [*wrong(value, fields[key].type), *_wrong_limit(key, value, fields)]:
            words = wanted or f"write {wanted_words(fields[key])}"
            faults.add((*path, key, *below), _shown(value, below), words)
    for name, field in fields.items():
        if field.required and name not in table:
            faults.add((*path, name), MISSING, f"write {wanted_words(field)}")
    if len(faults.found) > before:
        return None
    try:
        return msgspec.convert(dict(table), struct)
    except msgspec.ValidationError as exc:  # what only the struct's own __post_init__ knows
        faults.add(path, "not usable as written", f"mend it: {exc}")
        return None


@cache
def fields_of(struct: type[msgspec.Struct]) -> dict[str, kinds.Field]:
    """Return the fields of *struct* by the key a profile writes."""
    info = kinds.type_info(struct)
    assert isinstance(info, kinds.StructType)
    return {field.encode_name: field for field in info.fields}


def wrong(value: Any, kind: kinds.Type) -> Iterator[Wrong]:
    """Yield what of *value* does not fit *kind*; nothing when it fits."""
    match kind:
        case kinds.Metadata(type=inner):
            yield from wrong(value, inner)
        case kinds.AnyType():
            pass
        case kinds.UnionType(types=types):
            yield from _wrong_for_all(value, types)
        case kinds.VarTupleType(item_type=item) | kinds.ListType(item_type=item):
            yield from _wrong_list(value, item, kind.min_length, kind.max_length)
        case kinds.TupleType(item_types=items):
            yield from _wrong_pair(value, items)
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
                yield (position, *below), wanted or f"write {kind_words(item)}"


def _wrong_pair(value: Any, items: tuple[kinds.Type, ...]) -> Iterator[Wrong]:
    fits = isinstance(value, list) and len(value) == len(items)
    if not fits or any(list(wrong(each, kind)) for each, kind in zip(value, items, strict=True)):
        yield (), None


def _wrong_limit(key: str, value: Any, fields: Mapping[str, kinds.Field]) -> Iterator[Wrong]:
    """Yield what no type says of a limit: never below zero, and the warning comes first."""
    kind = _bare(fields[key].type)
    types = kind.types if isinstance(kind, kinds.UnionType) else ()
    pairs = [each for each in types if isinstance(each, kinds.TupleType)]
    if not any(_is_limit_pair(each.item_types) for each in pairs) or list(wrong(value, kind)):
        return
    numbers = value if isinstance(value, list) else [value]
    least = key.startswith("min_")  # a least amount warns above where it blocks
    if any(each < 0 for each in numbers):
        yield (), f"write {kind_words(kind)}, not below 0"
    elif numbers != sorted(numbers, reverse=least):
        first = "larger" if least else "smaller"
        yield (), f"write the warning first: [warning, blocker], the {first} number in front"


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


def _is_limit_pair(items: tuple[kinds.Type, ...]) -> bool:
    return len(items) == 2 and all(isinstance(_bare(each), kinds.FloatType) for each in items)


def _bare(kind: kinds.Type) -> kinds.Type:
    return _bare(kind.type) if isinstance(kind, kinds.Metadata) else kind


def wanted_words(field: kinds.Field) -> str:
    """Return what to write for *field*: ``a whole number from 1 to 90, e.g. 30 (days left)``."""
    words, description = kind_words(field.type), describe(field.type)
    if _needs_example(field) and "e.g." not in description:
        words += f", e.g. {value_words(field.default)}"
    return f"{words} ({description})" if description else words


def _needs_example(field: kinds.Field) -> bool:
    if isinstance(_bare(field.type), kinds.LiteralType | kinds.EnumType | kinds.BoolType):
        return False  # all there is to write is said already
    return field.default not in (msgspec.NODEFAULT, None, (), "")


def describe(kind: kinds.Type) -> str:
    """Return the `Meta(description=…)` of *kind*, "" where it has none."""
    if isinstance(kind, kinds.Metadata):
        return (kind.extra_json_schema or {}).get("description", "") or describe(kind.type)
    if isinstance(kind, kinds.UnionType):  # Annotated[str, Meta(…)] | None
        return next(filter(None, map(describe, kind.types)), "")
    return ""


def kind_words(kind: kinds.Type) -> str:
    """Return the type of *kind* as a noun with its range."""
    words = "another value"
    match kind:
        case kinds.Metadata(type=inner):
            words = kind_words(inner)
        case kinds.UnionType(types=types):
            words = " or ".join(kind_words(each) for each in types if not _is_none(each))
        case kinds.BoolType():
            words = "true or false"
        case kinds.IntType():
            words = "a whole number" + _range_words(kind)
        case kinds.FloatType():
            words = "a number" + _range_words(kind)
        case kinds.StrType():
            words = "a text in quotes"
        case kinds.DateType():
            words = "a date such as 2027-03-01, without quotes"
        case kinds.LiteralType(values=values):
            words = _one_of([value_words(each) for each in values])
        case kinds.EnumType(cls=enum):
            words = _one_of([value_words(each.value) for each in enum])
        case kinds.TupleType(item_types=items) if _is_limit_pair(items):
            words = "a pair [warning, blocker]"
        case kinds.VarTupleType(item_type=item) | kinds.ListType(item_type=item):
            words = f"a list, each {kind_words(item)}"
        case kinds.DictType(value_type=inner):
            words = f"a table, each value {kind_words(inner)}"
    return words


def _one_of(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"one of {', '.join(words)}"


def _range_words(kind: kinds.IntType | kinds.FloatType) -> str:
    low = kind.ge if kind.ge is not None else kind.gt
    high = kind.le if kind.le is not None else kind.lt
    if low is not None and high is not None:
        return f" {'from' if kind.ge is not None else 'above'} {_figure(low)} to {_figure(high)}"
    if low is not None:
        return f" of {_figure(low)} or more" if kind.ge is not None else f" above {_figure(low)}"
    return f" of at most {_figure(high)}" if high is not None else ""


def _figure(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _shown(value: Any, below: Path) -> str:
    for part in below:
        value = value[part]
    if below and isinstance(below[-1], str) and SECRET_HEADER.match(below[-1]):
        return HIDDEN
    return value_words(value)
