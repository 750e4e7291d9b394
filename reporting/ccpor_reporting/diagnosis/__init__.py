"""Diagnosis: the few faults that explain all the others, and whom to send them to.

Forty failures from one cut make one cause. What explains what is data: ``rules.toml``. The steps,
each a module of its own: `facts` (what the findings say of whom), `compared`, `ways` and `wire`
(contrasts, walks, addresses and ports), `places` (which failures are one fault in one place),
`concluding` (what contrasts and walks add), `cuts` and `explaining` (which fault explains another),
`words` and `telling` (summary and evidence), `ticket` (the text for the owner).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo

from ccpor_reporting.diagnosis.concluding import conclude
from ccpor_reporting.diagnosis.cuts import cuts, together
from ccpor_reporting.diagnosis.elsewhere import Elsewhere
from ccpor_reporting.diagnosis.explaining import explain
from ccpor_reporting.diagnosis.facts import Facts, code_position, facts
from ccpor_reporting.diagnosis.places import Grouping
from ccpor_reporting.diagnosis.rulebook import Rules, rules
from ccpor_reporting.diagnosis.suspect import Suspect
from ccpor_reporting.diagnosis.ticket import Letter, ticket
from ccpor_reporting.diagnosis.words import Teller
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
    by: Rules | None = None,
) -> tuple[Cause, ...]:
    """Return the causes, the one to act on first in front.

    at: when the run looked (aware). local: the workstation's zone, None when unknown.
    retest: the command that runs this profile again; the targets are added to it.
    observations: the evidence of the run; without it no cause names addresses, ports and hops.
    networks: who runs which addresses; without it a hop's owner is told from its position.
    by: the rules; None: those that come with the program.
    """
    by = by or rules()
    known = facts(
        findings,
        targets,
        at=at,
        observations=observations,
        networks=networks,
        system=machine.os,
    )
    grouping = Grouping(by)
    suspects = conclude(_suspects(known, grouping), known, by)
    suspects = explain(cuts(_one_host(suspects, known), known, by), known, by)
    letter = Letter(at=at, local=local, machine=machine, location=location, retest=retest)
    teller = Teller(known, by, grouping, Elsewhere(known))
    return tuple(_cause(suspect, teller, letter) for suspect in sorted(suspects, key=_order))


def _suspects(known: Facts, grouping: Grouping) -> list[Suspect]:
    """Return one suspect for each fault in each place, in the order in which they were seen."""
    grouped: dict[tuple[str, ...], list[Finding]] = {}
    for finding in known.failed:
        if finding.severity is not Severity.INFO:
            grouped.setdefault(grouping.place(finding, known), []).append(finding)
    return [
        Suspect(tuple(members), tuple(known.explained_by(members))) for members in grouped.values()
    ]


def _one_host(suspects: Sequence[Suspect], known: Facts) -> list[Suspect]:
    """Put together what was found as different faults of one host and concluded as the same."""
    same: dict[tuple[str, str], list[Suspect]] = {}
    for suspect in suspects:
        host = known.where(suspect.first.target).host
        if suspect.concluded.fault and host:
            same.setdefault((suspect.concluded.fault, host), []).append(suspect)
    joined = {id(parts[0]): together(parts) for parts in same.values()}
    gone = {id(part) for parts in same.values() for part in parts[1:]}
    return [joined.get(id(each), each) for each in suspects if id(each) not in gone]


def _order(suspect: Suspect) -> tuple[int, int, int]:
    blocks = suspect.severity is Severity.BLOCKER
    code = suspect.fault.partition("/")[0]
    return (0 if blocks else 1, -len(suspect.explains), code_position(code))


def _cause(suspect: Suspect, teller: Teller, letter: Letter) -> Cause:
    says, proof, fix = teller.summary(suspect), teller.evidence(suspect), teller.fix(suspect)
    return Cause(
        fault=suspect.fault,
        target=suspect.first.target,
        targets=suspect.targets,
        owner=suspect.owner,
        severity=suspect.severity,
        confidence=teller.confidence(suspect),
        summary=says,
        explains=suspect.explains,
        evidence=proof,
        fix=fix,
        ticket=ticket(suspect, teller, letter, says=says, proof=proof, fix=fix),
        place=suspect.place,
    )
