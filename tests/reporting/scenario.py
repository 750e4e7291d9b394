"""Reads a scenario (facts and the causes expected of them) from TOML; docs/scenarios.md tells how.

Everything that is wrong with a file is told with the file, the key and what to write instead.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from ccpor_reporting.contrasts import UNKNOWN, WORKS, Contrast, ContrastEvidence, Kind, Walk
from ccpor_reporting.diagnosis.rulebook import known_faults
from ccpor_reporting.faults import catalogue
from ccpor_reporting.model import (
    Cause,
    Confidence,
    Finding,
    Json,
    Network,
    Observation,
    Owner,
    Severity,
    Status,
    TargetRef,
    finding_id,
)
from tests.reporting.reports import AT

FOLDER = Path(__file__).parent.parent / "scenarios"
ENDS = ("open", "refused", "silent", "prohibited", "unreachable", "too-big")
ADDRESS = "192.0.2.1"
OURS = "10.77.1.2"  # this workstation


class _Table(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    pass


class TargetTable(_Table, kw_only=True):
    id: str
    url: str
    owner: Owner = Owner.DATACENTER
    title: str = ""
    required: bool = True
    count: int | None = None  # {n} in id and url counts from 1


class FindingTable(_Table, kw_only=True):
    target: str
    code: str
    status: Status = Status.FAIL
    reason: str | None = None
    severity: Severity = Severity.BLOCKER
    summary: str = "as the scenario says"
    observed: Json = None
    expected: str | None = None
    unit: str | None = None
    owner: Owner | None = None
    fix: str | None = None
    because: str | None = None


class ContrastTable(_Table, kw_only=True):
    target: str
    kind: Kind
    outcome: str
    what: str = "as planned"
    detail: str = ""
    address: str | None = None
    port: int | None = None
    ms: float | None = None


class ObservationTable(_Table, kw_only=True):
    target: str
    check: str
    evidence: dict[str, Json]
    ending: dict[str, Json] | None = None


class ExpectTable(_Table, kw_only=True):
    fault: str
    owner: Owner
    target: str | None = None
    targets: list[str] | None = None
    place: str = ""
    severity: Severity = Severity.BLOCKER
    confidence: Confidence | None = None
    explains: list[str] | None = None
    # Fragments: each must stand in a sentence of the evidence, in the fix, among what works …
    evidence: list[str] = []
    works: list[str] = []
    fix: str = ""
    summary: str = ""
    ticket: list[str] = []
    never: list[str] = []  # must stand nowhere in the ticket


class File(_Table, kw_only=True):
    about: str
    at: datetime = AT
    system: str = "Linux 6.18"
    network: dict[Owner, list[str]] = {}
    target: list[TargetTable]
    failed: list[str] = []
    warned: list[str] = []
    told: list[str] = []
    passed: list[str] = []
    skipped: list[str] = []
    unknown: list[str] = []
    tries: list[str] = []
    contrasts: list[str] = []
    walks: list[str] = []
    finding: list[FindingTable] = []
    contrast: list[ContrastTable] = []
    observation: list[ObservationTable] = []
    expect: list[ExpectTable] = []


class ScenarioInvalid(ValueError):
    """The file says something that no scenario can say; the message tells what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    name: str
    about: str
    at: datetime
    system: str
    targets: tuple[TargetRef, ...]
    findings: tuple[Finding, ...]
    observations: tuple[Observation, ...]
    networks: tuple[Network, ...]
    expected: tuple[ExpectTable, ...]


def scenario_files() -> list[Path]:
    return sorted(FOLDER.rglob("*.toml"))


def read_scenario(path: Path) -> Scenario:
    """Return the scenario in *path*.

    Raises:
        ScenarioInvalid: It does not read; the message names file and key.
    """
    name = f"{path.parent.name}/{path.stem}"
    try:
        return scenario(name, path.read_text(encoding="utf-8"))
    except ScenarioInvalid as exc:
        raise ScenarioInvalid(f"{name}.toml: {exc}") from exc


def scenario(name: str, text: str) -> Scenario:
    """Return the scenario that *text* holds; see `read_scenario`."""
    try:
        file = msgspec.convert(tomllib.loads(text), File)
    except tomllib.TOMLDecodeError as exc:
        raise ScenarioInvalid(f"this is no TOML: {exc}") from exc
    except msgspec.ValidationError as exc:
        raise ScenarioInvalid(f"{exc}; docs/scenarios.md lists the keys") from exc
    return _Reader(file).scenario(name)


