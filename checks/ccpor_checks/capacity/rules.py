"""What a measurement means for the court's orders: pure comparisons over `CapacityEvidence`.

Thresholds: a rate is enough where the low end of its 95 % interval reaches 0.97 of the need
(the test's own error); 50 ms is what people begin to notice, 150 ms spoils a call (ITU-T G.114).
"""

from __future__ import annotations

from collections.abc import Callable

from ccpor_checks.capacity import words
from ccpor_checks.capacity.evidence import CapacityEvidence, CapacityOptions, Direction, Transfer
from ccpor_reporting.capacity.hours import judged
from ccpor_reporting.capacity.words import plain
from ccpor_reporting.model import Owner, Status
from ccpor_reporting.rules import (
    Judgement,
    Rule,
    Setting,
    limit_words,
    met,
    not_applicable,
    over_limit,
    unmet,
)

INSUFFICIENT, BUFFERBLOAT, TOO_SLOW = "insufficient", "bufferbloat", "too-slow-at-peak"
BUSY, UNSTEADY = "server-busy", "unsteady"
ENOUGH = 0.97  # of the need
UNSTEADY_SHARE = 0.25  # half of the interval, over the rate
PLAINLY = 0.8  # of the need: so little is too little whatever stands between
LEAST_BLOCKS = 6  # before a rate may be said to be enough: a token bucket lends a burst
LEAST_PROBES = 20  # before there is a 95th percentile
CARRIED = 0.95  # of what was sent: below it the line had more to carry than it can
PLANNED_MS, FLOODED_MS = (50.0, 150.0), (100.0, 400.0)


def error(summary: str, reason: str | None = None) -> Judgement:
    """Return an inability with its *reason* of the catalogue, where it has one."""
    return Judgement(status=Status.ERROR, summary=summary, reason=reason)


def rate_rule(direction: Direction) -> Callable[..., Judgement]:
    def judge(seen: CapacityEvidence, options: CapacityOptions, _setting: Setting) -> Judgement:
        return _judge_rate(seen, options, direction)

    return judge


def _judge_rate(
    seen: CapacityEvidence, options: CapacityOptions, direction: Direction
) -> Judgement:
    one = _transfer(seen, direction)
    if one is None:
        return _not_measured(seen)
    need = options.needed_mbit
    said = f"{words.needs(options)}; {words.received(one, seen.idle)}"
    if seen.too_busy:
        return error(f"{seen.too_busy}; {said}")
    if seen.middlebox and not (one.high_mbit < PLAINLY * need and not one.is_lower_bound):
        return error(f"{seen.middlebox}, so the rate is not the line's own; {said}")
    if one.low_mbit >= ENOUGH * need:
        if one.blocks < LEAST_BLOCKS:
            return error(f"too short to be sure ({one.blocks} blocks); {said}", UNSTEADY)
        return met(said, observed=_rounded(one), expected=_expected(need), unit="Mbit/s")
    if one.high_mbit >= ENOUGH * need and (doubt := _doubt(one, need)):
        return error(f"{doubt}; {said}", UNSTEADY)
    if one.is_lower_bound:
        return error(f"{said}; {words.HELD['none']}: run again{_harder(one)}")
    through = f"; {seen.middlebox}" if seen.middlebox else ""
    return unmet(
        INSUFFICIENT,
        f"{said}; {words.HELD[one.limited_by]}{through}",
        observed=_rounded(one),
        expected=_expected(need),
        unit="Mbit/s",
    )


def _doubt(one: Transfer, need: float) -> str | None:
    """Return why an interval that holds the need says nothing; None: the rate is too low."""
    if (one.high_mbit - one.low_mbit) / 2 > UNSTEADY_SHARE * one.mbit:
        return "the rate changed too much to tell"
    if one.mbit >= ENOUGH * need:
        return "what is needed lies within what was measured, run again"
    return None


def _harder(one: Transfer) -> str:
    if one.kind == "planned":
        return " with --saturate, or on a workstation with less to do"
    return " on a workstation with less to do"


def _rounded(one: Transfer) -> float:
    return round(one.mbit, 3)


def _expected(need: float) -> str:
    return f"at least {plain(need)} Mbit/s"


def _transfer(seen: CapacityEvidence, direction: Direction) -> Transfer | None:
    found = (one for one in seen.transfers if one.direction == direction)
    return next(found, None)


def _not_measured(seen: CapacityEvidence) -> Judgement:
    why = seen.not_measured or seen.too_busy or "this direction was not measured"
    return error(f"not measured: {why}", seen.not_measured_reason)


