"""The text for the owner, ready to paste: who we are, what fails, when, what works, the ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from ccpor_reporting.diagnosis.facts import Facts
from ccpor_reporting.diagnosis.suspect import Suspect
from ccpor_reporting.diagnosis.ways import HERE
from ccpor_reporting.diagnosis.wire import connection, hop
from ccpor_reporting.diagnosis.words import Teller
from ccpor_reporting.model import Location, Machine, Owner
from ccpor_reporting.text import local_time, owner_words, plain_time, single_line

NO_ROUTE = "tcp.reach/network-unreachable"
MOST_LISTED = 8
MOST_ENDS = 200
MOST_ELSEWHERE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What stands in every ticket of a run. local: the workstation's zone; None when unknown."""

    at: datetime
    local: tzinfo | None
    machine: Machine
    location: Location
    retest: str


def ticket(
    suspect: Suspect,
    teller: Teller,
    letter: Letter,
    *,
    says: str,
    proof: tuple[str, ...],
    fix: str,
) -> str:
    """Return plain text of short lines; foreign strings in it are single lines without controls."""
    known, owner = teller.known, suspect.owner
    lines = [
        f"Subject: CCPOR, {letter.location.court} {letter.location.name}: {says}",
        "",
        f"To: {owner_words(owner)}",
        f"From: court {letter.location.court}, location {letter.location.name}, "
        f"workstation {letter.machine.name} ({letter.location.role})",
        f"What fails: {suspect.fault}",
        *(f"  - {line}" for line in _failing(suspect, known)),
        *_connections(suspect, known),
        *([f"Where: {suspect.place}"] if suspect.place not in ("", HERE) else []),
        f"Seen at: {when(letter.at, letter.local)}",
        "What we saw:",
        *(f"  - {line}" for line in proof),
        "What works:",
        *(f"  - {line}" for line in _working(suspect, teller)),
        f"What we ask {_whom(owner)} to do: {fix}{_here(suspect, known)}",
        *_retest(suspect, letter.retest),
    ]
    return "\n".join(single_line(line) for line in lines) + "\n"


def when(at: datetime, local: tzinfo | None) -> str:
    """Return the time in UTC and on the workstation's clock, with its offset, also where equal."""
    if local is None:
        return f"{plain_time(at)} (the workstation's local time is not known)"
    return f"{plain_time(at)} = {local_time(at, local)} local time"


def retest(suspect: Suspect, command: str) -> str:
    """Return *command* narrowed to the targets of this cause, where they are few."""
    if "--only" in command or len(suspect.targets) > MOST_LISTED:
        return command
    return " ".join([command, *(f"--only {target}" for target in suspect.targets)])


def _retest(suspect: Suspect, command: str) -> list[str]:
    again = retest(suspect, command)
    lines = [f"How to test again, on this workstation: {again}"]
    if "--only" in again:
        lines.append(
            "  (exit code 1: it still fails; "
            "exit code 3 there only means that the rest was left out)"
        )
    return lines


def _failing(suspect: Suspect, known: Facts) -> list[str]:
    listed = [
        f"{known.title(target)} ({target}): {known.targets[target].url}"
        for target in suspect.targets
        if target in known.targets
    ]
    if len(listed) > MOST_LISTED:
        return [*listed[:MOST_LISTED], f"and {len(listed) - MOST_LISTED} more"]
    return listed


def _connections(suspect: Suspect, known: Facts) -> list[str]:
    """Return both ends and the protocol of what failed, and who answered on the way."""
    ends = _ends(suspect, known)
    lines = [f"  - {line}" for line in ends[:MOST_LISTED]]
    more = [end.rpartition(" to ")[2] for end in ends[MOST_LISTED:]]
    if more:  # whoever writes the rule needs every one
        cut = f" … and {len(more) - MOST_ENDS} more" if len(more) > MOST_ENDS else ""
        lines.append(f"  - and to {', '.join(more[:MOST_ENDS])}{cut}")
    hops = [hop(known.seen, member.target) for member in suspect.members]
    lines += [f"  - answered on the way by {who}" for who in dict.fromkeys(hops) if who]
    return [f"Connection{'s' if len(ends) > 1 else ''}:", *lines] if lines else []


def _ends(suspect: Suspect, known: Facts, *, ports: bool = True) -> list[str]:
    told = []
    for member in suspect.members:
        where = known.where(member.target)
        if where.host:
            told.append(
                connection(
                    known.seen, member.target, member.check, otherwise=str(where), ports=ports
                )
            )
    return [line for line in dict.fromkeys(told) if line]


def _here(suspect: Suspect, known: Facts) -> str:
    """Return the connection that the ask is about, so that a rule can be written from it."""
    ends = _ends(suspect, known, ports=False)  # they differ each time: no rule may name them
    if suspect.first.code != "tcp.reach" or suspect.first.fault == NO_ROUTE or not ends:
        return ""
    return f" Here: {ends[0]}" + (f", and {len(ends) - 1} more above." if ends[1:] else ".")


def _working(suspect: Suspect, teller: Teller) -> list[str]:
    known, compared = teller.known, teller.working(suspect)
    same = [f for target in suspect.targets for f in known.passed_on(target)]
    others = teller.elsewhere.nearest(suspect.first.target, set(suspect.targets), MOST_ELSEWHERE)
    told = [*same[:MOST_LISTED], *others]
    if not told and not compared:
        return ["nothing that was looked at in this run"]
    return [*compared, *(f"{finding.id}: {finding.summary}" for finding in told)]


def _whom(owner: Owner) -> str:
    return "you" if owner is not Owner.COURT_IT else "court IT"