class _Reader:
    def __init__(self, file: File) -> None:
        self.file = file
        self.targets = [ref for table in file.target for ref in _targets(table)]
        self.ids = [target.id for target in self.targets]

    def scenario(self, name: str) -> Scenario:
        findings = tuple(self._findings())
        for number, expect in enumerate(self.file.expect, 1):
            self._check_expect(number, expect)
        return Scenario(
            name=name,
            about=self.file.about,
            at=self.file.at,
            system=self.file.system,
            targets=tuple(self.targets),
            findings=findings,
            observations=tuple(self._observations(findings)),
            networks=tuple(
                Network(owner=owner, addresses=tuple(ranges))
                for owner, ranges in self.file.network.items()
            ),
            expected=tuple(self.file.expect),
        )

    def named(self, key: str, pattern: str) -> list[str]:
        """Return the ids that *pattern* (with * for any letters) stands for."""
        found = [name for name in self.ids if fnmatchcase(name, pattern)]
        if not found:
            raise ScenarioInvalid(
                f'{key}: there is no target "{pattern}"; write one of {", ".join(self.ids)}'
            )
        return found

    def _findings(self) -> Iterator[Finding]:
        for key, severity in (
            ("failed", Severity.BLOCKER),
            ("warned", Severity.WARNING),
            ("told", Severity.INFO),
        ):
            for line in getattr(self.file, key):
                yield from self._failed(key, line, severity)
        for key, status in (("passed", Status.PASS), ("unknown", Status.ERROR)):
            for line in getattr(self.file, key):
                where, code = _split(key, line, 2, "TARGET CODE")
                for target in self.named(key, where):
                    yield self._finding(key, FindingTable(target=target, code=code, status=status))
        for line in self.file.skipped:
            where, code, word, because = _split(
                "skipped", line, 4, "TARGET CODE because TARGET/CODE"
            )
            if word != "because":
                raise ScenarioInvalid(f'skipped: "{line}"; write TARGET CODE because TARGET/CODE')
            for target in self.named("skipped", where):
                table = FindingTable(
                    target=target,
                    code=code,
                    status=Status.SKIP,
                    because=because.replace(where, target, 1) if "*" in where else because,
                )
                yield self._finding("skipped", table)
        for table in self.file.finding:
            for target in self.named("finding.target", table.target):
                yield self._finding("finding", msgspec.structs.replace(table, target=target))

    def _failed(self, key: str, line: str, severity: Severity) -> Iterator[Finding]:
        """Read ``TARGET FAULT [by SERVER …] [answered SERVER …] [through PROXY]``."""
        where, fault, *more = line.split() if len(line.split()) >= 2 else ("", "")
        if not fault:
            raise ScenarioInvalid(f'{key}: "{line}"; write TARGET CODE/REASON')
        code, _, reason = fault.partition("/")
        observed: dict[str, Json] = {}
        mode = ""
        for word in more:
            if word in ("by", "answered", "through"):
                mode = word
            elif mode == "by":
                observed[word] = reason
            elif mode == "answered":
                observed[word] = [ADDRESS]
            elif mode == "through":
                observed["proxy"] = word
            else:
                raise ScenarioInvalid(
                    f'{key}: "{word}" in "{line}"; write by SERVER, answered SERVER, through PROXY'
                )
        for target in self.named(key, where):
            table = FindingTable(
                target=target,
                code=code,
                reason=reason,
                severity=severity,
                observed=observed or None,
            )
            yield self._finding(key, table)

    def _finding(self, key: str, table: FindingTable) -> Finding:
        entry = catalogue().get(table.code)
        if entry is None:
            raise ScenarioInvalid(
                f'{key}: there is no code "{table.code}"; see docs/findings.md for all codes'
            )
        words = entry.reasons.get(table.reason or "")
        if table.status is Status.FAIL and words is None:
            listed = ", ".join(entry.reasons)
            raise ScenarioInvalid(
                f'{key}: {table.code} has no reason "{table.reason}"; write one of {listed}'
            )
        far_end = next(target.owner for target in self.targets if target.id == table.target)
        return Finding(
            id=finding_id(table.target, table.code),
            target=table.target,
            check=table.code.split(".", maxsplit=1)[0],
            code=table.code,
            status=table.status,
            severity=table.severity,
            summary=table.summary,
            owner=table.owner or (words.owner_for(far_end) if words else far_end),
            reason=table.reason,
            observed=table.observed,
            expected=table.expected,
            unit=table.unit,
            fix=table.fix or (words.fix if words else None),
            because=table.because,
        )

    def _observations(self, findings: Sequence[Finding]) -> Iterator[Observation]:
        for table in self.file.observation:
            for target in self.named("observation.target", table.target):
                yield _observation(target, table.check, table.evidence, table.ending)
        tries: dict[str, list[Json]] = {}
        for line in self.file.tries:
            for target in self.named("tries", line.split()[0] if line.split() else ""):
                tries.setdefault(target, []).append(_try(line))
        for target, tried in tries.items():
            port = urlsplit(self._url(target)).port or 443
            evidence = {"port": port, "tries": tried, "local_address": OURS}
            yield _observation(target, "tcp", evidence)
        contrasts = self._contrasts()
        walks = self._walks()
        for target in dict.fromkeys([*contrasts, *walks]):
            about = tuple(f.id for f in findings if f.target == target and f.status is Status.FAIL)
            seen = ContrastEvidence(
                about=about,
                contrasts=tuple(contrasts.get(target, ())),
                walks=tuple(walks.get(target, ())),
            )
            yield _observation(target, "contrast", msgspec.to_builtins(seen))

    def _url(self, target: str) -> str:
        return next(known.url for known in self.targets if known.id == target)

    def _contrasts(self) -> dict[str, list[Contrast]]:
        found: dict[str, list[Contrast]] = {}
        tables = [*self.file.contrast, *map(_contrast, self.file.contrasts)]
        for table in tables:
            outcomes = {WORKS, UNKNOWN, *(fault.partition("/")[2] for fault in known_faults())}
            if table.outcome not in outcomes:
                raise ScenarioInvalid(
                    f'contrasts: the outcome "{table.outcome}"; write works, unknown or a reason '
                    "such as dropped"
                )
            for target in self.named("contrasts", table.target):
                fields = {k: getattr(table, k) for k in table.__struct_fields__ if k != "target"}
                found.setdefault(target, []).append(Contrast(**fields))
        return found

    def _walks(self) -> dict[str, list[Walk]]:
        found: dict[str, list[Walk]] = {}
        for line in self.file.walks:
            head, colon, rest = line.partition(": ")
            words = head.split()
            if not colon or len(words) not in (2, 3):
                raise ScenarioInvalid(
                    f'walks: "{line}"; write TARGET tcp PORT: HOP HOP … END or TARGET udp: …'
                )
            for target in self.named("walks", words[0]):
                host = urlsplit(self._url(target)).hostname or ""
                address = host if re.fullmatch(r"[0-9.]+|[0-9a-f:]+", host) else ADDRESS
                found.setdefault(target, []).append(_walk(line, words, rest.split(), address))
        return found

    def _check_expect(self, number: int, expect: ExpectTable) -> None:
        key = f"expect {number}"
        if expect.fault not in known_faults():
            raise ScenarioInvalid(
                f'{key}: there is no fault "{expect.fault}"; see docs/findings.md'
            )
        patterns = expect.targets or ([expect.target] if expect.target else [])
        if not patterns or (expect.target and expect.targets):
            raise ScenarioInvalid(f'{key}: write target = "…" or targets = ["…"], one of them')
        expect.targets = [name for pattern in patterns for name in self.named(key, pattern)]


