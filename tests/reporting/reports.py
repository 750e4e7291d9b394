"""One rich report for every renderer: many targets, every state, letters of many scripts, attacks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec

from ccpor_reporting.coverage import Excluded, coverage
from ccpor_reporting.diagnosis import causes
from ccpor_reporting.faults import catalogue
from ccpor_reporting.model import (
    Agent,
    Cause,
    Finding,
    Json,
    Location,
    Machine,
    Observation,
    Owner,
    ProfileRef,
    Report,
    RunReason,
    Severity,
    Status,
    TargetRef,
    finding_id,
)
from ccpor_reporting.verdict import verdict

AT = datetime(2026, 11, 23, 17, 4, 5, 123000, tzinfo=UTC)
PACIFIC = timezone(timedelta(hours=-8), "PST")
RUN_ID = "0192f0c1-2345-7abc-8def-0123456789ab"
MACHINE = Machine(name="SR-SCAN-03", os="Windows 10.0.26100", id="m-417")
LOCATION = Location(court="ca-sonoma", name="santa-rosa", role="scan-station")
RETEST = "ccpor-check run --profile santa-rosa.toml"

# What a hostile server might put into a banner: a terminal command, a tag, a formula, an override
# that turns text around, a C1 control, a line end that starts a false verdict.
HOSTILE = '=cmd|"/c calc"!A1 \x1b]0;owned\x07\x1b[31m<script>alert(1)</script>\u202egnp.\x9b2J\r\nREADY ]]>'


def target(
    name: str,
    url: str,
    *,
    title: str = "",
    owner: Owner = Owner.DATACENTER,
    required: bool = True,
    why: str = "needed for go-live",
) -> TargetRef:
    return TargetRef(id=name, title=title or name, url=url, why=why, owner=owner, required=required)


def finding(
    where: str,
    code: str,
    status: Status = Status.PASS,
    reason: str | None = None,
    summary: str = "as expected",
    *,
    severity: Severity = Severity.BLOCKER,
    observed: Json = None,
    expected: str | None = None,
    unit: str | None = None,
    because: str | None = None,
    owner: Owner | None = None,
    fix: str | None = None,
) -> Finding:
    """Return one finding with the catalogue's words, as judging makes it."""
    words = catalogue()[code].reasons[reason] if reason else None
    return Finding(
        id=finding_id(where, code),
        target=where,
        check=code.split(".", maxsplit=1)[0],
        code=code,
        status=status,
        severity=severity,
        summary=summary,
        owner=owner or (words.owner_for(Owner.DATACENTER) if words else Owner.DATACENTER),
        reason=reason,
        observed=observed,
        expected=expected,
        unit=unit,
        fix=fix or (words.fix if words else None),
        because=because,
    )


def failed(where: str, fault: str, summary: str = "not as expected", **rest: Json) -> Finding:
    code, _, reason = fault.partition("/")
    return finding(where, code, Status.FAIL, reason, summary, **rest)


def skipped(where: str, code: str, because: str, **rest: Json) -> Finding:
    return finding(
        where,
        code,
        Status.SKIP,
        None,
        f"not looked at: {because} did not pass",
        because=because,
        **rest,
    )


def report_of(
    findings: tuple[Finding, ...],
    targets: tuple[TargetRef, ...] = (),
    *,
    observations: tuple[Observation, ...] = (),
    excluded: tuple[Excluded, ...] = (),
    at: datetime = AT,
    interrupted: bool = False,
) -> Report:
    """Return a whole report around *findings*: causes, coverage and verdict computed from them."""
    known = targets or tuple(
        target(name, f"https://{name}.example.org/")
        for name in dict.fromkeys(f.target for f in findings)
    )
    return Report(
        run_id=RUN_ID,
        reason=RunReason.GO_LIVE,
        location=LOCATION,
        machine=MACHINE,
        agent=Agent(version="0.1.0", checks={f.check: 1 for f in findings}),
        profile=ProfileRef(id="ca-sonoma/santa-rosa/scan-station", version=3, sha256="5f" * 32),
        started_at=at,
        finished_at=at + timedelta(seconds=4.5),
        targets=known,
        observations=observations,
        findings=findings,
        causes=causes(
            findings,
            known,
            at=at,
            local=PACIFIC,
            machine=MACHINE,
            location=LOCATION,
            retest=RETEST,
            observations=observations,
        ),
        coverage=coverage(findings, excluded, observations),
        verdict=verdict(findings, sum(item.blocking for item in excluded), interrupted),
        clock_offset_ms=-12.5,
        interrupted=interrupted,
    )


