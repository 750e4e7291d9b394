"""How long each part of the look may take, and how much it may move."""

from __future__ import annotations

import msgspec

from ccpor_checks.capacity.evidence import CapacityOptions
from ccpor_reporting.capacity.protocol import LONGEST_SLOT_S

PATIENCE_S = 60.0  # for our turn
AROUND_PACKETS_S = 6.0  # the first knock, the last answers
SET_UP_S = 8.0  # idle delay, and the handshakes of each direction's connections
REPLAY_S = 20.0  # all synthetic orders together
REPLAYED_ORDERS = 3
REPLAYED_MB = 6.0  # of them all at most
PER_DAY_MB = 200.0
LEAST_MB = 1.0  # each way; less shows nothing


def budget_s(options: CapacityOptions) -> float:
    """Return the seconds of the whole look at worst, our turn waited for."""
    return PATIENCE_S + turn_s(options) + SET_UP_S


def turn_s(options: CapacityOptions) -> float:
    """Return the seconds of the turn itself, as asked of the server."""
    ways = _ways(options) * (options.max_seconds + SET_UP_S)
    return min(LONGEST_SLOT_S, _fixed_s(options) + ways)


def wanted_mb(options: CapacityOptions) -> float:
    """Return the megabytes of all ways together, the synthetic orders with them."""
    return _ways(options) * options.megabytes + (REPLAYED_MB if replays(options) else 0.0)


def within(options: CapacityOptions, *, seconds: float, megabytes: float) -> CapacityOptions:
    """Return *options* with what a turn of so many *seconds* and *megabytes* has room for."""
    ways = _ways(options)
    each_s = (seconds - _fixed_s(options)) / ways - SET_UP_S
    kept_mb = min(REPLAYED_MB, 0.1 * megabytes) if replays(options) else 0.0
    return msgspec.structs.replace(
        options,
        max_seconds=max(1.0, min(options.max_seconds, each_s)),
        max_megabytes=max(LEAST_MB, min(options.megabytes, (megabytes - kept_mb) / ways)),
    )


def replays(options: CapacityOptions) -> bool:
    """Say whether synthetic orders are sent: only of a workload that somebody wrote."""
    return options.workload is not None and "up" in options.directions


def _ways(options: CapacityOptions) -> int:
    return len(set(options.directions))


def _fixed_s(options: CapacityOptions) -> float:
    replay = REPLAY_S if replays(options) else 0.0
    packets = options.packets_s + AROUND_PACKETS_S if options.packets_s else 0.0
    return packets + SET_UP_S + replay
