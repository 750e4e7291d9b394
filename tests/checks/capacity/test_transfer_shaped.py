"""Three tests on lines whose truth is set: enough, too little, and all that it takes.

The forty cells of `make capacity-lab` say how exact it is; these say that it works at all.
"""

from __future__ import annotations

import pytest

from ccpor_checks.capacity.evidence import Transfer
from tests.lab.capacity.asking import Test, told
from tests.lab.capacity.site import Site
from tests.lab.namespaces import refused
from tests.lab.shaped import shaped
from tests.peers import lacking

pytestmark = [pytest.mark.netns, pytest.mark.slow]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    if why := refused():
        lacking(why)
    return Site.made(tmp_path_factory.mktemp("shaped") / "site")


def test_enough_too_little_and_all(site: Site) -> None:
    """10 Mbit/s and 40 ms: 4 fit, 14 do not, and the whole is told within what a busy machine allows."""
    tests = (
        Test(kind="planned", direction="up", required_mbit=4, streams=4),
        Test(kind="planned", direction="up", required_mbit=14, streams=4),
        Test(kind="saturated", direction="down"),
    )
    with shaped(mbit=10, rtt_ms=40, queue_ms=100) as line, site.on(line) as state:
        answer = told(site, line, state, tests)
    assert answer.trouble == ""
    assert [one.trouble for one in answer.done] == ["", "", ""]
    enough, too_little, whole = (one.transfer for one in answer.done)

    assert isinstance(enough, Transfer)
    assert enough.low_mbit > 0.97 * 4
    assert enough.mbit == pytest.approx(5, rel=0.05)
    assert enough.limited_by == "none"
    assert isinstance(too_little, Transfer)
    assert too_little.high_mbit < 0.97 * 14
    assert too_little.limited_by == "queue"
    assert isinstance(whole, Transfer)
    assert whole.mbit == pytest.approx(line.truth("down"), rel=0.07)
    assert whole.limited_by == "queue"
    assert max(one.transfer.seconds for one in answer.done[:2] if one.transfer) <= 5.3
