"""A rule: one comparison over evidence, with its own words.

A check looks and returns evidence; its rules judge that evidence here, without I/O, so a stored
report can be judged again under newer rules or another profile (``ccpor-check judge``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from ccpor_reporting.model import Json, Owner, Severity, Status

E = TypeVar("E")
O = TypeVar("O")  # noqa: E741 - the pair reads "evidence, options"


@dataclass(frozen=True, slots=True)
class Setting:
    """When a judgement is made: the observation's own time and the profile's go-live date."""

    observed_at: datetime  # aware, UTC
    go_live: date | None = None
    host: str = ""  # the target's host, for words

    @property
    def counts_from(self) -> date:
        """Go-live or the day of the look, the later: certificates must outlast it."""
        today = self.observed_at.date()
        return max(today, self.go_live) if self.go_live else today


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a rule says of the evidence; see `met`, `unmet`, `unassessed` …"""

    status: Status
    summary: str
    reason: str | None = None
    severity: Severity | None = None  # None: the rule's own
    observed: Json = None
    expected: str | None = None
    unit: str | None = None
    owner: Owner | None = None  # None: as the catalogue says
    fix: str | None = None  # None: as the catalogue says
    because: str | None = None  # a skip's: the code, of the same check, that explains it


def met(
    summary: str, *, observed: Json = None, expected: str | None = None, unit: str | None = None
) -> Judgement:
    """Return a pass: *summary* says what was seen, as a short clause."""
    return Judgement(
        status=Status.PASS, summary=summary, observed=observed, expected=expected, unit=unit
    )


def unmet(
    reason: str,
    summary: str,
    *,
    severity: Severity | None = None,
    observed: Json = None,
    expected: str | None = None,
    unit: str | None = None,
    owner: Owner | None = None,
    fix: str | None = None,
) -> Judgement:
    """Return a fail with *reason* from the code's closed list."""
    return Judgement(
        status=Status.FAIL,
        reason=reason,
        summary=summary,
        severity=severity,
        observed=observed,
        expected=expected,
        unit=unit,
        owner=owner,
        fix=fix,
    )


def unassessed(summary: str, *, observed: Json = None) -> Judgement:
    """Return an error: the evidence does not say. Never a pass, never a fail."""
    return Judgement(status=Status.ERROR, summary=summary, observed=observed)


def skipped_by(code: str, summary: str) -> Judgement:
    """Return a skip: *code*, another rule over the same evidence, failed and stands in the way."""
    return Judgement(status=Status.SKIP, summary=summary, because=code)


def not_applicable(summary: str) -> Judgement:
    """Return "does not apply here": the question has no sense for this target."""
    return Judgement(status=Status.NOT_APPLICABLE, summary=summary)


def _always(_options: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Generic[E, O]):
    """One judgement; `code` is its address in docs, pages and waivers, stable for ever.

    judge: evidence, options, setting -> Judgement.
    reasons: the closed list `judge` may name (a test compares it with the catalogue).
    severity: what a failure costs unless the judgement says otherwise; also the weight of an error.
    planned: False where the profile does not ask this question at all; then no finding is planned.
    """

    code: str
    reasons: tuple[str, ...]
    judge: Callable[[E, O, Setting], Judgement]
    severity: Severity = Severity.BLOCKER
    planned: Callable[[O], bool] = field(default=_always)


Limit = float | tuple[float, float] | None  # blocker alone, or (warning, blocker)


def over_limit(value: float, limit: Limit) -> Severity | None:
    """Return what exceeding *limit* costs: None within it, else WARNING or BLOCKER.

    A limit is one number (beyond it: blocker) or a pair (warning, blocker); None is no limit.
    """
    if limit is None:
        return None
    warning, blocker = limit if isinstance(limit, tuple) else (None, limit)
    if value > blocker:
        return Severity.BLOCKER
    if warning is not None and value > warning:
        return Severity.WARNING
    return None


def limit_words(limit: Limit, unit: str) -> str:
    """Return the limit as people read it: ``at most 500 ms (blocks above 2000 ms)``."""
    if limit is None:
        return "no limit"
    if isinstance(limit, tuple):
        return f"at most {limit[0]:g} {unit} (blocks above {limit[1]:g} {unit})"
    return f"at most {limit:g} {unit}"


def at_most(*, value: float, limit: Limit, unit: str, reason: str, what: str) -> Judgement:
    """Judge *value* against *limit*: the words and the test come from the same numbers."""
    severity = over_limit(value, limit)
    summary = f"{what} {value:.4g} {unit}"
    expected = limit_words(limit, unit)
    if severity is None:
        return met(summary, observed=value, expected=expected, unit=unit)
    return unmet(reason, summary, severity=severity, observed=value, expected=expected, unit=unit)
