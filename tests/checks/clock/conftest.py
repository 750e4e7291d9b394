"""One way to look at a clock and judge it, for every test of the check."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ccpor_checks.base import Context, Target, TargetFailed
from ccpor_checks.clock import CHECK, ClockEvidence, ClockOptions
from ccpor_reporting.judging import judge
from ccpor_reporting.model import Ending, Finding, Owner, TargetRef
from ccpor_reporting.rules import Setting

Outcome = dict[str, tuple[str, str | None]]


class Seen:
    """What one look gave: evidence or ending, and its findings."""

    def __init__(
        self, evidence: ClockEvidence | None, ending: Ending | None, findings: tuple[Finding, ...]
    ) -> None:
        self._evidence, self.ending, self.findings = evidence, ending, findings

    @property
    def evidence(self) -> ClockEvidence:
        assert self._evidence is not None, self.ending
        return self._evidence

    @property
    def outcome(self) -> Outcome:
        """Code to status and reason: all findings there are."""
        return {f.code: (f.status.value, f.reason) for f in self.findings}

    def __getitem__(self, code: str) -> Finding:
        return next(finding for finding in self.findings if finding.code == code)


Look = Callable[..., Seen]


@pytest.fixture
def look() -> Look:
    """Look at ``ntp://host:port`` with the options given, by this machine's clock plus *off_s*."""

    def looked(
        port: int,
        *,
        host: str = "127.0.0.1",
        off_s: float = 0.0,
        deadline_s: float = 20.0,
        now: Callable[[], datetime] | None = None,
        **options: object,
    ) -> Seen:
        asked = ClockOptions(**{"timeout_s": 2.0, **options})  # type: ignore[arg-type]
        target = Target(id="time", url=f"ntp://{host}:{port}", scheme="ntp", host=host, port=port)
        ctx = Context(
            deadline=time.monotonic() + deadline_s,
            now=now or (lambda: datetime.fromtimestamp(time.time() + off_s, UTC)),
        )
        evidence, ending = None, None
        try:
            evidence = CHECK.run(target, asked, ctx)
        except TargetFailed as exc:
            ending = Ending(
                kind="target-failed", detail=exc.detail, code=exc.code, reason=exc.reason
            )
        judged = judge(
            check="clock",
            rules=CHECK.rules,
            staged=CHECK.staged,
            target=TargetRef(
                id="time", title="", url=target.url, why="", owner=Owner.COURT_IT, required=True
            ),
            options=asked,
            evidence=evidence,
            ending=ending,
            setting=Setting(observed_at=datetime.fromtimestamp(time.time(), UTC), host=host),
        )
        return Seen(evidence, ending, judged.findings)

    return looked
