"""``ccpor-check plan``: what a run would do to the network and the disk, without doing it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from ccpor_agent.cli.asked import (
    asked_plan,
    asked_profile,
    choosing_options,
    profile_option,
    saturate_option,
)
from ccpor_agent.plan import Node, Plan
from ccpor_checks.capacity.evidence import PACED_OVER_REQUIRED, CapacityOptions
from ccpor_checks.registry import origin

if TYPE_CHECKING:
    from ccpor_agent.contrasts.telling import Ahead

EPILOG = """\b
Examples:
  ccpor-check plan --profile court.toml
  ccpor-check plan --only aoc-datacenter
  ccpor-check plan --format json

Nothing is contacted, not even a name server.
"""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One check on one target, as `plan` tells it."""

    target: str
    check: str
    contacts: str
    does: str
    codes: tuple[str, ...]
    needs: tuple[str, ...]
    at_most_seconds: float
    runs: bool = True  # what this version does not have is refused with the profile


@click.command("plan", epilog=EPILOG)
@profile_option
@choosing_options
@saturate_option
@click.option("--format", "format_name", type=click.Choice(["text", "json"]), default="text")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def plan(
    *,
    profile_file: Path | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    saturate: bool,
    format_name: str,
    as_json: bool,
) -> None:
    """Show what `run` would contact, write and send, without doing it."""
    from ccpor_agent.contrasts.telling import told_ahead
    from ccpor_agent.seam import state_folder

    asked = asked_plan(asked_profile(profile_file), only, skip, saturate=saturate)
    state = state_folder()
    collector = _sends(state)
    told = {
        "profile": asked.profile.id,
        "version": asked.profile.version,
        "sha256": asked.profile.sha256,
        "steps": [step(node) for node in asked.nodes],
        "excluded": [each.finding_id for each in asked.excluded],
        "writes": [str(state / "reports"), str(state / "journal"), str(state / "logs")],
        "sends": collector,
        "if_it_fails": told_ahead(asked, collector),
    }
    if as_json or format_name == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(told), indent=2))
    else:
        click.echo("\n".join(_lines(asked, told)))


def step(node: Node) -> Step:
    """Return what *node* would do."""
    return Step(
        target=node.target.id,
        check=node.check_id,
        contacts=contacts(node),
        does=_does(node),
        codes=tuple(rule.code for rule in node.rules),
        needs=tuple(check for _target, check in node.needs),
        at_most_seconds=node.budget_s,
    )


def contacts(node: Node) -> str:
    """Return whom the check talks to: ``host:port``, name servers, a device, or nobody."""
    target = node.target
    if node.check_id == "dns":
        resolvers = getattr(node.options, "resolvers", None)
        asked = ", ".join(resolvers) if resolvers else "the system's name servers"
        return f"{asked} about {target.host}"
    if not target.host:
        return "this machine only" if target.scheme == "workstation" else target.url
    host = f"[{target.host}]" if ":" in target.host else target.host
    there = f"{host}:{target.port}" if target.port else host
    return f"{_proxy(node.options)}{there}" if node.check_id == "proxy" else there


def _proxy(options: object) -> str:
    """Return whom the proxy check asks before it tries the target itself."""
    match getattr(options, "mode", "direct"):
        case "direct":
            return ""
        case "url":
            return f"the proxy {getattr(options, 'url', '')} about "
        case "pac" if file := getattr(options, "pac_url", None):
            return f"{file} and the proxy it names about "
        case _:
            return "the proxy of this workstation's settings, if there is one, about "


def _does(node: Node) -> str:
    does = node.check.does.rstrip(".")
    if package := origin(node.check_id):
        does = f"{does} (a check of the installed package {package})"
    if isinstance(node.options, CapacityOptions):
        return f"{does}. Here: {_load_of(node.options)}"
    upload_kb = getattr(node.options, "upload_kb", None)
    size = upload_kb * 1000 if upload_kb else getattr(node.options, "size_bytes", None)
    return f"{does}. Uploads {size} bytes of synthetic data" if size else does


def _load_of(options: CapacityOptions) -> str:
    """Return what is offered to the line, in one clause."""
    ways = " and ".join(dict.fromkeys(options.directions))
    most = f"at most {options.megabytes:g} MB and {options.max_seconds:g} s each way"
    if options.mode == "saturate":
        return f"fills the line {ways}, {most}"
    mbit = PACED_OVER_REQUIRED * options.needed_mbit
    return f"{mbit:.3g} Mbit/s {ways}, {most}"


def _sends(state: Path) -> str | None:
    """Return where the report would go; None before enrolment."""
    from ccpor_agent.identity import IdentityInvalid, load_identity

    try:
        identity = load_identity(state)
    except IdentityInvalid:
        return None
    return identity.collector if identity else None


def _lines(asked: Plan, told: dict[str, Any]) -> list[str]:
    profile = asked.profile
    lines = [f"{profile.title or profile.id} ({profile.id}, version {profile.version})"]
    target = ""
    for each in told["steps"]:
        if each.target != target:
            target = each.target
            lines += ["", target]
        lines.append(
            f"  {each.check}: contacts {each.contacts}; at most {each.at_most_seconds:g} s"
        )
        lines.append(f"    {each.does}")
        after = f", after {' and '.join(each.needs)}" if each.needs else ""
        lines.append(f"    findings: {' '.join(each.codes)}{after}")
    lines += _if_it_fails(told["if_it_fails"], enrolled=told["sends"] is not None)
    lines += ["", "Writes below:"] + [f"  {folder}" for folder in told["writes"]]
    lines.append(
        f"Sends the report to {told['sends']}"
        if told["sends"]
        else "Sends nothing: this machine is not enrolled"
    )
    if asked.excluded:
        lines.append(f"Left out: {', '.join(told['excluded'])}")
    return lines


def _if_it_fails(ahead: list[Ahead], *, enrolled: bool) -> list[str]:
    from ccpor_agent.contrasts.telling import MOST_TARGETS, PHASE_S, WITH_COLLECTOR_S

    if not any(each.contacts for each in ahead):
        return []
    seconds = WITH_COLLECTOR_S if enrolled else PHASE_S
    lines = [
        "",
        f"Only if targets fail, for at most {MOST_TARGETS} of them and {seconds:g} s in all, to "
        "say why and where:",
    ]
    for each in ahead:
        lines += [f"  {each.target}: {contact}" for contact in each.contacts]
    return lines
