"""Which fault explains another that it did not stop, by the rules of ``[[explains]]``.

A rule must have a reason that would convince the owner of the explained fault; where it cannot
tell, it leaves both standing.
"""

from __future__ import annotations

from collections.abc import Sequence

from ccpor_reporting.diagnosis.conditions import TWO, holds
from ccpor_reporting.diagnosis.facts import Facts
from ccpor_reporting.diagnosis.rulebook import Explains, Rules
from ccpor_reporting.diagnosis.scopes import SCOPE
from ccpor_reporting.diagnosis.suspect import Suspect
from ccpor_reporting.diagnosis.telling import filled


def explain(suspects: Sequence[Suspect], known: Facts, rules: Rules) -> list[Suspect]:
    """Return fewer suspects: each explained one is taken in by the first that explains it."""
    found = list(suspects)
    for rule in rules.explains:
        found = _by_rule(rule, found, known)
    return found


def _by_rule(rule: Explains, suspects: list[Suspect], known: Facts) -> list[Suspect]:
    taking = [at for at, s in enumerate(suspects) if _may_take(rule, s, known)]
    if not taking:
        return suspects
    of_cause, of_other = SCOPE[rule.where]
    at_name: dict[str, list[int]] = {}
    for at in taking:
        for name in of_cause(suspects[at], known):
            at_name.setdefault(name, []).append(at)
    found: list[Suspect | None] = list(suspects)
    for at, other in enumerate(suspects):
        if other.seen_fault not in rule.explains:
            continue
        near = sorted({into for name in of_other(other, known) for into in at_name.get(name, ())})
        for into in near:
            cause = found[into]
            if cause is None or into == at or not _fits(rule, cause, other, known):
                continue
            taken = found[at]
            assert taken is not None
            why = filled(rule.says, cause, known, other=other)
            found[into] = cause.taking(taken, why, rule.confidence)
            found[at] = None
            break
    return [each for each in found if each is not None]


def _may_take(rule: Explains, suspect: Suspect, known: Facts) -> bool:
    return (
        suspect.fault in rule.faults
        and all(holds(each, suspect, known) for each in rule.when)
        and not any(holds(each, suspect, known) for each in rule.unless)
    )


def _fits(rule: Explains, cause: Suspect, other: Suspect, known: Facts) -> bool:
    return all(TWO[each](cause, other, known) for each in rule.when_both)