def differences(case: Scenario, found: Sequence[Cause]) -> list[str]:
    """Return how *found* differs from what *case* expects, a line each; empty where it does not."""
    wanted = [_line(e.fault, e.targets or (), e.owner, e.place, e.severity) for e in case.expected]
    got = [_line(c.fault, c.targets, c.owner, c.place, c.severity) for c in found]
    if wanted != got:
        return [
            *(f"expected: {line}" for line in wanted or ["no cause"]),
            *(f"found:    {line}" for line in got or ["no cause"]),
        ]
    return [line for e, c in zip(case.expected, found, strict=True) for line in _details(e, c)]


def _line(fault: str, targets: Iterable[str], owner: Owner, place: str, severity: Severity) -> str:
    return (
        f"{fault} of {', '.join(targets)} ({severity.value}); {owner.value}; place: {place or '-'}"
    )


def _details(expect: ExpectTable, cause: Cause) -> Iterator[str]:
    if expect.confidence and expect.confidence is not cause.confidence:
        yield f"{cause.fault}: confidence {cause.confidence.value}, not {expect.confidence.value}"
    if expect.explains is not None and sorted(expect.explains) != sorted(cause.explains):
        yield f"{cause.fault}: explains {sorted(cause.explains)}, not {sorted(expect.explains)}"
    _, _, after = cause.ticket.partition("\nWhat works:\n")
    works = after.partition("\nWhat we ask")[0]
    for key, fragments, text in (
        ("evidence", expect.evidence, "\n".join(cause.evidence)),
        ("works", expect.works, works),
        ("fix", [expect.fix], cause.fix),
        ("summary", [expect.summary], cause.summary),
        ("ticket", expect.ticket, cause.ticket),
    ):
        for fragment in fragments:
            if fragment not in text:
                yield f'{cause.fault}: {key} lacks "{fragment}"; it is:\n{text}'
    for fragment in expect.never:
        if fragment in cause.ticket:
            yield f'{cause.fault}: the ticket says "{fragment}"'


