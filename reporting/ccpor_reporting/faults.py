"""The catalogue of faults: every code, its closed list of reasons, and the words for people.

The words live in ``faults.toml`` beside this file, so that somebody who writes no Python can mend a
sentence. `explain`, the docs page and each failed finding's fix are read from here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec

from ccpor_reporting.model import Finding, Owner

FAR_END = "far-end"  # the owner that the profile names for the target


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fault. means: what it says; see: how to see it by hand; fix: what to do; owner: who.

    `owner` is one of the profile's owners, or ``far-end``: whoever runs the target.
    """

    means: str
    see: str
    fix: str
    owner: str

    def owner_for(self, far_end: Owner) -> Owner:
        return far_end if self.owner == FAR_END else Owner(self.owner)


class Code(msgspec.Struct, frozen=True):
    """One code. title: what passing shows, as a clause; reasons: the closed list."""

    code: str
    title: str
    reasons: Mapping[str, Reason]


@cache
def catalogue() -> Mapping[str, Code]:
    """Return all codes by name, in the catalogue's order.

    Raises:
        ValueError: ``faults.toml`` was edited and no longer reads; the message names the entry.
    """
    text = files("ccpor_reporting").joinpath("faults.toml").read_text(encoding="utf-8")
    codes: dict[str, Code] = {}
    for code, entry in tomllib.loads(text).items():
        title = entry.pop("title")
        try:
            reasons = msgspec.convert(entry, dict[str, Reason])
        except msgspec.ValidationError as exc:
            raise ValueError(f"faults.toml: {code}: {exc}") from exc
        codes[code] = Code(code, title, reasons)
    return codes


def has_own_words(finding: Finding) -> bool:
    """Say whether *finding* brings its own fix: then the catalogue's words say another thing."""
    entry = catalogue().get(finding.code)
    reason = entry.reasons.get(finding.reason or "") if entry else None
    return reason is not None and finding.fix is not None and finding.fix != reason.fix
