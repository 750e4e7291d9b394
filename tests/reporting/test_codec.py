"""Reports as bytes: what goes in comes out, and nothing ambiguous comes in."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpor_reporting.codec import (
    MAX_BYTES,
    ReportInvalid,
    decode_report,
    encode_report,
    new_run_id,
)
from tests.reporting.reports import AT, observation, rich_report

REPORT = rich_report()
BODY = encode_report(REPORT)


def body_with(**fields: Any) -> bytes:
    return json.dumps({**json.loads(BODY), **fields}).encode()


def refusal(body: bytes) -> str:
    with pytest.raises(ReportInvalid) as caught:
        decode_report(body)
    return str(caught.value)


def test_what_is_encoded_is_decoded_again() -> None:
    """The collector must see exactly what the agent saw, attacks and all."""
    assert decode_report(BODY) == REPORT


def test_times_are_written_in_utc_with_a_z() -> None:
    """Courts compare times across zones; one form only."""
    pacific = timezone(timedelta(hours=-8))
    report = msgspec.structs.replace(REPORT, started_at=AT.astimezone(pacific))

    assert json.loads(encode_report(report))["started_at"] == "2026-11-23T17:04:05.123000Z"


def test_the_json_is_compact_and_not_escaped_beyond_need() -> None:
    """A report travels over slow lines."""
    assert b'"schema":"ccpor-report/1"' in BODY
    assert "Añejo".encode() in BODY


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(evidence=st.dictionaries(st.text(), json_values, max_size=4))
def test_any_evidence_survives_the_way(evidence: dict[str, Any]) -> None:
    """Evidence is judged again years later; a value that changes on the way changes the verdict."""
    report = msgspec.structs.replace(
        REPORT, observations=(observation("web", "http", evidence=evidence),)
    )

    assert decode_report(encode_report(report)).observations[0].evidence == evidence


# Values that JSON cannot hold, as an operating system may hand them to a check.
ODD = {
    "nan": float("nan"),
    "infinite": float("inf"),
    "serial": 2**160,
    "path": "caf\udce9",
    "pair": (1, "two"),
    "at": AT,
    "deep": json.loads("[" * 60 + "]" * 60),
}


def test_what_json_cannot_hold_is_written_as_near_as_it_goes() -> None:
    """A strange file name must not cost the court its whole report."""
    odd = msgspec.structs.replace(observation("web", "http"), evidence=ODD)
    report = msgspec.structs.replace(REPORT, observations=(odd,))

    seen = decode_report(encode_report(report)).observations[0].evidence

    assert "too deep" in json.dumps(seen.pop("deep"))
    assert seen == {
        "nan": None,
        "infinite": None,
        "serial": str(2**160),
        "path": "caf?",
        "pair": [1, "two"],
        "at": "2026-11-23T17:04:05.123000Z",
    }


def test_a_strange_name_outside_evidence_does_not_stop_the_report() -> None:
    """Host names come from the system too."""
    machine = msgspec.structs.replace(REPORT.machine, name="pc\udce9")

    body = encode_report(msgspec.structs.replace(REPORT, machine=machine))

    assert decode_report(body).machine.name == "pc?"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"\xff\xfe{}", "not UTF-8"),
        (b'{"schema": "\xed\xa0\x80"}', "not UTF-8"),
        (b"", "Input data was truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "Object missing required field `schema`"),
        (b'{"schema":"ccpor-report/1","schema":"x"}', "schema: the key stands twice"),
        (b'{"a":{"b":1,"\\u0062":2}}', "a.b: the key stands twice"),
        (b'{"a":[1,{"x":NaN}]}', 'a[1].x: "NaN" is no JSON value'),
        (b'{"a":-Infinity}', 'a: "-Infinity" is no JSON value'),
        (b'{"a":1e999}', "a: 1e999 does not fit a double"),
        (b'{"a":9223372036854775808}', "a: 9223372036854775808 does not fit 64 bits"),
        (b'{"a":' + b"9" * 5000 + b"}", "a: a number of 5000 characters"),
        (b'{"a":"\\ud800"}', "a: half of a surrogate pair in a string"),
        (b'{"a":"\\udc00\\ud800"}', "a: half of a surrogate pair in a string"),
        (b"[" * 33 + b"]" * 33, "nested more than 32 deep"),
        (b"[" * 100_000, "nested more than 32 deep"),
        (b"[" + b"0," * 300_000 + b"0]", "more than 200000 values"),
        (b'""' * 4_000_000, "more than 200000 values"),
        (
            b" " * (MAX_BYTES + 1),
            f"report is {MAX_BYTES + 1} bytes long; at most {MAX_BYTES} are read",
        ),
        (BODY + b"{}", "JSON is malformed: trailing characters (byte"),
        (BODY[:-1], "Input data was truncated"),
        (
            body_with(schema="ccpor-report/2"),
            'schema is "ccpor-report/2"; this version reads ccpor-report/1',
        ),
        (body_with(run_id="x"), 'run_id is "x"; use a UUIDv7 in lower case'),
        (body_with(run_id="6f9619ff-8b86-4011-b42d-00c04fc964ff"), "use a UUIDv7"),
        (body_with(started_at="2026-11-23T17:04:05"), "started_at is 2026-11-23T17:04:05; write"),
        (body_with(verdict="maybe"), "Invalid enum value 'maybe' - at `$.verdict`"),
        (body_with(findings=[{}]), "Object missing required field `id` - at `$.findings[0]`"),
        (body_with(started_at="0001-01-01T00:00:00+23:59"), "outside the calendar"),
    ],
)
def test_a_bad_report_is_refused_with_the_path_and_the_value(body: bytes, message: str) -> None:
    """One line that somebody can act on; never a traceback."""
    said = refusal(body)

    assert message in said
    assert len(said) <= 300
    assert said.isprintable()


def test_a_hostile_value_cannot_write_to_the_log_or_the_terminal() -> None:
    """The message quotes what came in: a line end in it would forge a log line."""
    said = refusal(body_with(run_id="x\n2026 INFO ready \x1b[31m\x9b"))

    assert said.isprintable()


def test_fields_of_a_newer_agent_are_ignored() -> None:
    """The collector and the agents are never all updated on one day."""
    assert decode_report(body_with(weather={"sky": ["blue"]})) == REPORT


@given(st.binary(max_size=300))
def test_no_bytes_at_all_make_it_crash(body: bytes) -> None:
    """Anybody can post anything."""
    with pytest.raises(ReportInvalid):
        decode_report(body)


@given(at=st.integers(0, len(BODY) - 1), put=st.binary(min_size=1, max_size=3))
def test_a_damaged_report_is_read_or_refused_but_never_crashes(at: int, put: bytes) -> None:
    """Bytes rot on disks and on the way."""
    damaged = BODY[:at] + put + BODY[at + 1 :]
    with suppress(ReportInvalid):
        read = decode_report(damaged)
        assert decode_report(encode_report(read)) == read


@given(
    at=st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)),
    dice=st.binary(min_size=10, max_size=16),
)
def test_a_run_id_is_a_uuid_of_version_7_with_its_time_in_front(at: datetime, dice: bytes) -> None:
    """Run ids sort by time without a look inside (RFC 9562)."""
    made = UUID(new_run_id(at, dice))

    assert made.version == 7
    assert made.int >> 80 == (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert decode_report(body_with(run_id=str(made))).run_id == str(made)


def test_a_run_id_uses_its_dice() -> None:
    """Two machines that start in the same millisecond must not collide."""
    low, high = new_run_id(AT, bytes(10)), new_run_id(AT, b"\xff" * 10)

    assert (low[13:], high[13:]) == ("-7000-8000-000000000000", "-7fff-bfff-ffffffffffff")


@pytest.mark.parametrize(
    ("at", "dice", "message"),
    [
        (AT, bytes(9), "9 random bytes; a run id needs 10"),
        (AT.replace(tzinfo=None), bytes(10), "has no zone"),
        (datetime(1969, 12, 31, tzinfo=UTC), bytes(10), "does not fit a run id"),
    ],
)
def test_a_run_id_of_too_little_is_refused(at: datetime, dice: bytes, message: str) -> None:
    """A predictable id could be taken before its report arrives."""
    with pytest.raises(ValueError, match=message):
        new_run_id(at, dice)
