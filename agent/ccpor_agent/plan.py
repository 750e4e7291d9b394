"""What a run will look at: a node per target and check, and each finding that must come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from typing import Any

import msgspec

from ccpor_agent.profile import Profile, target_ref
from ccpor_checks.base import Check, Target
from ccpor_reporting.coverage import Excluded
from ccpor_reporting.judging import planned_rules
from ccpor_reporting.model import Severity, TargetRef, finding_id
from ccpor_reporting.rules import Rule

Load = Callable[[str], Check[Any, Any]]
Key = tuple[str, str]  # target id, check id


class PlanInvalid(ValueError):
    """The profile reads, but nothing can be run from it as asked; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One check on one target.

    needs: nodes that must have passed, in order. rules: one finding each, no more and no fewer.
    """

    target: Target
    ref: TargetRef
    check_id: str
    check: Check[Any, Any]
    rules: tuple[Rule[Any, Any], ...]
    needs: tuple[Key, ...] = ()
    options: msgspec.Struct | None = None

    @property
    def key(self) -> Key:
        return self.target.id, self.check_id

    @property
    def budget_s(self) -> float:
        """Return the seconds the check may take."""
        return self.check.budget_s(self.options)

    @property
    def finding_ids(self) -> tuple[str, ...]:
        return tuple(finding_id(self.target.id, rule.code) for rule in self.rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """nodes: in the order of the profile and of each chain. excluded: left out by patterns."""

    profile: Profile
    nodes: tuple[Node, ...]
    excluded: tuple[Excluded, ...] = ()

    @property
    def finding_ids(self) -> tuple[str, ...]:
        """Return what a run must come back with: each exactly once."""
        return tuple(each for node in self.nodes for each in node.finding_ids)

    @property
    def excluded_blocking(self) -> int:
        return sum(each.blocking for each in self.excluded)

    @property
    def check_versions(self) -> dict[str, int]:
        return {node.check.id: node.check.version for node in self.nodes}


def make_plan(
    profile: Profile, load: Load, only: Sequence[str] = (), skip: Sequence[str] = ()
) -> Plan:
    """Return the plan of *profile*, *only* and *skip* applied.

    A pattern (shell style) names a target id, a check id, a code or target/code. A check's first
    rule comes with any other of its rules, and takes all of them along when it is left out: it is
    the stage on which they stand.

    Raises:
        PlanInvalid: A pattern fits nothing, nothing is left, or checks need each other in a circle.
        UnknownCheck: A check named by the profile is not installed.
    """
    whole = [node for target in profile.targets for node in _chain(profile, target, load)]
    _every_pattern_fits(whole, (*only, *skip))
    nodes: list[Node] = []
    excluded: list[Excluded] = []
    for node in whole:
        kept = _kept(node, only, skip)
        excluded += _left_out(node, kept)
        if kept:
            nodes.append(replace(node, rules=kept))
    if not nodes:
        raise PlanInvalid("--only and --skip leave nothing to look at; widen them")
    planned = {node.key for node in nodes}
    nodes = [
        replace(node, needs=tuple(need for need in node.needs if need in planned)) for node in nodes
    ]
    _no_circle(nodes)
    return Plan(profile=profile, nodes=tuple(nodes), excluded=tuple(excluded))


def _chain(profile: Profile, target: Target, load: Load) -> Iterable[Node]:
    ref = target_ref(target)
    for check_id in profile.chains[target.id]:
        check = load(check_id)
        options = target.options[check_id]
        rules = planned_rules(check.rules, options)
        if rules:
            yield Node(
                target=target,
                ref=ref,
                check_id=check_id,
                check=check,
                rules=rules,
                options=options,
                needs=tuple((target.id, need) for need in check.needs),
            )


def matches(pattern: str, node: Node, code: str) -> bool:
    """Return whether *pattern* names the target, the check, the code or target/code."""
    names = (node.target.id, node.check_id, code, finding_id(node.target.id, code))
    return any(fnmatchcase(name, pattern) for name in names)


def _kept(node: Node, only: Sequence[str], skip: Sequence[str]) -> tuple[Rule[Any, Any], ...]:
    asked = [
        rule
        for rule in node.rules
        if (not only or any(matches(each, node, rule.code) for each in only))
        and not any(matches(each, node, rule.code) for each in skip)
    ]
    stage = node.rules[0]
    if not asked or not node.check.staged:
        return tuple(asked)
    if any(matches(each, node, stage.code) for each in skip):
        return ()
    return tuple(rule for rule in node.rules if rule is stage or rule in asked)


def _left_out(node: Node, kept: Sequence[Rule[Any, Any]]) -> Iterable[Excluded]:
    for rule in node.rules:
        if rule not in kept:
            blocking = node.target.required and rule.severity is Severity.BLOCKER
            yield Excluded(finding_id(node.target.id, rule.code), blocking)


def _every_pattern_fits(nodes: Sequence[Node], patterns: Sequence[str]) -> None:
    for pattern in patterns:
        if any(matches(pattern, node, rule.code) for node in nodes for rule in node.rules):
            continue
        names = {name for node in nodes for name in (node.target.id, node.check_id)}
        names |= {rule.code for node in nodes for rule in node.rules}
        near = get_close_matches(pattern, sorted(names), 1, 0.6)
        hint = f"did you mean {near[0]}?" if near else "see ccpor-check plan for the names"
        raise PlanInvalid(f'"{pattern}" names no target, check or code of this profile; {hint}')


def _no_circle(nodes: Sequence[Node]) -> None:
    try:
        TopologicalSorter({node.key: node.needs for node in nodes}).prepare()
    except CycleError as exc:
        circle = " needs ".join(check for _target, check in exc.args[1])
        raise PlanInvalid(f"checks need each other in a circle ({circle}); remove one") from exc
