"""Options that several commands share, and what they become: a profile, a plan, or exit code 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ccpor_agent.plan import Plan
    from ccpor_agent.profile import Profile

F = TypeVar("F", bound=Callable[..., Any])


class ProfileRefused(click.ClickException):
    """The profile, or what was asked of it, cannot be used: exit code 2, all faults shown."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(self.format_message(), file=file, err=file is None)


def profile_option(function: F) -> F:
    return click.option(
        "--profile",
        "profile_file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The profile to use; without it, the one this machine got at enrolment.",
    )(function)


def choosing_options(function: F) -> F:
    for name, words in (("--skip", "Leave out"), ("--only", "Look only at")):
        function = click.option(
            name,
            multiple=True,
            metavar="PATTERN",
            help=f"{words} a target id, check id or code, e.g. 'tls.*'; repeatable.",
        )(function)
    return function


def saturate_option(function: F) -> F:
    return click.option(
        "--saturate",
        is_flag=True,
        help="Fill lines that are measured; others on them will notice.",
    )(function)


def asked_profile(profile_file: Path | None) -> Profile:
    """Return the profile that the person named, or that enrolment stored on this machine.

    Raises:
        ProfileRefused: There is none, or it has faults.
    """
    from ccpor_agent.profile import ProfileInvalid, read_profile

    path = profile_file or _stored()
    try:
        return read_profile(path)
    except ProfileInvalid as exc:
        many = len(exc.faults)
        end = f"{many} faults in the profile" if many > 1 else "1 fault in the profile"
        raise ProfileRefused(f"{exc}\n{end}, nothing was looked at") from exc


def asked_plan(
    profile: Profile, only: Sequence[str], skip: Sequence[str], *, saturate: bool = False
) -> Plan:
    """Return the plan of *profile*; with *saturate* lines are filled, whatever it says.

    Raises:
        ProfileRefused: A pattern fits nothing, or leaves nothing to look at or to fill.
    """
    from ccpor_agent.plan import PlanInvalid, make_plan
    from ccpor_checks.registry import load

    try:
        plan = make_plan(profile, load, only, skip)
    except PlanInvalid as exc:
        raise ProfileRefused(str(exc)) from exc
    return _saturating(plan) if saturate else plan


def _saturating(plan: Plan) -> Plan:
    """Return *plan* with each line that it measures filled."""
    from dataclasses import replace

    import msgspec

    from ccpor_checks.capacity.evidence import CapacityOptions

    nodes = tuple(
        replace(node, options=msgspec.structs.replace(node.options, mode="saturate"))
        if isinstance(node.options, CapacityOptions)
        else node
        for node in plan.nodes
    )
    if nodes == plan.nodes and not any(node.check_id == "capacity" for node in nodes):
        raise ProfileRefused("--saturate fills no line: no capacity:// target is looked at")
    return replace(plan, nodes=nodes)


def _stored() -> Path:
    from ccpor_agent.enroll import stored_profile_path
    from ccpor_agent.identity import IdentityInvalid
    from ccpor_agent.seam import state_folder

    try:
        stored = stored_profile_path(state_folder())
    except (IdentityInvalid, OSError) as exc:
        raise ProfileRefused(f"this machine's own profile cannot be used: {exc}") from exc
    if stored is None:
        raise ProfileRefused(
            "this machine has no profile yet; name one with --profile FILE, "
            "or run ccpor-check enroll with the code from the AOC"
        )
    return stored
