"""From what a run saw to its report."""

from __future__ import annotations

import platform
import secrets
from dataclasses import dataclass
from datetime import tzinfo

from ccpor_agent.engine import Seen
from ccpor_agent.plan import Plan
from ccpor_agent.profile import target_ref
from ccpor_checks.registry import origin
from ccpor_reporting import __version__
from ccpor_reporting.codec import new_run_id
from ccpor_reporting.contrasts import CHECK as CONTRAST
from ccpor_reporting.coverage import coverage
from ccpor_reporting.diagnosis import causes
from ccpor_reporting.model import (
    Agent,
    Machine,
    Observation,
    ProfileRef,
    Report,
    RunReason,
    UtcTime,
)
from ccpor_reporting.verdict import verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Why and when somebody ran the agent, and on which machine."""

    run_id: str
    reason: RunReason
    started_at: UtcTime
    machine: Machine
    local: tzinfo | None = None  # the zone of the people here
    incident: str | None = None
    nonce: str | None = None  # of the collector's request that this run answers
    retest: str = "ccpor-check run"


def new_occasion_id(at: UtcTime) -> str:
    """Return a fresh run id."""
    return new_run_id(at, secrets.token_bytes(10))


def this_machine(machine_id: str | None) -> Machine:
    """Return the name and system of this workstation."""
    system = platform.system()
    version = platform.version() if system == "Windows" else platform.release()
    name = platform.node() or "unnamed"
    return Machine(name=name, os=f"{system} {version}".strip(), id=machine_id)


def _agent(plan: Plan, seen: Seen) -> Agent:
    versions = _versions(plan, seen)
    brought = {check: package for check in plan.check_versions if (package := origin(check))}
    return Agent(version=__version__, checks=versions, installed=brought)


def build_report(plan: Plan, seen: Seen, occasion: Occasion, finished_at: UtcTime) -> Report:
    """Return the report of one run; findings come in the order of the plan."""
    targets = tuple(target_ref(target) for target in plan.profile.targets)
    profile = plan.profile
    return Report(
        run_id=occasion.run_id,
        reason=occasion.reason,
        incident=occasion.incident,
        nonce=occasion.nonce,
        location=profile.location,
        machine=occasion.machine,
        agent=_agent(plan, seen),
        profile=ProfileRef(id=profile.id, version=profile.version, sha256=profile.sha256),
        started_at=occasion.started_at,
        finished_at=finished_at,
        targets=targets,
        observations=seen.observations,
        findings=seen.findings,
        causes=causes(
            seen.findings,
            targets,
            at=occasion.started_at,
            local=occasion.local,
            machine=occasion.machine,
            location=profile.location,
            retest=occasion.retest,
            observations=seen.observations,
            networks=profile.networks,
        ),
        networks=profile.networks,
        coverage=coverage(seen.findings, plan.excluded, seen.observations),
        verdict=verdict(seen.findings, plan.excluded_blocking, seen.interrupted),
        clock_offset_ms=clock_offset_ms(seen.observations),
        interrupted=seen.interrupted,
    )


def _versions(plan: Plan, seen: Seen) -> dict[str, int]:
    """Return the version of each check that was planned, and of the contrasts that were made."""
    made = {each.check: each.version for each in seen.observations if each.check == CONTRAST}
    return {**plan.check_versions, **made}


def clock_offset_ms(observations: tuple[Observation, ...]) -> float | None:
    """Return this machine's clock minus a reference, None where no server was asked.

    NTP's offset is the other way round: what to add to this clock (RFC 5905, section 8).
    """
    for observation in observations:
        offset = observation.evidence.get("offset_s") if observation.check == "clock" else None
        if isinstance(offset, int | float):
            return round(-1000.0 * offset, 3)
    return None
