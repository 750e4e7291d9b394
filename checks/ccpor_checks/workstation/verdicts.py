"""Words that the rules of a workstation share: what is not visible, and how people count."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from ccpor_checks.workstation.evidence import WorkstationEvidence, WorkstationOptions
from ccpor_reporting.model import Json, Status
from ccpor_reporting.rules import Judgement, Setting

GB = 10**9
Judge = Callable[[WorkstationEvidence, WorkstationOptions, Setting], Judgement]
LOOK_YOURSELF = "Run the agent with the right to read this, or look at it by hand and record it."


def not_visible(
    summary: str, *, observed: Json = None, expected: str | None = None, fix: str = LOOK_YOURSELF
) -> Judgement:
    """Return an error: the agent lacks the right, or the system does not tell. No pass, no fail."""
    return Judgement(
        status=Status.ERROR,
        reason="not-visible",
        summary=summary,
        observed=observed,
        expected=expected,
        fix=fix,
    )


def count(number: int, what: str) -> str:
    """Return *number* and *what*, in the plural where it is one: ``1 day``, ``3 days``."""
    return f"{number} {what}" + ("" if number == 1 else "s")


def some(names: Iterable[str], most: int = 3) -> str:
    """Return the first *most* of *names* with commas, and how many more there are."""
    listed = list(names)
    left = len(listed) - most
    shown = ", ".join(listed[:most])
    return f"{shown} and {left} more" if left > 0 else shown


def age_days(day: date, setting: Setting) -> int:
    """Return the days from *day* to the look; never below 0: clocks of makers run ahead."""
    return max(0, (setting.observed_at.date() - day).days)
