"""What became of the order: one rule; what is worse is said first."""

from __future__ import annotations

from ccpor_checks.order.evidence import OrderEvidence, OrderOptions
from ccpor_reporting.model import Severity
from ccpor_reporting.rules import (
    Judgement,
    Rule,
    Setting,
    limit_words,
    met,
    over_limit,
    unassessed,
    unmet,
)

FAILED, CORRUPTED, SLOW = "failed", "corrupted", "slow"
WHEN = {
    "connection": "while connecting",
    "tls": "during the TLS handshake",
    "request": "while it was sent",
    "head": "before an answer came",
    "body": "in the middle of the answer",
}
WORDS = {
    "timeout": "no answer in time",
    "closed": "the connection was closed",
    "reset": "the connection was reset",
    "malformed": "the answer is no proper HTTP",
}
TOO_LARGE, SIGN_IN = 413, frozenset({401, 403})
BY = {
    "location": "fetched again",
    "body": "sent back",
    "digest": "named in the answer's header",
    "text": "named in the answer",
}


def judge_upload(seen: OrderEvidence, options: OrderOptions, _setting: Setting) -> Judgement:
    severity = None if seen.took_s is None else over_limit(seen.took_s, options.max_s)
    if problem := _did_not_arrive(seen, options):
        return problem
    if seen.readback is not None and not seen.readback.same:
        return unmet(
            CORRUPTED,
            f"what arrived is not what was sent: SHA-256 {seen.readback.sha256} is "
            f"{BY[seen.readback.by]}, {seen.sha256} was sent",
            observed=seen.readback.sha256,
            expected=f"SHA-256 {seen.sha256}",
        )
    if severity is Severity.BLOCKER:
        return _slow(seen, options, severity)
    if options.readback and seen.readback is None:
        return unassessed(_nothing_shown(seen), observed=seen.status)
    if severity is not None:
        return _slow(seen, options, severity)
    how = f", and its hash was {BY[seen.readback.by]}" if seen.readback else ""
    return met(
        f"{seen.size_bytes / 1000:g} kB arrived in {seen.took_s:.4g} s{how}",
        observed=seen.took_s,
        expected=limit_words(options.max_s, "s"),
        unit="s",
    )


def _slow(seen: OrderEvidence, options: OrderOptions, severity: Severity) -> Judgement:
    return unmet(
        SLOW,
        f"{seen.size_bytes / 1000:g} kB took {seen.took_s:.4g} s to arrive",
        severity=severity,
        observed=seen.took_s,
        expected=limit_words(options.max_s, "s"),
        unit="s",
    )


def _did_not_arrive(seen: OrderEvidence, options: OrderOptions) -> Judgement | None:
    size = f"{seen.size_bytes / 1000:g} kB"
    if seen.failure == "timeout" and seen.cut and seen.moving:
        return unmet(
            SLOW,
            f"{size} had not arrived after {seen.waited_s:g} s, and were still on their way",
            observed=seen.waited_s,
            expected=limit_words(options.max_s, "s"),
            unit="s",
        )
    expected = "an answer of success (status 2xx)"
    if seen.failure is not None:
        error = f" ({seen.error})" if seen.error else ""
        at = WHEN[seen.failed_at or "head"]
        sent = f"; {seen.sent_bytes / 1000:g} of {size} had left this workstation"
        words = f"{WORDS[seen.failure]}, {at}{error}{sent if seen.sent_bytes else ''}"
        return unmet(FAILED, words, observed=seen.status, expected=expected)
    if seen.status is None or not 200 <= seen.status < 300:
        return unmet(FAILED, _refused(seen, size), observed=seen.status, expected=expected)
    return None


def _refused(seen: OrderEvidence, size: str) -> str:
    if seen.redirect:
        return f"status {seen.status}: it redirects to {seen.redirect}; the target's url is another"
    if seen.status == TOO_LARGE:
        return f"status {seen.status}: an order of {size} is too large for it"
    if seen.status in SIGN_IN:
        return f"status {seen.status}: it lets this workstation send nothing"
    return f"status {seen.status}"


def _nothing_shown(seen: OrderEvidence) -> str:
    words = "it was taken, but the server shows neither the order nor its hash"
    if seen.location_elsewhere:
        where = seen.location or "an address that cannot be read"
        words = f"it was taken, and put elsewhere ({where}), where nobody is asked"
    return f"{words}; let it answer with one, or write readback = false"


RULES: tuple[Rule[OrderEvidence, OrderOptions], ...] = (
    Rule(code="order.upload", reasons=(FAILED, CORRUPTED, SLOW), judge=judge_upload),
)
