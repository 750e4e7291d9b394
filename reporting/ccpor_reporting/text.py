"""Values as words, and foreign text made safe to show: used by every output for people."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from ccpor_reporting.model import Finding, Json, Owner, Severity, Status, Verdict

OWNER_WORDS = {
    Owner.COURT_IT: "court IT",
    Owner.COUNTY_NETWORK: "county network",
    Owner.DATACENTER: "datacenter",
    Owner.GATEWAY: "gateway operator",
    Owner.DOJ: "California DOJ",
    Owner.VENDOR: "vendor",
}
STATUS_WORDS = {
    Status.PASS: "pass",
    Status.FAIL: "FAIL",
    Status.ERROR: "error",
    Status.SKIP: "skipped",
    Status.NOT_APPLICABLE: "n/a",
}
SEVERITY_WORDS = {
    Severity.BLOCKER: "blocks go-live",
    Severity.WARNING: "warning",
    Severity.INFO: "for information",
}
VERDICT_WORDS = {
    Verdict.READY: "READY",
    Verdict.NOT_READY: "NOT READY",
    Verdict.UNKNOWN: "COULD NOT TELL",
}
# Cc: C0 and C1 with ESC and CSI; Cf: direction overrides that turn text around and invisible
# joiners; Cs: surrogates; Zl, Zp: line ends that some programs honour.
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
LONGEST_VALUE = 200


def owner_words(owner: Owner) -> str:
    return OWNER_WORDS[owner]


def single_line(text: str) -> str:
    """Return *text* without anything that moves a cursor, hides or reorders what is read.

    Line ends and tabs become a blank, other control and format characters the replacement sign.
    """
    if text.isascii() and text.isprintable():  # nearly all text, and a report has much of it
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character in "\t\n\r\u2028\u2029\x0b\x0c\x85":
        return " "
    if character.isascii() and character >= " " and character != "\x7f":
        return character
    return "\ufffd" if unicodedata.category(character) in _UNSHOWN else character


def plain_time(at: datetime) -> str:
    """Return e.g. ``2026-11-23 15:04:05 UTC``."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def local_time(at: datetime, local: tzinfo) -> str:
    """Return e.g. ``2026-11-23 07:04:05 -08:00``."""
    here = at.astimezone(local)
    offset = f"{here:%z}"  # +HHMM, more digits only where a zone has seconds
    return f"{here:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:]}"


def value_words(value: Json, unit: str | None = None) -> str:
    """Return an observed value as people read it, on one line; "" for None."""
    said = _value(value)
    if unit and said:
        said = f"{said} {unit}"
    said = single_line(said)
    return said if len(said) <= LONGEST_VALUE else said[: LONGEST_VALUE - 1] + "…"


def seen_value(finding: Finding) -> str:
    """Return the observed value where it tells more than the summary, which mostly holds it."""
    value = finding.observed
    if value is None or isinstance(value, Mapping | list | tuple):
        return ""
    said = value_words(value, finding.unit)
    return "" if said in single_line(finding.summary) else said


def _value(value: Json) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case Mapping():
            return ", ".join(f"{key} {_value(item)}" for key, item in value.items())
        case list() | tuple():
            return ", ".join(_value(item) for item in value)
        case _:
            return str(value)
