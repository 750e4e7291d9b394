"""CSV (RFC 4180): one row a finding, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import UTC
from typing import TYPE_CHECKING

from ccpor_reporting.model import Finding, Report
from ccpor_reporting.render.words import target_title
from ccpor_reporting.text import single_line, value_words

if TYPE_CHECKING:
    from ccpor_reporting.render import Style

COLUMNS = (
    "court",
    "location",
    "role",
    "workstation",
    "started_at",
    "run_id",
    "target",
    "target_title",
    "check",
    "code",
    "status",
    "severity",
    "reason",
    "fault",
    "observed",
    "unit",
    "expected",
    "summary",
    "owner",
    "fix",
    "because",
)
# What starts a formula in Excel or LibreOffice; the full-width forms do in some languages.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write(report: Report, _style: Style) -> str:
    out = io.StringIO()
    rows = csv.writer(out)  # its default dialect is RFC 4180: CRLF, quotes doubled
    rows.writerow(COLUMNS)
    for finding in report.findings:
        rows.writerow([safe_cell(cell) for cell in _row(finding, report)])
    return out.getvalue()


def safe_cell(text: str) -> str:
    """Return *text* on one line; what a spreadsheet would run gets a quote in front."""
    shown = single_line(text)
    return f"'{shown}" if text.startswith(FORMULA) or shown.lstrip().startswith(FORMULA) else shown


def _row(finding: Finding, report: Report) -> tuple[str, ...]:
    return (
        report.location.court,
        report.location.name,
        report.location.role,
        report.machine.name,
        f"{report.started_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",  # RFC 3339
        report.run_id,
        finding.target,
        target_title(report, finding.target),
        finding.check,
        finding.code,
        finding.status.value,
        finding.severity.value,
        finding.reason or "",
        finding.fault or "",
        value_words(finding.observed),
        finding.unit or "",
        finding.expected or "",
        finding.summary,
        finding.owner.value,
        finding.fix or "",
        finding.because or "",
    )
