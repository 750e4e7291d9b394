"""The checklist is data that the AOC may replace: what reads must be whole, what does not is named."""

from __future__ import annotations

import pytest

from ccpor_reporting.checklist.load import ChecklistInvalid, load_checklist, our_checklist
from ccpor_reporting.checklist.model import Kind, Phase

HEAD = 'schema = "ccpor-checklist/1"\nversion = 1\ntitle = "T"\n'
ITEM = """
[[item]]
id = "PL-01"
phase = "planning"
title = "A title"
kind = "attested"
owners = ["court"]
due_days = -60
criterion = "c"
advice = "a"
"""
TECHNICAL = ITEM.replace("attested", "technical") + "fresh_hours = 24\n[item.proof]\n"


def faults(text: str) -> tuple[str, ...]:
    with pytest.raises(ChecklistInvalid) as caught:
        load_checklist(text)
    return caught.value.faults


def test_ours_holds_every_item_of_the_deployment_package() -> None:
    """A lost line is a question that nobody asks before go-live."""
    items = our_checklist().items
    expected = {
        *(f"PL-{n:02}" for n in range(1, 15)),
        *(f"IM-{n:02}" for n in range(1, 35)),
        *(f"GL-{n:02}" for n in range(1, 6)),
        *(f"PG-{n:02}" for n in range(1, 6)),
    }

    assert {item.id for item in items} == expected
    assert [sum(item.kind is kind for item in items) for kind in Kind] == [34, 23, 1]
    assert [sum(item.phase is phase for item in items) for phase in Phase] == [14, 34, 5, 5]
    assert sum(item.blocking for item in items) == 33


def test_the_smallest_checklist_reads() -> None:
    """Positive control for the refusals below."""
    assert load_checklist(HEAD + ITEM).items[0].title == "A title"
    assert load_checklist(HEAD + TECHNICAL + 'needs = [{ code = "tcp.reach" }]').items[0].proof


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = ", "checklist: Invalid value (at end of document)"),
        (HEAD, "checklist: there is no [[item]]"),
        (HEAD.replace("/1", "/2") + ITEM, 'schema is \'ccpor-checklist/2\'; use "ccpor-checklist/1"'),
        (HEAD.replace("version = 1", "version = 0") + ITEM, "version is 0; use a whole number"),
        (HEAD + "note = 1\n" + ITEM, "checklist: note is not known"),
        (HEAD + ITEM + ITEM, "item PL-01: the id is used twice"),
        (HEAD + ITEM.replace("PL-01", "PL1"), "item PL1: id must be two capitals"),
        (HEAD + ITEM + "colour = 1\n", "item PL-01: Object contains unknown field `colour`"),
        (HEAD + ITEM.replace('"planning"', '"soon"'), "item PL-01: Invalid enum value 'soon'"),
        (HEAD + ITEM.replace("due_days = -60\n", ""), "missing required field `due_days`"),
        (HEAD + ITEM.replace('["court"]', "[]"), "item PL-01: owners is empty"),
        (HEAD + ITEM.replace('"A title"', '""'), "item PL-01: title is empty"),
        (HEAD + ITEM + 'applies = ["rainy"]\n', 'item PL-01: applies: "rainy" is not a claim'),
        (HEAD + ITEM + "fresh_hours = 0\n", "item PL-01: fresh_hours is 0; use hours above 0"),
        (HEAD + ITEM.replace("attested", "technical"), "a technical or mixed item has a proof"),
        (HEAD + TECHNICAL, "a proof is one of needs, inventory"),
        (HEAD + TECHNICAL + 'needs = [{ code = "tcp.raech" }]', "tcp.raech is not a code"),
        (HEAD + TECHNICAL + 'needs = [{ code = "tcp.reach", runs = 0 }]', "runs is 0"),
        (
            HEAD + TECHNICAL + 'needs = [{ code = "tcp.reach", bounds = [{ unit = "s" }] }]',
            "a bound needs at_least or at_most",
        ),
        (HEAD + TECHNICAL + 'rerun = ["IM-99"]', "rerun names IM-99, which is not an item"),
        (HEAD + TECHNICAL + "inventory = [50, 90]", "inventory is two percentages"),
        (HEAD + TECHNICAL + 'identifiers = "["', "identifiers is not a pattern"),
        (
            HEAD + TECHNICAL.replace("fresh_hours = 24\n", "") + "baseline = true",
            "a technical item says how old its evidence may be",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_named(text: str, message: str) -> None:
    """A checklist that reads wrongly decides a go-live wrongly: refuse it, and say where."""
    assert any(message in fault for fault in faults(text)), faults(text)


def test_all_mistakes_come_at_once() -> None:
    """Mending one at a time costs an upload each."""
    text = HEAD + ITEM.replace('"A title"', '""') + ITEM.replace("PL-01", "bad")

    assert len(faults(text)) == 2


def test_a_checks_own_code_may_be_named() -> None:
    """A third party's check fills items too, when its codes are handed in."""
    text = HEAD + TECHNICAL + 'needs = [{ code = "fax.tone" }]'

    assert load_checklist(text, more_codes={"fax.tone"}).items[0].id == "PL-01"
