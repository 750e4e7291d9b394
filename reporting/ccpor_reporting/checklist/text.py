"""The checklist as plain text."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence

from ccpor_reporting.checklist.model import Evidence, ItemState, Kind, Phase, State
from ccpor_reporting.text import single_line

PHASE_WORDS = {
    Phase.PLANNING: "Planning",
    Phase.IMPLEMENT: "Implement",
    Phase.GO_LIVE: "Go-live",
    Phase.POST_GO_LIVE: "After go-live",
}
STATE_WORDS = {
    State.MET: "met",
    State.NOT_MET: "NOT MET",
    State.STALE: "stale",
    State.WAIVED: "waived",
    State.NOT_APPLICABLE: "n/a",
    State.OPEN: "open",
}
MOST_LINES = 4  # of evidence for one item; the pages show all
INDENT = " " * 15


def age_words(hours: float) -> str:
    """Return an age as people say it: ``under a minute``, ``12 min``, ``5 h``, ``3 d``."""
    if hours * 60 < 1:
        return "under a minute"
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} d"


def met_words(states: Sequence[ItemState]) -> str:
    """Return e.g. ``8 of 15 met, 2 waived or n/a``."""
    counts = Counter(one.state for one in states)
    apart = counts[State.WAIVED] + counts[State.NOT_APPLICABLE]
    said = f"{counts[State.MET]} of {len(states)} met"
    return f"{said}, {apart} waived or n/a" if apart else said


def counts_line(states: Sequence[ItemState]) -> str:
    """Return e.g. ``58 items: 12 met, 1 not met, …; 10 of 34 technical items met``."""
    counts = Counter(one.state for one in states)
    said = ", ".join(f"{counts[state]} {STATE_WORDS[state].lower()}" for state in State)
    technical = [one for one in states if one.item.kind is not Kind.ATTESTED]
    met = sum(one.state is State.MET for one in technical)
    return f"{len(states)} items: {said}; {met} of {len(technical)} technical items met"


def checklist_text(states: Sequence[ItemState], width: int = 80) -> str:
    """Return the items by phase, each with why; technical ones that are met with their evidence."""
    lines: list[str] = []
    for phase in Phase:
        here = [one for one in states if one.item.phase is phase]
        if not here:
            continue
        lines += ["", f"{PHASE_WORDS[phase]} ({met_words(here)})"]
        for one in here:
            lines += _item(one, width)
    # two lines, so that neither is wrapped at 80 and a script can read the last one
    return "\n".join([*lines, "", *counts_line(states).split("; ")]).lstrip("\n") + "\n"


def _item(one: ItemState, width: int) -> list[str]:
    mark = "!" if one.item.blocking else " "
    head = f"  {one.item.id}{mark} {STATE_WORDS[one.state]:8}"
    lines = _wrapped(one.item.title, width, head + " " * (len(INDENT) - len(head) + 2))
    technical = one.item.kind is not Kind.ATTESTED
    if one.state is State.MET and technical and one.evidence:
        shown = [line for line in one.evidence if line.run_id][:MOST_LINES] or one.evidence
        for line in shown:
            lines += _wrapped(evidence_line(line), width, INDENT + "    ", INDENT + "      ")
        if len(one.evidence) > len(shown):
            lines.append(f"{INDENT}    … and {len(one.evidence) - len(shown)} more")
    elif one.state is not State.MET:
        lines += _wrapped(one.why, width, INDENT + "    ", INDENT + "    ")
    return lines


def evidence_line(line: Evidence) -> str:
    """Return one piece of evidence: where, what was seen, and which report says so."""
    source = line.finding or line.by or ""
    if line.finding and line.title:
        source = f"{line.title}, {line.finding.rpartition('/')[2]}"
    place = f"{line.machine}: " if line.machine else ""
    name = f"{source}: " if source else ""
    report = f"report {line.run_id}, " if line.run_id else ""
    age = "" if line.status == "declared" else f"{age_words(line.age_hours)} ago, "
    return f"{place}{name}{line.text} [{report}{age}{line.level}]"


def _wrapped(text: str, width: int, first: str, rest: str = INDENT + "  ") -> list[str]:
    return textwrap.wrap(
        single_line(text),
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
