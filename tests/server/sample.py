"""Sample courts with signed reports that came in by the real way: for pages, screenshots and axe.

Deterministic but for keys: `fill` puts six courts into a collector whose clock the caller holds.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from ccpor_reporting.checklist.load import our_checklist
from ccpor_reporting.checklist.model import DecisionKind, DeclarationKind, Kind, Party
from ccpor_reporting.codec import encode_report, new_run_id
from ccpor_reporting.envelope import REPORT_TYPE, KeySigner, public_key_pem, seal
from ccpor_reporting.model import (
    Agent,
    Cause,
    Confidence,
    Coverage,
    Ending,
    Finding,
    Location,
    Machine,
    NotAssessed,
    Observation,
    Owner,
    ProfileRef,
    Report,
    RunReason,
    Severity,
    Status,
    TargetRef,
    Verdict,
)
from ccpor_server import enrollment, ingest
from ccpor_server.collector import Collector
from ccpor_server.rights import Role
from ccpor_server.store import (
    Transaction,
    assignments,
    attachments,
    audit,
    codes,
    comments,
    courts,
    decisions,
    declarations,
    incidents,
    people,
    waivers,
)
from ccpor_server.turns import Turn
from tests.reporting.capacity_seen import enough, evidence, narrow

CONSOLE = audit.Source(who="console sample", place="sample", address="console")

LONG_NAME = "KLAMATHFRONTDESKWORKSTATIONWITHTHELONGESTNAMETHATDNSALLOWS00063"  # RFC 1035: 63

TARGETS = {
    "aoc-datacenter": ("AOC datacenter", "https://ccpor.example.org/login", Owner.DATACENTER),
    "gateway": ("CCPOR gateway", "tls://gateway.example.org:8443", Owner.GATEWAY),
    "time": ("Time source", "ntp://ntp.court.example.org", Owner.COURT_IT),
    "this-machine": ("This workstation", "workstation:", Owner.COURT_IT),
    "scanner": ("Front-desk scanner", "sane:fujitsu", Owner.VENDOR),
}

# What passing looks like: target, code -> summary, observed, unit, expected.
PASSING: dict[tuple[str, str], tuple[str, Any, str | None, str | None]] = {
    ("aoc-datacenter", "dns.answer"): ("ccpor.example.org is 192.0.2.40", ["192.0.2.40"], None, None),
    ("aoc-datacenter", "dns.address"): ("192.0.2.40 is in the expected range", ["192.0.2.40"], None, "192.0.2.0/24"),
    ("aoc-datacenter", "dns.latency"): ("the slower resolver answered in 18 ms", 18.2, "ms", "at most 500 ms"),
    ("aoc-datacenter", "dns.agreement"): ("2 resolvers give the same address", 2, None, None),
    ("aoc-datacenter", "tcp.reach"): ("192.0.2.40:443 answers, 21 ms", 21.4, "ms", None),
    ("aoc-datacenter", "tls.version"): ("TLSv1.3 was negotiated", "TLSv1.3", None, "TLSv1.2 or newer"),
    ("aoc-datacenter", "tls.cipher"): ("TLS_AES_256_GCM_SHA384 was negotiated", "TLS_AES_256_GCM_SHA384", None, None),
    ("aoc-datacenter", "tls.trust"): ("a path leads to a trusted root", None, None, None),
    ("aoc-datacenter", "tls.name"): ("the certificate names ccpor.example.org", None, None, None),
    ("aoc-datacenter", "tls.validity"): ("valid for 212 days after go-live", 212, "days", "at least 30 days"),
    ("aoc-datacenter", "http.status"): ("GET answers 200", 200, None, "200"),
    ("aoc-datacenter", "http.content"): ("the page contains “CCPOR”", None, None, None),
    ("aoc-datacenter", "http.upload"): ("12000 kB arrived in 6.1 s", 12000, "kB", "at least 12000 kB"),
    ("gateway", "tcp.reach"): ("192.0.2.60:8443 answers, 22 ms", 22.1, "ms", None),
    ("time", "clock.server"): ("answers at stratum 2", 2, None, None),
    ("time", "clock.offset"): ("this machine's clock is 0.012 s behind, which is exact", 0.012, "s", "at most 60 s"),
    ("this-machine", "workstation.os"): ("Windows 11 23H2 is supported until 2026-11-10", "10.0.22631", None, None),
    ("this-machine", "workstation.memory"): ("16 GB memory", 16.0, "GB", "at least 4 GB"),
    ("this-machine", "workstation.disk"): ("118 GB free", 118.0, "GB", "at least 10 GB"),
    ("this-machine", "workstation.display"): ("1920 by 1080", None, None, "1280 by 1024"),
}  # fmt: skip
EVIDENCE: dict[str, dict[str, Any]] = {
    "dns": {
        "name": "ccpor.example.org",
        "source": "resolvers",
        "addresses": ["192.0.2.40"],
        "answers": [
            {"resolver": "10.20.0.2", "ms": 17.9, "addresses": ["192.0.2.40"]},
            {"resolver": "10.20.0.3", "ms": 18.2, "addresses": ["192.0.2.40"]},
        ],
    },
    "tcp": {"connect_ms_p50": 21.4, "connect_ms_p95": 24.0, "tries": 3},
    "tls": {"version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "days_left": 242},
    "path": {"rtts_ms": [30.0] * 100, "rtt_p95_ms": 31.0, "loss_pct": 0.0, "jitter_ms": 2.1},
    "scanner": {"pages": 12, "dpi": 300, "mode": "bilevel", "kb_per_page": 41.0},
}

CARRIED = (
    ("capacity.upload", "10.7 Mbit/s of the 8.7 that are needed", 10.7, "Mbit/s", "at least 8.7 Mbit/s"),
    ("capacity.download", "10.7 Mbit/s of the 8.7 that are needed", 10.7, "Mbit/s", "at least 8.7 Mbit/s"),
    ("capacity.responsiveness", "answers took 4 ms longer under load", 4.0, "ms", "at most 50 ms longer"),
)  # fmt: skip


@dataclass
class Clock:
    at: datetime

    def now(self) -> datetime:
        return self.at


@dataclass
class Desk:
    """An enrolled workstation with its key."""

    name: str
    court: str
    location: str
    role: str
    signer: KeySigner = field(default_factory=lambda: KeySigner(generate_private_key(SECP256R1())))
    id: str = ""


def everything() -> dict[tuple[str, str], tuple[str, Any, str | None, str | None]]:
    """Return a pass for every code that any item needs: a court that is ready."""
    found = dict(PASSING)
    held = {code for _, code in found}
    for item in our_checklist().items:
        for need in item.proof.needs if item.proof else ():
            if need.code not in held and not need.where_planned:
                held.add(need.code)
                check = need.code.split(".")[0]
                target = {"workstation": "this-machine", "scanner": "scanner", "gateway": "gateway"}
                found[target.get(check, "aoc-datacenter"), need.code] = (
                    "as it should be", None, None, None,
                )  # fmt: skip
    return found


def finding(
    target: str, code: str, summary: str, observed: Any, unit: str | None, expected: str | None
) -> Finding:
    return Finding(
        id=f"{target}/{code}",
        target=target,
        check=code.split(".", maxsplit=1)[0],
        code=code,
        status=Status.PASS,
        severity=Severity.BLOCKER,
        summary=summary,
        owner=TARGETS[target][2],
        observed=observed,
        unit=unit,
        expected=expected,
    )


FAULTS = (
    Finding(
        id="gateway/tcp.reach", target="gateway", check="tcp", code="tcp.reach",
        status=Status.FAIL, severity=Severity.BLOCKER, reason="dropped",
        summary="no answer from 192.0.2.60:8443 in 3 tries; the last hop that answered is 10.20.8.1",
        owner=Owner.COUNTY_NETWORK, observed="timeout", expected="an answer within 3 s",
        fix="ask the county network to let TCP 8443 from 10.20.4.0/24 to 192.0.2.60 pass",
    ),
    Finding(
        id="gateway/tls.version", target="gateway", check="tls", code="tls.version",
        status=Status.SKIP, severity=Severity.BLOCKER, because="gateway/tcp.reach",
        summary="not looked at: gateway/tcp.reach did not pass", owner=Owner.GATEWAY,
    ),
    Finding(
        id="aoc-datacenter/http.latency", target="aoc-datacenter", check="http",
        code="http.latency", status=Status.FAIL, severity=Severity.WARNING, reason="slow",
        summary="the first byte took 1840 ms", owner=Owner.DATACENTER, observed=1840.0, unit="ms",
        expected="at most 1000 ms (blocks above 5000 ms)",
        fix="compare with a workstation of another court at the same hour",
    ),
    Finding(
        id="this-machine/workstation.patch", target="this-machine", check="workstation",
        code="workstation.patch", status=Status.ERROR, severity=Severity.BLOCKER,
        summary="the update history cannot be read without administrator rights",
        owner=Owner.COURT_IT,
    ),
)  # fmt: skip
TICKET = """To: county network
Subject: TCP 8443 from Santa Rosa to the CCPOR gateway is dropped

