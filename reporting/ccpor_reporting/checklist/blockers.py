"""What keeps courts from going live, by cause, over all courts: a pure function.

The same fault at many courts is central; at one it is local (DESIGN: the crowd).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ccpor_reporting.checklist.model import Received
from ccpor_reporting.model import Cause, Severity


class Blocker(msgspec.Struct, frozen=True, kw_only=True):
    """One fault with one owner, and where it is: workstations by court, newest reports only."""

    fault: str
    owner: str
    summary: str  # of the newest report that shows it
    machines: dict[str, tuple[str, ...]]  # by court id, names in order

    @property
    def courts(self) -> int:
        return len(self.machines)


def blockers(newest: Mapping[str, Iterable[Received]], *, at_least: int = 1) -> tuple[Blocker, ...]:
    """Return the blocking causes of the newest report of each workstation, most courts first.

    newest: by court id, one report a workstation. at_least: how many courts must show it.
    """
    shown: dict[tuple[str, str], list[tuple[str, Received, Cause]]] = {}
    for court, reports in newest.items():
        for one in reports:
            for cause in one.report.causes:
                if cause.severity is Severity.BLOCKER:
                    shown.setdefault((cause.fault, cause.owner), []).append((court, one, cause))
    found = [_blocker(fault, owner, some) for (fault, owner), some in shown.items()]
    kept = [one for one in found if one.courts >= at_least]
    return tuple(sorted(kept, key=lambda one: (-one.courts, one.fault, one.owner)))


def _blocker(fault: str, owner: str, some: Sequence[tuple[str, Received, Cause]]) -> Blocker:
    machines: dict[str, set[str]] = {}
    for court, received, _ in some:
        machines.setdefault(court, set()).add(received.report.machine.name)
    _, _, told = max(some, key=lambda one: (one[1].at, one[1].report.run_id))
    return Blocker(
        fault=fault,
        owner=owner,
        summary=told.summary,
        machines={court: tuple(sorted(names)) for court, names in sorted(machines.items())},
    )
