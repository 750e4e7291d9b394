"""Evidence as it comes from a healthy scanner, and its judgement; tests change one thing each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from ccpor_checks.scanner import CHECK
from ccpor_checks.scanner.evidence import (
    Device,
    DriverFact,
    PageFact,
    SampleFact,
    ScannerEvidence,
    ScannerOptions,
    TestPageFact,
)
from ccpor_reporting.judging import judge, planned_rules
from ccpor_reporting.model import Finding, Owner, Severity, Status, TargetRef
from ccpor_reporting.rules import Setting

REF = TargetRef(id="s", title="S", url="sane:x", why="", owner=Owner.COURT_IT, required=True)
AT = datetime(2026, 11, 24, tzinfo=UTC)
TEST_PAGE = TestPageFact(version=1, contrast=0.95, finest_lp_mm=4.0, dpi_x=299.0, dpi_y=299.5)


def page(number: int = 1, **other: Any) -> PageFact:
    good: dict[str, Any] = {
        "width_px": 2550,
        "height_px": 3300,
        "dpi_x": 300.0,
        "dpi_y": 300.0,
        "mode": "bilevel",
        "format": "tiff",
        "kb": 41.0,
        "ink_pct": 5.0,
        "is_blank": False,
        "skew_deg": 0.4,
        "test_page": TEST_PAGE,
    }
    return PageFact(number=number, **{**good, **other})


def sample(count: int, /, **other: Any) -> SampleFact:
    good: dict[str, Any] = {
        "asked_pages": count,
        "asked_dpi": 300,
        "asked_mode": "bilevel",
        "source": "feeder",
        "pages": count,
        "seconds": 2.0 * count,
        "pages_per_minute": 30.0,
        "ended": "done",
    }
    return SampleFact(**{**good, **other})


def evidence(*pages: PageFact, **other: Any) -> ScannerEvidence:
    pages = pages or (page(1), page(2))
    good: dict[str, Any] = {
        "kind": "sane",
        "asked": "fi-7160",
        "looked": ("scanimage",),
        "device": (
            device := Device(name="fujitsu:fi-7160", kind="sane", maker="FUJITSU", model="fi-7160")
        ),
        "devices": (device,),
        "driver": DriverFact(name="SANE backend fujitsu", version="1.1.1", bitness=(64,)),
        "state": "ready",
        "sample": sample(len(pages)),
        "pages": pages,
    }
    return ScannerEvidence(**{**good, **other})


def judged(seen: ScannerEvidence, **options: Any) -> Mapping[str, Finding]:
    """Return the findings by code, the evidence taken through JSON as in a stored report."""
    wanted = msgspec.convert(options, ScannerOptions)
    stored = msgspec.json.decode(msgspec.json.encode(seen), type=ScannerEvidence)
    found = judge(
        check=CHECK.id,
        rules=planned_rules(CHECK.rules, wanted),
        staged=CHECK.staged,
        target=REF,
        options=wanted,
        evidence=stored,
        ending=None,
        setting=Setting(observed_at=AT),
    )
    return {finding.code: finding for finding in found.findings}


def faults(found: Mapping[str, Finding]) -> dict[str, Severity]:
    """Return what failed, and what it costs."""
    return {str(each.fault): each.severity for each in found.values() if each.status is Status.FAIL}


def stopped_by(found: Mapping[str, Finding]) -> dict[str, str]:
    """Return which rule was skipped because of which other."""
    return {
        code.partition(".")[2]: (each.because or "").rpartition(".")[2]
        for code, each in found.items()
        if each.status is Status.SKIP
    }
