"""Workstation: is this machine fit for the work, mended and protected?

Does:    reads the registry and a few Windows interfaces, or files below /etc, /usr, /var, /sys and
         /proc (Linux), and asks psutil; nothing goes onto the wire, nothing is written, no command
         is run. What this user has no right to see is reported as such.
Needs:   nothing.
Source:  the environment list beside this file, or the one that the profile names; the limits of the
         CJIS Security Policy 5.9.5 (AC-7, AC-8, AC-11, SC-28, SI-2, SI-3, SA-22).
"""

from __future__ import annotations

import sys
from typing import Any

from ccpor_checks.base import CannotObserve, Check, Context, Target
from ccpor_checks.workstation.asking import Answer, ask
from ccpor_checks.workstation.environment import (
    Environment,
    SupportedOs,
    SupportedProgram,
    environment,
)
from ccpor_checks.workstation.evidence import (
    ListedProgram,
    Subject,
    Support,
    Unseen,
    WorkstationEvidence,
    WorkstationOptions,
)
from ccpor_checks.workstation.posture import ProgramFact
from ccpor_checks.workstation.rules import RULES
from ccpor_checks.workstation.system import PortableSystem, System

FIELD: dict[Subject, str] = {"memory": "memory_bytes", "display": "screens"}
BUDGET_S = 90.0  # Windows' update agent searches its own list for up to a minute


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
    return look(this_system(), options, environment(path), seconds=ctx.remaining())


def look(
    system: System,
    options: WorkstationOptions,
    listed: Environment,
    *,
    seconds: float = BUDGET_S,
) -> WorkstationEvidence:
    """Return the facts of *system* that *options* asks for; `unseen` says what cannot be told.

    All subjects are asked at once; who has not answered after *seconds* is left behind.
    """
    questions = _questions(system)
    told = ask({each: questions[each] for each in questions if each in options.assess}, seconds)
    facts: dict[str, Any] = {}
    unseen: list[Unseen] = []
    for subject, answer in told.items():
        try:
            facts[FIELD.get(subject, subject)] = answer.fact()
        except CannotObserve as exc:
            unseen.append(Unseen(fact=subject, why=str(exc)))
        except OSError as exc:
            unseen.append(Unseen(fact=subject, why=_why(exc)))
    if "os" in facts:
        facts["support"] = _support(listed, listed.entry_for(facts["os"]))
    if "browser" in facts:
        lists = listed if listed.browser is not None else environment()
        facts["browser"] = tuple(
            _listed(lists, each, lists.browser_for(each.product, each.version))
            for each in facts["browser"]
        )
    if "pdf" in facts:
        lists = listed if listed.pdf is not None else environment()
        facts["pdf"] = tuple(
            _listed(lists, each, lists.pdf_for(each.product, each.version)) for each in facts["pdf"]
        )
    return WorkstationEvidence(**facts, unseen=tuple(unseen))


def _why(exc: OSError) -> str:
    """Return why a fact cannot be told, with the right that would show it."""
    words = type(exc).__name__ + (f" {exc.filename}" if exc.filename else "")
    if isinstance(exc, PermissionError):
        words += ": this user may not read it; run the agent as an administrator"
    return words


def _questions(system: System) -> dict[Subject, Answer]:
    return {
        "os": system.os,
        "patch": system.patch,
        "antimalware": system.antimalware,
        "lock": system.lock,
        "lockout": system.lockout,
        "banner": system.banner,
        "firewall": system.firewall,
        "encryption": system.encryption,
        "wireless": system.wireless,
        "crypto": system.crypto,
        "browser": system.browser,
        "pdf": system.pdf,
        "memory": system.memory_bytes,
        "disk": system.disk,
        "display": system.screens,
        "inventory": system.inventory,
    }


def _listed(
    listed: Environment, program: ProgramFact, entry: SupportedProgram | None
) -> ListedProgram:
    return ListedProgram(program=program, support=_support(listed, entry))


def _support(listed: Environment, entry: SupportedOs | SupportedProgram | None) -> Support:
    known = Support(list_version=listed.version, list_dated=listed.dated)
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
    version=2,
    title="This workstation: system, updates, protection, equipment",
    does="reads facts of this machine; sends nothing, writes nothing, runs no command",
    options=WorkstationOptions,
    evidence=WorkstationEvidence,
    run=run,
    rules=RULES,
    staged=False,
    budget_s=lambda _options: BUDGET_S,
)
