"""What happens in the year: courts, workstations, runs, words, incidents; nothing is sent here.

The same seed gives the same year. A court goes live when its date has come; its workstations run
every few weeks before, daily near the day, hourly on it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from ccpor_server.maps import california

ROLES = ("scan-station", "clerk", "clerk", "clerk", "judge", "training-room")
RUN_EVERY = timedelta(days=45)
LEAD = timedelta(days=110)  # before go-live, when a court's workstations enrol
FAULTS = ("", "", "", "", "", "gateway", "names", "slow", "unseen")


@dataclass(frozen=True, slots=True)
class Size:
    courts: int
    locations: int
    machines: int
    live: int
    incidents: int


WHOLE = Size(courts=60, locations=450, machines=2000, live=10, incidents=30)
SHORT = Size(courts=6, locations=14, machines=24, live=2, incidents=3)


@dataclass(slots=True)
class Machine:
    name: str
    court: Court
    location: str
    role: str


@dataclass(slots=True)
class Court:
    id: str
    name: str
    kind: str
    contacts: dict[str, str]
    go_live: date | None
    scope: dict[str, bool]
    begins: datetime
    machines: list[Machine] = field(default_factory=list)
    declared: dict[tuple[str, str], int] = field(default_factory=dict)
    words: tuple[tuple[str, str], ...] = ()  # item, party


@dataclass(frozen=True, slots=True)
class Happening:
    """kind: enrol, run, word, incident or answer; about: what it needs."""

    at: datetime
    kind: str
    about: Any


def courts_of(size: Size, now: datetime, dice: random.Random) -> list[Court]:
    """Return the courts with their workstations; the first ones are live by *now*."""
    counties = [one.name for one in california().counties]
    made = []
    for number in range(size.courts):
        tribal = number >= len(counties)
        name = f"Tribal Court {number}" if tribal else counties[number]
        made.append(_court(number, name, tribal, size, now, dice))
    for number in range(size.locations):
        court = made[number % len(made)]
        court.declared[f"place-{number // len(made):02}", "clerk"] = 0
    for number in range(size.machines):
        court = made[number % len(made)]
        places = sorted({place for place, _ in court.declared})
        turn = number // len(made)
        place, role = places[turn % len(places)], ROLES[turn % len(ROLES)]
        court.declared[place, role] = court.declared.get((place, role), 0) + 1
        if dice.random() > 0.02:  # some are declared and never come
            court.machines.append(Machine(f"{court.id}-{turn:03}".upper(), court, place, role))
    return made


def _court(
    number: int, name: str, tribal: bool, size: Size, now: datetime, dice: random.Random
) -> Court:
    go_live: date | None = None
    if number < size.live:
        go_live = (now - timedelta(days=dice.randint(3, 200))).date()
    elif number < size.courts * 4 // 5:
        go_live = (now + timedelta(days=dice.randint(2, 150))).date()
    day = datetime.combine(go_live, now.timetz()) if go_live else now
    return Court(
        id="ca-" + name.lower().replace(" ", "-"),
        name=name if tribal else f"Superior Court of {name} County",
        kind="tribal" if tribal else "superior",
        contacts={} if tribal else {"county": name},
        go_live=go_live,
        scope={
            "images": True,
            "gateway": dice.random() < 0.5,
            "sheriff_enters": False,
            "lea_extranet": False,
            "tribal": tribal,
            "training_room": dice.random() < 0.5,
        },
        begins=max(min(day - LEAD, now - timedelta(days=20)), now - timedelta(days=364)),
    )


def year(
    made: list[Court], size: Size, now: datetime, dice: random.Random, attested: list[Any]
) -> list[Happening]:
    """Return all that happens, oldest first. attested: (item id, parties) that people speak for."""
    happen: list[Happening] = []
    for court in made:
        for machine in court.machines:
            first = court.begins + timedelta(minutes=dice.randint(1, 3000))
            happen.append(Happening(first, "enrol", machine))
            happen += [
                Happening(at, "run", (machine, dice.choice(FAULTS)))
                for at in _runs(court, first, now, dice)
            ]
        share = dice.choice((0.2, 0.6, 1.0))
        for item, parties in attested:
            for party in parties:
                if dice.random() < share:
                    at = court.begins + timedelta(days=3, minutes=dice.randint(1, 9000))
                    kind = "met" if dice.random() < 0.93 else "not-met"
                    happen.append(Happening(min(at, now), "word", (court, item, party, kind)))
    for number in range(size.incidents):
        court = made[number % len(made)]
        at = now - timedelta(days=dice.randint(0, 15), minutes=dice.randint(60, 1300))
        asked = dice.sample(court.machines, k=min(2, len(court.machines)))
        happen.append(Happening(at, "incident", (number, court, asked)))
        for machine in asked:
            after = at + timedelta(minutes=dice.randint(5, 55))
            happen.append(Happening(after, "answer", (machine, dice.choice(FAULTS))))
    return sorted(happen, key=lambda one: one.at)


def _runs(court: Court, first: datetime, now: datetime, dice: random.Random) -> Iterator[datetime]:
    """Yield when a workstation of *court* runs, from its enrolment at *first* until *now*."""
    at = first + timedelta(minutes=5)
    while at < now:
        yield at
        at += RUN_EVERY
    if court.go_live:
        day = datetime.combine(court.go_live, now.timetz()).replace(hour=0, minute=0)
        near = [day - timedelta(days=days, minutes=dice.randint(1, 600)) for days in (3, 2, 1)]
        hourly = [day + timedelta(hours=hour, minutes=dice.randint(1, 50)) for hour in range(24)]
        yield from (one for one in (*near, *hourly) if first < one < now)
    if dice.random() > 0.05:  # the others have fallen silent
        back = dice.randint(10, 40_000 if dice.random() < 0.2 else 2_000)
        yield max(now - timedelta(minutes=back), first + timedelta(minutes=10))
