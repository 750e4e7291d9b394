"""A cross-check where the AOC runs an iperf3 server: Debian's own client, paced and bounded.

Counted is what the receiver says. Its UDP loss is not asked for: duplicates hide losses from it.
Source: iperf3(1); its states as in iperf_api.h (ACCESS_DENIED is what a busy server answers).
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
from typing import Annotated

import msgspec
from msgspec import Meta

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.capacity.evidence import (
    PACED_OVER_REQUIRED,
    CapacityEvidence,
    CapacityOptions,
    Direction,
    LimitedBy,
    Transfer,
)
from ccpor_checks.capacity.history import History, Kept
from ccpor_checks.capacity.look import address_of, local_day, sample_of
from ccpor_checks.capacity.schedule import LEAST_MB, PER_DAY_MB

PROGRAM = "iperf3"
MISSING = "the program iperf3 is not here; install the package iperf3 (Debian: apt install iperf3)"
RAMP_S, MOST_S = 1, 5
CONNECT_MS = 5000
SLACK_S = 12.0  # connecting, the exchange of results
COOKIE = 37  # bytes, with the closing zero
ACCESS_DENIED = b"\xff"
ASK_S = 3.0
LONGEST_ANSWER = 4 * 1024 * 1024
WIRE_OVER_GOODPUT = 1500 / 1448
QUEUE_MS, QUEUE_SHARE = 10.0, 0.25

Amount = Annotated[float, Meta(ge=0)]


class Sum(msgspec.Struct, frozen=True):
    seconds: Amount = 0.0
    bytes: Amount = 0.0
    bits_per_second: Amount = 0.0
    retransmits: Amount | None = None
    omitted: bool = False


class Sender(msgspec.Struct, frozen=True):
    min_rtt: Amount | None = None  # microseconds
    mean_rtt: Amount | None = None


class Stream(msgspec.Struct, frozen=True):
    sender: Sender = Sender()


class Interval(msgspec.Struct, frozen=True):
    sum: Sum = Sum()


class End(msgspec.Struct, frozen=True):
    sum_received: Sum | None = None
    sum_sent: Sum = Sum()
    streams: tuple[Stream, ...] = ()
    sender_tcp_congestion: str | None = None


class Output(msgspec.Struct, frozen=True):
    """What of ``iperf3 --json`` is read; all else is passed over."""

    end: End = End()
    intervals: tuple[Interval, ...] = ()


class _Busy(Exception):
    """Somebody else's test runs on that server."""


def run(target: Target, options: CapacityOptions, ctx: Context) -> CapacityEvidence:
    """Let iperf3 measure each direction once.

    Raises:
        CannotObserve: The program is not here, or gives no result.
        TimeoutError: The check's deadline passed.
    """
    if shutil.which(PROGRAM) is None:
        raise CannotObserve(MISSING)
    now, history = ctx.now(), History(target, ctx)
    seen = CapacityEvidence(
        address=address_of(target, ctx), port=target.port or 5201, server="iperf3"
    )
    ways = tuple(dict.fromkeys(options.directions))
    room = min(options.megabytes, (PER_DAY_MB - history.used_mb(local_day(now))) / len(ways))
    if room < LEAST_MB:
        why = f"{PER_DAY_MB:.0f} MB were moved over this line today; run again tomorrow"
        return msgspec.structs.replace(seen, not_measured=why, history=history.samples(now))
    for way in ways:
        try:
            one = _measured(seen, way, options, room, ctx)
        except _Busy:
            why = "somebody else's test runs on the iperf3 server"
            seen = msgspec.structs.replace(
                seen, not_measured=why, not_measured_reason="server-busy"
            )
            break
        seen = msgspec.structs.replace(
            seen,
            transfers=(*seen.transfers, one),
            megabytes=round(seen.megabytes + one.megabytes, 4),
        )
    earlier = history.samples(now)
    if not seen.transfers:
        return msgspec.structs.replace(seen, history=earlier)
    sample = sample_of(seen, now)
    history.add(Kept(local_day=local_day(now), megabytes=seen.megabytes, sample=sample))
    return msgspec.structs.replace(seen, history=(*earlier, sample))


