"""What a failed target would be compared with, told before anything is contacted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ccpor_agent.contrasts.phase import PHASE_S, WITH_COLLECTOR_S
from ccpor_agent.contrasts.planning import MOST_TARGETS
from ccpor_agent.contrasts.questions import WEB
from ccpor_agent.plan import Plan
from ccpor_checks.base import Target
from ccpor_checks.contrast.segments import UPLOAD_BYTES

__all__ = ["MOST_TARGETS", "PHASE_S", "WITH_COLLECTOR_S", "Ahead", "told_ahead"]

REPEATED = ("tls", "http", "ssh", "order")


class Ahead(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a run would contact more, if the target fails."""

    target: str
    contacts: tuple[str, ...]


def told_ahead(plan: Plan, collector: str | None) -> list[Ahead]:
    """Return what each target of *plan* may be compared with. collector: None before enrolment."""
    checks: dict[str, set[str]] = {}
    targets: dict[str, Target] = {}
    for node in plan.nodes:
        checks.setdefault(node.target.id, set()).add(node.check_id)
        targets[node.target.id] = node.target
    return [
        Ahead(
            target=name,
            contacts=tuple(_contacts(targets[name], planned, plan, collector)),
        )
        for name, planned in checks.items()
    ]


def _contacts(
    target: Target, planned: set[str], plan: Plan, collector: str | None
) -> Iterator[str]:
    where = _place(target)
    if planned & {"tcp", "clock"}:
        yield f"a walk of single packets to {where}, and by ICMP or UDP to its address"
        yield from target.contrast
    if "dns" in planned:
        yield from _about_the_name(target, plan)
    if planned & set(REPEATED):
        upload_kb = getattr(target.options.get("http"), "upload_kb", None)
        more = ""
        if upload_kb is not None:
            more = f", a POST of at most {min(UPLOAD_BYTES, upload_kb * 1000)} bytes"
        yield f"{where} again, twice, once with small segments{more}"
    if "proxy" in planned:
        yield f"{where} past the proxy, and a walk of single packets to the proxy"
    elif target.scheme in WEB:
        yield f"{where} through this system's proxy, where it has one"
    if collector is not None and planned & {"tcp", "tls", "http"}:
        yield f"{collector}, which is asked to look at it from its side (not with --no-upload)"


def _about_the_name(target: Target, plan: Plan) -> Iterator[str]:
    options = target.options.get("dns")
    own: tuple[str, ...] = getattr(options, "resolvers", ())
    named: dict[str, Any] = {}
    for each in plan.profile.targets:
        named |= dict.fromkeys(getattr(each.options.get("dns"), "resolvers", ()))
    others = [name for name in named if name not in own]
    if own:
        others.insert(0, "the system's name servers")
    if others:
        yield f"{', '.join(others)} about {target.host}"
    yield "a walk of single packets to a name server that gives no answer"
    expected = [text for text in getattr(options, "expected", ()) if "/" not in text]
    if expected and target.port:
        yield f"{', '.join(expected)}, port {target.port}"


def _place(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return f"{host}:{target.port}" if target.port else host
