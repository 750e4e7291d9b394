"""The timeline: everything dated from go-live, in the court's own days."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ccpor_reporting.checklist.load import our_checklist
from ccpor_server.rights import Role
from ccpor_server.store import courts
from tests.server.rig import Rig, rig_in
from tests.server.sample import fill


@pytest.fixture(scope="module")
def office(collector_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig_in(collector_template, tmp_path_factory.mktemp("timeline") / "state") as rig:
        fill(rig.collector, rig.clock)  # type: ignore[arg-type]
        yield rig


@pytest.fixture(scope="module")
def reader(office: Rig) -> str:
    return office.signed_in("the.auditor", Role.AUDITOR)


def page(office: Rig, session: str, court: str) -> str:
    answer = office.ask("GET", f"/courts/{court}/timeline", session=session)
    assert answer.status_code == 200, answer.text[:300]
    return answer.text


def test_every_item_stands_on_its_day(office: Rig, reader: str) -> None:
    text = page(office, reader, "ca-fresno")
    with office.store.reading() as db:
        court = courts.by_id(db, "ca-fresno")
    assert court is not None
    assert court.go_live is not None
    found: dict[str, str] = {}
    for part in text.split("<section")[1:]:
        [when] = re.findall(r'<time datetime="([0-9-]{10})">', part)[:1]
        for item in re.findall(r"/courts/ca-fresno/items/([A-Z0-9-]+)", part):
            found[item] = when

    assert found == {
        item.id: (court.go_live + timedelta(days=item.due_days)).isoformat()
        for item in our_checklist().items
    }
    assert "T-60" in text
    assert "T+30" in text
    assert 'class="plot broad"' in text


def test_an_assigned_day_moves_its_item(office: Rig, reader: str) -> None:
    """The sample names r.diaz for PL-13, until twenty days from now."""
    text = page(office, reader, "ca-sonoma")
    part = next(one for one in text.split("<section") if "/items/PL-13" in one)

    assert '<time datetime="2026-12-13">' in part
    assert "r.diaz" in part


def test_what_is_late_is_told(office: Rig, reader: str) -> None:
    assert re.search(r"[0-9]+ overdue", page(office, reader, "ca-sonoma"))


def test_a_court_without_a_day_says_so(office: Rig, reader: str) -> None:
    text = page(office, reader, "ca-alpine")

    assert "No go-live day is agreed" in text
    assert "Without a day" in text
    assert 'class="plot broad"' not in text