def _split(key: str, line: str, count: int, form: str) -> list[str]:
    words = line.split()
    if len(words) != count:
        raise ScenarioInvalid(f'{key}: "{line}"; write {form}')
    return words


def _targets(table: TargetTable) -> Iterator[TargetRef]:
    for n in [None] if table.count is None else range(1, table.count + 1):
        name, url = table.id, table.url
        if n is not None:
            name, url = name.replace("{n}", str(n)), url.replace("{n}", str(n))
        yield TargetRef(
            id=name,
            title=table.title or name,
            url=url,
            why="needed for go-live",
            owner=table.owner,
            required=table.required,
        )


def _observation(
    target: str, check: str, evidence: dict[str, Json], ending: dict[str, Json] | None = None
) -> Observation:
    values: dict[str, Json] = {
        "target": target,
        "check": check,
        "version": 1,
        "started_at": AT,
        "duration_ms": 1.0,
        "attempts": 1,
        "evidence": evidence,
        "ending": ending,
    }
    return msgspec.convert(values, Observation)


def _try(line: str) -> dict[str, Json]:
    """Read ``TARGET ADDRESS works|REASON [from SENDER]``; ``from here`` is this workstation."""
    words = line.split()
    if len(words) not in (3, 5) or (len(words) == 5 and words[3] != "from"):
        raise ScenarioInvalid(f'tries: "{line}"; write TARGET ADDRESS REASON, or … from SENDER')
    sender = (OURS if words[4] == "here" else words[4]) if len(words) == 5 else None
    codes = {"prohibited": 13, "host-unreachable": 1, "network-unreachable": 0}
    icmp = {"version": 4, "type": 3, "code": codes.get(words[2], 0), "sender": sender}
    return {
        "address": words[1],
        "reason": None if words[2] == WORKS else words[2],
        "ms": 1.0,
        "local_port": 50123,
        "icmp": icmp if sender else None,
    }


def _contrast(line: str) -> ContrastTable:
    """Read ``TARGET KIND [WHAT] OUTCOME``."""
    words = line.split()
    if len(words) < 3:
        raise ScenarioInvalid(f'contrasts: "{line}"; write TARGET KIND WHAT OUTCOME')
    where, kind, *what, outcome = words
    table: dict[str, Json] = {"target": where, "kind": kind, "outcome": outcome}
    if what:
        table["what"] = " ".join(what)
        parts = urlsplit(table["what"])
        if parts.scheme == "tcp":
            table |= {"address": parts.hostname, "port": parts.port}
    try:
        return msgspec.convert(table, ContrastTable)
    except msgspec.ValidationError as exc:
        raise ScenarioInvalid(f'contrasts: "{line}": {exc}') from exc


def _walk(line: str, head: list[str], steps: list[str], address: str) -> Walk:
    """Read hops (an address, or * for silence) and an end: ``open refused silent …``.

    An end may name who said it: ``prohibited=10.77.2.2``.
    """
    *hops, last = steps or [""]
    end, _, who = last.partition("=")
    if end not in ENDS or head[1] not in ("tcp", "udp", "icmp"):
        raise ScenarioInvalid(f'walks: "{line}"; end it with one of {", ".join(ENDS)}')
    told: list[dict[str, Json]] = [
        {
            "ttl": ttl,
            "address": None if hop == "*" else hop,
            "answer": "silent" if hop == "*" else "time-exceeded",
            "sent": 1,
            "answered": int(hop != "*"),
        }
        for ttl, hop in enumerate(hops, 1)
    ]
    reached = end in ("open", "refused")
    sender = who or (address if reached and head[1] != "tcp" else None)
    told.append({"ttl": len(hops) + 1, "address": sender, "answer": end})
    port = int(head[2]) if len(head) == 3 else None
    return msgspec.convert(
        {
            "protocol": head[1],
            "address": address,
            "port": port,
            "hops": told,
            "end": end,
            "distance": len(hops) + 1 if reached else None,
        },
        Walk,
    )