def judge_responsiveness(
    seen: CapacityEvidence, _options: CapacityOptions, _setting: Setting
) -> Judgement:
    """Judge the delay that other traffic meets while at most the planned load is offered."""
    if seen.server == "iperf3" and seen.transfers:
        return not_applicable("iperf3 tells no delay under load")
    idle = seen.idle
    loads = [(one, one.loaded) for one in seen.transfers if one.loaded is not None]
    if idle is None or not loads:
        if not seen.transfers:
            return _not_measured(seen)
        return error("the delay under load is not known: nothing came back of the small probes")
    if seen.too_busy:
        return error(seen.too_busy)
    judgements = []
    for one, loaded in loads:
        excess = max(0.0, loaded.p95_ms - idle.p50_ms)
        limits = _limits(one)
        severity = over_limit(excess, limits)
        judgements.append((severity, excess / limits[0], one, excess, limits, loaded))
    severity, _, one, excess, limits, loaded = max(judgements, key=lambda each: each[1])
    way = "orders are sent" if one.direction == "up" else "orders are read"
    said = f"round trips rise by {excess:.3g} ms while {way}{_from_to(one, seen)}"
    if loaded.samples < LEAST_PROBES:
        return error(f"only {loaded.samples} probes came back under load; {said}", UNSTEADY)
    expected = limit_words(limits, "ms")
    if severity is None:
        if seen.middlebox and loaded.by == "echo":
            return error(f"{seen.middlebox}, so the delay is not the line's own; {said}")
        return met(said, observed=round(excess, 2), expected=expected, unit="ms")
    return unmet(
        BUFFERBLOAT,
        said,
        severity=severity,
        observed=round(excess, 2),
        expected=expected,
        unit="ms",
    )


def _limits(one: Transfer) -> tuple[float, float]:
    """Return what may be added: more where it was flooded, or asked beyond what it carries."""
    flooded = one.asked_mbit is None or one.mbit < CARRIED * one.asked_mbit
    return FLOODED_MS if one.kind == "saturated" or flooded else PLANNED_MS


def _from_to(one: Transfer, seen: CapacityEvidence) -> str:
    assert one.loaded is not None
    assert seen.idle is not None
    return f" ({seen.idle.p50_ms:.3g} → {one.loaded.p95_ms:.3g} ms, p95 of {one.loaded.samples})"


def judge_order(seen: CapacityEvidence, options: CapacityOptions, _setting: Setting) -> Judgement:
    """Judge the worst court hour of the last two weeks by the model."""
    verdict = judged(options.load, seen.history)
    limit = options.load.max_order_seconds_p95
    expected = f"at most {limit:g} s for 95 of 100 orders at the peak"
    seconds = verdict.prediction.at_most_s if verdict.prediction else None
    observed = None if seconds is None else round(seconds, 2)
    said = words.at_peak(options, verdict)
    if verdict.state == "too-slow":
        remedy = words.remedy(options, verdict)
        by_scanning = words.black_and_white_does(options, verdict)
        return unmet(
            TOO_SLOW,
            f"too slow at peak; {remedy}: {said}",
            observed=observed,
            expected=expected,
            unit="s",
            owner=Owner.COURT_IT if by_scanning else None,
            fix=words.sentence(f"{verdict.helps or remedy}"),
        )
    if _transfer(seen, "up") is None:
        return _not_measured(seen)
    if seen.too_busy:
        return error(seen.too_busy)
    if verdict.state == "inconclusive":
        return error(f"{verdict.doubt or 'the runs contradict each other'}; {said}", UNSTEADY)
    if verdict.state == "not-yet":
        missing = "; ".join(verdict.missing)
        return error(f"not known yet, {missing}; so far {said}")
    if seen.middlebox:
        return error(f"{seen.middlebox}, so the line's rate is not known; {said}")
    runs = f"worst of {verdict.runs} runs on {verdict.days} court days"
    return met(f"{said}; {runs}", observed=observed, expected=expected, unit="s")


RULES: tuple[Rule[CapacityEvidence, CapacityOptions], ...] = (
    Rule(
        code="capacity.upload",
        reasons=(INSUFFICIENT, BUSY, UNSTEADY),
        judge=rate_rule("up"),
        planned=lambda options: "up" in options.directions,
    ),
    Rule(
        code="capacity.download",
        reasons=(INSUFFICIENT, BUSY, UNSTEADY),
        judge=rate_rule("down"),
        planned=lambda options: "down" in options.directions,
    ),
    Rule(
        code="capacity.responsiveness",
        reasons=(BUFFERBLOAT, BUSY, UNSTEADY),
        judge=judge_responsiveness,
    ),
    Rule(
        code="capacity.order",
        reasons=(TOO_SLOW, BUSY, UNSTEADY),
        judge=judge_order,
        planned=lambda options: options.workload is not None and "up" in options.directions,
    ),
)
