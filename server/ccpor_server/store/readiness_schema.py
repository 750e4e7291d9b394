"""The tables of deciding: waivers, owners, words and documents, signatures, incidents, notices."""

from __future__ import annotations

import sqlalchemy as sa

from ccpor_server.store.columns import (
    UtcText,
    column,
    log_index,
    metadata,
    of_court,
    row_id,
    said,
)

waiver = sa.Table(  # a person accepts a fault, or an item that is not met, until a day
    "waiver",
    metadata,
    row_id(),
    of_court(),
    column("item", sa.String(64), "logged"),
    column("kind", sa.String(16), "logged"),  # granted | withdrawn
    column("refers_to", sa.String(36), "logged", null=True),  # the waiver that is withdrawn
    column("code", sa.String(100), "logged", null=True),  # finding's code; none: the whole item
    column("location", sa.String(64), "logged", null=True),
    column("machine", sa.String(36), "logged", null=True),
    column("reason", sa.Text, "logged"),
    column("until", sa.String(10), "logged", null=True),  # ISO date; none: of a withdrawal
    *said(),
    sa.Index("ix_waiver_court", "court"),
)

assignment = sa.Table(  # whose item it is, and until when; the newest row of an item stands
    "assignment",
    metadata,
    row_id(),
    of_court(),
    column("item", sa.String(64), "logged"),
    column("owner", sa.String(200), "logged"),  # a name; empty: nobody
    column("due", sa.String(10), "logged", null=True),  # ISO date; none: the checklist's
    *said(),
    sa.Index("ix_assignment_court", "court"),
)

comment = sa.Table(
    "comment",
    metadata,
    row_id(),
    of_court(),
    column("item", sa.String(64), "logged", null=True),  # an item's, or
    column("incident", sa.String(36), "logged", null=True),  # an incident's
    column("text", sa.Text, "logged"),
    *said(),
    sa.Index("ix_comment_court", "court"),
)

attachment = sa.Table(
    "attachment",
    metadata,
    row_id(),
    of_court(),
    column("item", sa.String(64), "logged", null=True),
    column("incident", sa.String(36), "logged", null=True),
    column("name", sa.String(200), "logged"),
    column("media_type", sa.String(100), "logged"),
    column("size", sa.Integer, "logged"),
    column("digest", sa.String(64), "logged"),  # SHA-256 of content, hex
    column("content", sa.LargeBinary, "digest"),
    *said(),
    sa.Index("ix_attachment_court", "court"),
)

decision = sa.Table(  # signatures on go-live and close-out, and what undoes them
    "decision",
    metadata,
    row_id(),
    of_court(),
    column("subject", sa.String(16), "logged"),  # go-live | close-out
    column("kind", sa.String(24), "logged"),  # go | go-with-workarounds | no-go | undo
    column("party", sa.String(16), "logged"),  # aoc | court | sheriff
    column("note", sa.Text, "logged"),
    column("workarounds", sa.Text, "logged"),  # JSON list of {item, text, until}
    column("seen_size", sa.Integer, "logged"),  # the log's size and root that the signer saw
    column("seen_root", sa.String(64), "logged"),
    column("basis", sa.String(64), "logged"),  # SHA-256 of the checklist that was shown, hex
    column("refers_to", sa.String(36), "logged", null=True),  # what an undo takes back
    *said(),
    sa.Index("ix_decision_court", "court"),
)

baseline = sa.Table(  # the accepted run of a workstation; the newest row of one stands
    "baseline",
    metadata,
    row_id(),
    of_court(),
    column("machine", sa.String(36), "logged", sa.ForeignKey("machine.id")),
    column("run_id", sa.String(36), "logged"),
    column("decision", sa.String(36), "logged", null=True),
    *said(),
    sa.Index("ix_baseline_court", "court"),
)

