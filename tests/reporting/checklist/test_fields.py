"""What the checklist asks of evidence is what the checks put there."""

from __future__ import annotations

from types import UnionType
from typing import Any, get_args

import msgspec
import pytest

from ccpor_checks.registry import BUILTIN, load
from ccpor_reporting.checklist.load import our_checklist

BOUNDS = [
    (item.id, need.code, name)
    for item in our_checklist().items
    for need in (item.proof.needs if item.proof else ())
    for bound in need.bounds
    for name in (bound.field, bound.when_field)
    if name and need.code.partition(".")[0] in BUILTIN
]


@pytest.mark.parametrize(("item", "code", "name"), BOUNDS)
def test_a_bound_names_a_field_of_the_evidence(item: str, code: str, name: str) -> None:
    """A field that no check writes would leave the item open for ever."""
    kind = load(code.partition(".")[0]).evidence
    for part in name.split("."):
        fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
        assert part in fields, f"{item}: {kind.__name__} has no {part}"
        kind = one_struct_of(fields[part])


def one_struct_of(kind: object) -> Any:
    """Return the struct of ``Struct | None``, anything else as it is."""
    some = [each for each in get_args(kind) if each is not type(None)]
    return some[0] if isinstance(kind, UnionType) and len(some) == 1 else kind


def test_there_are_such_bounds() -> None:
    assert {"dns.answer", "path.latency"} <= {code for _, code, _ in BOUNDS}


@pytest.mark.parametrize(
    "code",
    sorted(
        {
            need.code
            for item in our_checklist().items
            for need in (item.proof.needs if item.proof else ())
            if need.code.partition(".")[0] in BUILTIN
        }
    ),
)
def test_every_code_is_one_that_its_check_gives(code: str) -> None:
    assert code in load(code.partition(".")[0]).codes
