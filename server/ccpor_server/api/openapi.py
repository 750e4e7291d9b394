"""The OpenAPI document, made from the access table and the types; nothing is written twice."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

import ccpor_reporting
from ccpor_reporting.capacity.protocol import MOST_FLOWS, Arrived, Counted, Slot
from ccpor_reporting.envelope import ENVELOPE_MEDIA_TYPE
from ccpor_server.access import Access, Entry
from ccpor_server.api.capacity import LEAST_MBIT, MOST_BYTES, MOST_MBIT
from ccpor_server.api.requests import AskedRun, AskedRuns
from ccpor_server.capacity.slots import LineWish
from ccpor_server.enrollment import Enrolled, Wish
from ccpor_server.ingest import Answer
from ccpor_server.looks import STAGES, Look
from ccpor_server.problems import PROBLEM_TYPE, Problem, json_response

Json = dict[str, Any]
_TYPES: tuple[Any, ...] = (
    Answer,
    Arrived,
    AskedRun,
    AskedRuns,
    Counted,
    Enrolled,
    LineWish,
    Look,
    Problem,
    Slot,
    Wish,
)
_ENVELOPE: Json = {
    "type": "object",
    "description": "A DSSE envelope with exactly one signature, ECDSA P-256 over SHA-256.",
    "required": ["payload", "payloadType", "signatures"],
    "additionalProperties": False,
    "properties": {
        "payload": {"type": "string", "contentEncoding": "base64"},
        "payloadType": {"type": "string"},
        "signatures": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["keyid", "sig"],
                "additionalProperties": False,
                "properties": {"keyid": {"type": "string"}, "sig": {"type": "string"}},
            },
        },
    },
    "example": {
        "payload": "e30=",
        "payloadType": "application/vnd.ccpor.report+json",
        "signatures": [{"keyid": "0" * 64, "sig": "MAYCAQECAQE="}],
    },
}
_WISH_EXAMPLE = {
    "code": "ABCD-EFGH-IJKL-MNOP-QRST-UVWX-YZ23-4567",
    "public_key": "-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n",
    "machine": {"name": "SCAN-01", "os": "Windows 11"},
}
_SECURITY: dict[Access, list[Json]] = {
    Access.PUBLIC: [],
    Access.MACHINE: [],  # the envelope, the code or the request's own signature
    Access.SLOT: [{"slot": []}],
    Access.READER: [{"session": []}],
    Access.ADMINISTRATOR: [{"session": []}],
    Access.OPERATIONS: [{"operations": []}],
}
_BODIES: dict[str, Json] = {
    "receive_report": {ENVELOPE_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Envelope"}}},
    "enroll": {"application/json": {"schema": {"$ref": "#/components/schemas/Wish"}}},
    "ask_for_slot": {"application/json": {"schema": {"$ref": "#/components/schemas/LineWish"}}},
    "up": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}
_ANSWERS: dict[str, Json] = {
    "receive_report": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}},
    "enroll": {"application/json": {"schema": {"$ref": "#/components/schemas/Enrolled"}}},
    "look": {"application/json": {"schema": {"$ref": "#/components/schemas/Look"}}},
    "ask_for_slot": {"application/json": {"schema": {"$ref": "#/components/schemas/Slot"}}},
    "slot": {"application/json": {"schema": {"$ref": "#/components/schemas/Slot"}}},
    "up": {"application/json": {"schema": {"$ref": "#/components/schemas/Counted"}}},
    "down": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    "feedback": {"application/x-ndjson": {"schema": {"$ref": "#/components/schemas/Arrived"}}},
    "profile": {ENVELOPE_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Envelope"}}},
    "report_envelope": {ENVELOPE_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Envelope"}}},
    "waiting_requests": {
        "application/json": {"schema": {"$ref": "#/components/schemas/AskedRuns"}}
    },
    "metrics": {"text/plain": {"schema": {"type": "string"}}},
}
_ANY: Json = {"type": "string"}
_PARAMETERS: dict[str, Json] = {
    "target": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"},
    "check": {"type": "string", "enum": list(STAGES)},
}
_FLOW: Json = {"type": "integer", "minimum": 0, "maximum": MOST_FLOWS - 1, "default": 0}
_QUERIES: dict[str, dict[str, Json]] = {
    "up": {"flow": _FLOW},
    "down": {
        "flow": _FLOW,
        "bytes": {"type": "integer", "minimum": 1, "maximum": MOST_BYTES, "default": 1},
        "mbit": {"type": "number", "minimum": LEAST_MBIT, "maximum": MOST_MBIT},
    },
    "feedback": {"flows": {"type": "integer", "minimum": 1, "maximum": MOST_FLOWS, "default": 1}},
}
_STATUS = re.compile(r"\b(20\d|30\d|4\d\d|50\d)\b")
_BARE = {204: "done", 304: "not modified"}


def built(entries: tuple[Entry, ...]) -> Json:
    """Return the OpenAPI 3.1 document of *entries*; pages are left out."""
    (_, components) = msgspec.json.schema_components(
        _TYPES, ref_template="#/components/schemas/{name}"
    )
    components["Wish"]["example"] = _WISH_EXAMPLE
    return {
        "openapi": "3.1.0",
        "info": {"title": "ccpor-collector", "version": ccpor_reporting.__version__},
        "paths": _paths(entries),
        "components": {
            "schemas": {**components, "Envelope": _ENVELOPE},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-ccpor"},
                "operations": {"type": "http", "scheme": "bearer"},
                "slot": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _paths(entries: tuple[Entry, ...]) -> Json:
    paths: Json = {}
    for entry in entries:
        for method in entry.methods:
            paths.setdefault(entry.path, {})[method.lower()] = _operation(entry)
    return paths


def _operation(entry: Entry) -> Json:
    text = entry.endpoint.__doc__ or ""
    statuses = sorted({int(found) for found in _STATUS.findall(text)} | _from_guard(entry))
    operation: Json = {
        "operationId": entry.operation or entry.name,
        "summary": text.partition("\n")[0].split(". ")[0].rstrip("."),
        "security": _SECURITY[entry.access],
        "responses": {str(status): _response(entry, status) for status in statuses},
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _PARAMETERS.get(name, _ANY)}
        for name in re.findall(r"{(\w+)}", entry.path)
    ] + [
        {"name": name, "in": "query", "schema": schema}
        for name, schema in _QUERIES.get(entry.name, {}).items()
    ]
    if parameters:
        operation["parameters"] = parameters
    if body := _BODIES.get(entry.name):
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _from_guard(entry: Entry) -> set[int]:
    """Return what the guard and the server answer whatever the endpoint does."""
    if entry.access is Access.SLOT:
        return {401, 429}
    signed_in = entry.access in {Access.READER, Access.ADMINISTRATOR}
    return {401, 403} if signed_in else set()


def _response(entry: Entry, status: int) -> Json:
    if status in _BARE:
        return {"description": _BARE[status]}
    if status >= 400:
        schema = {"$ref": "#/components/schemas/Problem"}
        return {"description": "refused", "content": {PROBLEM_TYPE: {"schema": schema}}}
    content = _ANSWERS.get(entry.name, {"application/json": {"schema": {"type": "object"}}})
    return {"description": "done", "content": content}


async def document(_request: Request) -> Response:
    """Send this API's OpenAPI document. 200."""
    from ccpor_server.api.routes import API_ENDPOINTS

    return json_response(built(API_ENDPOINTS))
