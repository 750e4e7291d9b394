"""Numbers for Prometheus; a registry for each application, so that tests do not share one."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """What the collector counts. No court, machine or person is a label."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "ccpor_collector_requests",
            "Requests answered, by route and status.",
            ["route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "ccpor_collector_request_seconds",
            "Time to answer, by route.",
            ["route"],
            registry=self.registry,
        )
        self.reports = Counter(
            "ccpor_collector_reports",
            "Reports that came in, by what the store held before.",
            ["held"],
            registry=self.registry,
        )

    def text(self) -> bytes:
        return generate_latest(self.registry)