From 10.20.4.17 to 192.0.2.60:8443 (TCP), nothing comes back.
Seen 2026-11-23 11:42:10 UTC (03:42:10 -08:00), 3 tries of 3 s.
Last hop that answered: 10.20.8.1 (hop 4). At or past it the packets stop.
Works from the same workstation: 192.0.2.40:443 (21 ms), 192.0.2.60 ICMP echo.

Please allow TCP 10.20.4.0/24 -> 192.0.2.60:8443 and tell us when it is done.
We test again with: ccpor-check run --only gateway"""
CAUSES = (
    Cause(
        fault="tcp.reach/dropped", target="gateway", targets=("gateway",),
        owner=Owner.COUNTY_NETWORK, severity=Severity.BLOCKER, confidence=Confidence.HIGH,
        summary="The county edge drops TCP 8443 to the CCPOR gateway",
        explains=("gateway/tcp.reach", "gateway/tls.version"),
        evidence=(
            "192.0.2.60 answers ICMP echo, so the host is up",
            "443 to 192.0.2.40 passes the same way, so only this port is closed",
            "10.20.8.1 (hop 4) is the last hop that answered",
        ),
        fix="Ask the county network for a rule; the text below says all that they need.",
        ticket=TICKET,
    ),
    Cause(
        fault="http.latency/slow", target="aoc-datacenter", targets=("aoc-datacenter",),
        owner=Owner.DATACENTER, severity=Severity.WARNING, confidence=Confidence.LOW,
        summary="The sign-in page takes 1.8 s to begin", explains=("aoc-datacenter/http.latency",),
        evidence=("TCP and TLS together took 64 ms, so the time goes into the application",),
        fix="Run it again at another hour before asking.",
        ticket="To: datacenter\n\nGET /login began after 1840 ms.",
    ),
)  # fmt: skip


def report_of(
    desk: Desk,
    at: datetime,
    *,
    number: int,
    faulty: bool = False,
    whole: bool = False,
    reason: RunReason = RunReason.SCHEDULED,
    claims: Verdict | None = None,
    ahead: timedelta = timedelta(),
    capacity: dict[str, Any] | None = None,
) -> Report:
    """Return a report of *desk* that ended at *at*.

    claims: a verdict that its findings need not bear out; it then names no cause. ahead: by how
    much its clock runs before ours. capacity: what it measured of its line to the datacenter.
    """
    passing = everything() if whole else PASSING
    faults = FAULTS if faulty else ()
    failed = {one.id for one in faults}
    kept = {
        place: words for place, words in passing.items() if f"{place[0]}/{place[1]}" not in failed
    }
    findings = (*faults, *(finding(*place, *words) for place, words in kept.items()))
    if capacity:
        findings += tuple(finding("aoc-datacenter", *words) for words in CARRIED)
    places = sorted({(one.target, one.check) for one in findings})
    return Report(
        run_id=new_run_id(at, number.to_bytes(10, "big")),
        reason=reason,
        location=Location(court=desk.court, name=desk.location, role=desk.role),
        machine=Machine(name=desk.name, os="Windows 10.0.22631", id=desk.id),
        agent=Agent(version="0.1.0", checks={check: 1 for _, check in places}),
        profile=ProfileRef(
            id=f"{desk.court}/{desk.location}/{desk.role}", version=3, sha256="5f" * 32
        ),
        started_at=at - timedelta(seconds=14.2),
        finished_at=at + ahead,
        clock_offset_ms=-12.0,
        targets=tuple(
            TargetRef(
                id=name, title=title, url=url, why="CCPOR needs it", owner=owner, required=True
            )
            for name, (title, url, owner) in TARGETS.items()
        ),
        observations=tuple(
            _observation(target, check, at, failed, capacity) for target, check in places
        ),
        findings=findings,
        causes=CAUSES if faulty and not claims else (),
        coverage=Coverage(
            planned=len(findings),
            assessed=len(findings) - (2 if faulty else 0),
            excluded=0,
            not_assessed=(
                NotAssessed(
                    finding="this-machine/workstation.patch",
                    why="the update history cannot be read without administrator rights",
                    unproven="that no critical patch is missing",
                    blocking=True,
                ),
            )
            if faulty
            else (),
        ),
        verdict=claims or (Verdict.NOT_READY if faulty else Verdict.READY),
    )


def _observation(
    target: str, check: str, at: datetime, failed: set[str], capacity: dict[str, Any] | None
) -> Observation:
    ending = None
    if f"{target}/{check}.reach" in failed:
        ending = Ending(
            kind="target-failed", detail="nothing came back", code="tcp.reach", reason="dropped"
        )
    return Observation(
        target=target,
        check=check,
        version=1,
        started_at=at - timedelta(seconds=10),
        duration_ms=9021.0 if ending else 62.4,
        attempts=3 if check == "tcp" else 1,
        evidence=(check == "capacity" and capacity) or EVIDENCE.get(check, {"looked_at": target}),
        ending=ending,
    )


class Sample:
    """A collector being filled; `numbers` keeps run ids apart."""

    def __init__(self, collector: Collector, clock: Clock) -> None:
        self.collector = collector
        self.clock = clock
        self.numbers = 0

    def court(self, court_id: str, name: str, days: int | None, **more: Any) -> None:
        go_live = None if days is None else self.clock.at.date() + timedelta(days=days)
        value = courts.Court(id=court_id, name=name, go_live=go_live, **more)
        self.collector.store.write(lambda tx: courts.put(tx, value))

    def desk(self, name: str, court: str, location: str, role: str) -> Desk:
        desk = Desk(name, court, location, role)
        code = codes.fresh()

        def job(tx: Transaction) -> None:
            courts.put_location(tx, court, location)
            codes.add(
                tx, code, court=court, location=location, role=role, uses=1,
                expires_at=tx.now + timedelta(hours=24), who="m.ortiz",
            )  # fmt: skip

        self.collector.store.write(job)
        wish = enrollment.Wish(
            code=code,
            public_key=public_key_pem(desk.signer._key.public_key()),
            machine=enrollment.MachineName(name=name, os="Windows 10.0.22631"),
        )
        _, answer = asyncio.run(enrollment.enrol(self.collector, wish, CONSOLE))
        desk.id = answer.machine_id
        return desk

    def report(self, desk: Desk, hours_ago: float = 1, **how: Any) -> str:
        """Send a report that ended some hours ago; return its run id."""
        now = self.clock.at
        self.numbers += 1
        self.clock.at = now - timedelta(hours=hours_ago)
        try:
            made = report_of(desk, self.clock.at, number=self.numbers, **how)
            body = seal(encode_report(made), REPORT_TYPE, desk.signer)
            asyncio.run(ingest.receive(self.collector, Turn(body, None), CONSOLE))
        finally:
            self.clock.at = now
        return made.run_id

    def declared(self, court: str, location: str, role: str, machines: int) -> None:
        row = courts.Declared(court=court, location=location, role=role, machines=machines)
        self.collector.store.write(lambda tx: courts.declare(tx, row))

    def said(
        self,
        court: str,
        item: str,
        party: Party,
        note: str = "done",
        kind: DeclarationKind = DeclarationKind.MET,
        until: date | None = None,
    ) -> None:
        self.collector.store.write(
            lambda tx: declarations.add(
                tx, court, item, kind, party, who="r.diaz", note=note, until=until
            )
        )

    def attest(self, court: str, phases: set[str], left: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        """Attest every attested item of *phases* but those of *left*, for each owner."""
        for item in our_checklist().items:
            if item.phase not in phases or item.id in left:
                continue
            if item.signed:
                for party in item.owners:
                    self.signed(court, item.signed, party)
            elif item.kind is not Kind.TECHNICAL:
                for party in item.owners:
                    self.said(court, item.id, party, "letter 2026-1142 is on file")

    def signed(self, court: str, subject: str, party: Party) -> None:
        """Sign for *party* under one digest, as if all had seen the same checklist."""
        self.collector.store.write(
            lambda tx: decisions.add(
                tx,
                court,
                subject,
                DecisionKind.GO,
                party,
                who=f"{party.value}.signer",
                seen_size=40,
                seen_root="3c" * 32,
                basis="5f" * 32,
                note="as agreed in the meeting",
            )
        )

    def worked_on(self, court: str) -> str:
        """Waive an item, let another waiver run out, comment, attach; return the document's id."""
        today = self.clock.at.date()

        def job(tx: Transaction) -> str:
            why = "the new product is rolled out in December"
            late, soon = today - timedelta(days=3), today + timedelta(days=20)
            waivers.grant(tx, court, "IM-22", reason=why, until=soon, who="b.approver")
            waivers.grant(tx, court, "IM-24", reason=why, until=late, who="b.approver")
            assignments.add(tx, court, "PL-13", "r.diaz", soon, who="a.reviewer")
            comments.add(tx, court, "Asked the county again.", who="r.diaz", item="PL-13")
            return attachments.add(
                tx, court, b"%PDF-1.7 ticket", name="ticket 5511.pdf", media_type="application/pdf",
                who="r.diaz", item="PL-13",
            )  # fmt: skip

        made: str = self.collector.store.write(job).value
        return made

    def incident(self, court: str, desk: Desk) -> str:
        """Open an incident and ask *desk* for a fresh run; return the incident's id."""

        def job(tx: Transaction) -> str:
            made, _ = incidents.open_one(
                tx, court, title="The gateway does not answer", priority="P2",
                text="Nobody at the front desk can submit since nine.",
                began_at=tx.now - timedelta(hours=2), who="r.diaz",
            )  # fmt: skip
            incidents.ask(
                tx, court, desk.id, who="a.reviewer", lives=timedelta(days=3), incident_id=made
            )
            incidents.tell(tx, made, "asked", f"fresh runs of {desk.name}", who="a.reviewer")
            return made

        made: str = self.collector.store.write(job).value
        return made

    def person(self, name: str, role: Role, court: str | None, hashed: str) -> None:
        def job(tx: Transaction) -> None:
            person_id = people.add(tx, name, role, court, hashed)
            people.set_password(tx, person_id, hashed, must_change=False)
            audit.record(tx, "person.add", role.value, CONSOLE, about=name)

        self.collector.store.write(job)


