"""The nouns of the Go-Live Readiness Checklist: items, what is known of a court, item states.

Pure values. The items come from ``checklist.toml`` (`ccpor_reporting.checklist.load`), the states
from `ccpor_reporting.checklist.state`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from ccpor_reporting.model import Report

SCHEMA = "ccpor-checklist/1"


class Phase(enum.StrEnum):
    PLANNING = "planning"
    IMPLEMENT = "implement"
    GO_LIVE = "go-live"
    POST_GO_LIVE = "post-go-live"


class Kind(enum.StrEnum):
    TECHNICAL = "technical"  # filled from codes of signed reports
    ATTESTED = "attested"  # a person's word
    MIXED = "mixed"  # both


class Party(enum.StrEnum):
    """On whose behalf an item is done and attested."""

    AOC = "aoc"
    COURT = "court"
    SHERIFF = "sheriff"
    DOJ = "doj"


class State(enum.StrEnum):
    """Missing evidence is open, old evidence is stale; neither is ever met."""

    MET = "met"
    NOT_MET = "not-met"
    STALE = "stale"
    WAIVED = "waived"
    NOT_APPLICABLE = "n/a"
    OPEN = "open"


class Level(enum.StrEnum):
    """How far a piece of evidence can be trusted."""

    L0 = "L0"  # a person's word
    L1 = "L1"  # measured and signed by a machine's own key
    L2 = "L2"  # confirmed from the other side, or under a fresh nonce
    L3 = "L3"  # witnessed


class _Noun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Strict: a word we do not know in a checklist is a mistake, not a wish."""


class Bound(_Noun, frozen=True):
    """A limit over a number: of the finding's `observed`, or of a field of the check's evidence.

    field: dotted name in the evidence; a list counts as its length. None: the finding's `observed`.
    at_most: beyond it the item is not met. exact: between it and `at_most` is met with a warning.
    when_field, when_value: judged only where the evidence says so, and it must somewhere.
    """

    unit: str
    field: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    exact: float | None = None
    absolute: bool = False  # judge the distance from zero
    when_field: str | None = None
    when_value: str | None = None
    scale: float = 1.0  # what the value is multiplied with to be in `unit`


class Need(_Noun, frozen=True):
    """One code that every machine of the item's roles must show passing."""

    code: str
    bounds: tuple[Bound, ...] = ()
    runs: int = 1  # in how many different fresh reports it must have been looked at
    allow_not_applicable: bool = False  # "has no sense here" is as good as a pass
    where_planned: bool = False  # counts only where a profile asks it


class Proof(_Noun, frozen=True):
    """What makes a technical item met; exactly one of the fields is used.

    needs: codes. inventory: reported machines against declared ones, in percent (met, warning).
    baseline: one run of any verdict at each location.
    rerun: ids of items whose own proofs must hold again with this item's freshness, as if their
    role were `rerun_as` where that is given (``blocking-technical``: all blocking ones of planning
    and implement).
    watch: codes whose samples since go-live must pass, in percent (met, warning).
    identifiers: the court's declared ORIs match the pattern and those that DOJ approved.
    """

    needs: tuple[Need, ...] = ()
    inventory: tuple[float, float] | None = None
    baseline: bool = False
    rerun: tuple[str, ...] = ()
    rerun_as: str | None = None
    watch: tuple[str, ...] = ()
    watch_percent: tuple[float, float] = (99.0, 95.0)
    watch_hours: int = 24
    identifiers: str | None = None


class Coverage(enum.StrEnum):
    EVERY_MACHINE = "every-machine"
    EVERY_LOCATION = "every-location"  # one machine of each declared location is enough


class Item(_Noun, frozen=True):
    """One line of the checklist.

    due_days: days after go-live, negative before. fresh_hours: oldest acceptable evidence.
    owners: who must act. all_owners: each owner's own word is needed, else any one's.
    applies: claims over the scope's answers, all of which must hold ("gateway or sheriff-enters").
    """

    id: str
    phase: Phase
    title: str
    owners: tuple[Party, ...]
    kind: Kind
    due_days: int
    criterion: str  # when it is met, for people
    advice: str  # what to do
    blocking: bool = False
    all_owners: bool = False
    applies: tuple[str, ...] = ()
    mandatory: bool = False  # can never be waived, nor left out by a declaration
    signed: str = ""  # go-live or close-out: met by signatures, not by declarations
    roles: tuple[str, ...] = ("scan-station", "clerk", "judge", "training-room")
    coverage: Coverage = Coverage.EVERY_MACHINE
    fresh_hours: float | None = None
    proof: Proof | None = None


class Checklist(_Noun, frozen=True):
    schema: str
    version: int
    title: str
    items: tuple[Item, ...]

    def item(self, item_id: str) -> Item | None:
        return next((item for item in self.items if item.id == item_id), None)


