"""The text for the owner, ready to paste: who we are, what fails, when, what works, the ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import islice

from ccpor_reporting.diagnosis.facts import Facts
from ccpor_reporting.diagnosis.suspect import Suspect
from ccpor_reporting.model import Location, Machine, Owner
from ccpor_reporting.text import owner_words, plain_time, single_line

MOST_LISTED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What stands in every ticket of a run. local: the workstation's zone; None when unknown."""

    at: datetime
    local: tzinfo | None
    machine: Machine
    location: Location
    retest: str


def ticket(
    suspect: Suspect, known: Facts, letter: Letter, *, says: str, proof: tuple[str, ...], fix: str
) -> str:
    """Return plain text of short lines; foreign strings in it are single lines without controls."""
    first = suspect.first
    lines = [
        f"Subject: CCPOR, {letter.location.court} {letter.location.name}: {says}",
        "",
        f"To: {owner_words(first.owner)}",
        f"From: court {letter.location.court}, location {letter.location.name}, "
        f"workstation {letter.machine.name} ({letter.location.role})",
        f"What fails: {first.fault}",
        *(f"  - {line}" for line in _failing(suspect, known)),
        f"Seen at: {when(letter.at, letter.local)}",
        "What we saw:",
        *(f"  - {line}" for line in proof),
        "What works:",
        *(f"  - {line}" for line in _working(suspect, known)),
        f"What we ask {_whom(first.owner)} to do: {fix}",
        f"How to test again, on this workstation: {retest(suspect, letter.retest)}",
    ]
    return "\n".join(single_line(line) for line in lines) + "\n"


def when(at: datetime, local: tzinfo | None) -> str:
    """Return the time in UTC and, where it is known and differs, on the workstation's clock."""
    utc = plain_time(at)
    if local is None:
        return utc
    here = at.astimezone(local)
    if here.utcoffset() == UTC.utcoffset(None):
        return utc
    return f"{utc} ({here:%Y-%m-%d %H:%M:%S} {here.tzname() or here.strftime('%z')} local time)"


def retest(suspect: Suspect, command: str) -> str:
    """Return *command* narrowed to the targets of this cause."""
    if "--only" in command:
        return command
    return " ".join([command, *(f"--only {target}" for target in suspect.targets)])


def _failing(suspect: Suspect, known: Facts) -> list[str]:
    listed = [
        f"{known.title(target)} ({target}): {known.targets[target].url}"
        for target in suspect.targets
        if target in known.targets
    ]
    if len(listed) > MOST_LISTED:
        return [*listed[:MOST_LISTED], f"and {len(listed) - MOST_LISTED} more"]
    return listed


def _working(suspect: Suspect, known: Facts) -> list[str]:
    same = [f for target in suspect.targets for f in known.passed_on(target)]
    if same:
        return [f"{finding.id}: {finding.summary}" for finding in same[:MOST_LISTED]]
    # Nothing passed on these targets: what works elsewhere says that the workstation has a network.
    passes = (finding for passes in known.passed.values() for finding in passes)
    reached = (f for f in passes if f.code in {"tcp.reach", "dns.answer"})
    told = [f"{finding.id}: {finding.summary}" for finding in islice(reached, 3)]
    if not told:
        return ["nothing that was looked at in this run could be reached"]
    return [*told, "nothing on the targets named above"]


def _whom(owner: Owner) -> str:
    return "you" if owner is not Owner.COURT_IT else "court IT"
