"""What was compared for a failed target, and how packets walked to it, read with tolerance.

A stored report may come from another version: what does not read as a contrast or a walk is left
aside, and nothing is concluded from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from ccpor_reporting.contrasts import CHECK, UNKNOWN, WORKS, Contrast, Walk
from ccpor_reporting.model import Finding, Json, Observation

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Compared:
    """All that one target was compared with. about: ids of findings; empty: of any of them."""

    about: frozenset[str] = frozenset()
    contrasts: tuple[Contrast, ...] = ()
    walks: tuple[Walk, ...] = ()

    def speaks_of(self, members: Iterable[Finding]) -> bool:
        return not self.about or any(finding.id in self.about for finding in members)


NOTHING = Compared()


def by_target(observations: Iterable[Observation]) -> Mapping[str, Compared]:
    """Return what stands in the observations of ``contrast``, and the walks of any other check."""
    found: dict[str, Compared] = {}
    for seen in observations:
        mine = seen.check == CHECK
        walks = _read(seen.evidence.get("walks"), Walk)
        contrasts = _read(seen.evidence.get("contrasts"), Contrast) if mine else ()
        if not (mine or walks):
            continue
        known = found.get(seen.target, NOTHING)
        about = _texts(seen.evidence.get("about")) if mine else frozenset()
        found[seen.target] = Compared(
            about=known.about | about,
            contrasts=known.contrasts + contrasts,
            walks=known.walks + walks,
        )
    return found


def read_walks(entries: Json) -> tuple[Walk, ...]:
    """Return those of *entries* that read as walks."""
    return _read(entries, Walk)


def works(contrast: Contrast) -> bool:
    return contrast.outcome == WORKS


def fails(contrast: Contrast) -> bool:
    return contrast.outcome not in (WORKS, UNKNOWN)


def _read(entries: Json, noun: type[T]) -> tuple[T, ...]:
    found = []
    for entry in entries if isinstance(entries, list | tuple) else ():
        try:
            found.append(msgspec.convert(entry, noun))
        except msgspec.ValidationError:
            continue
    return tuple(found)


def _texts(entries: Json) -> frozenset[str]:
    listed = entries if isinstance(entries, list | tuple) else ()
    return frozenset(entry for entry in listed if isinstance(entry, str))
