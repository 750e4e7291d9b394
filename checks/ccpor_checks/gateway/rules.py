"""What the answers mean: pure comparisons over `GatewayEvidence`."""

from __future__ import annotations

from ccpor_checks.gateway.evidence import Echo, GatewayEvidence, GatewayOptions
from ccpor_reporting.model import Severity
from ccpor_reporting.rules import (
    Judgement,
    Rule,
    Setting,
    at_most,
    limit_words,
    met,
    over_limit,
    unassessed,
    unmet,
)

LEAST_SAMPLES = 20  # below it a 95th percentile is the slowest answer, which says little
REFUSED, BAD_ANSWER, TIMEOUT = "refused", "bad-answer", "timeout"
WORDS = {"closed": "the connection was closed", "reset": "the connection was reset"}


def came_back(echo: Echo) -> bool:
    """Say whether the message was answered with success and with its own word."""
    return echo.status is not None and 200 <= echo.status < 300 and echo.returned is True


def reason_of(echo: Echo) -> str | None:
    """Return why a message did not come back; None where it did."""
    if came_back(echo):
        return None
    if echo.failure == "timeout":
        return TIMEOUT
    if echo.failure in {"closed", "reset"}:
        return BAD_ANSWER if echo.failed_at == "body" else REFUSED
    if echo.failure is None and echo.status is not None and echo.status >= 400:
        return REFUSED
    return BAD_ANSWER


def judge_echo(seen: GatewayEvidence, options: GatewayOptions, _setting: Setting) -> Judgement:
    good = sum(came_back(each) for each in seen.echoes)
    tried = len(seen.echoes)
    expected = f"each of {options.echoes} test messages comes back"
    if not tried:
        return unassessed("no test message was sent")
    failed = [(reason, each) for each in seen.echoes if (reason := reason_of(each))]
    if not failed:
        more = "" if tried >= seen.asked else f"; there was no time for all {seen.asked}"
        return met(
            f"{good} of {tried} test messages came back{more}", observed=good, expected=expected
        )
    reason, first = failed[0]
    words = f"{len(failed)} of {tried} test messages failed: {_words(first, options)}"
    return unmet(reason, words, observed=good, expected=expected)


def _words(echo: Echo, options: GatewayOptions) -> str:
    if echo.failure == "timeout":
        return f"no answer within {options.timeout_s:g} s"
    if echo.error == "ECONNREFUSED":
        return "the connection was refused"
    if echo.failure == "malformed":
        return "the answer cannot be read"
    if echo.failure is not None:
        return WORDS[echo.failure]
    if echo.status is not None and 200 <= echo.status < 300:
        return f"status {echo.status}, but the answer does not hold the word that was sent"
    return f"status {echo.status}"


def judge_latency(seen: GatewayEvidence, options: GatewayOptions, _setting: Setting) -> Judgement:
    limit, what = options.max_p95_s, "95 of 100 answers take at most"
    if seen.p95_s is not None:
        return at_most(value=seen.p95_s, limit=limit, unit="s", reason="slow", what=what)
    times = sorted(each.ms / 1000 for each in seen.echoes if came_back(each))
    # Of twenty, nearest rank takes the second slowest. It cannot become quicker by more samples.
    second = times[-2] if len(times) >= 2 and len(seen.echoes) < seen.asked else 0.0
    if over_limit(second, limit) is Severity.BLOCKER:
        return unmet(
            "slow",
            f"at least two of {len(times)} answers took {second:.4g} s or more",
            observed=second,
            expected=limit_words(limit, "s"),
            unit="s",
        )
    return unassessed(f"{len(times)} answers; {LEAST_SAMPLES} are needed for a 95th percentile")


RULES: tuple[Rule[GatewayEvidence, GatewayOptions], ...] = (
    Rule(code="gateway.echo", reasons=(REFUSED, BAD_ANSWER, TIMEOUT), judge=judge_echo),
    Rule(code="gateway.latency", reasons=("slow",), judge=judge_latency),
)
