"""What one measurement of a line leaves for the model: of now or of an earlier run."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement of this line, of now or of an earlier run: what the model works on."""

    at: datetime
    local_hour: float  # on the workstation's clock, 0–24: which of the day's bands it fell into
    local_day: str  # YYYY-MM-DD, likewise
    up_mbit: float | None = None  # the low end of what the line carries
    down_mbit: float | None = None
    up_is_lower_bound: bool = False
    rtt_ms: float | None = None  # idle, median
    loaded_p95_ms: float | None = None
    loss_up: float | None = None  # share, 0–1; the point estimate
    loss_up_high: float | None = None
    replay_ratio: float | None = None
