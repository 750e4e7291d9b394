"""Workstation: is this machine fit for the work, and is its system still mended?

Does:    reads the registry (Windows) or /etc, /sys and /proc (Linux) and asks psutil; nothing goes
         onto the wire, nothing is written, no command is run, no right is needed.
Needs:   nothing.
Source:  the environment list beside this file, or the one that the profile names.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ccpor_checks.base import CannotObserve, Check, Context, Target
from ccpor_checks.workstation.environment import Environment, environment
from ccpor_checks.workstation.evidence import (
    Subject,
    Support,
    Unseen,
    WorkstationEvidence,
    WorkstationOptions,
)
from ccpor_checks.workstation.rules import RULES
from ccpor_checks.workstation.system import OsFact, PortableSystem, System

FIELD: dict[Subject, str] = {"memory": "memory_bytes", "display": "screens"}


def this_system() -> System:
    """Return the seam to the operating system that runs us."""
    if sys.platform == "win32":
        from ccpor_checks.workstation.windows import WindowsSystem

        return WindowsSystem()
    if sys.platform == "linux":
        from ccpor_checks.workstation.linux import LinuxSystem

        return LinuxSystem()
    return PortableSystem()


def run(_target: Target, options: WorkstationOptions, ctx: Context) -> WorkstationEvidence:
    """Return the facts that *options* asks for, of this machine.

    Raises:
        CannotObserve: The environment list does not read.
    """
    path = ctx.file(options.environment_file) if options.environment_file else None
    return look(this_system(), options, environment(path))


def look(system: System, options: WorkstationOptions, listed: Environment) -> WorkstationEvidence:
    """Return the facts of *system* that *options* asks for; `unseen` says what cannot be told."""
    ask: dict[Subject, Callable[[], Any]] = {
        "os": system.os,
        "memory": system.memory_bytes,
        "disk": system.disk,
        "display": system.screens,
        "wireless": system.wireless,
        "crypto": system.crypto,
        "inventory": system.inventory,
    }
    facts: dict[str, Any] = {}
    unseen: list[Unseen] = []
    for subject, tell in ask.items():
        if subject not in options.assess:
            continue
        try:
            facts[FIELD.get(subject, subject)] = tell()
        except CannotObserve as exc:
            unseen.append(Unseen(fact=subject, why=str(exc)))
        except OSError as exc:
            where = f" {exc.filename}" if exc.filename else ""
            unseen.append(Unseen(fact=subject, why=f"{type(exc).__name__}{where}"))
    if "os" in facts:
        facts["support"] = _support(facts["os"], listed)
    return WorkstationEvidence(**facts, unseen=tuple(unseen))


def _support(seen: OsFact, listed: Environment) -> Support:
    known = Support(list_version=listed.version, list_dated=listed.dated)
    entry = listed.entry_for(seen)
    if entry is None:
        return known
    return Support(
        list_version=listed.version,
        list_dated=listed.dated,
        name=entry.name,
        until=entry.until,
        min_version=entry.min_version,
    )


CHECK = Check(
    id="workstation",
    version=1,
    title="This workstation: system, memory, disk, screen, inventory",
    does="reads facts of this machine; sends nothing, writes nothing, runs no command",
    options=WorkstationOptions,
    evidence=WorkstationEvidence,
    run=run,
    rules=RULES,
    staged=False,
    budget_s=lambda _options: 15.0,
)
