"""Run the TLS check against a port and judge what it saw, as the engine does."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from ccpor_checks.base import CannotObserve, Context, Target, TargetFailed
from ccpor_checks.tls import CHECK, TlsEvidence, TlsOptions
from ccpor_reporting.judging import judge, planned_rules
from ccpor_reporting.model import Ending, Finding, Owner, Status, TargetRef
from ccpor_reporting.rules import Setting

REF = TargetRef(
    id="web",
    title="Web",
    url="https://localhost",
    why="because",
    owner=Owner.DATACENTER,
    required=True,
)
ALL = frozenset(
    {"tls.handshake", "tls.trust", "tls.name", "tls.validity", "tls.version", "tls.cipher", "tls.key"}
)  # fmt: skip


class Outcome:
    """Findings by code, the evidence they came from (None: there is none), and how the look ended."""

    def __init__(
        self, findings: tuple[Finding, ...], evidence: TlsEvidence | None, ending: Ending | None
    ) -> None:
        self.findings = {finding.code: finding for finding in findings}
        self.evidence, self.ending = evidence, ending

    @property
    def seen(self) -> TlsEvidence:
        assert self.evidence is not None, self.ending
        return self.evidence

    @property
    def faults(self) -> set[str]:
        """The faults, as ``code/reason``; a code that is neither pass, fail nor skip by itself."""
        assert self.findings.keys() == ALL
        return {
            finding.fault or f"{finding.code}:{finding.status}"
            for finding in self.findings.values()
            if finding.status not in {Status.PASS, Status.SKIP}
        }

    @property
    def skipped(self) -> set[str]:
        return {code for code, one in self.findings.items() if one.status is Status.SKIP}


def look(
    port: int,
    *,
    folder: Path = Path(),
    go_live: date | None = None,
    host: str = "127.0.0.1",
    scheme: str = "https",
    deadline_s: float | None = None,
    earlier: dict[str, msgspec.Struct] | None = None,
    **options: Any,
) -> Outcome:
    """Return what the check finds on loopback *port*; it asks for ``localhost`` unless told."""
    want = TlsOptions(**{"server_name": "localhost", "timeout_s": 3, **options})
    budget = CHECK.budget_s(want) if deadline_s is None else deadline_s
    ctx = Context(
        deadline=time.monotonic() + budget, base_dir=folder, go_live=go_live, earlier=earlier or {}
    )
    target = Target(id="web", url=f"{scheme}://{host}:{port}", scheme=scheme, host=host, port=port)
    evidence, ending = None, None
    try:
        evidence = CHECK.run(target, want, ctx)
    except TargetFailed as exc:
        ending = Ending(kind="target-failed", detail=exc.detail, code=exc.code, reason=exc.reason)
    except CannotObserve as exc:
        ending = Ending(kind="cannot-observe", detail=str(exc))
    setting = Setting(observed_at=ctx.now(), go_live=go_live, host=host)
    return Outcome(judged(want, evidence, ending, setting), evidence, ending)


def judged(
    want: TlsOptions, evidence: TlsEvidence | None, ending: Ending | None, setting: Setting
) -> tuple[Finding, ...]:
    return judge(
        check=CHECK.id,
        rules=planned_rules(CHECK.rules, want),
        staged=CHECK.staged,
        target=REF,
        options=want,
        evidence=evidence,
        ending=ending,
        setting=setting,
    ).findings