def fill(collector: Collector, clock: Clock) -> dict[str, str]:
    """Fill a collector with six courts; return addresses by name: court, faulty, sound, machine."""
    make = Sample(collector, clock)
    image_only = {"images": True, "gateway": False, "sheriff_enters": False, "lea_extranet": False}
    both = {"images": False, "gateway": True, "lea_extranet": False, "training_room": False}
    make.court("ca-alpine", "Superior Court of Alpine County", None)
    make.court("ca-sonoma", "Superior Court of Sonoma County", 12, scope=both)
    make.court(
        "ca-fresno",
        "Superior Court of Fresno County",
        5,
        scope={**image_only, "training_room": False},
    )
    make.court("ca-kern", "Superior Court of Kern County", -9, scope=image_only)
    make.court("yurok", "Yurok Tribal Court", 44, kind="tribal", scope={"tribal": True})
    make.court("sonoma-so", "Sonoma County Sheriff's Office", 75, kind="sheriff")

    front = make.desk("SR-FRONT-01", "ca-sonoma", "santa-rosa", "clerk")
    back = make.desk("SR-RECORDS-02", "ca-sonoma", "santa-rosa", "clerk")
    annex = make.desk("PET-SCAN-01", "ca-sonoma", "petaluma", "clerk")
    make.desk("SR-JUDGE-03", "ca-sonoma", "santa-rosa", "judge")
    make.declared("ca-sonoma", "santa-rosa", "clerk", 3)
    make.declared("ca-sonoma", "santa-rosa", "judge", 1)
    make.declared("ca-sonoma", "petaluma", "clerk", 1)
    sound = make.report(back, 3, capacity=evidence(enough()))
    make.report(front, 30)
    make.report(annex, 24 * 9, capacity=evidence(narrow()))
    faulty = make.report(front, 0.5, faulty=True, reason=RunReason.GO_LIVE)
    make.attest("ca-sonoma", {"planning"}, {"PL-13", "PL-10"})
    make.said(
        "ca-sonoma", "PL-13", Party.COURT, "the county has not answered", DeclarationKind.NOT_MET
    )
    document = make.worked_on("ca-sonoma")
    incident = make.incident("ca-sonoma", front)

    ready = make.desk("FR-SCAN-01", "ca-fresno", "fresno", "scan-station")
    make.declared("ca-fresno", "fresno", "scan-station", 1)
    for hours in (50, 26, 2):
        make.report(ready, hours, whole=True)
    make.attest("ca-fresno", {"planning", "implement", "go-live"})
    old = make.desk("KERN-01", "ca-kern", "bakersfield", "clerk")
    make.report(old, 24 * 20, whole=True)
    make.attest("ca-kern", {"planning"})
    tribal = make.desk("YUROK-1", "yurok", "klamath", "clerk")
    make.report(tribal, 5)
    long = make.desk(LONG_NAME, "yurok", "klamath", "clerk")
    odd = make.report(long, 4, faulty=True, claims=Verdict.READY, ahead=timedelta(minutes=20))
    return {
        "court": "ca-sonoma", "faulty": faulty, "sound": sound, "odd": odd, "machine": annex.id,
        "document": document, "incident": incident,
    }  # fmt: skip
