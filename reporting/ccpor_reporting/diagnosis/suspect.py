"""One fault in one place, before it is put into words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ccpor_reporting.model import Confidence, Finding, Owner, Severity


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is. words: as a cause shows it; owner: None where nothing shows whose it is."""

    words: str
    owner: Owner | None = None


@dataclass(frozen=True, slots=True)
class Concluded:
    """What the rules say beyond the findings; None where they say nothing."""

    fault: str | None = None
    owner: Owner | None = None
    place: Place | None = None
    fix: str | None = None
    confidence: Confidence | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """members: its own failed findings; explains: ids, its own first; folded: failed findings of
    other faults that it explains, with the sentence that says how we know."""

    members: tuple[Finding, ...]
    explains: tuple[str, ...]
    folded: tuple[Finding, ...] = ()
    because: tuple[str, ...] = ()
    concluded: Concluded = Concluded()

    @property
    def first(self) -> Finding:
        """Return the member that people act on: a blocker if there is one."""
        return next((f for f in self.members if f.severity is Severity.BLOCKER), self.members[0])

    @property
    def seen_fault(self) -> str:
        """Return the fault as it was found."""
        return self.first.fault or self.first.code

    @property
    def fault(self) -> str:
        """Return the fault that people act on: the concluded one where there is one."""
        return self.concluded.fault or self.seen_fault

    @property
    def owner(self) -> Owner:
        return self.concluded.owner or self.first.owner

    @property
    def place(self) -> str:
        return self.concluded.place.words if self.concluded.place else ""

    @property
    def severity(self) -> Severity:
        """Return the worst of what it explains: a warning that stops a blocker is a blocker."""
        all_failed = self.members + self.folded
        blocks = any(finding.severity is Severity.BLOCKER for finding in all_failed)
        return Severity.BLOCKER if blocks else Severity.WARNING

    @property
    def targets(self) -> tuple[str, ...]:
        """Return the targets it shows on, the one to look at first in front."""
        everywhere = (self.first, *self.members, *self.folded)
        return tuple(dict.fromkeys(finding.target for finding in everywhere))

    def taking(self, other: Suspect, why: str, confidence: Confidence | None) -> Suspect:
        """Return this suspect with all that *other* explained.

        confidence: of the link between the two; None leaves it to what is known of this one.
        """
        return replace(
            self,
            explains=tuple(dict.fromkeys(self.explains + other.explains)),
            folded=self.folded + other.members + other.folded,
            because=tuple(dict.fromkeys((*self.because, why))),
            concluded=replace(
                self.concluded, confidence=least(self.concluded.confidence, confidence)
            ),
        )


SURENESS = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)


def least(one: Confidence | None, other: Confidence | None) -> Confidence | None:
    """Return the lesser of two; None is "nothing said"."""
    said = [each for each in (one, other) if each is not None]
    return min(said, key=SURENESS.index) if said else None
