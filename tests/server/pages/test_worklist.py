"""The board as a worklist: what is late, who is silent, whose it is; saved views."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from ccpor_server.pages.worklist import clean_query
from ccpor_server.rights import Role
from ccpor_server.store import desk
from tests.server.rig import Rig, rig_in
from tests.server.sample import fill

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def office(collector_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig_in(collector_template, tmp_path_factory.mktemp("worklist") / "state") as rig:
        fill(rig.collector, rig.clock)  # type: ignore[arg-type]
        yield rig


@pytest.fixture(scope="module")
def reader(office: Rig) -> str:
    return office.signed_in("the.auditor", Role.AUDITOR)


def courts(office: Rig, reader: str, query: str) -> list[str]:
    answer = office.ask("GET", f"/?{query}", session=reader)
    assert answer.status_code == 200
    return re.findall(r'<th scope="row"><a href="/courts/([a-z-]+)"', answer.text)


def post(office: Rig, who: str, path: str, **fields: str) -> httpx.Response:
    headers = {"sec-fetch-site": "same-origin", "content-type": FORM}
    return office.ask("POST", path, session=who, headers=headers, content=urlencode(fields))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("owner=r.diaz", {"ca-sonoma"}),
        ("owner=nobody", set()),
        ("heard=7", {"ca-alpine", "ca-kern", "sonoma-so"}),
        ("heard=30", {"ca-alpine", "sonoma-so"}),
        ("due=overdue", {"ca-fresno", "ca-kern", "ca-sonoma", "yurok"}),
        ("due=overdue&heard=7", {"ca-kern"}),
    ],
)
def test_the_address_asks_for_what_is_late(
    office: Rig, reader: str, query: str, found: set[str]
) -> None:
    assert set(courts(office, reader, query)) == found


def test_an_export_holds_the_same_courts(office: Rig, reader: str) -> None:
    answer = office.ask("GET", "/export/json?due=overdue&heard=7", session=reader)

    assert [one["court"]["id"] for one in answer.json()["courts"]] == ["ca-kern"]


def test_a_view_is_saved_opened_and_removed(office: Rig, reader: str) -> None:
    saved = post(office, reader, "/views", view="Late courts", query="due=overdue&sort=court")
    page = office.ask("GET", "/", session=reader).text
    [address] = re.findall(r'<li><a href="(/[^"]*)">Late courts</a>', page)
    [view_id] = re.findall(r"/views/([0-9a-f-]{36})/forget", page)
    other = office.signed_in("another", Role.REVIEWER)
    foreign = post(office, other, f"/views/{view_id}/forget")
    still = office.ask("GET", "/", session=reader).text
    post(office, reader, f"/views/{view_id}/forget")

    assert saved.status_code == 303
    assert address.replace("&amp;", "&") == "/?due=overdue&sort=court"
    assert "Late courts" not in office.ask("GET", "/", session=other).text
    assert foreign.status_code == 303
    assert "Late courts" in still
    assert "Late courts" not in office.ask("GET", "/", session=reader).text


def test_a_view_needs_a_name_and_holds_only_what_the_board_knows(office: Rig, reader: str) -> None:
    assert post(office, reader, "/views", view="", query="").status_code == 400
    assert post(office, reader, "/views", view="x" * 61, query="").status_code == 400
    assert clean_query("q=a&next=//evil&sort=court") == "q=a&sort=court"


def test_views_are_bounded(office: Rig) -> None:
    session = office.signed_in("collector.of.views", Role.REVIEWER)
    answers = [
        post(office, session, "/views", view=f"v{number}", query="").status_code
        for number in range(32)
    ]

    assert answers.count(303) == 30
    assert answers[-1] == 400
    with office.store.reading() as db:
        assert desk.views(db, "nobody") == ()
