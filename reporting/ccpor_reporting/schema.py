"""The JSON Schema of a report, published from the types.

``python -m ccpor_reporting.schema`` writes it to standard output.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

from ccpor_reporting.codec import UUID7
from ccpor_reporting.model import SCHEMA, Report

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of ``ccpor-report/1``; fields we do not know are allowed."""
    (root,), parts = msgspec.json.schema_components([Report], ref_template="#/$defs/{name}")
    report = parts["Report"]
    report["properties"]["schema"] = {"const": SCHEMA}
    report["properties"]["run_id"] = {"type": "string", "pattern": f"^{UUID7.pattern}$"}
    report["required"] = [*report["required"], "schema"]
    for part in parts.values():
        for field, value in part.get("properties", {}).items():
            if field in {"started_at", "finished_at"}:
                value |= {"format": "date-time", "pattern": "Z$"}
    return {
        "$schema": DIALECT,
        "$id": f"urn:{SCHEMA.replace('/', ':')}",
        "title": f"A readiness report ({SCHEMA})",
        **root,
        "$defs": parts,
    }


def schema_text() -> str:
    return json.dumps(report_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
