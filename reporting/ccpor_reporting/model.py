"""The nouns of a readiness report (schema ``ccpor-report/1``).

Pure values: frozen, JSON-able, no clock, no socket, no file. Every other folder may import this
module. `Status` says what was seen and `Severity` what it costs; they are never one scale.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

import msgspec

SCHEMA = "ccpor-report/1"

Json = Any  # what JSON can hold: the edge where types end
UtcTime = datetime  # always aware, always UTC; written as RFC 3339 with a Z


class Status(enum.StrEnum):
    """What was observed."""

    PASS = "pass"  # noqa: S105 - a status
    FAIL = "fail"
    ERROR = "error"  # we could not look, or our own bug; never the world's fault
    SKIP = "skip"  # a needed check did not pass; `because` names the finding
    NOT_APPLICABLE = "not-applicable"


class Severity(enum.StrEnum):
    """What it costs: a blocker stops go-live, a warning is counted, info is told."""

    BLOCKER = "blocker"
    WARNING = "warning"
    INFO = "info"


class Verdict(enum.StrEnum):
    READY = "ready"
    NOT_READY = "not-ready"
    UNKNOWN = "unknown"


class Owner(enum.StrEnum):
    """Who must act."""

    COURT_IT = "court-it"
    COUNTY_NETWORK = "county-network"
    DATACENTER = "datacenter"
    GATEWAY = "gateway"
    DOJ = "doj"
    VENDOR = "vendor"


class RunReason(enum.StrEnum):
    GO_LIVE = "go-live"
    SCHEDULED = "scheduled"
    INCIDENT = "incident"
    AD_HOC = "ad-hoc"


class Confidence(enum.StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class _Noun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Unknown fields stay in the signed bytes; logic ignores them (older reader, newer agent)."""


class Location(_Noun, frozen=True, kw_only=True):
    """A court or agency premises with workstations, and this workstation's role."""

    court: str
    name: str
    role: str


class Machine(_Noun, frozen=True, kw_only=True):
    """The workstation that looked."""

    name: str
    os: str  # e.g. "Linux 6.18", "Windows 10.0.19045"
    id: str | None = None  # given by the collector; None before enrolment


class Agent(_Noun, frozen=True, kw_only=True, omit_defaults=True):
    """The program that looked, and each check's version: baselines compare equal ones only.

    installed: the checks that are not its own, and the package with version that brought each.
    """

    version: str
    checks: dict[str, int]
    installed: dict[str, str] = {}


class ProfileRef(_Noun, frozen=True, kw_only=True):
    """Which profile was asked: `sha256` is of the profile file's exact bytes, hex."""

    id: str  # court/location/role
    version: int
    sha256: str


class TargetRef(_Noun, frozen=True, kw_only=True):
    """What was looked at, as the profile names it: a report is read without its profile."""

    id: str
    title: str
    url: str  # without any password
    why: str
    owner: Owner
    required: bool


class Ending(_Noun, frozen=True, kw_only=True):
    """Why a look gave no evidence to judge.

    kind: ``target-failed`` (the world said no), ``cannot-observe`` (a right or part is missing),
    ``deadline`` (the check did not end in time), ``not-applicable`` (the question has no sense
    here), ``internal`` (our bug; traceback in the log).
    """

    kind: str
    detail: str
    code: str | None = None  # target-failed only: the finding it becomes
    reason: str | None = None  # target-failed only: from the closed list of that code


class Observation(_Noun, frozen=True, kw_only=True):
    """What one check saw on one target: evidence with units in the names, no opinion."""

    target: str
    check: str
    version: int
    started_at: UtcTime
    duration_ms: float
    attempts: int
    evidence: dict[str, Json]
    ending: Ending | None = None


class Finding(_Noun, frozen=True, kw_only=True):
    """One rule's outcome on one target. `id` is ``<target>/<code>``; `code/reason` is the fault."""

    id: str
    target: str
    check: str
    code: str
    status: Status
    severity: Severity
    summary: str
    owner: Owner
    reason: str | None = None  # failed findings only
    observed: Json = None
    expected: str | None = None
    unit: str | None = None
    fix: str | None = None  # failed findings only
    because: str | None = None  # id of the finding that explains a skip

    @property
    def fault(self) -> str | None:
        """``code/reason`` of a failed finding, else None."""
        return f"{self.code}/{self.reason}" if self.reason else None


class Cause(_Noun, frozen=True, kw_only=True):
    """One fault that explains others: what a person acts on."""

    fault: str
    target: str  # the first of `targets`
    targets: tuple[str, ...]
    owner: Owner
    severity: Severity
    confidence: Confidence
    summary: str
    explains: tuple[str, ...]  # finding ids, its own first
    evidence: tuple[str, ...]  # sentences, most telling first
    fix: str
    ticket: str  # paste-ready text for the owner
    place: str = ""  # where: "10.0.2.2", "at or past 10.0.2.2", …; "" where nothing shows it


class Network(_Noun, frozen=True, kw_only=True):
    """Who runs the routers of an address range, as the profile says."""

    owner: Owner
    addresses: tuple[str, ...]  # in CIDR notation


class NotAssessed(_Noun, frozen=True, kw_only=True):
    """One planned or excluded finding that nobody looked at, and what that leaves unproven."""

    finding: str
    why: str
    unproven: str
    blocking: bool


class Coverage(_Noun, frozen=True, kw_only=True):
    planned: int
    assessed: int
    excluded: int  # by --only / --skip
    not_assessed: tuple[NotAssessed, ...] = ()


class Report(_Noun, frozen=True, kw_only=True):
    """One run's evidence and findings."""

    run_id: str  # UUIDv7 (RFC 9562)
    reason: RunReason
    location: Location
    machine: Machine
    agent: Agent
    profile: ProfileRef
    started_at: UtcTime
    finished_at: UtcTime
    targets: tuple[TargetRef, ...]
    observations: tuple[Observation, ...]
    findings: tuple[Finding, ...]
    causes: tuple[Cause, ...]
    coverage: Coverage
    verdict: Verdict
    schema: str = SCHEMA
    incident: str | None = None
    clock_offset_ms: float | None = None  # this machine minus a reference; None: not measured
    networks: tuple[Network, ...] = ()  # of the profile; a hop's owner is looked up here
    interrupted: bool = False  # the person or the system ended the run early
    nonce: str | None = None  # of the collector's request that this run answers: it is fresh


def finding_id(target: str, code: str) -> str:
    return f"{target}/{code}"
