"""What the findings say, arranged for questions: by id, by target, and where each target lives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from ccpor_reporting.contrasts import Contrast
from ccpor_reporting.diagnosis.compared import NOTHING, Compared, by_target
from ccpor_reporting.diagnosis.networks import Range, ranges
from ccpor_reporting.diagnosis.wire import Seen, addresses, by_target_and_check
from ccpor_reporting.faults import catalogue
from ccpor_reporting.model import Finding, Json, Network, Observation, Owner, Status, TargetRef

# An answer about the name, good or bad, shows that the name server itself works.
ALIVE = frozenset({"no-address", "nxdomain"})
DEFAULT_PORT = {"http": 80, "https": 443, "ssh": 22, "sftp": 22, "ntp": 123, "snmp": 161}


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a target lives. host: "" for a device or the workstation; port: None if it has none."""

    host: str
    port: int | None

    def __str__(self) -> str:
        if not self.host:
            return "this workstation"
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port is None else f"{shown}:{self.port}"


NOWHERE = Whereabouts("", None)


@dataclass(frozen=True, slots=True)
class Facts:
    """All findings of a run; `failed` in the order of the run."""

    at: datetime
    findings: Mapping[str, Finding]
    targets: Mapping[str, TargetRef]
    failed: tuple[Finding, ...]
    skipped_by: Mapping[str, tuple[str, ...]]  # failed or errored finding id -> skipped ids
    places: Mapping[str, Whereabouts]  # by target
    passed: Mapping[str, tuple[Finding, ...]]  # by target
    reached: Mapping[str, tuple[int, ...]]  # by host: the ports that accepted a connection
    seen: Seen  # the observations; empty where none were given
    compared: Mapping[str, Compared]  # by target
    networks: tuple[Range, ...]  # who runs which addresses, as the profile says
    name_servers_alive: frozenset[str]  # those that answered for some name
    routers_answer: bool  # walks over TCP can show routers on this system

    def where(self, target: str) -> Whereabouts:
        return self.places.get(target, NOWHERE)

    def title(self, target: str) -> str:
        reference = self.targets.get(target)
        return reference.title or target if reference else target

    def explained_by(self, members: Sequence[Finding]) -> list[str]:
        """Return the ids that *members* explain: their own first, then the skips behind them."""
        own = [finding.id for finding in members]
        return own + [skip for finding in members for skip in self.skipped_by.get(finding.id, ())]

    def owner_of_target(self, target: str) -> Owner | None:
        reference = self.targets.get(target)
        return reference.owner if reference else None

    def evidence(self, target: str, check: str) -> Mapping[str, Json]:
        """Return what *check* saw on *target*; empty where it was not looked at."""
        observation = self.seen.get((target, check))
        return observation.evidence if observation else {}

    def is_same_host(self, contrast: Contrast, target: str) -> bool:
        """Say whether *contrast* is about the host of *target*, by name or by address."""
        host = self.where(target).host
        asked = whereabouts(contrast.what).host
        return bool(host) and (
            host in (asked, contrast.address)
            or (contrast.address is not None and contrast.address in addresses(self.seen, target))
        )

    def compared_with(self, target: str) -> Compared:
        return self.compared.get(target, NOTHING)

    def passed_on(self, target: str) -> tuple[Finding, ...]:
        return self.passed.get(target, ())


def facts(
    findings: Iterable[Finding],
    targets: Sequence[TargetRef],
    *,
    at: datetime,
    observations: Iterable[Observation] = (),
    networks: Sequence[Network] = (),
    system: str = "",
) -> Facts:
    """Return the findings arranged; a later finding of the same id replaces the earlier one.

    system: of the workstation, e.g. "Windows 10.0.26100": what its walks can show.
    """
    observations = tuple(observations)
    compared = by_target(observations)
    by_id = {finding.id: finding for finding in findings}
    skipped: dict[str, list[str]] = {}
    passed: dict[str, list[Finding]] = {}
    for finding in by_id.values():
        if finding.status is Status.PASS:
            passed.setdefault(finding.target, []).append(finding)
        if finding.status is Status.SKIP:
            skipped.setdefault(root_of(finding, by_id), []).append(finding.id)
    places = {target.id: whereabouts(target.url) for target in targets}
    return Facts(
        at=at,
        findings=by_id,
        targets={target.id: target for target in targets},
        failed=tuple(f for f in by_id.values() if f.status is Status.FAIL),
        skipped_by={root: tuple(skips) for root, skips in skipped.items()},
        places=places,
        passed={target: tuple(passes) for target, passes in passed.items()},
        reached=_reached(by_id, places),
        seen=by_target_and_check(observations),
        compared=compared,
        networks=ranges(networks),
        name_servers_alive=_name_servers_alive(by_id.values()),
        routers_answer=system.startswith("Linux") or _show_routers(compared),
    )


def _name_servers_alive(findings: Iterable[Finding]) -> frozenset[str]:
    """Return the name servers that answered for some name in this run.

    A pass does not say which ones answered: then those that it can have asked all count as alive.
    """
    alive: set[str] = set()
    everybody: set[str] = set()
    passed = False
    for finding in findings:
        if finding.code != "dns.answer":
            continue
        # Without `expected` the answer came from the hosts file, or the name is an address.
        passed = passed or (finding.status is Status.PASS and finding.expected is not None)
        if isinstance(finding.observed, Mapping):
            for who, said in finding.observed.items():
                everybody.add(str(who))
                if isinstance(said, list | tuple) or said in ALIVE:
                    alive.add(str(who))
    return frozenset(everybody if passed else alive)


def _show_routers(compared: Mapping[str, Compared]) -> bool:
    """Say whether a walk over TCP showed a router: on some systems none ever does."""
    return any(
        walk.protocol == "tcp" and walk.last is not None
        for each in compared.values()
        for walk in each.walks
    )


def _reached(
    by_id: Mapping[str, Finding], places: Mapping[str, Whereabouts]
) -> Mapping[str, tuple[int, ...]]:
    ports: dict[str, dict[int, None]] = {}
    for target, where in places.items():
        reach = by_id.get(f"{target}/tcp.reach")
        if where.host and where.port and reach and reach.status is Status.PASS:
            ports.setdefault(where.host, {})[where.port] = None
    return {host: tuple(open_ports) for host, open_ports in ports.items()}


def root_of(finding: Finding, by_id: Mapping[str, Finding]) -> str:
    """Return the id at the end of the `because` chain; a loop ends where it closes."""
    seen = {finding.id}
    while finding.because and finding.because not in seen:
        seen.add(finding.because)
        behind = by_id.get(finding.because)
        if behind is None:
            return finding.because
        finding = behind
    return finding.id


def whereabouts(url: str) -> Whereabouts:
    """Return host and port of a target's URL; nothing of an unreadable one, which names itself."""
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port
    except ValueError:  # "https://[half" or a port past 65535: the profile reader says so
        return Whereabouts("", None)
    return Whereabouts((parts.hostname or "").rstrip("."), port or DEFAULT_PORT.get(parts.scheme))


def code_position(code: str) -> int:
    """Return where *code* stands in the catalogue, which is the order of the chain."""
    codes = list(catalogue())
    return codes.index(code) if code in codes else len(codes)
