"""Clock: how far is this workstation's clock from a time server's?

Does:    four NTP requests of 48 bytes within `timeout_s`, by UDP from an unprivileged port;
         nothing of this machine's time is in them. Never sets a clock, writes nothing.
Needs:   the `dns` check to have passed for the same target.
Source:  RFC 5905.
"""

from __future__ import annotations

import math
import socket
from typing import Annotated

import msgspec

from ccpor_checks.base import Check, Context, Evidence, Options, Target, TargetFailed
from ccpor_checks.clock import ntp
from ccpor_checks.kit.connect import resolve
from ccpor_reporting.rules import (
    Judgement,
    Limit,
    Rule,
    Setting,
    limit_words,
    met,
    over_limit,
    unassessed,
    unmet,
)

PORT = 123
ADDRESSES = 3  # of a name with many; each may cost the whole timeout
EXACT_S = 2.0  # below this nobody needs to act
LEAP_UNKNOWN, STRATUM_UNSYNCHRONISED = 3, 16
STILL_STARTING = {"INIT", "STEP"}  # kiss codes that say "no time yet", not "go away"


class ClockOptions(Options, frozen=True, kw_only=True):
    """What a profile may ask."""

    max_offset_s: Annotated[
        Limit,
        msgspec.Meta(
            description="seconds this machine's clock may be off, either way: "
            "one number, or [warning, blocker]; below 2 is exact"
        ),
    ] = (60.0, 300.0)
    timeout_s: Annotated[
        float, msgspec.Meta(gt=0, description="seconds to wait for a valid answer")
    ] = 3.0


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange: `offset_s` is the server's clock minus this machine's."""

    offset_s: float
    delay_s: float


class ClockEvidence(Evidence, frozen=True, kw_only=True):
    """What the server said in the answer with the least delay: queues only ever add to it.

    A positive offset means that this machine is behind.
    """

    address: str
    port: int
    offset_s: float | None  # server minus this machine; None: the server has no time itself
    delay_s: float
    bound_s: float  # the true offset lies at most this far from `offset_s` (root distance)
    stratum: int
    leap: int
    reference_id: str  # letters at stratum 0 and 1, else an address or the hash of one
    root_delay_s: float
    root_dispersion_s: float
    samples: tuple[Sample, ...]


def run(target: Target, options: ClockOptions, ctx: Context) -> ClockEvidence:
    """Return what the first address that gives a valid answer says.

    Raises:
        TargetFailed: Nobody answers with a valid reply, or the answer is a refusal.
    """
    port = target.port or PORT
    failed: TargetFailed | None = None
    for address in _addresses(target, options.timeout_s, ctx)[:ADDRESSES]:
        try:
            answers = list(ntp.answers(address, port, options.timeout_s, ctx))
            return _evidence(address, port, answers)
        except TargetFailed as exc:
            failed = failed or exc
    assert failed, "a resolved name has an address"
    raise failed


def _addresses(target: Target, timeout_s: float, ctx: Context) -> tuple[str, ...]:
    """Return the addresses that the `dns` check saw, or else the system's for the host."""
    seen: tuple[str, ...] = tuple(getattr(ctx.earlier.get("dns"), "addresses", ()))
    if seen:
        return seen
    try:
        return resolve(target.host, ctx.remaining(timeout_s))
    except (OSError, UnicodeError) as exc:
        raise TargetFailed(
            "clock.server", "timeout", f"{target.host} has no address to ask"
        ) from exc


def _evidence(address: str, port: int, answers: list[ntp.Answer]) -> ClockEvidence:
    """Return the answer with the least delay as evidence.

    Raises:
        TargetFailed: The first answer is a Kiss-o'-Death.
    """
    with_time = [answer for answer in answers if not answer.kiss]
    if not with_time and (kiss := answers[0].kiss) not in STILL_STARTING:
        raise TargetFailed(
            "clock.server",
            "refused",
            f"{address} port {port} (UDP) sent Kiss-o'-Death {kiss}",
            {"address": address, "port": port, "kiss_code": kiss},
        )
    best = min(with_time or answers, key=lambda answer: answer.delay_s)
    return ClockEvidence(
        address=address,
        port=port,
        offset_s=best.offset_s if _has_time(best.stratum, best.leap) else None,
        delay_s=best.delay_s,
        bound_s=(best.delay_s + best.root_delay_s) / 2 + best.root_dispersion_s + ntp.precision_s(),
        stratum=best.stratum,
        leap=best.leap,
        reference_id=_reference(best),
        root_delay_s=best.root_delay_s,
        root_dispersion_s=best.root_dispersion_s,
        samples=tuple(
            Sample(offset_s=answer.offset_s, delay_s=answer.delay_s) for answer in with_time
        ),
    )


def _has_time(stratum: int, leap: int) -> bool:
    return leap != LEAP_UNKNOWN and 0 < stratum < STRATUM_UNSYNCHRONISED


def _reference(answer: ntp.Answer) -> str:
    if answer.stratum <= 1:
        return answer.reference.rstrip(b"\0").decode("ascii", "backslashreplace")
    return socket.inet_ntoa(answer.reference)


def _judge_server(seen: ClockEvidence, _options: ClockOptions, _setting: Setting) -> Judgement:
    observed = {"stratum": seen.stratum, "leap": seen.leap}
    expected = "stratum 1 to 15, leap not 3"
    if not _has_time(seen.stratum, seen.leap):
        return unmet(
            "unsynchronised",
            f"{seen.address} answers, but has no time itself "
            f"(stratum {seen.stratum}, leap {seen.leap})",
            observed=observed,
            expected=expected,
        )
    return met(
        f"{seen.address} answers with time of stratum {seen.stratum} "
        f"in {seen.delay_s * 1000:.1f} ms",
        observed=observed,
        expected=expected,
    )


def _judge_offset(seen: ClockEvidence, options: ClockOptions, _setting: Setting) -> Judgement:
    if seen.offset_s is None:
        return unassessed(f"{seen.address} has no time to compare with")
    off, limit = abs(seen.offset_s), options.max_offset_s
    side = "behind" if seen.offset_s > 0 else "ahead"  # where this machine stands
    summary = f"this machine's clock is {off:.3f} s {side}, give or take {seen.bound_s:.3f} s"
    if off < EXACT_S:
        summary += ": exact"
    if any(math.isclose(off, edge, rel_tol=0, abs_tol=seen.bound_s) for edge in _edges(limit)):
        summary += "; the limit lies within that error"
    severity, expected = over_limit(off, limit), limit_words(limit, "s")
    machine_s = -seen.offset_s  # as the report's clock_offset_ms: this machine minus the server
    if severity is None:
        return met(summary, observed=machine_s, expected=expected, unit="s")
    return unmet(side, summary, severity=severity, observed=machine_s, expected=expected, unit="s")


def _edges(limit: Limit) -> tuple[float, ...]:
    if limit is None:
        return ()
    return limit if isinstance(limit, tuple) else (limit,)


CHECK = Check(
    id="clock",
    version=1,
    title="Clock against a time server",
    does="sends four NTP requests (48 bytes each, UDP); sets no clock, writes nothing",
    needs=("dns",),
    options=ClockOptions,
    evidence=ClockEvidence,
    run=run,
    rules=(
        Rule(
            code="clock.server",
            reasons=("timeout", "refused", "unsynchronised"),
            judge=_judge_server,
        ),
        Rule(code="clock.offset", reasons=("ahead", "behind"), judge=_judge_offset),
    ),
    budget_s=lambda options: (1 + ADDRESSES) * options.timeout_s + 1,  # a look-up may come first
)
