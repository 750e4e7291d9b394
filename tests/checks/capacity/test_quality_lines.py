"""UDP quality over a line that loses, doubles and holds back packets, and counts what it did."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from ccpor_checks.capacity.evidence import Quality
from tests.lab.namespaces import refused
from tests.lab.quality_coverage import measured, reflected
from tests.peers import lacking

pytestmark = [pytest.mark.netns, pytest.mark.timeout(120)]

SECONDS = 5.0
OUTSIDE = 2  # packets before and after the course, which the line counts as well


Read = tuple[Quality, dict[str, dict[str, float]]]
LINES = {
    "lost and doubled": {"loss_up_pct": 6, "loss_down_pct": 3, "dup_pct": 5},
    "held back": {"reorder_up_pct": 8, "reorder_ms": 50},
    "swaying": {"jitter_ms": 9},
}


@pytest.fixture(scope="module")
def read() -> dict[str, Read]:
    """What was read of each line, and what the line says that it did; all at once, as they wait."""
    if why := refused():
        lacking(why)

    def over(trouble: dict[str, float]) -> Read:
        with reflected(seed=4, **trouble) as line:
            return measured(line, 1, SECONDS), line.counters()

    with ThreadPoolExecutor(len(LINES)) as threads:
        return dict(zip(LINES, threads.map(over, LINES.values()), strict=True))


def total(counts: list[int | None]) -> int:
    assert None not in counts
    return sum(each or 0 for each in counts)


def test_losses_and_copies_are_what_the_line_did(read: dict[str, Read]) -> None:
    """Where iperf3 reads 0.1 %, as copies make up for what was lost."""
    seen, line = read["lost and doubled"]

    up, down = ([getattr(each, f"lost_{way}") for each in seen.losses] for way in ("up", "down"))
    assert total(up) == pytest.approx(line["up"]["lost"], abs=OUTSIDE)
    # an answer to a copy may be lost, and then nothing is
    assert line["down"]["lost"] - OUTSIDE - 2 <= total(down) <= line["down"]["lost"]
    doubled = line["up"]["doubled"] + line["down"]["doubled"]
    assert seen.duplicated == pytest.approx(doubled, abs=OUTSIDE + 3)
    assert seen.reordered == 0


def test_packets_held_back_are_reordered_by_as_many_as_overtook_them(
    read: dict[str, Read],
) -> None:
    """50 ms late at one each 20 ms: two come before it, sometimes one where that one is late too."""
    seen, line = read["held back"]

    assert sum(each.lost for each in seen.losses) == 0
    assert seen.reordered == pytest.approx(line["up"]["held"], abs=OUTSIDE + 2)
    assert 2 <= seen.reorder_extent <= 4


def test_jitter_is_near_what_was_set(read: dict[str, Read]) -> None:
    """Two thirds of the sway each way; a short run, so a wide margin (the lab has the narrow one)."""
    seen, _ = read["swaying"]

    assert seen.jitter_up_ms == pytest.approx(6, rel=0.3)
    assert seen.jitter_down_ms == pytest.approx(6, rel=0.3)
    assert seen.pdv_p99_ms <= 40
