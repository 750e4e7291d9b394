"""Every scenario file says what it says; and each is changed by what it is about."""

from __future__ import annotations

from copy import deepcopy

import pytest

from ccpor_reporting.checklist.load import our_checklist
from tests.reporting.checklist.scenario import FOLDER, differences, read, states

FILES = sorted(FOLDER.glob("*.toml"))
WANTED = 200
GIVEN = ("report", "say", "waive", "sign", "assign")


def test_there_are_enough_scenarios_and_each_item_is_in_one() -> None:
    """A state that no file expects is a state that nobody thought about."""
    expected = {item for path in FILES for item in read(path)["expect"]}
    titles = [read(path)["title"] for path in FILES]

    assert len(FILES) >= WANTED
    assert expected >= {item.id for item in our_checklist().items}
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scenario(path) -> None:  # type: ignore[no-untyped-def]
    held = read(path)

    assert differences(held, states(held)) == []


def test_each_scenario_rests_on_what_it_gives() -> None:
    """Negative control: without its reports, words and decisions a file must come out otherwise.

    But those that say ``nothing``: there what is given must change nothing.
    """
    blind = []
    for path in FILES:
        held = read(path)
        bare = deepcopy(held)
        for name in GIVEN:
            bare.pop(name, None)
        rests = bool(differences(held, states(bare)))
        if rests == bool(held.get("nothing")):
            blind.append(path.stem)

    assert blind == []


def test_a_wrong_expectation_is_told() -> None:
    """Negative control of the comparison itself."""
    held = read(FILES[0])
    item = next(iter(held["expect"]))
    held["expect"][item] = {"state": "no such state"}

    assert differences(held, states(held))
