"""Recomputes, from bytes that somebody signed, the columns that repeat them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from ccpor_reporting.codec import ReportInvalid, decode_report
from ccpor_reporting.envelope import (
    REPORT_TYPE,
    EnvelopeInvalid,
    KeyInvalid,
    PublicKey,
    key_id,
    open_envelope,
    public_key_from_pem,
)
from ccpor_reporting.signed_profile import ProfileRefused, open_profile
from ccpor_server.ingest import started_at_text
from ccpor_server.keys import CollectorKey
from ccpor_server.store.schema import machine, profile, report

Different = tuple[str, str]  # column group, what


class SignedRows:
    """Checks rows one by one; `checked` counts the signatures that were computed."""

    def __init__(self, db: sa.Connection, key: CollectorKey) -> None:
        self._db = db
        self._key = key
        self._machines: dict[str, tuple[str, PublicKey | None]] = {}
        self.checked = 0

    def faults(self, table: sa.Table, row: sa.Row[Any]) -> Iterator[Different]:
        """Yield what in *row* differs from its signed bytes."""
        check: Callable[[sa.Row[Any]], Iterator[Different]] | None = {
            report.name: self._report,
            profile.name: self._profile,
            machine.name: self._machine,
            "attachment": _attachment,
        }.get(table.name)
        if check is not None:
            yield from check(row)

    def _machine(self, row: sa.Row[Any]) -> Iterator[Different]:
        try:
            fits = key_id(public_key_from_pem(row.public_key)) == row.key_id
        except (KeyInvalid, UnicodeEncodeError, AttributeError):
            fits = False
        if not fits:
            yield "public_key, key_id", "the key and its id do not fit"

    def _enrolled(self, machine_id: str) -> tuple[str, PublicKey | None]:
        if machine_id not in self._machines:
            query = sa.select(machine.c.key_id, machine.c.public_key)
            try:
                row = self._db.execute(query.where(machine.c.id == machine_id)).one_or_none()
            except UnicodeEncodeError:  # an id that is no text: nobody has it
                row = None
            found: tuple[str, PublicKey | None] = ("", None)
            if row is not None:
                try:
                    found = (row.key_id, public_key_from_pem(row.public_key))
                except (KeyInvalid, UnicodeEncodeError, AttributeError):
                    found = ("", None)  # told once, at the machine's own row
            self._machines[machine_id] = found
        return self._machines[machine_id]

    def _report(self, row: sa.Row[Any]) -> Iterator[Different]:
        envelope = exact_bytes(row.envelope)
        if sha256(envelope).hexdigest() != row.digest:
            yield "envelope, digest", "the digest is not that of the bytes"
        known, public = self._enrolled(row.machine_id)
        self.checked += 1
        try:
            opened = open_envelope(
                envelope,
                payload_type=REPORT_TYPE,
                key=lambda hint: public if hint == known else None,
            )
            signed = decode_report(opened.payload)
        except (EnvelopeInvalid, ReportInvalid) as exc:
            yield "envelope, machine_id", f"the signature does not hold: {exc}"
            return
        expected = {
            "run_id": signed.run_id,
            "started_at": started_at_text(signed),
            "verdict": signed.verdict.value,
            "reason": signed.reason.value,
            "schema": signed.schema,
        }
        for column, value in expected.items():
            if getattr(row, column) != value:
                yield column, "differs from what the workstation signed"

    def _profile(self, row: sa.Row[Any]) -> Iterator[Different]:
        envelope = exact_bytes(row.envelope)
        if sha256(envelope).hexdigest() != row.digest:
            yield "envelope, digest", "the digest is not that of the bytes"
        self.checked += 1
        try:
            signed = open_profile(envelope, self._key.public)
        except ProfileRefused as exc:
            yield "envelope", f"the signature does not hold: {exc}"
            return
        if row.id != f"{signed.court}/{signed.location}/{signed.role}":
            yield "id", "differs from what was signed"
        if row.version != signed.version:
            yield "version", "differs from what was signed"


def _attachment(row: sa.Row[Any]) -> Iterator[Different]:
    content = exact_bytes(row.content)
    if sha256(content).hexdigest() != row.digest:
        yield "content, digest", "the digest is not that of the bytes"
    if len(content) != row.size:
        yield "content, size", "the size is not that of the bytes"


def exact_bytes(value: object) -> bytes:
    """Return the bytes of a column that should hold bytes, whatever its type was changed to."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
