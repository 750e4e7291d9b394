"""The published schema says what the code does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ccpor_reporting.codec import encode_report
from ccpor_reporting.schema import report_schema, schema_text
from tests.reporting.golden_file import matches_file
from tests.reporting.reports import ready_report, rich_report


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_published_schema_is_current(root: Path) -> None:
    """Other programs validate with the file in the repository, not with our types."""
    published = root / "docs" / "schema" / "ccpor-report-1.schema.json"

    assert matches_file(published, schema_text())


@pytest.mark.parametrize("report", [rich_report(), ready_report()])
def test_a_real_report_is_valid(validator: jsonschema.Draft202012Validator, report: Any) -> None:
    """If our own report fails our own schema, one of them lies."""
    assert list(validator.iter_errors(json.loads(encode_report(report)))) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schema", "ccpor-report/2"),
        ("run_id", "6f9619ff-8b86-4011-b42d-00c04fc964ff"),
        ("verdict", "maybe"),
        ("started_at", "2026-11-23T17:04:05+01:00"),
        ("findings", [{}]),
    ],
)
def test_a_wrong_field_is_invalid(
    validator: jsonschema.Draft202012Validator, field: str, value: Any
) -> None:
    """Negative control: a schema that allows everything proves nothing."""
    wrong = {**json.loads(encode_report(rich_report())), field: value}

    assert {error.path[0] for error in validator.iter_errors(wrong)} == {field}


def test_a_report_without_its_schema_is_invalid(
    validator: jsonschema.Draft202012Validator,
) -> None:
    """The first thing a reader asks is which schema this is."""
    wrong = json.loads(encode_report(rich_report()))
    del wrong["schema"]

    assert [error.message for error in validator.iter_errors(wrong)] == [
        "'schema' is a required property"
    ]
