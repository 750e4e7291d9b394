"""The rows of an export: typed values under headings, made from what the pages are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ccpor_reporting.checklist.model import State
from ccpor_server.board_lines import CourtLine
from ccpor_server.checklist_state import CourtView
from ccpor_server.pages.words import PARTIES

Cell = str | int | float | bool | date | datetime | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: each row has a cell under each heading; times are UTC."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def checklist_sheet(view: CourtView) -> Sheet:
    """Return a court's checklist, one row an item."""
    return Sheet(
        "Checklist",
        (
            "court", "item", "title", "phase", "state", "without waiver", "why", "blocking",
            "who must act", "owner", "due", "overdue", "shown", "required", "level",
        ),
        tuple(
            (
                view.court.id,
                one.item.id,
                one.item.title,
                one.item.phase.value,
                one.state.value,
                one.under.value if one.under else None,
                one.why,
                one.item.blocking,
                ", ".join(PARTIES[party] for party in one.item.owners),
                one.owner or None,
                one.due,
                one.overdue,
                one.covered,
                one.required,
                one.level.value if one.level else None,
            )
            for one in view.checklist.items
        ),
    )  # fmt: skip


def evidence_sheet(view: CourtView) -> Sheet:
    """Return the evidence of a court's items, one row a piece."""
    return Sheet(
        "Evidence",
        ("item", "status", "level", "seen at", "workstation", "finding", "said by", "text", "run"),
        tuple(
            (
                state.item.id, one.status, one.level.value, one.at, one.machine, one.finding,
                one.by, one.text, one.run_id,
            )
            for state in view.checklist.items
            for one in state.evidence
        ),
    )  # fmt: skip


def courts_sheet(lines: Sequence[CourtLine]) -> Sheet:
    """Return the board, one row a court, in the order given."""
    return Sheet(
        "Courts",
        (
            "court", "name", "kind", "phase", "go-live", "days to go-live", "verdict",
            *(state.value for state in State), "blocking", "last heard",
        ),
        tuple(
            (
                one.court.id,
                one.court.name,
                one.court.kind,
                one.readiness.phase.value,
                one.court.go_live,
                one.readiness.days_to_go_live,
                one.readiness.verdict,
                *(one.readiness.counts[state] for state in State),
                len(one.readiness.blocking_open),
                one.last_heard_at,
            )
            for one in lines
        ),
    )  # fmt: skip
