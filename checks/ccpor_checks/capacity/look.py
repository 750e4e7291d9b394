"""The look: one turn at the measuring server, from the idle line to the synthetic orders."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.capacity import middlebox, schedule
from ccpor_checks.capacity.evidence import (
    CapacityEvidence,
    CapacityOptions,
    Delay,
    Direction,
    Quality,
    Replay,
    Transfer,
)
from ccpor_checks.capacity.history import History, Kept
from ccpor_checks.capacity.replay import line_of, replay
from ccpor_checks.capacity.turn import ServerBusy, Turn
from ccpor_reporting.capacity.model import REPLAY_LOW
from ccpor_reporting.capacity.protocol import MOST_FLOWS, Wish
from ccpor_reporting.capacity.samples import Sample

IDLE_PROBES = 30
USUAL_RTT_MS = 100.0


def run(target: Target, options: CapacityOptions, ctx: Context) -> CapacityEvidence:
    """Measure the line to *target*.

    Raises:
        CannotObserve: Not enrolled, no measuring server there, or no program that asks it.
        TimeoutError: The check's deadline passed before anything was measured.
    """
    if target.scheme == "iperf3":
        from ccpor_checks.capacity.iperf3 import run as by_iperf3

        return by_iperf3(target, options, ctx)
    return Look(target, options, ctx).run()


class Look:
    """One measurement; what was seen so far, so that an end midway loses none of it."""

    def __init__(self, target: Target, options: CapacityOptions, ctx: Context) -> None:
        self.target, self.options, self.ctx = target, options, ctx
        self.now = ctx.now()
        self.history = History(target, ctx)
        self.seen = CapacityEvidence(
            address=address_of(target, ctx), port=target.port or 443, server="collector"
        )

    def run(self) -> CapacityEvidence:
        left_mb = schedule.PER_DAY_MB - self.history.used_mb(local_day(self.now))
        if left_mb < schedule.LEAST_MB * len(set(self.options.directions)):
            self._note(
                not_measured=f"{schedule.PER_DAY_MB:.0f} MB were moved over this line today, the "
                "most there may be; run again tomorrow"
            )
            return self._with_history(None)
        wish = Wish(
            seconds=schedule.turn_s(self.options),
            megabytes=round(min(schedule.wanted_mb(self.options), left_mb), 3),
            flows=MOST_FLOWS if self.options.mode == "saturate" else self.options.load.streams,
        )
        try:
            with Turn(self.target, wish, self.ctx) as turn:
                self._note(waited_s=round(turn.waited_s, 2))
                self._measure(turn, min(left_mb, turn.slot.megabytes or left_mb))
        except ServerBusy as exc:
            self._note(not_measured=str(exc), not_measured_reason="server-busy")
        except TimeoutError:
            if not self.seen.transfers:
                raise
            self._note(not_measured="the time of this check was over")
        return self._with_history(self._sample())

    def _measure(self, turn: Turn, megabytes: float) -> None:
        from ccpor_checks.capacity.prober import Prober

        seconds = turn.slot.seconds or turn.wish.seconds
        options = schedule.within(self.options, seconds=seconds, megabytes=megabytes)
        self.ctx.tell("round trips on the idle line")
        with Prober(turn, self.ctx) as prober:
            idle = prober.idle(IDLE_PROBES)
        self._note(idle=idle, address=turn.address or self.seen.address)
        self._packets(turn, options)
        self._between(turn, idle)
        for direction in dict.fromkeys(options.directions):
            self._transfer(turn, direction, options, idle)
        up = next((one for one in self.seen.transfers if one.direction == "up"), None)
        if up is not None and schedule.replays(options):
            left = megabytes - sum(one.megabytes for one in self.seen.transfers)
            line = line_of(up, idle, loss_up(self.seen.quality)[0])
            found = replay(turn, options, line, left, self.ctx)
            self._note(replay=found, megabytes=self.seen.megabytes + _moved(found))

    def _packets(self, turn: Turn, options: CapacityOptions) -> None:
        """Look at loss, jitter and order by UDP; where it does not pass, that is not known."""
        from ccpor_checks.capacity.quality import measure, reflector_of

        if via := getattr(self.ctx.earlier.get("proxy"), "via", None):
            self._note(quality_unknown=f"UDP does not pass the proxy {via}")
            return
        if not options.packets_s:
            self._note(quality_unknown="the profile leaves out the packets by UDP (packets_s)")
            return
        self.ctx.tell("small packets by UDP on the idle line")
        try:
            reflector = reflector_of(turn.slot, turn.address or self.seen.address)
            mbit = options.needed_mbit
            found = measure(reflector, self.ctx, seconds=options.packets_s, line_mbit=mbit)
        except CannotObserve as exc:
            self._note(quality_unknown=str(exc))
        else:
            self._note(quality=found)

    def _between(self, turn: Turn, idle: Delay | None) -> None:
        self.ctx.tell("whether a proxy keeps or changes what is sent")
        rtt_ms = idle.p50_ms if idle else USUAL_RTT_MS
        try:
            self._note(middlebox=middlebox.look(turn, rtt_ms, self.ctx))
        except (OSError, ValueError) as exc:
            self.ctx.remaining()
            self._note(
                middlebox="something on the way lets a small test upload come to no good end "
                f"({type(exc).__name__})"
            )

    def _transfer(
        self, turn: Turn, direction: Direction, options: CapacityOptions, idle: Delay | None
    ) -> None:
        from ccpor_checks.capacity.transfer import planned, saturated

        measure = saturated if options.mode == "saturate" else planned
        try:
            one = measure(turn, direction, options, idle, self.ctx)
        except CannotObserve as exc:
            self._note(not_measured=str(exc))
            return
        self._note(
            transfers=(*self.seen.transfers, one),
            megabytes=round(self.seen.megabytes + one.megabytes, 4),
            too_busy=self.seen.too_busy or one.too_busy,
            guard_ms=one.guard_ms if one.guard_ms is not None else self.seen.guard_ms,
            paced_by=one.paced_by if direction == "up" else self.seen.paced_by,
        )

    def _sample(self) -> Sample | None:
        """Return what this run adds to the history, None where it shows nothing true."""
        if self.seen.too_busy or self.seen.middlebox or not self.seen.transfers:
            return None
        return sample_of(self.seen, self.now)

    def _with_history(self, sample: Sample | None) -> CapacityEvidence:
        earlier = self.history.samples(self.now)
        if sample is not None or self.seen.megabytes:
            kept = Kept(local_day=local_day(self.now), megabytes=self.seen.megabytes, sample=sample)
            self.history.add(kept)
        self._note(history=(*earlier, sample) if sample else earlier)
        return self.seen

    def _note(self, **found: object) -> None:
        self.seen = msgspec.structs.replace(self.seen, **found)


def sample_of(seen: CapacityEvidence, now: datetime) -> Sample:
    """Return *seen* as the model wants it."""
    local = now.astimezone()
    up, down = (_one(seen, way) for way in ("up", "down"))
    share, high = loss_up(seen.quality)
    loaded = [one.loaded.p95_ms for one in seen.transfers if one.loaded is not None]
    return Sample(
        at=now,
        local_hour=round(local.hour + local.minute / 60 + local.second / 3600, 4),
        local_day=local.date().isoformat(),
        up_mbit=up.low_mbit if up and up.low_mbit > 0 else None,
        down_mbit=down.low_mbit if down and down.low_mbit > 0 else None,
        up_is_lower_bound=up is not None and up.is_lower_bound,
        rtt_ms=seen.idle.p50_ms if seen.idle else None,
        loaded_p95_ms=max(loaded, default=None),
        loss_up=share,
        loss_up_high=high,
        replay_ratio=_ratio(seen.replay, up),
    )


def _ratio(found: Replay | None, up: Transfer | None) -> float | None:
    """Return orders over model; None where they were quick on a line that may well carry more."""
    if found is None or (up is not None and up.is_lower_bound and found.ratio < REPLAY_LOW):
        return None
    return found.ratio


def loss_up(quality: Quality | None) -> tuple[float | None, float | None]:
    """Return the share lost on the way there and the high end of its interval, 0 to 1."""
    from ccpor_checks.kit.wilson import wilson

    sent = sum(loss.sent for loss in quality.losses) if quality else 0
    if quality is None or not sent:
        return None, None
    # which way is not known of packets past the last answer: then all of them count
    lost = sum(loss.lost if loss.lost_up is None else loss.lost_up for loss in quality.losses)
    return lost / sent, wilson(lost, sent)[1]


def address_of(target: Target, ctx: Context) -> str:
    """Return the address that earlier checks proved, else the host as written."""
    if reached := getattr(ctx.earlier.get("tcp"), "address", None):
        return str(reached)
    if found := getattr(ctx.earlier.get("dns"), "addresses", ()):
        return str(found[0])
    return target.host


def local_day(now: datetime) -> str:
    return now.astimezone().date().isoformat()


def _one(seen: CapacityEvidence, way: str) -> Transfer | None:
    return next((one for one in seen.transfers if one.direction == way), None)


def _moved(found: Replay | None) -> float:
    return found.order_bytes * len(found.seconds) / 1e6 if found else 0.0
