"""From what a run saw to the same with its contrasts: gathers what planning needs, then runs it."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ccpor_agent.engine import Seen, Surroundings
from ccpor_agent.plan import Plan

if TYPE_CHECKING:
    from ccpor_agent.contrasts.planning import Machine

PHASE_S = 3.5
WITH_COLLECTOR_S = 6.0  # its look begins there when ours has failed, and takes as long
LEAST_S = 0.3  # less is not worth beginning

log = logging.getLogger(__name__)


def with_contrasts(
    plan: Plan, seen: Seen, around: Surroundings, *, seconds: float, asks_collector: bool
) -> Seen:
    """Return *seen* with the contrasts of what failed; never raises for what a look does.

    seconds: what is left of the run. asks_collector: whether the person lets this run talk to it.
    """
    if seen.interrupted or seconds < LEAST_S:
        return seen
    from ccpor_agent.contrasts.planning import is_compared, plan_contrasts
    from ccpor_agent.contrasts.running import run_contrasts

    failed = [each for each in seen.findings if is_compared(each)]
    if not failed:
        return seen
    try:
        names = any(each.code == "dns.answer" for each in failed)
        machine = _machine(around.state_dir, names=names, asks_collector=asks_collector)
        wanted = plan_contrasts(plan, seen.findings, seen.observations, machine)
    except Exception:  # our bug in explaining a failure must not cost the failure
        log.exception("contrasts.unplanned")
        return seen
    most = WITH_COLLECTOR_S if machine.asks_collector else PHASE_S
    observations = run_contrasts(plan, wanted, around, min(most, seconds))
    return replace(
        seen,
        observations=(*seen.observations, *observations),
        interrupted=around.stop.is_set,
    )


def _machine(state: Path | None, *, names: bool, asks_collector: bool) -> Machine:
    from ccpor_agent.contrasts.planning import Machine
    from ccpor_checks.dns.system import system_resolvers

    enrolled = asks_collector and state is not None and _is_enrolled(state)
    return Machine(resolvers=system_resolvers() if names else (), asks_collector=enrolled)


def _is_enrolled(state: Path) -> bool:
    from ccpor_agent.identity import IdentityInvalid, load_identity

    try:
        return load_identity(state) is not None
    except (IdentityInvalid, OSError):
        return False
