"""What the findings say, arranged for questions: by id, by target, and where each target lives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from ccpor_reporting.diagnosis.wire import Seen, by_target_and_check
from ccpor_reporting.faults import catalogue
from ccpor_reporting.model import Finding, Network, Observation, Status, TargetRef

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
    networks: tuple[Network, ...] = ()  # who runs which addresses, as the profile says

    def where(self, target: str) -> Whereabouts:
        return self.places.get(target, NOWHERE)

    def title(self, target: str) -> str:
        reference = self.targets.get(target)
        return reference.title or target if reference else target

    def explained_by(self, members: Sequence[Finding]) -> list[str]:
        """Return the ids that *members* explain: their own first, then the skips behind them."""
        own = [finding.id for finding in members]
        return own + [skip for finding in members for skip in self.skipped_by.get(finding.id, ())]

    def passed_on(self, target: str) -> tuple[Finding, ...]:
        return self.passed.get(target, ())


def facts(
    findings: Iterable[Finding],
    targets: Sequence[TargetRef],
    *,
    at: datetime,
    observations: Iterable[Observation] = (),
    networks: Sequence[Network] = (),
) -> Facts:
    """Return the findings arranged; a later finding of the same id replaces the earlier one."""
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
        networks=tuple(networks),
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
