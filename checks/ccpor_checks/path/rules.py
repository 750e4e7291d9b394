"""What the packets mean: pure comparisons over `PathEvidence`."""

from __future__ import annotations

from ccpor_checks.path.bounds import at_most_share
from ccpor_checks.path.evidence import PathEvidence, PathMtu, PathOptions
from ccpor_checks.path.judged import is_jittery, is_lossy, is_slow
from ccpor_checks.path.sampling import limits
from ccpor_reporting.model import Owner, Severity
from ccpor_reporting.rules import (
    Judgement,
    Rule,
    Setting,
    limit_words,
    met,
    skipped_by,
    unassessed,
    unmet,
)

WORDS = {
    "stamp": "STAMP packets",
    "tcp": "TCP handshakes",
    "icmp": "ICMP echoes",
    "udp": "UDP packets",
}
USUAL_MTU = 1500


def judge_loss(seen: PathEvidence, options: PathOptions, _setting: Setting) -> Judgement:
    """Judge the loss by what the count proves, not by the bare share."""
    expected = limit_words(options.max_loss_pct, "%")  # type: ignore[arg-type]
    severity = is_lossy(seen, options)
    if seen.lost == seen.sent:
        return _all_lost(seen, severity, expected)
    words = f"{seen.lost} of {seen.sent} {WORDS[seen.method]} lost ({seen.loss_pct:.3g} %)"
    if ways := _ways(seen):
        words += f", {ways}"
    if severity is None:
        most = at_most_share(seen.lost, seen.sent) * 100
        words += f"; {most:.2g} % at most (sure to 99.9 %)"
        return met(words + _method(seen), observed=seen.loss_pct, expected=expected, unit="%")
    if seen.loss_low_pct is not None and seen.loss_high_pct is not None:
        words += f"; {seen.loss_low_pct:.2g}–{seen.loss_high_pct:.2g} % (95 %)"
    words += _since(seen)
    return unmet(
        "lossy", words, severity=severity, observed=seen.loss_pct, expected=expected, unit="%"
    )


def _all_lost(seen: PathEvidence, severity: Severity | None, expected: str) -> Judgement:
    words = f"nothing came back of {seen.sent} {WORDS[seen.method]}"
    if seen.refused_by:
        words += f"; {seen.refused_by} says that there is no way"
    elif seen.begins_after:
        words += f"; they are lost at or past {seen.begins_after}"
    if severity is None:
        return unassessed(words + ", too few to say more")
    return unmet(
        "lossy", words, severity=severity, observed=seen.loss_pct, expected=expected, unit="%"
    )


def _ways(seen: PathEvidence) -> str:
    up, down = seen.loss_up_pct, seen.loss_down_pct
    if up is None or down is None or not seen.lost:
        return ""
    return f"{up:.3g} % on the way there, {down:.3g} % on the way back"


def _since(seen: PathEvidence) -> str:
    return f"; it begins past {seen.begins_after}" if seen.begins_after else ""


def _method(seen: PathEvidence) -> str:
    return f" ({'; '.join(seen.not_used)})" if seen.not_used else ""


def judge_latency(seen: PathEvidence, options: PathOptions, _setting: Setting) -> Judgement:
    """Judge the 95th percentile of the round trips."""
    expected = limit_words(options.max_rtt_p95_ms, "ms")
    if gap := _untold(seen):
        return gap
    assert seen.rtt_p50_ms is not None
    assert seen.rtt_p95_ms is not None
    severity = is_slow(seen, options)
    words = f"round trip {seen.rtt_p50_ms:.4g} ms, p95 {seen.rtt_p95_ms:.4g} ms"
    if severity is None and is_slow(seen, options, sure=False):
        return unassessed(f"{words}; {_held_up(seen)}", observed=seen.rtt_p95_ms)
    if severity is None:
        words += _unproven(seen.rtt_p95_ms, limits(options.max_rtt_p95_ms))
        return met(words, observed=seen.rtt_p95_ms, expected=expected, unit="ms")
    return unmet(
        "slow",
        words + _since(seen),
        severity=severity,
        observed=seen.rtt_p95_ms,
        expected=expected,
        unit="ms",
    )


