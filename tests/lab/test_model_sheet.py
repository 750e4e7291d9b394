"""The sheet of the capacity model: today's model still gives it, and is still good enough on what it was not made of."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.lab.model import settings, sheet
from tests.lab.model.judging import Judged, judged, outcome
from tests.lab.model.measuring import MOST_LATE_MS, honest
from tests.lab.model.page import held_out
from tests.lab.model.points import Point, points


@pytest.fixture(scope="module")
def each() -> list[Judged]:
    return sheet.every()


def test_the_model_is_good_enough_on_the_last_hold_out(each: list[Judged]) -> None:
    found = outcome(held_out(each)[-1])
    assert found.settings >= 25
    assert found.within >= 0.90, "predicted 95th percentile within 0.75 to 1.3 of the measured one"
    assert found.holds >= 0.95, "the time quoted to people is at least the measured one"


def test_the_sheet_is_what_today_s_model_gives(each: list[Judged]) -> None:
    words, picture = sheet.made(each)
    again = "make capacity-model"
    assert sheet.PAGE.read_text(encoding="utf-8") == words, again
    assert sheet.PLOT.read_text(encoding="utf-8") == picture, again


def test_every_point_was_measured_honestly_as_it_was_drawn(each: list[Judged]) -> None:
    sets = {one.point.setting.name.partition("/")[0] for one in each}
    drawn = {one.name: one for name in sets for one in settings.called(name)}
    for one in each:
        point = one.point
        assert point.setting == drawn[point.setting.name]
        assert honest(point), point.setting.name
        assert point.late_ms <= MOST_LATE_MS
        sent = [(at, size) for at, size, _ in point.orders]
        assert sent == point.setting.arrivals()


def test_a_hold_out_is_not_the_build_set_and_spreads_over_the_range() -> None:
    chosen = settings.hold_out(1)
    assert len({one.name for one in chosen}) == settings.HOLD_OUT
    lines = {(one.mbit, one.rtt_ms, one.loss_pct) for one in settings.BUILD}
    assert not lines & {(one.mbit, one.rtt_ms, one.loss_pct) for one in chosen}
    assert min(one.mbit for one in chosen) < 3 < 80 < max(one.mbit for one in chosen)
    assert sum(one.loss_pct == 0 for one in chosen) == settings.HOLD_OUT // 2
    assert settings.hold_out(1) == chosen != settings.hold_out(2)


def test_a_model_that_is_off_is_not_good_enough(each: list[Judged]) -> None:
    members = held_out(each)[-1]
    slower = [judged(_slowed(one.point, 1.6)) for one in members]
    assert not outcome(slower).good_enough
    assert not outcome(members[:24]).good_enough


def test_no_setting_takes_all_day() -> None:
    for number in (1, 2, 3):
        for one in settings.hold_out(number):
            assert settings.LEAST <= one.orders <= settings.MOST
            assert one.seconds < 1.1 * settings.LONGEST_S
            assert 0.2 <= one.rho <= 0.8


def test_what_is_not_honest_is_seen() -> None:
    point = points()[0]
    assert honest(point)
    assert not honest(replace(point, late_ms=21.0))
    assert not honest(replace(point, overrun=1))
    assert not honest(replace(point, failed=1))
    assert not honest(replace(point, control="bbr+cubic"))


def _slowed(point: Point, by: float) -> Point:
    """Return *point* as if every order had taken *by* times as long."""
    orders = [(at, size, took * by) for at, size, took in point.orders]
    return replace(point, orders=orders)