def diagnosed(
    *findings: Finding, targets: tuple[TargetRef, ...] = (), **rest: Any
) -> tuple[Cause, ...]:
    known = targets or tuple(
        target(name, f"https://{name}.example.org/")
        for name in dict.fromkeys(f.target for f in findings)
    )
    setting: dict[str, Any] = {
        "at": AT,
        "local": PACIFIC,
        "machine": MACHINE,
        "location": LOCATION,
        "retest": RETEST,
        **rest,
    }
    return causes(findings, known, **setting)


def faults(found: tuple[Cause, ...]) -> list[tuple[str, tuple[str, ...]]]:
    return [(cause.fault, cause.targets) for cause in found]


def observation(where: str, check: str, **rest: Json) -> Observation:
    values: dict[str, Json] = {
        "target": where,
        "check": check,
        "version": 1,
        "started_at": AT,
        "duration_ms": 12.25,
        "attempts": 1,
        "evidence": {},
        **rest,
    }
    return msgspec.convert(values, Observation)


TARGETS = (
    target(
        "ccpor-web",
        "https://ccpor.example.org/login",
        title="CCPOR web application",
        why="Clerks enter and read orders here",
    ),
    target("ccpor-sftp", "tcp://ccpor.example.org:22", title="CCPOR file drop"),
    target(
        "gateway",
        "tls://gateway.example.org:8443",
        title="Gateway to the state",
        owner=Owner.GATEWAY,
        why="Orders go on to the state's systems here",
    ),
    target(
        "sheriff",
        "https://sheriff.example.gov/",
        title="Sheriff’s web page — Añejo 福 <b>",
        required=False,
        owner=Owner.VENDOR,
    ),
    target("clock", "ntp://time.example.org", title="Court time server", owner=Owner.COURT_IT),
    target("hostile", "https://evil.example.org/", title=HOSTILE, why=HOSTILE),
    target("this-pc", "workstation:", title="This workstation", owner=Owner.COURT_IT),
)


def _web() -> tuple[Finding, ...]:
    stage = "ccpor-web/http.answer"
    return (
        finding("ccpor-web", "dns.answer", summary="ccpor.example.org is 203.0.113.10"),
        finding("ccpor-web", "dns.agreement", summary="2 resolvers give the same addresses"),
        finding(
            "ccpor-web",
            "dns.latency",
            summary="the slowest, 10.1.1.53, took 12.4 ms",
            observed=12.4,
            expected="at most 500 ms (blocks above 2000 ms)",
            unit="ms",
        ),
        finding(
            "ccpor-web",
            "tcp.reach",
            summary="203.0.113.10 port 443 answered in 8.1 ms",
            observed=9.75,
            unit="ms",
        ),
        finding("ccpor-web", "tls.handshake", summary="TLSv1.3 with TLS_AES_256_GCM_SHA384"),
        finding("ccpor-web", "tls.trust", summary="a path of 3 certificates to a trusted root"),
        finding("ccpor-web", "tls.name", summary="issued for ccpor.example.org"),
        failed(
            "ccpor-web",
            "tls.validity/expires-too-soon",
            "the certificate ends on 2027-03-11 08:00 UTC, 10 days after 2027-03-01",
            observed=10,
            expected="at least 30 days left on 2027-03-01",
            unit="days",
        ),
        finding("ccpor-web", "tls.version", summary="negotiated TLSv1.3"),
        finding("ccpor-web", "tls.cipher", summary="negotiated TLS_AES_256_GCM_SHA384"),
        finding("ccpor-web", "tls.key", summary="EC-256, signed with sha256"),
        failed("ccpor-web", "http.answer/timeout", "no answer within 10 s"),
        skipped("ccpor-web", "http.status", stage),
        skipped("ccpor-web", "http.content", stage),
        skipped("ccpor-web", "http.latency", stage, severity=Severity.WARNING),
    )


