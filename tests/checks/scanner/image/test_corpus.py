"""A part of the corpus, small enough for every run; `python -m tests.checks.scanner.image` is all."""

from __future__ import annotations

import pytest

from tests.checks.scanner.image.corpus import BLANKS, KINDS, page
from tests.checks.scanner.image.judged import judged

EACH_KIND = sorted({KINDS.index(kind) for kind in KINDS} | {3, 7})


@pytest.mark.parametrize("number", EACH_KIND, ids=lambda number: f"{KINDS[number]}-{number}")
def test_a_page_of_each_kind_is_judged_right(number: int) -> None:
    """Blank or not, faint, turned, mirrored, cut, pale, its lean within 0.3 degrees."""
    assert judged(number, seed=3, most_dpi=200).wrong == []


def test_the_same_seed_makes_the_same_page() -> None:
    """A score over pages that change with each run says nothing."""
    once, again = page(12, 5, most_dpi=100), page(12, 5, most_dpi=100)

    assert once.content == again.content
    assert page(12, 6, most_dpi=100).content != once.content


def test_the_corpus_holds_what_must_not_be_mistaken() -> None:
    """Empty sheets of six sorts beside faint ones; a judge that always says the same fails."""
    assert len(BLANKS) == 6
    assert {"faint note", "faint stamp", "note", "stamp"} <= set(KINDS)
