"""The report as indented JSON: what `decode_report` reads back, safe on a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from ccpor_reporting.codec import encode_report
from ccpor_reporting.model import Report

if TYPE_CHECKING:
    from ccpor_reporting.render import Style

# JSON escapes C0 itself; DEL, C1 and what reorders text may stand raw in a JSON string.
_RISKY = re.compile(
    "[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


def write(report: Report, _style: Style) -> str:
    return escaped(msgspec.json.format(encode_report(report), indent=2).decode()) + "\n"


def escaped(text: str) -> str:
    """Return JSON *text* with risky characters escaped: they stand in strings only."""
    return _RISKY.sub(lambda match: _escape(match.group()), text)


def _escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
