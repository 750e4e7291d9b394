"""Diagnosis: the few faults that explain all the others, and whom to send them to.

Forty failures from one cut make one cause. The steps, each a module of its own: `facts` (what the
findings say of whom), `wire` (addresses and ports), `places` (which failures are one fault in one
place), `cuts` and `folding` (which fault explains another), `words` (summary and evidence),
`ticket` (the text for the owner).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo

from ccpor_reporting.diagnosis.cuts import no_route, one_cut
from ccpor_reporting.diagnosis.facts import Facts, code_position, facts
from ccpor_reporting.diagnosis.folding import FOLDINGS
from ccpor_reporting.diagnosis.places import place
from ccpor_reporting.diagnosis.suspect import Suspect
from ccpor_reporting.diagnosis.ticket import Letter, ticket
from ccpor_reporting.diagnosis.words import confidence, evidence, summary
from ccpor_reporting.model import (
    Cause,
    Finding,
    Location,
    Machine,
    Network,
    Observation,
    Severity,
    TargetRef,
)

__all__ = ["causes"]


def causes(
    findings: Iterable[Finding],
    targets: Sequence[TargetRef],
    *,
    at: datetime,
    local: tzinfo | None,
    machine: Machine,
    location: Location,
    retest: str,
    observations: Iterable[Observation] = (),
    networks: Sequence[Network] = (),
) -> tuple[Cause, ...]:
    """Return the causes, the one to act on first in front.

    at: when the run looked (aware). local: the workstation's zone, None when unknown.
    retest: the command that runs this profile again; the targets are added to it.
    observations: the evidence of the run; without it no cause names addresses, ports and hops.
    networks: who runs which addresses; without it a hop's owner is told from its position.
    """
    known = facts(findings, targets, at=at, observations=observations, networks=networks)
    suspects = _suspects(known)
    for fold in (one_cut, no_route, *FOLDINGS):
        suspects = fold(suspects, known)
    letter = Letter(at=at, local=local, machine=machine, location=location, retest=retest)
    return tuple(_cause(suspect, known, letter) for suspect in sorted(suspects, key=_order))


def _suspects(known: Facts) -> list[Suspect]:
    """Return one suspect for each fault in each place, in the order in which they were seen."""
    grouped: dict[tuple[str, ...], list[Finding]] = {}
    for finding in known.failed:
        if finding.severity is not Severity.INFO:
            grouped.setdefault(place(finding, known), []).append(finding)
    return [
        Suspect(tuple(members), tuple(known.explained_by(members))) for members in grouped.values()
    ]


def _order(suspect: Suspect) -> tuple[int, int, int]:
    blocks = suspect.severity is Severity.BLOCKER
    return (0 if blocks else 1, -len(suspect.explains), code_position(suspect.first.code))


def _cause(suspect: Suspect, known: Facts, letter: Letter) -> Cause:
    first = suspect.first
    says = summary(suspect, known)
    proof = evidence(suspect, known)
    fix = first.fix or "ask the owner of this target; the evidence says what was seen"
    return Cause(
        fault=first.fault or first.code,
        target=first.target,
        targets=suspect.targets,
        owner=first.owner,
        severity=suspect.severity,
        confidence=confidence(suspect, known),
        summary=says,
        explains=suspect.explains,
        evidence=proof,
        fix=fix,
        ticket=ticket(suspect, known, letter, says=says, proof=proof, fix=fix),
    )
