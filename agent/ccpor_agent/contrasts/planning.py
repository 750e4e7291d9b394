"""What to compare when targets failed: a pure function of the plan and of what the run saw.

Few looks must explain many failures: targets with the same fault on the same network and port share
one representative, and a run compares at most `MOST_TARGETS` of them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ccpor_agent.contrasts.facts import Facts
from ccpor_agent.contrasts.questions import Questions
from ccpor_agent.plan import Plan
from ccpor_checks.base import Target
from ccpor_checks.contrast import Question
from ccpor_checks.dns.system import Resolver
from ccpor_reporting.contrasts import Contrast
from ccpor_reporting.model import Finding, Observation, Severity, Status

MOST_TARGETS = 6
MOST_CONTRASTS = 8  # of one target; walks are counted apart
MOST_WALKS = 8  # of a run: Linux routers answer 6 packets at once, then one a second (icmp(7))
PREFIX = {4: 24, 6: 64}  # bits of an address that its neighbours share
CODES = (
    "dns.answer",
    "tcp.reach",
    "tls.handshake",
    "tls.trust",
    "http.answer",
    "http.upload",
    "clock.server",
    "ssh.session",
    "order.upload",
    "proxy.",
)
NOTHING_CAME = frozenset(
    {
        "dns.answer/timeout",
        "dns.answer/no-resolver",
        "tcp.reach/dropped",
        "tcp.reach/host-unreachable",
        "tcp.reach/network-unreachable",
        "clock.server/timeout",
        "proxy.reach/dropped",
    }
)
OF_THE_NAME = frozenset({"nxdomain", "no-address"})  # says something about one name only

Network = str | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What this workstation can compare with. resolvers: its system's own."""

    resolvers: tuple[Resolver, ...] = ()
    asks_collector: bool = False  # it is enrolled, and the person wants to talk to the collector


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What one failed target is compared with. known: seen in this run already."""

    target: Target
    about: tuple[str, ...]
    known: tuple[Contrast, ...] = ()
    questions: tuple[Question, ...] = ()


@dataclass(slots=True)
class _Group:
    """Targets that fail alike; the first one stands for all."""

    finding: Finding
    network: Network
    targets: list[Target] = field(default_factory=list)


def is_compared(finding: Finding) -> bool:
    """Say whether *finding* is a failure that contrasts can explain."""
    return (
        finding.status is Status.FAIL
        and finding.severity in {Severity.BLOCKER, Severity.WARNING}
        and finding.code.startswith(CODES)
    )


def plan_contrasts(
    plan: Plan,
    findings: Sequence[Finding],
    observations: Sequence[Observation],
    machine: Machine,
) -> tuple[Comparison, ...]:
    """Return what to compare for the representatives of what failed, in the plan's order."""
    failed: dict[str, list[Finding]] = {}
    for finding in findings:
        if is_compared(finding):
            failed.setdefault(finding.target, []).append(finding)
    facts = Facts(plan.profile.targets, findings, observations)
    targets = _representatives(plan.profile.targets, failed, facts)
    questions = Questions(facts, machine.resolvers, asks_collector=machine.asks_collector)
    made: list[Comparison] = []
    links_asked = False
    for target in targets:
        about = failed[target.id]
        link = None if links_asked else _link(target, about, facts)
        links_asked = links_asked or link is not None
        made.append(_comparison(target, about, questions, link))
    return tuple(each for each in _few_walks(made) if each.known or each.questions)


def _few_walks(made: Sequence[Comparison]) -> list[Comparison]:
    """Return *made* with `MOST_WALKS` walks: of too many, the last ones by echoes are left out."""
    walks = [q for each in made for q in each.questions if q.kind == "walk"]
    echoes = [q for q in walks if q.protocol == "icmp"]
    kept = max(0, MOST_WALKS - (len(walks) - len(echoes)))
    left_out = {id(question) for question in echoes[kept:]}
    return [
        replace(each, questions=tuple(q for q in each.questions if id(q) not in left_out))
        for each in made
    ]


def _link(target: Target, about: Sequence[Finding], facts: Facts) -> Question | None:
    """Return the look at this workstation's links, where they may be why nothing came back."""
    addresses = facts.addresses(target)
    here = any(ipaddress.ip_address(each).is_loopback for each in addresses)
    if here or not any(each.fault in NOTHING_CAME for each in about):
        return None
    return Question(kind="link", what="this workstation's links", addresses=addresses)


def _comparison(
    target: Target, about: Sequence[Finding], questions: Questions, link: Question | None
) -> Comparison:
    known: dict[str, Contrast] = {}
    asked: dict[tuple[str, str], Question] = {}
    if link is not None:
        asked[link.kind, link.what] = link
    for finding in about:
        for each in questions.about(target, finding):
            if isinstance(each, Contrast):
                known.setdefault(each.what, each)
            else:
                key = (each.kind, f"{each.protocol} {each.what}")
                asked.setdefault(key, each)
    walks = [each for each in asked.values() if each.kind == "walk"]
    others = [each for each in asked.values() if each.kind != "walk"]
    kept = tuple(known.values())[:MOST_CONTRASTS]
    return Comparison(
        target=target,
        about=tuple(each.id for each in about),
        known=kept,
        questions=(*walks, *others[: MOST_CONTRASTS - len(kept)]),
    )


def _representatives(
    targets: Iterable[Target], failed: Mapping[str, Sequence[Finding]], facts: Facts
) -> list[Target]:
    """Return the first target of each group: blockers first, no network twice before all others."""
    groups: dict[tuple[str, Network, str], _Group] = {}
    position: dict[str, int] = {}
    for target in targets:
        if target.id not in failed:
            continue
        position[target.id] = len(position)
        finding = _foremost(failed[target.id])
        network, port = _place(target, finding, facts)
        group = groups.setdefault((str(finding.fault), network, port), _Group(finding, network))
        group.targets.append(target)
    seen: dict[tuple[str, Network], int] = {}
    ranked: list[tuple[bool, int, int, Target]] = []
    for group in groups.values():
        kin = (str(group.finding.fault), group.network)
        seen[kin] = seen.get(kin, 0) + 1
        first = group.targets[0]
        mild = group.finding.severity is not Severity.BLOCKER
        ranked.append((mild, seen[kin], position[first.id], first))
    ranked.sort(key=lambda entry: entry[:3])
    chosen = [target for *_rank, target in ranked[:MOST_TARGETS]]
    return sorted(chosen, key=lambda target: position[target.id])


def _foremost(findings: Sequence[Finding]) -> Finding:
    return next((each for each in findings if each.severity is Severity.BLOCKER), findings[0])


def _place(target: Target, finding: Finding, facts: Facts) -> tuple[Network, str]:
    """Return (network, port) of what failed: targets that share them and the fault fail alike."""
    if finding.code == "dns.answer":
        asked = facts.resolvers_asked(target)
        return asked, target.host if finding.reason in OF_THE_NAME else ""
    if finding.code.startswith("proxy."):
        return facts.proxy(target) or "", ""
    addresses = facts.addresses(target)
    return (_network(addresses[0]) if addresses else target.host), str(target.port or "")


def _network(address: str) -> str:
    bits = PREFIX[ipaddress.ip_address(address).version]
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))