def _gateway() -> tuple[Finding, ...]:
    reach = "gateway/tcp.reach"
    codes = ("handshake", "trust", "name", "validity", "version", "cipher", "key")
    return (
        finding("ccpor-sftp", "dns.answer", summary="ccpor.example.org is 203.0.113.10"),
        finding("ccpor-sftp", "tcp.reach", summary="203.0.113.10 port 22 answered in 8 ms"),
        finding("gateway", "dns.answer", summary="gateway.example.org is 203.0.113.77"),
        failed(
            "gateway",
            "tcp.reach/dropped",
            "203.0.113.77 port 8443: nothing came back within 3 s (3 of 3 tries)",
            observed={"203.0.113.77": "dropped"},
            expected="a connection within 3 s",
        ),
        *(skipped("gateway", f"tls.{code}", reach) for code in codes),
    )


def _others() -> tuple[Finding, ...]:
    return (
        failed(
            "sheriff",
            "tls.trust/self-signed",
            "the certificate is signed by itself",
            severity=Severity.WARNING,
            owner=Owner.VENDOR,
        ),
        finding("clock", "clock.server", summary="10.1.1.5 answers with time of stratum 2"),
        finding(
            "clock",
            "clock.offset",
            summary="this machine's clock is 0.013 s ahead (±0.004 s), which is exact",
            observed=-0.0125,
            expected="at most 60 s (blocks above 300 s)",
            unit="s",
        ),
        finding("hostile", "dns.answer", summary=HOSTILE, observed=[HOSTILE, "-3+1"]),
        failed(
            "hostile",
            "http.status/unexpected-status",
            HOSTILE,
            observed=HOSTILE,
            expected="200",
            severity=Severity.WARNING,
        ),
        finding(
            "hostile",
            "http.content",
            Status.ERROR,
            summary="internal: KeyError; see the log",
            severity=Severity.WARNING,
        ),
        finding("this-pc", "workstation.os", summary="Windows 11 24H2, supported until 2027-10"),
        finding("this-pc", "workstation.memory", summary="16 GB", observed=16, unit="GB"),
        failed(
            "this-pc",
            "workstation.disk/too-small",
            "6.2 GB free on C:",
            observed=6.2,
            expected="at least 10 GB",
            unit="GB",
            severity=Severity.WARNING,
        ),
        failed(
            "this-pc",
            "workstation.display/missing",
            "no screen",
            severity=Severity.INFO,
        ),
        finding(
            "this-pc",
            "workstation.wireless",
            Status.NOT_APPLICABLE,
            summary="this workstation has no wireless adapter",
        ),
        finding(
            "this-pc",
            "workstation.encryption",
            Status.ERROR,
            summary="needs the right to read BitLocker's state; run as administrator",
        ),
    )


def rich_report() -> Report:
    """Return about 40 findings over 7 targets: every state, retries, many scripts, attacks."""
    tries = [
        {"address": "203.0.113.10", "reason": "dropped", "ms": 3000.0},
        {"address": "203.0.113.10", "reason": None, "ms": 8.1},
        {"address": "203.0.113.10", "reason": None, "ms": 9.75},
    ]
    return report_of(
        (*_web(), *_gateway(), *_others()),
        TARGETS,
        observations=(
            observation("ccpor-web", "dns", attempts=2, duration_ms=24.5),
            observation("ccpor-web", "tcp", attempts=3, evidence={"tries": tries}),
            observation(
                "hostile",
                "http",
                evidence={"server": HOSTILE, "status": 503, "ratio": 0.5, "nothing": None},
            ),
        ),
        excluded=(Excluded("sheriff/http.status", False),),
    )


def ready_report() -> Report:
    return report_of(
        (
            finding("web", "dns.answer", summary="web.example.org is 192.0.2.1"),
            finding("web", "tcp.reach", summary="192.0.2.1 port 443 answered in 1.5 ms"),
        )
    )
