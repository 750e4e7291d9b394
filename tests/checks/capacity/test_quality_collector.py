"""UDP quality and `stamp://` against the collector's own reflector: two sides of one RFC, written apart."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import msgspec
import pytest

from ccpor_checks.base import Context
from ccpor_checks.capacity.quality import measure, reflector_of
from ccpor_checks.path.evidence import PathOptions
from ccpor_checks.path.sampling import take
from ccpor_checks.path.stamp import StampEchoes, lost_each_way
from ccpor_reporting.capacity.protocol import Slot
from tests.server.rig import prepared
from tests.server.test_serve import Served
from tests.server.turn_client import TurnClient


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TurnClient]:
    """A turn at a collector that runs, whose reflector is open to this machine as well."""
    folder = tmp_path_factory.mktemp("collector")
    prepared(folder / "template")
    served = Served(folder / "template", folder / "state")
    served.environment["CCPOR_COLLECTOR_REFLECTOR_OPEN_TO"] = "127.0.0.0/8"
    with served.running() as (address, _process):
        client = TurnClient(address, served.machine)
        client.ask(seconds=100)
        client.until_granted()
        yield client


def test_a_turn_measures_its_line(turn: TurnClient) -> None:
    """Signed packets of both sizes come back as long as they were, each way counted."""
    slot = msgspec.convert(turn.slot, Slot)
    ctx = Context(deadline=time.monotonic() + 30)

    seen = measure(reflector_of(slot, "127.0.0.1"), ctx, seconds=3, gap_s=0.01, line_mbit=10)

    assert [each.size_bytes for each in seen.losses] == [140, 1400]
    assert sum(each.sent for each in seen.losses) == pytest.approx(300, abs=3)
    assert [(each.lost, each.lost_up, each.lost_down) for each in seen.losses] == [(0, 0, 0)] * 2
    assert (seen.reordered, seen.duplicated) == (0, 0)


def test_a_path_check_can_name_the_collector(turn: TurnClient) -> None:
    """Where its operator opened the reflector, `stamp://` needs no reflector of its own."""
    echoes = StampEchoes("127.0.0.1", turn.slot["udp_port"])
    with contextlib.closing(echoes):
        taken = take(echoes, PathOptions(), Context(deadline=time.monotonic() + 30))

    assert (taken.sent, taken.lost, taken.copies) == (100, 0, 0)
    assert lost_each_way(echoes, taken, 0.5) == (0, 0)
