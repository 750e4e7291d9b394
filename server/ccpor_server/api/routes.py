"""The access table of the API: what is not here is not reachable."""

from __future__ import annotations

from ccpor_server.access import Access, Entry
from ccpor_server.api import courts, enroll, health, looks, openapi, reports

API = "/api/v1"
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
)
