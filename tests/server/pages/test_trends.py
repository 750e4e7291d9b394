"""Trends and comparisons: what the pages say is what the reports hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccpor_reporting.compare import compare
from ccpor_server.checklist_state import court_checklist
from ccpor_server.held_reports import signed_report
from ccpor_server.rights import Role
from ccpor_server.store import machines, reports
from tests.server.rig import Rig, rig_in
from tests.server.sample import fill

COURT = "ca-sonoma"


@pytest.fixture(scope="module")
def office(collector_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig_in(collector_template, tmp_path_factory.mktemp("trends") / "state") as rig:
        fill(rig.collector, rig.clock)  # type: ignore[arg-type]
        yield rig


@pytest.fixture(scope="module")
def reader(office: Rig) -> str:
    return office.signed_in("the.auditor", Role.AUDITOR)


@pytest.fixture(scope="module")
def manager(office: Rig) -> str:
    return office.signed_in("the.manager", Role.COURT_MANAGER, COURT)


def page(office: Rig, who: str, path: str) -> str:
    answer = office.ask("GET", path, session=who)
    assert answer.status_code == 200, (path, answer.text[:300])
    return answer.text


def runs(office: Rig, court: str = COURT) -> dict[str, list[str]]:
    """Return the run ids of each workstation that sent any, newest first."""
    with office.store.reading() as db:
        found = {
            one.id: [line.run_id for line in reports.of_machine(db, one.id)]
            for one in machines.of_court(db, court)
            if one.revoked_at is None
        }
    return {name: some for name, some in found.items() if some}


def test_a_workstations_course_has_a_row_for_each_run(office: Rig, reader: str) -> None:
    machine, mine = max(runs(office).items(), key=lambda one: len(one[1]))
    text = page(office, reader, f"/courts/{COURT}/trends?machine={machine}&measure=dns.latency")
    linked = re.findall(r'<th scope="row"><a href="/reports/([0-9a-f-]{36})"', text)

    assert len(mine) > 1
    assert set(linked) == set(mine)
    assert "18.2 ms" in text
    assert '<svg class="plot broad"' in text
    assert "AOC datacenter: time of a resolver" in text


def test_a_courts_course_has_a_median_for_each_day(office: Rig, reader: str) -> None:
    text = page(office, reader, f"/courts/{COURT}/trends?measure=dns.latency")
    counts = re.findall(r'<td class="number">(\d+)</td></tr>', text)
    every = sum(len(some[:12]) for some in runs(office).values())

    assert sum(map(int, counts)) == every
    assert "Median" in text


def test_what_makes_no_sense_in_the_address_is_left_out(office: Rig, reader: str) -> None:
    for query in (
        "measure=nothing",
        "machine=nobody",
        "location=%3Cscript%3E",
        "measure=tls.trust",
    ):
        text = page(office, reader, f"/courts/{COURT}/trends?{query}")
        assert "report" in text
        assert "<script>" not in text


def test_a_court_without_reports_says_so(office: Rig, reader: str) -> None:
    assert "Nothing measured yet" in page(office, reader, "/courts/ca-alpine/trends")


def test_two_runs_are_compared_as_the_program_does(office: Rig, reader: str) -> None:
    machine, mine = max(runs(office).items(), key=lambda one: len(one[1]))
    new, old = mine[0], mine[-1]
    text = page(office, reader, f"/reports/{new}/compare?with={old}")
    with office.store.reading() as db:
        key = machines.by_id(db, machine)
        assert key is not None
        both = [
            signed_report(one.envelope, key.public_key)
            for run in (old, new)
            if (one := reports.by_run_id(db, run))
        ]
    before, after = both
    assert before is not None
    assert after is not None
    found = compare(before, after)

    for kind in ("new", "worse", "better", "gone", "not_comparable"):
        for change in getattr(found, kind):
            assert f"<code>{change.finding}</code>" in text
    assert f"{len(found.same)} finding" in text


def test_a_run_is_offered_others_of_its_court_only(office: Rig, reader: str) -> None:
    mine = runs(office)
    run = next(iter(mine.values()))[0]
    text = page(office, reader, f"/reports/{run}/compare")
    offered = set(re.findall(r'<option value="([0-9a-f-]{36})"', text))
    court = {one for some in mine.values() for one in some}

    assert offered <= court
    assert run not in offered
    assert any(some[0] in offered for name, some in mine.items() if run not in some)


def test_runs_of_two_courts_are_not_mixed(office: Rig, reader: str, manager: str) -> None:
    mine = next(iter(runs(office).values()))[0]
    other = next(iter(runs(office, "ca-fresno").values()))[0]

    assert (
        office.ask("GET", f"/reports/{mine}/compare?with={other}", session=reader).status_code
        == 400
    )
    assert (
        office.ask("GET", f"/reports/{mine}/compare?with={other}", session=manager).status_code
        == 404
    )
    assert (
        office.ask("GET", f"/reports/{mine}/compare?with=none", session=reader).status_code == 404
    )


def test_two_courts_differ_where_their_checklists_do(office: Rig, reader: str) -> None:
    text = page(office, reader, f"/compare?one={COURT}&other=ca-fresno")
    one, other = (
        court_checklist(office.store, name, office.clock.now()) for name in (COURT, "ca-fresno")
    )
    assert one is not None
    assert other is not None
    differing = [
        mine.item.id
        for mine, theirs in zip(one.items, other.items, strict=True)
        if mine.state is not theirs.state
    ]

    assert re.findall(r'<th scope="row">([A-Z]{2}-\d\d)', text) == differing
    assert f"{len(differing)} items differ, {len(one.items) - len(differing)} are" in text


def test_a_courts_own_people_see_no_other_court_there(office: Rig, manager: str) -> None:
    text = page(office, manager, "/compare")

    assert re.findall(r'<option value="(ca-[a-z]+)"', text) == [COURT, COURT]
    assert (
        office.ask("GET", f"/compare?one={COURT}&other=ca-fresno", session=manager).status_code
        == 404
    )
