"""The access table of the API: what is not here is not reachable."""

from __future__ import annotations

from ccpor_reporting.capacity import protocol
from ccpor_server.access import Access, Entry
from ccpor_server.api import (
    capacity,
    courts,
    enroll,
    health,
    incidents,
    looks,
    openapi,
    reports,
    requests,
)

API = "/api/v1"
SLOT = f"{protocol.SLOTS}/{{slot_id}}"
GET, POST = ("GET",), ("POST",)

API_ENDPOINTS: tuple[Entry, ...] = (
    Entry(path=f"{API}/enroll", methods=POST, access=Access.MACHINE, endpoint=enroll.enroll),
    Entry(
        path=f"{API}/reports", methods=POST, access=Access.MACHINE, endpoint=reports.receive_report
    ),
    Entry(path=f"{API}/profile", methods=GET, access=Access.MACHINE, endpoint=enroll.profile),
    Entry(
        path=f"{API}/looks/{{target}}/{{check}}",
        methods=POST,
        access=Access.MACHINE,
        endpoint=looks.look,
    ),
    Entry(path=protocol.SLOTS, methods=POST, access=Access.MACHINE, endpoint=capacity.ask_for_slot),
    Entry(path=SLOT, methods=GET, access=Access.SLOT, endpoint=capacity.slot),
    Entry(path=SLOT, methods=("DELETE",), access=Access.SLOT, endpoint=capacity.give_back),
    Entry(path=protocol.UP, methods=POST, access=Access.SLOT, endpoint=capacity.up),
    Entry(path=protocol.DOWN, methods=GET, access=Access.SLOT, endpoint=capacity.down),
    Entry(path=protocol.ECHO, methods=GET, access=Access.SLOT, endpoint=capacity.echo),
    Entry(path=protocol.FEEDBACK, methods=GET, access=Access.SLOT, endpoint=capacity.feedback),
    Entry(path=f"{API}/courts", methods=GET, access=Access.READER, endpoint=courts.courts_list),
    Entry(
        path=f"{API}/courts/{{court_id}}/checklist",
        methods=GET,
        access=Access.READER,
        endpoint=courts.court_checklist,
    ),
    Entry(
        path=f"{API}/courts/{{court_id}}/machines",
        methods=GET,
        access=Access.READER,
        endpoint=courts.court_machines,
    ),
    Entry(
        path=f"{API}/reports/{{run_id}}", methods=GET, access=Access.READER, endpoint=reports.report
    ),
    Entry(
        path=f"{API}/reports/{{run_id}}/envelope",
        methods=GET,
        access=Access.READER,
        endpoint=reports.report_envelope,
    ),
    Entry(path=f"{API}/openapi.json", methods=GET, access=Access.PUBLIC, endpoint=openapi.document),
    Entry(path="/healthz", methods=GET, access=Access.PUBLIC, endpoint=health.healthz),
    Entry(path="/readyz", methods=GET, access=Access.PUBLIC, endpoint=health.readyz),
    Entry(path="/metrics", methods=GET, access=Access.OPERATIONS, endpoint=health.metrics),
    Entry(
        path=f"{API}/healthz",
        methods=GET,
        access=Access.PUBLIC,
        endpoint=health.healthz,
        operation="api_healthz",
    ),
    Entry(
        path=f"{API}/readyz",
        methods=GET,
        access=Access.PUBLIC,
        endpoint=health.readyz,
        operation="api_readyz",
    ),
    Entry(
        path=f"{API}/metrics",
        methods=GET,
        access=Access.OPERATIONS,
        endpoint=health.metrics,
        operation="api_metrics",
    ),
    *requests.ENTRIES,
    *incidents.ENTRIES,
)
