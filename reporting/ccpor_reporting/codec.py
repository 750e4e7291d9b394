"""A report as bytes and back: strict on the way in, because the bytes may come from anywhere.

Exceptions::

    ValueError
    └── ReportInvalid     these bytes are not a report that we read; one line, path and value
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from ccpor_reporting.model import SCHEMA, Json, Report
from ccpor_reporting.strictjson import DEEPEST, NotStrict, check_strict

MAX_BYTES = 8 * 1024 * 1024
SCHEMAS_READ = (SCHEMA,)
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
INT64 = 2**63
EVIDENCE_DEEPEST = DEEPEST - 6  # report, observations, observation, evidence stand above it

_decoder = msgspec.json.Decoder(Report)
_encoder = msgspec.json.Encoder()


class ReportInvalid(ValueError):
    """These bytes are not a report that we read."""


class _Head(msgspec.Struct, frozen=True):
    schema: str


_head = msgspec.json.Decoder(_Head)


def encode_report(report: Report) -> bytes:
    """Return *report* as compact UTF-8 JSON, fields in their declared order, times with a Z.

    What JSON cannot hold in evidence is written as near as it goes: NaN and infinity as null, a
    lone surrogate as U+FFFD, an integer past 64 bits as its decimal digits.

    Raises:
        ReportInvalid: A time has no zone, or the run id is no UUIDv7.
    """
    observations = tuple(
        msgspec.structs.replace(
            seen, started_at=_utc(seen.started_at, "started_at"), evidence=_writable(seen.evidence)
        )
        for seen in report.observations
    )
    plain = msgspec.structs.replace(
        report,
        started_at=_utc(report.started_at, "started_at"),
        finished_at=_utc(report.finished_at, "finished_at"),
        observations=observations,
        findings=tuple(
            msgspec.structs.replace(finding, observed=_writable(finding.observed))
            for finding in report.findings
        ),
    )
    _require_uuid7(plain.run_id)
    try:
        return _encoder.encode(plain)
    except UnicodeEncodeError:  # a name of the operating system that is no Unicode
        return _encoder.encode(_writable(msgspec.to_builtins(plain)))


def decode_report(body: bytes) -> Report:
    """Return the report in *body*; fields that we do not know are ignored.

    Raises:
        ReportInvalid: Anything else than one well-formed report of a schema we read.
    """
    if len(body) > MAX_BYTES:
        raise ReportInvalid(f"report is {len(body)} bytes long; at most {MAX_BYTES} are read")
    try:
        check_strict(body)
        return decode_kept(body)
    except NotStrict as exc:
        raise ReportInvalid(_one_line(str(exc))) from exc


def decode_kept(body: bytes) -> Report:
    """Return the report in *body*, bytes that were found strict before they were kept.

    Raises:
        ReportInvalid: Not a report of a schema that we read.
    """
    try:
        _require_schema(body)
        report = _decoder.decode(body)
    except msgspec.DecodeError as exc:
        raise ReportInvalid(_one_line(str(exc))) from exc
    _require_uuid7(report.run_id)
    return msgspec.structs.replace(
        report,
        started_at=_utc(report.started_at, "started_at"),
        finished_at=_utc(report.finished_at, "finished_at"),
        observations=tuple(
            msgspec.structs.replace(
                seen, started_at=_utc(seen.started_at, f"observations[{index}].started_at")
            )
            for index, seen in enumerate(report.observations)
        ),
    )


def new_run_id(at: datetime, random_bits: bytes) -> str:
    """Return the UUIDv7 (RFC 9562 section 5.7) of *at* and at least 10 random bytes.

    Raises:
        ValueError: Too few random bytes, or *at* has no zone or lies before 1970.
    """
    if len(random_bits) < 10:
        raise ValueError(f"{len(random_bits)} random bytes; a run id needs 10")
    if at.tzinfo is None:
        raise ValueError("the time of a run id has no zone; use UTC")
    since_1970 = at - datetime(1970, 1, 1, tzinfo=UTC)
    # Whole numbers: a float second loses the last millisecond now and then.
    milliseconds = since_1970.days * 86_400_000 + since_1970.seconds * 1000
    milliseconds += since_1970.microseconds // 1000
    if not 0 <= milliseconds < 2**48:
        raise ValueError(f"{at.isoformat()} does not fit a run id; use a time since 1970")
    dice = int.from_bytes(random_bits[:10], "big")
    rand_a, rand_b = dice >> 68, dice & (2**62 - 1)
    number = milliseconds << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _require_schema(body: bytes) -> None:
    schema = _head.decode(body).schema
    if schema not in SCHEMAS_READ:
        raise ReportInvalid(
            _one_line(f'schema is "{schema}"; this version reads {", ".join(SCHEMAS_READ)}')
        )


def _require_uuid7(run_id: str) -> None:
    if not UUID7.fullmatch(run_id):
        raise ReportInvalid(_one_line(f'run_id is "{run_id}"; use a UUIDv7 in lower case'))


def _utc(at: datetime, path: str) -> datetime:
    if at.tzinfo is None:
        raise ReportInvalid(f"{path} is {at.isoformat()}; write the time in UTC with a Z")
    try:
        return at.astimezone(UTC)
    except OverflowError as exc:
        raise ReportInvalid(f"{path} is {at.isoformat()}; outside the calendar in UTC") from exc


def _writable(value: Json, depth: int = 0) -> Any:
    """Return *value* so that what we write we also read."""
    if depth > EVIDENCE_DEEPEST:
        return "(nested too deep to keep)"
    match value:
        case bool() | None:
            return value
        case str():
            return value.encode("utf-8", "replace").decode() if not _encodes(value) else value
        case int():
            return value if -INT64 <= value < INT64 else str(value)
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {
                _writable(str(key), depth + 1): _writable(item, depth + 1)
                for key, item in value.items()
            }
        case list() | tuple():
            return [_writable(item, depth + 1) for item in value]
        case _:
            return _writable(msgspec.to_builtins(value), depth + 1)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _one_line(message: str) -> str:
    """Return *message* fit for a log line and a terminal: foreign text may stand in it."""
    shown = "".join(ch if ch.isprintable() else "?" for ch in message)
    return shown if len(shown) <= 300 else shown[:299] + "…"
