"""The rules of diagnosis are read strictly, and each word that they may use is implemented and told."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest

from ccpor_reporting.diagnosis import conditions, rulebook, scopes, vocabulary
from ccpor_reporting.diagnosis.concluding import PLACE_OF
from ccpor_reporting.diagnosis.places import NAME_OF
from ccpor_reporting.diagnosis.rulebook import RulesInvalid, read

TEXT = files("ccpor_reporting.diagnosis").joinpath("rules.toml").read_text(encoding="utf-8")
PAGE = Path(__file__).parents[2] / "docs" / "scenarios.md"
EMPTY = "group = []\nconclude = []\ncrowd = []\nexplains = []\ntells = []\n"


def only(part: str, rule: str) -> str:
    """Return rules that hold one rule of *part*."""
    return EMPTY.replace(f"{part} = []\n", "") + f"[[{part}]]\n{rule}\n"


CONCLUDE = 'name = "n"\nfaults = ["tcp.reach/dropped"]\nconfidence = "high"'
EXPLAINS = 'name = "n"\nfaults = ["link.up/*"]\nexplains = ["tcp.*"]\nwhere = "anywhere"\nsays = ""'
TELLS = 'name = "n"\nkind = "tcp"\noutcome = "works"\nsays = "{end}"'


def test_the_rules_that_come_with_the_program_read() -> None:
    """An edit that breaks them must not reach a court."""
    read_rules = read(TEXT)

    assert len(read_rules.conclude) > 20
    assert len(read_rules.explains) > 10


@pytest.mark.parametrize(
    ("part", "rule"), [("conclude", CONCLUDE), ("explains", EXPLAINS), ("tells", TELLS)]
)
def test_a_single_rule_is_enough(part: str, rule: str) -> None:
    """Negative control of the next test: what it breaks is whole before."""
    assert len(getattr(read(only(part, rule)), part)) == 1


@pytest.mark.parametrize(
    ("part", "rule", "old", "new", "said"),
    [
        ("conclude", CONCLUDE, '"n"', "n", "this is no TOML"),
        ("conclude", CONCLUDE, 'name = "n"\n', "", "missing required field `name`"),
        ("conclude", CONCLUDE, "confidence", "sureness", "unknown field `sureness`"),
        ("conclude", CONCLUDE, '"high"', '"very"', "Invalid enum value 'very'"),
        ("conclude", CONCLUDE, 'confidence = "high"', "", "it concludes nothing"),
        ("conclude", CONCLUDE, "dropped", "droped", "did you mean 'tcp.reach/dropped'?"),
        (
            "conclude",
            CONCLUDE,
            "tcp.reach/dropped",
            "tcp.raech/*",
            'faults: "tcp.raech/*" is unknown',
        ),
        ("conclude", CONCLUDE, 'confidence = "high"', 'fault = "a/b"', 'fault: "a/b" is unknown'),
        ("conclude", CONCLUDE, 'confidence = "high"', 'owner = "us"', 'owner: "us" is unknown'),
        ("conclude", CONCLUDE, 'confidence = "high"', 'place = "there"', "known: way, workstation"),
        ("conclude", CONCLUDE, 'confidence = "high"', 'says = "{whom}"', 'says: "whom" is unknown'),
        ("conclude", CONCLUDE, 'confidence = "high"', 'fix = "{"', "fix: "),
        ("conclude", CONCLUDE, 'confidence = "high"', 'fix = "x"\nwhen = ["it rains"]', "when: "),
        (
            "conclude",
            CONCLUDE,
            'confidence = "high"',
            'fix = "x"\nunless = ["tcp work"]',
            "'tcp works'",
        ),
        ("explains", EXPLAINS, '"anywhere"', '"everywhere"', 'where: "everywhere" is unknown'),
        ("explains", EXPLAINS, '["tcp.*"]', '["tpc.*"]', 'explains: "tpc.*" is unknown'),
        ("explains", EXPLAINS, "where =", 'when_both = ["tcp works"]\nwhere =', "when_both: "),
        ("tells", TELLS, '"tcp"', '"pigeon"', "Invalid enum value 'pigeon'"),
        ("tells", TELLS, "{end}", "{0}", 'says: "0" is unknown'),
    ],
)
def test_a_mistake_is_told_with_the_rule_and_what_to_write(
    part: str, rule: str, old: str, new: str, said: str
) -> None:
    """A rule that is never asked because of a misspelt word looks like one that works."""
    assert old in rule
    with pytest.raises(RulesInvalid) as caught:
        read(only(part, rule.replace(old, new, 1)))

    assert said in str(caught.value)
    assert str(caught.value).startswith("rules.toml: ")


def test_two_rules_of_one_name_are_refused() -> None:
    """The test that removes each rule by its name would remove both."""
    with pytest.raises(RulesInvalid, match='two rules are named "n"'):
        read(only("conclude", f"{CONCLUDE}\n[[conclude]]\n{CONCLUDE}"))


def test_all_mistakes_are_told_at_once() -> None:
    """Whoever edits the file mends it in one go."""
    both = CONCLUDE.replace("dropped", "droped").replace('"n"', '"other"')
    with pytest.raises(RulesInvalid) as caught:
        read(only("conclude", f"{both}\n[[conclude]]\n{CONCLUDE}\nplace = 'x'\nowner = 'y'"))

    assert len(str(caught.value).splitlines()) == 3


def test_every_word_is_implemented_and_none_besides() -> None:
    """A word without a meaning would fail in the middle of a diagnosis."""
    assert set(conditions.ONE) == {*vocabulary.OF_WAYS, *vocabulary.OF_FINDINGS}
    assert set(conditions.TWO) == set(vocabulary.OF_TWO)
    assert set(scopes.SCOPE) == set(vocabulary.SCOPES)
    assert set(PLACE_OF) == set(vocabulary.PLACES)
    assert set(NAME_OF) == set(get_args(rulebook.By))


def test_every_word_is_used_by_a_rule() -> None:
    """What no rule uses is not proven by any scenario."""
    rules = read(TEXT)
    asked = [*rules.conclude, *rules.explains]
    used = {word for rule in asked for word in (*rule.when, *rule.unless)}

    assert {*vocabulary.OF_WAYS, *vocabulary.OF_FINDINGS} <= used
    assert {rule.where for rule in rules.explains} == set(vocabulary.SCOPES)
    assert {rule.place for rule in rules.conclude} >= set(vocabulary.PLACES)
    assert {rule.by for rule in rules.group} == set(NAME_OF)


def test_every_word_stands_in_the_page_for_those_who_write_rules() -> None:
    """Whoever writes no Python reads only that page."""
    page = PAGE.read_text(encoding="utf-8")
    told = set(re.findall(r"`([^`\n]+)`", page))
    words = {
        *vocabulary.OF_WAYS,
        *vocabulary.OF_FINDINGS,
        *vocabulary.OF_TWO,
        *vocabulary.SCOPES,
        *vocabulary.PLACES,
        *vocabulary.KINDS,
        *vocabulary.OUTCOMES,
        *(f"{{{word}}}" for word in vocabulary.WORDS),
        *get_args(rulebook.By),
    }

    assert words - told == set()


def test_the_examples_of_the_page_read() -> None:
    """A recipe that does not work is worse than none."""
    from tests.reporting.scenario import scenario

    blocks = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    rules = [block for block in blocks if block.startswith("[[")]
    cases = [block for block in blocks if block.startswith("about")]

    assert rules
    assert cases
    for block in rules:
        parts = tomllib.loads(block)
        lists = "".join(
            f"{p} = []\n"
            for p in ("group", "conclude", "crowd", "explains", "tells")
            if p not in parts
        )
        read(lists + block)
    for block in cases:
        scenario("docs/scenarios", block)
