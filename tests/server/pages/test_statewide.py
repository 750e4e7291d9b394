"""The statewide page: the map says what the table says, and each court sees itself only."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ccpor_reporting.checklist.blockers import blockers
from ccpor_reporting.checklist.model import Received
from ccpor_server import course
from ccpor_server.held_reports import signed_report
from ccpor_server.maps import california
from ccpor_server.rights import Role
from ccpor_server.store import machines, reports, standings
from tests.conftest import ROOT
from tests.peers import lacking, program
from tests.server.rig import Rig, rig_in
from tests.server.sample import fill

MAP = ROOT / "server" / "ccpor_server" / "maps" / "california.json"


@pytest.fixture(scope="module")
def office(collector_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig_in(collector_template, tmp_path_factory.mktemp("statewide") / "state") as rig:
        fill(rig.collector, rig.clock)  # type: ignore[arg-type]
        yield rig


@pytest.fixture(scope="module")
def reader(office: Rig) -> str:
    return office.signed_in("the.auditor", Role.AUDITOR)


def page(office: Rig, session: str, query: str = "") -> str:
    answer = office.ask("GET", f"/statewide{query}", session=session)
    assert answer.status_code == 200, answer.text[:300]
    return answer.text


def test_the_map_has_each_of_the_58_counties_once() -> None:
    """California has 58; one that is missing is a court that nobody sees."""
    counties = california().counties

    assert len({one.fips for one in counties}) == len({one.name for one in counties}) == 58
    assert all(one.fips.startswith("06") and one.d.startswith("M") for one in counties)
    assert {"Alpine", "Los Angeles", "San Luis Obispo"} <= {one.name for one in counties}


def test_the_committed_map_is_what_its_script_draws(tmp_path: Path) -> None:
    if not (ROOT / "node_modules" / "us-atlas").exists():
        lacking("needs us-atlas; run npm ci --ignore-scripts")
    node, before = program("node"), MAP.read_bytes()
    try:
        done = subprocess.run(
            [node, str(MAP.with_name("build.mjs"))],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert MAP.read_bytes() == before
    finally:
        MAP.write_bytes(before)


def test_the_map_says_what_the_table_says(office: Rig, reader: str) -> None:
    text = page(office, reader)
    drawn = dict(re.findall(r"<title>([^:<]+): ([^<]+)</title>", text))
    rows = re.findall(r'<th scope="row">([^<]+)</th>.*?<span>([^<]+)</span></span></td></tr>', text)
    told = {county: word for county, word in rows if county in drawn}

    assert len(drawn) == 58
    assert told == drawn
    assert drawn["Fresno"] == "ready"
    assert drawn["Sonoma"] == "not ready"
    assert drawn["Yolo"] == "no court known"
    assert 'href="/courts/ca-sonoma" aria-label="Sonoma: not ready"' in text
    assert "Yurok Tribal Court" in text


def test_a_court_sees_itself_only(office: Rig) -> None:
    text = page(office, office.signed_in("k.fresno", Role.COURT_MANAGER, "ca-fresno"))

    assert "Fresno: ready" in text
    assert "Sonoma: no court known" in text
    assert "/courts/ca-sonoma" not in text
    assert "tcp.reach/dropped" not in text


def test_causes_are_counted_over_courts(office: Rig, reader: str) -> None:
    """The same fault at many courts is somebody else's than a fault at one."""
    with office.store.reading() as db:
        keys = {one.id: one.public_key for one in machines.every(db)}
        newest: dict[str, list[Received]] = {}
        for one in (one for name in keys for one in reports.newest_of(db, name)):
            report = signed_report(one.envelope, keys[one.machine_id])
            assert report is not None
            newest.setdefault(one.court, []).append(
                Received(report=report, machine_id=one.machine_id, received_at=one.received_at)
            )
    [found] = [one for one in blockers(newest) if one.fault == "tcp.reach/dropped"]

    assert list(found.machines) == ["ca-sonoma"]
    assert blockers(newest, at_least=2) == ()
    assert "tcp.reach/dropped" in page(office, reader)
    assert "tcp.reach/dropped" not in page(office, reader, "?courts=2")


def test_silent_courts_are_told(office: Rig, reader: str) -> None:
    text = page(office, reader, "?silent=14").partition("Silent too long</h2>")[2]
    quiet = re.findall(r'<a href="/courts/([a-z-]+)">', text.partition("</section>")[0])

    assert set(quiet) == {"ca-alpine", "ca-kern", "sonoma-so"}


def test_the_course_is_written_once_a_day_and_drawn(office: Rig, reader: str) -> None:
    before, now = page(office, reader), office.clock.now()
    count = course.standings_today(office.store, now)
    course.standings_today(office.store, now - timedelta(days=1))
    course.standings_today(office.store, now)
    with office.store.reading() as db:
        kept = standings.since(db, (now - timedelta(days=7)).date())
    after = page(office, reader)

    assert "The course begins with the second day" in before
    assert course.is_written(office.store, now)
    assert not course.is_written(office.store, now + timedelta(days=1))
    assert (count, len(kept)) == (6, 12)
    assert 'class="plot broad"' in after
    assert "Courts that were ready, from " in after
