"""The plan: what is chosen, what is left out, and what is refused."""

from __future__ import annotations

import pytest

from ccpor_agent.plan import Plan, PlanInvalid
from ccpor_reporting.rules import Rule
from tests.agent import fake_checks as fake

CHECKS = (
    fake.check("a", rules=1),
    fake.check("b", rules=3, needs=["a"]),
    fake.check("c", rules=2, needs=["b"], staged=False),
)
CHAINS = {"one": ["a", "b", "c"], "two": ["a", "b"]}
ALL = (
    *("one/a.stage", "one/b.stage", "one/b.rule1", "one/b.rule2", "one/c.stage", "one/c.rule1"),
    *("two/a.stage", "two/b.stage", "two/b.rule1", "two/b.rule2"),
)


def chosen(**choice: list[str]) -> Plan:
    return fake.planned(CHAINS, *CHECKS, **choice)


def test_without_a_choice_everything_is_planned_in_the_order_of_the_profile() -> None:
    """The order of the profile is the order in which people read the result."""
    assert chosen().finding_ids == ALL
    assert chosen().excluded == ()


@pytest.mark.parametrize(
    ("choice", "kept"),
    [
        ({"only": ["two"]}, ALL[6:]),
        ({"only": ["a"]}, ("one/a.stage", "two/a.stage")),
        ({"only": ["c.rule1"]}, ("one/c.rule1",)),
        ({"only": ["b.rule2"]}, ("one/b.stage", "one/b.rule2", "two/b.stage", "two/b.rule2")),
        ({"only": ["two/b.rule1"]}, ("two/b.stage", "two/b.rule1")),
        ({"skip": ["b.stage"]}, ("one/a.stage", "one/c.stage", "one/c.rule1", "two/a.stage")),
        ({"skip": ["one", "b.rule*"]}, ("two/a.stage", "two/b.stage")),
        ({"only": ["two"], "skip": ["b"]}, ("two/a.stage",)),
    ],
    ids=str,
)
def test_patterns_name_targets_checks_and_codes(
    choice: dict[str, list[str]], kept: tuple[str, ...]
) -> None:
    """A staged check's first rule comes along, and takes the others with it when left out."""
    plan = chosen(**choice)

    assert plan.finding_ids == kept
    assert {each.finding_id for each in plan.excluded} == set(ALL) - set(kept)


def test_what_is_left_out_of_a_required_target_counts_as_blocking() -> None:
    """The verdict cannot be "ready" over questions that nobody asked."""
    assert chosen(skip=["two"]).excluded_blocking == 4


def test_needs_are_restricted_to_what_is_planned() -> None:
    """`--only c` looks at c, even though nobody looked at b."""
    (node,) = chosen(only=["c"]).nodes

    assert node.needs == ()


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"only": ["twoo"]}, "did you mean two?"),
        ({"skip": ["xyzzy"]}, "names no target, check or code"),
        ({"skip": ["*"]}, "nothing to look at"),
    ],
    ids=str,
)
def test_a_choice_that_fits_nothing_is_refused(choice: dict[str, list[str]], words: str) -> None:
    """A misspelt --only must not end in "nothing wrong"."""
    with pytest.raises(PlanInvalid, match=words.replace("?", r"\?")):
        chosen(**choice)


def test_checks_that_need_each_other_are_refused() -> None:
    """A third party's mistake is named, not waited for."""
    with pytest.raises(PlanInvalid, match="circle"):
        fake.planned({"t": ["a", "b"]}, fake.check("a", needs=["b"]), fake.check("b", needs=["a"]))


def test_a_question_that_the_profile_does_not_ask_is_not_planned() -> None:
    """A rule without its option has no finding, and an only such check no node."""
    from dataclasses import replace

    def unasked(rule: Rule[fake.Saw, fake.Ask]) -> Rule[fake.Saw, fake.Ask]:
        return replace(rule, planned=lambda _options: False)

    a, b, _c = CHECKS
    b = replace(b, rules=(b.rules[0], unasked(b.rules[1]), b.rules[2]))
    c = replace(a, id="c", rules=tuple(unasked(rule) for rule in a.rules))

    plan = fake.planned({"t": ["a", "b", "c"]}, a, b, c)

    assert plan.finding_ids == ("t/a.stage", "t/b.stage", "t/b.rule2")
    assert plan.excluded == ()
