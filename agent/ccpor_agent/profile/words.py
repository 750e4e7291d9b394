"""What to write for a key, in words, from the type that its struct gives it."""

from __future__ import annotations

import msgspec
import msgspec.inspect as kinds

from ccpor_agent.profile.faults import value_words

WARNING_FIRST = ("warning", "blocker")


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
            pair = _pair(kind)
            words = f"a pair [{', '.join(pair)}]" if pair else kind_words(inner)
        case kinds.UnionType(types=types):
            words = " or ".join(
                kind_words(each) for each in types if not isinstance(each, kinds.NoneType)
            )
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
        case kinds.TupleType() | kinds.VarTupleType() if pair := _pair(kind):
            words = f"a pair [{', '.join(pair)}]"
        case kinds.VarTupleType(item_type=item) | kinds.ListType(item_type=item):
            words = f"a list, each {kind_words(item)}"
        case kinds.DictType(value_type=inner):
            words = f"a table, each value {kind_words(inner)}"
    return words


def pair_of(kind: kinds.Type) -> tuple[str, str] | None:
    """Return what the two numbers of the pair are that *kind* allows, None where it allows none."""
    if (pair := _pair(kind)) is not None:
        return pair
    bare = _bare(kind)
    types = bare.types if isinstance(bare, kinds.UnionType) else ()
    return next(filter(None, map(_pair, types)), None)


def _pair(kind: kinds.Type) -> tuple[str, str] | None:
    match kind:
        case kinds.Metadata(type=inner, extra=extra):
            pair: tuple[str, str] | None = (extra or {}).get("pair")
            return _pair(inner) and (pair or WARNING_FIRST)
        case kinds.TupleType(item_types=items) if len(items) == 2 and all(map(_is_number, items)):
            return WARNING_FIRST
        case kinds.VarTupleType(item_type=item, min_length=2, max_length=2) if _is_number(item):
            return WARNING_FIRST
        case _:
            return None


def _is_number(kind: kinds.Type) -> bool:
    return isinstance(_bare(kind), kinds.FloatType | kinds.IntType)


def _bare(kind: kinds.Type) -> kinds.Type:
    return _bare(kind.type) if isinstance(kind, kinds.Metadata) else kind


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
