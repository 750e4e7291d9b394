"""One row of everything that people decide, with no column left empty."""

from __future__ import annotations

from datetime import date, timedelta

from ccpor_reporting.checklist.model import DecisionKind, Party
from ccpor_server.store import (
    Store,
    Transaction,
    assignments,
    attachments,
    comments,
    decisions,
    incidents,
    waivers,
)

DAY = date(2027, 1, 1)


def decide(store: Store, court: str, machine: str, run_id: str) -> None:
    """Fill every logged table of deciding for a court with an enrolled machine and its report."""

    def job(tx: Transaction) -> None:
        where = {"code": "tls.validity", "location": "santa-rosa", "machine": machine}
        waivers.grant(tx, court, "IM-01", reason="known", until=DAY, who="a", **where)
        waivers.withdraw(tx, court, waivers.of_court(tx.db, court)[0], reason="mended", who="b")
        assignments.add(tx, court, "PL-01", "r.diaz", DAY, who="a")
        facts = {"title": "no answer", "priority": "P2", "text": "since nine"}
        incident, _ = incidents.open_one(tx, court, began_at=tx.now, who="a", **facts)
        comments.add(tx, court, "seen", who="a", item="PL-01", incident=incident)
        about = {"item": "PL-01", "incident": incident, "who": "a"}
        kind = "application/pdf"
        attachments.add(tx, court, b"%PDF-", name="plan.pdf", media_type=kind, **about)
        signed = decisions.add(
            tx,
            court,
            "go-live",
            DecisionKind.GO,
            Party.AOC,
            who="a",
            seen_size=1,
            seen_root="a" * 64,
            basis="b" * 64,
            note="all is well",
            refers_to="another",
        )
        decisions.accept(tx, court, machine, run_id, who="a", decision_id=signed)
        incidents.ask(tx, court, machine, who="a", lives=timedelta(days=1), incident_id=incident)
        waiting = incidents.waiting(tx.db, machine, tx.now)[0]
        incidents.answered(tx, waiting.id, run_id)

    store.write(job)
