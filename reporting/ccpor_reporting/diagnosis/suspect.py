"""One fault in one place, before it is put into words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ccpor_reporting.model import Finding, Severity


@dataclass(frozen=True, slots=True)
class Suspect:
    """members: its own failed findings; explains: ids, its own first; folded: failed findings of
    other faults that it explains, with the sentence that says how we know."""

    members: tuple[Finding, ...]
    explains: tuple[str, ...]
    folded: tuple[Finding, ...] = ()
    because: tuple[str, ...] = ()

    @property
    def first(self) -> Finding:
        """Return the member that people act on: a blocker if there is one."""
        return next((f for f in self.members if f.severity is Severity.BLOCKER), self.members[0])

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

    def taking(self, other: Suspect, why: str) -> Suspect:
        """Return this suspect with all that *other* explained."""
        return replace(
            self,
            explains=tuple(dict.fromkeys(self.explains + other.explains)),
            folded=self.folded + other.members + other.folded,
            because=(*self.because, why),
        )