def judge_jitter(seen: PathEvidence, options: PathOptions, _setting: Setting) -> Judgement:
    """Judge how much later than the quickest the slow ones come."""
    expected = limit_words(options.max_jitter_ms, "ms")
    if gap := _untold(seen):
        return gap
    assert seen.jitter_ms is not None
    severity = is_jittery(seen, options)
    words = f"p95 {seen.jitter_ms:.4g} ms above the quickest"
    if seen.jitter_up_ms is not None and seen.jitter_down_ms is not None:
        words += f" ({seen.jitter_up_ms:.4g} ms there, {seen.jitter_down_ms:.4g} ms back)"
    if severity is None and is_jittery(seen, options, sure=False):
        return unassessed(f"{words}; {_held_up(seen)}", observed=seen.jitter_ms)
    if severity is None:
        words += _unproven(seen.jitter_ms, limits(options.max_jitter_ms))
        return met(words, observed=seen.jitter_ms, expected=expected, unit="ms")
    return unmet(
        "unsteady",
        words + _since(seen),
        severity=severity,
        observed=seen.jitter_ms,
        expected=expected,
        unit="ms",
    )


def _untold(seen: PathEvidence) -> Judgement | None:
    """Return why nothing is said of times, None where there are enough of them."""
    if seen.lost == seen.sent:
        return skipped_by("path.loss", "nothing came back to be timed")
    if seen.rtt_p95_ms is None or seen.jitter_ms is None:
        return unassessed(f"only {len(seen.rtts_ms)} answers were timed; 20 are needed")
    return None


def _held_up(seen: PathEvidence) -> str:
    return (
        f"this workstation was too busy to tell (held up by {seen.held_up_p95_ms:.3g} ms); "
        "close programs and run again"
    )


def _unproven(value: float, edges: tuple[float, ...]) -> str:
    if edges and value > edges[0]:
        return "; too few, or at one moment only, beyond the limit to count"
    return ""


def judge_mtu(seen: PathEvidence, options: PathOptions, _setting: Setting) -> Judgement:
    """Judge the largest packet that passes, and whether larger ones are told of."""
    edges = limits(options.min_mtu)
    expected = f"at least {edges[-1]:g} bytes"
    if len(edges) > 1:
        expected += f" (blocks below {edges[0]:g} bytes)"
    if seen.lost == seen.sent:
        return skipped_by("path.loss", "nothing came back")
    if seen.mtu is None:
        return unassessed(seen.mtu_unknown or "the largest packet was not looked for")
    mtu = seen.mtu
    severity = None
    if mtu.bytes < edges[-1]:
        severity = Severity.BLOCKER if mtu.bytes < edges[0] else Severity.WARNING
    if mtu.next == "vanished" and mtu.bytes < min(USUAL_MTU, mtu.interface_bytes):
        return _black_hole(mtu, severity or Severity.WARNING, expected)
    words = _passes(mtu)
    if severity is None:
        return met(words, observed=mtu.bytes, expected=expected, unit="bytes")
    if (
        mtu.next == "far-end"
    ):  # a size agreed on harms no TCP connection: it is what clamping is for
        severity = Severity.WARNING
    owner = Owner.COURT_IT if mtu.next == "own-interface" else None
    return unmet(
        "too-small",
        words,
        severity=severity,
        observed=mtu.bytes,
        expected=expected,
        unit="bytes",
        owner=owner,
        fix=OWN_INTERFACE if owner else None,
    )


OWN_INTERFACE = "Raise the packet size (MTU) of this workstation's own network interface."


def _passes(mtu: PathMtu) -> str:
    words = f"packets of {mtu.bytes} bytes pass"
    if mtu.next == "own-interface":
        return f"{words}, as large as this workstation's interface sends"
    if mtu.next == "far-end":
        return f"{words}; limited by the far end's MSS"
    by = f" by {mtu.said_by}" if mtu.said_by else ""
    return f"{words}; larger ones are answered as too big{by}" if mtu.next == "too-big" else words


def _black_hole(mtu: PathMtu, severity: Severity, expected: str) -> Judgement:
    words = (
        f"packets larger than {mtu.bytes} bytes vanish without a word: too-big answers are filtered"
    )
    if not mtu.exact:
        words += " (the exact size is a little larger)"
    last = mtu.walk.last if mtu.walk else None
    if last and last.address:
        words += f"; they come as far as {last.address}, the hole is at or past it"
    if mtu.splits is False:
        words += "; they vanish also where they may be split"
    return unmet(
        "black-hole",
        words,
        severity=severity,
        observed=mtu.bytes,
        expected=expected,
        unit="bytes",
    )


RULES: tuple[Rule[PathEvidence, PathOptions], ...] = (
    Rule(code="path.loss", reasons=("lossy",), judge=judge_loss),
    Rule(code="path.latency", reasons=("slow",), judge=judge_latency),
    Rule(code="path.jitter", reasons=("unsteady",), judge=judge_jitter),
    Rule(code="path.mtu", reasons=("black-hole", "too-small"), judge=judge_mtu),
)