class Scope(_Noun, frozen=True):
    """The court's answers to the scope questionnaire; None: not answered."""

    images: bool | None = None  # order images are scanned and stored
    gateway: bool | None = None  # orders enter CARPOS through the CCPOR gateway
    sheriff_enters: bool | None = None  # the sheriff keys orders
    lea_extranet: bool | None = None  # law enforcement comes through the court's extranet
    tribal: bool | None = None
    capture_software: bool | None = None  # Kofax or another capture program
    training_room: bool | None = None
    wireless: bool | None = None


class Place(_Noun, frozen=True):
    """How many workstations of one role a location declares."""

    location: str
    role: str
    machines: int


class Facts(_Noun, frozen=True):
    """What a court has declared about itself."""

    scope: Scope = Scope()
    locations: tuple[str, ...] = ()
    inventory: tuple[Place, ...] = ()
    oris: tuple[str, ...] = ()
    doj_oris: tuple[str, ...] = ()


class KnownMachine(_Noun, frozen=True):
    """An enrolled workstation whose key is not revoked."""

    id: str
    name: str
    location: str
    role: str


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A report as the collector holds it."""

    report: Report
    machine_id: str
    received_at: datetime
    level: Level = Level.L1

    @property
    def at(self) -> datetime:
        """When it was true: the end of the run, or its arrival if the machine's clock is ahead."""
        return min(self.report.finished_at, self.received_at)


class DeclarationKind(enum.StrEnum):
    MET = "met"
    NOT_MET = "not-met"
    OPEN = "open"  # takes the party's earlier word back
    WAIVED = "waived"  # the AOC accepts that the item is not met, until a date
    NOT_APPLICABLE = "n/a"  # the AOC's word alone


class Declaration(_Noun, frozen=True):
    """A named person's word on one item; appended, never changed."""

    item: str
    kind: DeclarationKind
    party: Party
    by: str
    at: datetime
    note: str = ""
    done_on: date | None = None
    until: date | None = None  # waivers


class Waiver(_Noun, frozen=True):
    """The AOC accepts a fault until a day: the finding stays failed, and is shown as waived.

    code, location, machine: what it covers; none of them: the whole item, everywhere.
    withdrawn_at: when it was taken back; it counts no more from then on.
    """

    id: str
    item: str
    reason: str
    until: date
    by: str
    at: datetime
    code: str | None = None
    location: str | None = None
    machine: str | None = None  # a workstation's id
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None


class DecisionKind(enum.StrEnum):
    GO = "go"
    GO_WITH_WORKAROUNDS = "go-with-workarounds"
    NO_GO = "no-go"
    UNDO = "undo"  # takes a signature back; holds once two persons of the party said so


class Workaround(_Noun, frozen=True):
    item: str
    text: str
    until: date


class Decision(_Noun, frozen=True):
    """A party's signature on go-live or close-out, under the log root that its person saw."""

    id: str
    subject: str  # go-live | close-out
    kind: DecisionKind
    party: Party
    by: str
    at: datetime
    note: str = ""
    workarounds: tuple[Workaround, ...] = ()
    seen_size: int = 0
    seen_root: str = ""
    basis: str = ""
    refers_to: str | None = None


class Assignment(_Noun, frozen=True):
    """Whose item it is, and until when; the newest one of an item stands."""

    item: str
    owner: str  # a name; empty: nobody
    due: date | None
    by: str
    at: datetime


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One thing an item's state rests on. A report's finding, or a person's declaration."""

    text: str
    level: Level
    at: datetime
    age_hours: float
    status: str  # a finding's status, or the declaration's kind
    run_id: str | None = None
    machine: str | None = None
    finding: str | None = None
    title: str | None = None  # of the finding's target, as its profile calls it
    observed: Any = None
    unit: str | None = None
    by: str | None = None
    stale: bool = False
    waiver: str | None = None  # id of the waiver that covers it; the status stays what it is


class ItemState(msgspec.Struct, frozen=True, kw_only=True):
    """One item at one court at one moment.

    covered of required: machines (or locations) with fresh evidence for all that is needed.
    why: the one sentence that explains the state. gaps: what is still missing, one line each.
    """

    item: Item
    state: State
    why: str
    due: date | None
    overdue: bool
    covered: int = 0
    required: int = 0
    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    under: State | None = None  # what it would be without its waiver; None: nothing is waived
    waivers: tuple[str, ...] = ()  # ids of those in force on it
    owner: str = ""  # a person's name, where one is named
    level: Level | None = None  # the lowest of the evidence that it rests on


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """A court on one line."""

    phase: Phase
    go_live: date | None
    days_to_go_live: int | None
    counts: Mapping[str, int]  # by state, every state present
    # ids of blocking items neither met, waived nor n/a; those of after go-live only after it
    blocking_open: tuple[str, ...]
    verdict: str  # ready, not-ready, unknown
