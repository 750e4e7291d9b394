"""Numbers for Prometheus; a registry for each application, so that tests do not share one."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

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

        self._add_capacity()

    def _add_capacity(self) -> None:
        self.turns_now = Gauge(
            "ccpor_collector_capacity_turns_now",
            "Turns at measuring a line, granted and waiting.",
            ["state"],
            registry=self.registry,
        )
        self.turns = Counter(
            "ccpor_collector_capacity_turns",
            "Turns that ended, by how.",
            ["end"],
            registry=self.registry,
        )
        self.moved = Counter(
            "ccpor_collector_capacity_bytes",
            "Bytes moved to measure lines, by direction.",
            ["way"],
            registry=self.registry,
        )
        self.reflected = Counter(
            "ccpor_collector_reflector_packets",
            "STAMP packets that were reflected, or dropped and why.",
            ["what"],
            registry=self.registry,
        )

    def text(self) -> bytes:
        return generate_latest(self.registry)
