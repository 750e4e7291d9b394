"""Contrasts in words: what was compared, and what came of it. Nothing that was not looked at."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from ccpor_reporting.contrasts import Contrast
from ccpor_reporting.diagnosis.compared import fails, works
from ccpor_reporting.diagnosis.conditions import contrasts_of
from ccpor_reporting.diagnosis.facts import Facts
from ccpor_reporting.diagnosis.places import broken_resolvers, proxy_of
from ccpor_reporting.diagnosis.rulebook import Rules
from ccpor_reporting.diagnosis.suspect import Suspect


def told(suspect: Suspect, known: Facts, rules: Rules) -> list[str]:
    """Return a sentence for each contrast that a rule tells, in the rules' order."""
    return [said for said, _ in _told(suspect, known, rules)]


def told_works(suspect: Suspect, known: Facts, rules: Rules) -> list[str]:
    """Return the sentences of the contrasts that show something working."""
    return [said for said, shows in _told(suspect, known, rules) if shows]


def _told(suspect: Suspect, known: Facts, rules: Rules) -> list[tuple[str, bool]]:
    found: dict[str, bool] = {}
    contrasts = contrasts_of(suspect, known)
    for rule in rules.tells:
        ends_so = works if rule.outcome == "works" else fails
        for contrast in contrasts:
            if contrast.kind == rule.kind and ends_so(contrast):
                found.setdefault(filled(rule.says, suspect, known, contrast), rule.works)
    return list(found.items())


def filled(
    text: str,
    suspect: Suspect,
    known: Facts,
    contrast: Contrast | None = None,
    *,
    other: Suspect | None = None,
) -> str:
    """Return *text* with the words in braces filled in; what is not known is left empty."""
    if "{" not in text:
        return text
    return text.format_map(_words(suspect, known, contrast, other))


def _words(
    suspect: Suspect, known: Facts, contrast: Contrast | None, other: Suspect | None
) -> Mapping[str, str]:
    servers = broken_resolvers(suspect.first)
    return {
        "what": contrast.what if contrast else "",
        "end": _end(contrast, suspect, known) if contrast else "",
        "ms": f" in {contrast.ms:.4g} ms" if contrast and contrast.ms is not None else "",
        "outcome": contrast.outcome if contrast else "",
        "detail": f" ({contrast.detail})" if contrast and contrast.detail else "",
        "place": suspect.place,
        "hop": suspect.place.removeprefix("at or past "),
        "other": other.first.id if other else "",
        "name_server": ", ".join(servers) or "the name server",
        "proxy": proxy_of(suspect.first, known) or "the proxy",
    }


def _end(contrast: Contrast, suspect: Suspect, known: Facts) -> str:
    """Return ``port 22 of the same host``, or the address and port as they were compared."""
    if known.is_same_host(contrast, suspect.first.target) and contrast.port:
        return f"port {contrast.port} of the same host"
    return _bare(contrast.what)


def _bare(what: str) -> str:
    try:
        parts = urlsplit(what)
        port = f" port {parts.port}" if parts.port else ""
        return f"{parts.hostname}{port}" if parts.hostname else what
    except ValueError:
        return what
