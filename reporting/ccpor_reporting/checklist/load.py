"""Reads a checklist: strict, all faults of the text at once.

The AOC may replace ours; the text is handed in, nothing is opened here but our own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from ccpor_reporting.checklist.model import SCHEMA, Bound, Checklist, Item, Kind, Need
from ccpor_reporting.checklist.scope import claim_faults
from ccpor_reporting.faults import catalogue

ITEM_ID = re.compile(r"[A-Z]{2}-[0-9]{2}")
BLOCKING_TECHNICAL = "blocking-technical"


class ChecklistInvalid(ValueError):
    """The text is not a checklist; `faults` names each mistake."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


@cache
def our_checklist() -> Checklist:
    """Return the checklist that ships with the package."""
    text = files("ccpor_reporting.checklist").joinpath("checklist.toml").read_text("utf-8")
    return load_checklist(text)


def load_checklist(text: str, more_codes: Collection[str] = ()) -> Checklist:
    """Return the checklist that *text* (TOML) holds.

    more_codes: codes of installed checks beyond the catalogue.

    Raises:
        ChecklistInvalid: With every fault, each naming its item.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ChecklistInvalid([f"checklist: {exc}"]) from exc
    faults = [f"checklist: {key} is not known" for key in table.keys() - TOP]
    if table.get("schema") != SCHEMA:
        faults.append(f'checklist: schema is {table.get("schema")!r}; use "{SCHEMA}"')
    version, title = table.get("version"), table.get("title")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        faults.append(f"checklist: version is {version!r}; use a whole number from 1")
    if not isinstance(title, str) or not title:
        faults.append(f"checklist: title is {title!r}; use a few words")
    items = _items(table.get("item"), faults)
    codes = catalogue().keys() | set(more_codes)
    faults += [fault for item in items for fault in _item_faults(item, items, codes)]
    if faults:
        raise ChecklistInvalid(faults)
    return Checklist(schema=SCHEMA, version=int(version or 0), title=str(title), items=items)


TOP = frozenset({"schema", "version", "title", "item"})


def _items(tables: Any, faults: list[str]) -> tuple[Item, ...]:
    if not isinstance(tables, list) or not tables:
        faults.append("checklist: there is no [[item]]")
        return ()
    items: list[Item] = []
    seen: set[str] = set()
    for position, table in enumerate(tables, 1):
        name = table.get("id", f"number {position}") if isinstance(table, dict) else position
        try:
            item = msgspec.convert(table, Item)
        except msgspec.ValidationError as exc:
            faults.append(f"item {name}: {exc}")
            continue
        if item.id in seen:
            faults.append(f"item {item.id}: the id is used twice")
        seen.add(item.id)
        items.append(item)
    return tuple(items)


def _item_faults(item: Item, items: tuple[Item, ...], codes: Collection[str]) -> list[str]:
    said = [f"applies: {fault}" for fault in claim_faults(item.applies)]
    if not ITEM_ID.fullmatch(item.id):
        said.append("id must be two capitals, a dash and two digits")
    said += [
        f"{word} is empty"
        for word in ("title", "criterion", "advice", "owners")
        if not getattr(item, word)
    ]
    if item.fresh_hours is not None and item.fresh_hours <= 0:
        said.append(f"fresh_hours is {item.fresh_hours:g}; use hours above 0")
    if (item.proof is None) != (item.kind is Kind.ATTESTED):
        said.append("a technical or mixed item has a proof, an attested one has none")
    if item.proof is not None:
        said += _proof_faults(item, items, codes)
    return [f"item {item.id}: {fault}" for fault in said]


def _proof_faults(item: Item, items: tuple[Item, ...], codes: Collection[str]) -> list[str]:
    proof = item.proof
    assert proof is not None
    ways = (proof.needs, proof.inventory, proof.baseline, proof.rerun, proof.watch)
    said = []
    if sum(map(bool, (*ways, proof.identifiers))) != 1:
        said.append("a proof is one of needs, inventory, baseline, rerun, watch, identifiers")
    if item.fresh_hours is None and not proof.identifiers:
        said.append("a technical item says how old its evidence may be: fresh_hours")
    if not item.roles:
        said.append("roles is empty")
    for code in (*(need.code for need in proof.needs), *proof.watch):
        if code not in codes:
            said.append(f"proof: {code} is not a code of the catalogue")
    for need in proof.needs:
        said += _need_faults(need)
    ids = {other.id for other in items if other.proof and not other.proof.rerun}
    for again in proof.rerun:
        if again != BLOCKING_TECHNICAL and again not in ids:
            said.append(f"proof: rerun names {again}, which is not an item with a proof of its own")
    if proof.identifiers is not None:
        try:
            re.compile(proof.identifiers)
        except re.error as exc:
            said.append(f"proof: identifiers is not a pattern: {exc}")
    if proof.inventory and not 0 < proof.inventory[1] <= proof.inventory[0] <= 100:
        said.append("proof: inventory is two percentages, the higher first")
    if not 0 < proof.watch_percent[1] <= proof.watch_percent[0] <= 100:
        said.append("proof: watch_percent is two percentages, the higher first")
    return said


def _need_faults(need: Need) -> list[str]:
    said = [] if need.runs >= 1 else [f"proof: {need.code}: runs is {need.runs}; use 1 or more"]
    return said + [
        f"proof: {need.code}: a bound needs at_least or at_most, and exact within at_most"
        for bound in need.bounds
        if not _reads(bound)
    ]


def _reads(bound: Bound) -> bool:
    if bound.at_least is None and bound.at_most is None:
        return False
    return bound.exact is None or (bound.at_most is not None and bound.exact <= bound.at_most)