incident = sa.Table(
    "incident",
    metadata,
    row_id(),
    column("number", sa.String(20), "logged", unique=True),  # INC-2027-031
    of_court(),
    column("title", sa.String(200), "logged"),
    column("began_at", UtcText, "logged"),  # when it was first noticed
    *said(),
    sa.Index("ix_incident_court", "court"),
)

incident_event = sa.Table(  # its timeline; priority and state are those of the newest that says one
    "incident_event",
    metadata,
    row_id(),
    column("incident", sa.String(36), "logged", sa.ForeignKey("incident.id")),
    column("kind", sa.String(16), "logged"),  # opened | note | asked | answered | closed | reopened
    column("priority", sa.String(2), "logged", null=True),  # P1 | P2 | P3 | P4
    column("text", sa.Text, "logged"),
    column("run_ids", sa.Text, "logged"),  # JSON list: the runs that show it
    *said(),
    sa.Index("ix_incident_event_incident", "incident"),
)

run_request = sa.Table(  # a fresh run asked of a workstation under a nonce
    "run_request",
    metadata,
    row_id(),
    of_court(),
    column("incident", sa.String(36), "logged", sa.ForeignKey("incident.id"), null=True),
    column("machine", sa.String(36), "logged", sa.ForeignKey("machine.id")),
    column("nonce", sa.String(64), "logged", unique=True),
    column("expires_at", UtcText, "logged"),
    *said(),
    sa.Index("ix_run_request_machine", "machine"),
)

run_answer = sa.Table(  # the first report that came in under a request's nonce
    "run_answer",
    metadata,
    column("request", sa.String(36), "logged", sa.ForeignKey("run_request.id"), key=True),
    column("run_id", sa.String(36), "logged", sa.ForeignKey("report.run_id")),
    column("at", UtcText, "logged"),
    log_index(),
)

notice = sa.Table(  # the outbox: a message is here before it is sent, once by its key
    "notice",
    metadata,
    column("id", sa.String(36), "free", key=True),
    column("key", sa.String(200), "free", unique=True),
    column("kind", sa.String(16), "free"),  # digest | due | regression | silence | incident | ask
    column("court", sa.String(64), "free", sa.ForeignKey("court.id"), null=True),
    column("recipient", sa.String(320), "free"),
    column("subject", sa.String(300), "free"),
    column("body", sa.Text, "free"),
    column("created_at", UtcText, "free"),
    column("not_before", UtcText, "free"),
    column("sent_at", UtcText, "free", null=True),
    column("given_up_at", UtcText, "free", null=True),
    column("tries", sa.Integer, "free"),
    column("last_answer", sa.String(300), "free"),
    sa.Index("ix_notice_court", "court"),
)

saved_view = sa.Table(
    "saved_view",
    metadata,
    column("id", sa.String(36), "free", key=True),
    column("person_id", sa.String(36), "free", sa.ForeignKey("person.id")),
    column("name", sa.String(100), "free"),
    column("query", sa.String(2000), "free"),  # of the board's address
    column("created_at", UtcText, "free"),
)

draft = sa.Table(  # what was typed when the session locked; given back once
    "draft",
    metadata,
    column("person_id", sa.String(36), "free", sa.ForeignKey("person.id"), key=True),
    column("path", sa.String(300), "free", key=True),
    column("fields", sa.Text, "free"),  # JSON
    column("at", UtcText, "free"),
)

standing = sa.Table(  # a court's readiness at the end of a day: the board's course over time
    "standing",
    metadata,
    column("court", sa.String(64), "free", sa.ForeignKey("court.id"), key=True),
    column("day", sa.String(10), "free", key=True),  # ISO date, UTC
    column("verdict", sa.String(16), "free"),
    column("counts", sa.Text, "free"),  # JSON: items by state
    column("blocking", sa.Integer, "free"),
)

sample = sa.Table(  # courts that are examples; a removed one is shown nowhere
    "sample",
    metadata,
    column("court", sa.String(64), "free", sa.ForeignKey("court.id"), key=True),
    column("removed_at", UtcText, "free", null=True),
)