def _measured(
    seen: CapacityEvidence, way: Direction, options: CapacityOptions, room: float, ctx: Context
) -> Transfer:
    planned = options.mode == "planned"
    streams = 1 if options.required_mbit else options.load.streams
    most = room * 8 / MOST_S  # Mbit/s with which the megabytes last
    asked = min(PACED_OVER_REQUIRED * options.needed_mbit, most) if planned else most
    ctx.tell(f"iperf3, {way}, {streams} stream{'s' if streams != 1 else ''}")
    output = _asked(command(seen, way, streams, asked), seen, ctx)
    return transfer_of(output, way, streams, asked if planned else None)


def command(seen: CapacityEvidence, way: Direction, streams: int, mbit: float) -> list[str]:
    """Return what is run: at most `MOST_S` seconds at *mbit* in all, whatever the line carries."""
    words = [
        shutil.which(PROGRAM) or PROGRAM,
        "--client",
        seen.address,
        "--port",
        str(seen.port),
        "--json",
    ]
    words += ["--connect-timeout", str(CONNECT_MS), "--parallel", str(streams)]
    words += ["--bitrate", f"{int(mbit * 1e6 / streams)}", "--interval", "0.25"]
    words += ["--omit", str(RAMP_S), "--time", str(MOST_S - RAMP_S)]
    return [*words, "--reverse"] if way == "down" else words


def _asked(words: list[str], seen: CapacityEvidence, ctx: Context) -> Output:
    try:
        child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as exc:
        raise CannotObserve(f"iperf3 cannot be started ({type(exc).__name__})") from exc
    ctx.on_abandon(child.kill)
    try:
        said, _ = child.communicate(timeout=ctx.remaining(MOST_S + SLACK_S))
    except subprocess.TimeoutExpired:
        said = b""
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    ctx.remaining()
    try:
        output = msgspec.json.decode(said[:LONGEST_ANSWER], type=Output)
    except msgspec.DecodeError:
        output = Output()
    if child.returncode == 0 and output.end.sum_received is not None:
        return output
    if is_busy(seen.address, seen.port, ctx):
        raise _Busy
    raise CannotObserve(
        f"iperf3 gave no result (exit code {child.returncode}); is it an iperf3 server that "
        f"listens on port {seen.port}?"
    )


def is_busy(address: str, port: int, ctx: Context) -> bool:
    """Ask the server itself whether it takes nobody in: its first byte says so, not a text."""
    try:
        with socket.create_connection((address, port), ctx.remaining(ASK_S)) as sock:
            ctx.on_abandon(sock.close)
            sock.sendall(b"ccpor-check".ljust(COOKIE - 1, b"-") + b"\0")
            return sock.recv(1) == ACCESS_DENIED
    except OSError:
        return False


def transfer_of(output: Output, way: Direction, streams: int, asked_mbit: float | None) -> Transfer:
    """Return what the receiver counted.

    The interval is of the quarter seconds that this side saw, around the receiver's mean.
    """
    from ccpor_checks.capacity.estimate import t_quantile

    received = output.end.sum_received or Sum()
    mbit = received.bits_per_second / 1e6
    parts = [each.sum.bits_per_second / 1e6 for each in output.intervals if not each.sum.omitted]
    half = mbit
    if len(parts) > 1:
        half = t_quantile(len(parts) - 1) * statistics.stdev(parts) / len(parts) ** 0.5
    return Transfer(
        direction=way,
        kind="saturated" if asked_mbit is None else "planned",
        streams=streams,
        asked_mbit=asked_mbit,
        mbit=round(mbit, 4),
        low_mbit=round(max(0.0, mbit - half), 4),
        high_mbit=round(mbit + half, 4),
        blocks=len(parts),
        wire_mbit=round(mbit * WIRE_OVER_GOODPUT, 4),
        seconds=round(received.seconds + RAMP_S, 3),
        megabytes=round(received.bytes / 1e6 * (1 + RAMP_S / (MOST_S - RAMP_S)), 4),
        limited_by=_limited_by(output.end, mbit, asked_mbit),
        stopped_by="time",
        congestion=output.end.sender_tcp_congestion if way == "up" else None,
    )


def _limited_by(end: End, mbit: float, asked_mbit: float | None) -> LimitedBy:
    if asked_mbit is not None and mbit >= 0.97 * asked_mbit:
        return "none"
    rtts = [each.sender for each in end.streams if each.sender.mean_rtt and each.sender.min_rtt]
    for each in rtts:
        least, mean = (each.min_rtt or 0.0) / 1000, (each.mean_rtt or 0.0) / 1000
        if mean > least + max(QUEUE_MS, QUEUE_SHARE * least):
            return "queue"
    return "loss" if end.sum_sent.retransmits else "none"
