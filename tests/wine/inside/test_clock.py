"""The clock check on Windows sockets, against time servers on the Linux side of the loopback."""

from __future__ import annotations

import os

import pytest

from tests.checks.clock.conftest import Look, look

__all__ = ["look"]


def test_a_server_on_the_other_side_is_exact(look: Look) -> None:
    """Both sides read one clock, so what is left is our own error."""
    seen = look(int(os.environ["LANE_NTP_PORT"]))

    assert seen.outcome == {"clock.server": ("pass", None), "clock.offset": ("pass", None)}
    assert seen.evidence.offset_s == pytest.approx(0, abs=0.1)


def test_a_server_400_s_ahead_says_that_this_machine_is_behind(look: Look) -> None:
    """The sign is the same on every system."""
    seen = look(int(os.environ["LANE_NTP_AHEAD_PORT"]))

    assert seen.outcome == {"clock.server": ("pass", None), "clock.offset": ("fail", "behind")}
    assert seen.evidence.offset_s == pytest.approx(400, abs=0.1)
