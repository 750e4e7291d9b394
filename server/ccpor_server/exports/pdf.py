"""A court's readiness report and the statewide summary as PDF/UA-1 (ISO 14289-1), set by typst."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files

import msgspec

from ccpor_reporting.checklist.blockers import blockers
from ccpor_reporting.checklist.model import Decision, Phase, State
from ccpor_reporting.checklist.text import met_words
from ccpor_reporting.model import Owner
from ccpor_reporting.text import OWNER_WORDS
from ccpor_server.board_lines import CourtLine
from ccpor_server.checklist_state import CourtView
from ccpor_server.pages.stamp import stamp
from ccpor_server.pages.words import COURT_VERDICTS, DECLARED, PARTIES, PHASES, STATES
from ccpor_server.store.log import Head


def court_pdf(
    view: CourtView, signatures: Sequence[Decision], head: Head, *, by: str, now: datetime
) -> bytes:
    """Return the report: where the court stands, each item, the signatures, the log's root."""
    return _set("court.typ", _told(view, signatures, head, by, now), now)


def statewide_pdf(lines: Sequence[CourtLine], head: Head, *, by: str, now: datetime) -> bytes:
    """Return the summary of *lines*: how many stand where, each court, what blocks by cause."""
    causes = blockers({one.court.id: one.faulty for one in lines})
    names = {one.court.id: one.court.name for one in lines}
    verdicts = Counter(one.readiness.verdict for one in lines)
    told = {
        "made": f"{stamp(now, now).local}, by {by}",
        "size": head.size,
        "root": head.root,
        "verdicts": [[mark.word, verdicts[name]] for name, mark in COURT_VERDICTS.items()],
        "courts": [_line(one) for one in lines],
        "causes": [
            {
                "fault": one.fault,
                "owner": OWNER_WORDS[Owner(one.owner)],
                "summary": one.summary,
                "courts": [names[court] for court in one.machines],
            }
            for one in causes
        ],
    }
    return _set("statewide.typ", told, now)


def _line(one: CourtLine) -> dict[str, object]:
    ready = one.readiness
    return {
        "name": one.court.name + (" (sample)" if one.court.sample else ""),
        "phase": PHASES[ready.phase],
        "go_live": one.court.go_live.isoformat() if one.court.go_live else "not agreed",
        "met": ready.counts[State.MET],
        "blocking": len(ready.blocking_open),
        "overdue": one.overdue,
        "heard": f"{one.last_heard_at:%Y-%m-%d}" if one.last_heard_at else "never",
        "verdict": COURT_VERDICTS[ready.verdict].word,
    }


def _set(template: str, told: object, now: datetime) -> bytes:
    """Return *template* of this folder with what is *told*, as tagged PDF."""
    import typst

    made = typst.compile(
        files("ccpor_server.exports").joinpath(template).read_bytes(),
        format="pdf",
        sys_inputs={"held": msgspec.json.encode(told).decode()},
        pdf_standards="ua-1",
        timestamp=int(now.timestamp()),
    )
    assert isinstance(made, bytes), "one document comes as bytes"
    return made


def _told(
    view: CourtView, signatures: Sequence[Decision], head: Head, by: str, now: datetime
) -> dict[str, object]:
    zone, ready = view.court.time_zone, view.checklist.readiness
    return {
        "court": view.court.name,
        "id": view.court.id,
        "sample": view.court.sample,
        "verdict": COURT_VERDICTS[ready.verdict].word,
        "blocking": len(ready.blocking_open),
        "go_live": view.court.go_live.isoformat() if view.court.go_live else "not agreed",
        "made": f"{stamp(now, now, zone).local}, by {by}",
        "version": view.checklist.checklist_version,
        "size": head.size,
        "root": head.root,
        "counts": [
            [STATES[state].word, ready.counts[state]] for state in STATES if ready.counts[state]
        ],
        "phases": [_phase(phase, view) for phase in Phase],
        "signatures": [
            {
                "kind": DECLARED[one.kind.value].word,
                "subject": one.subject,
                "by": f"{one.by} ({PARTIES[one.party]})",
                "at": stamp(one.at, now, zone).local,
                "note": one.note,
                "root": one.seen_root,
            }
            for one in signatures
        ],
    }


def _phase(phase: Phase, view: CourtView) -> dict[str, object]:
    every = [one for one in view.checklist.items if one.item.phase is phase]
    return {
        "name": PHASES[phase],
        "met": met_words(every),
        "items": [
            {
                "id": one.item.id,
                "title": one.item.title,
                "state": STATES[one.state].word,
                "why": one.why,
                "due": one.due.isoformat() if one.due else "",
                "level": one.level.value if one.level else "",
                "blocking": one.item.blocking,
            }
            for one in every
        ],
    }
