"""Help that people can read: plain words, every state, every role."""

from __future__ import annotations

import re

from ccpor_reporting.checklist.model import State
from ccpor_server.maps import california
from ccpor_server.pages.board import Query, query_from
from ccpor_server.pages.help_pages import LEVELS, QUESTIONS, RIGHT_WORDS, STATE_WORDS
from ccpor_server.pages.sign_in import NOTICE
from ccpor_server.regions import DISTRICTS, region_of
from ccpor_server.rights import Right
from ccpor_server.store.courts import Court
from tests.conftest import ROOT

TEMPLATES = ROOT / "server" / "ccpor_server" / "templates"


def grade(text: str) -> float:
    """Return the Flesch-Kincaid grade level (Kincaid et al., 1975, Navy report 8-75)."""
    sentences = max(1, len(re.findall(r"[.!?:](?:\s|$)", text)))
    words = re.findall(r"[A-Za-z']+", text)
    syllables = sum(
        max(1, len(re.findall(r"[aeiouy]+", re.sub(r"(?<=[^aeiouyl])e$|es$|ed$", "", one.lower()))))
        for one in words
    )
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


def test_help_is_in_plain_words() -> None:
    told = [words for _, words in QUESTIONS] + [" ".join(STATE_WORDS.values())]
    told += [" ".join(words for _, words in LEVELS), NOTICE]
    folded = [
        re.sub(r"\{[{%].*?[}%]\}|<[^>]+>", " ", one)
        for file in TEMPLATES.glob("*.html")
        for one in re.findall(
            r'<details class="help">.*?</summary>(.*?)</details>', file.read_text(), re.S
        )
    ]

    assert len(folded) >= 5
    assert {one[:40]: grade(one) for one in (*told, *folded) if grade(one) > 9} == {}


def test_a_hard_sentence_is_called_hard() -> None:
    """A control of the measure."""
    hard = (
        "Notwithstanding prior authorization, unsubstantiated administrative determinations expire."
    )
    assert grade(hard) > 15
    assert grade("Run the program again. Then open the page.") < 5


def test_every_state_and_right_is_told() -> None:
    assert set(STATE_WORDS) == set(State)
    assert set(RIGHT_WORDS) == set(Right)


def test_every_county_is_in_one_district() -> None:
    counties = [one for some in DISTRICTS.values() for one in some]

    assert len(counties) == len(set(counties)) == 58
    assert set(counties) == {one.slug for one in california().counties}
    assert region_of(Court(id="x", name="x", contacts={"county": "San Luis Obispo"})) == "2"
    assert region_of(Court(id="ca-kern", name="Kern")) == "5"
    assert region_of(Court(id="yurok", name="Yurok")) == ""


def test_the_address_holds_the_region() -> None:
    assert query_from({"region": "5"}) == Query(region="5")
    assert query_from({"region": "9"}) == Query()
