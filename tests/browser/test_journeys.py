"""Eight journeys by keyboard alone, with scripts and without: what the pages are for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccpor_server import sessions
from ccpor_server.rights import Role
from ccpor_server.store import Transaction, attachments, comments, decisions, people, waivers
from tests.browser.hands import Hands
from tests.browser.site import Site, site

pytestmark = [pytest.mark.browser]

COURT = "/courts/ca-sonoma"
PASSWORD = "a long word that is easy to type"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A collector of this module's own: journeys leave traces."""
    with site(tmp_path_factory.mktemp("journeys") / "state", filled=True) as found:
        hashed = sessions.hash_password(PASSWORD)

        def job(tx: Transaction) -> None:
            person_id = people.add(tx, "k.eyboard", Role.REVIEWER, None, hashed)
            people._change(tx, person_id, must_change=False)

        found.collector.store.write(job)
        yield found


@pytest.fixture(params=[True, False], ids=["with scripts", "without"])
def scripts(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class Visit:
    """One person's browser; `hands` works the keyboard."""

    def __init__(self, browser: Any, place: Site, who: str | None, *, scripts: bool) -> None:
        self.place = place
        self.context = browser.new_context(
            viewport={"width": 1280, "height": 900},
            java_script_enabled=scripts,
            locale="en-US",
        )
        if who:
            cookie = {"name": "ccpor", "value": place.sessions[who], "url": place.address}
            self.context.add_cookies([cookie])
        self.page = self.context.new_page()
        self.hands = Hands(self.page)

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def open(self, path: str) -> None:
        self.page.goto(self.place.address + path)

    @property
    def heading(self) -> str:
        return str(self.page.locator("h1").inner_text())

    @property
    def path(self) -> str:
        return str(self.page.url).removeprefix(self.place.address)

    def says(self, words: str) -> bool:
        return words in str(self.page.locator("main").inner_text())


def test_sign_in(browser: Any, place: Site, scripts: bool) -> None:
    with Visit(browser, place, None, scripts=scripts) as visit:
        visit.open("/")
        visit.hands.write("Name", "k.eyboard", field="name")
        visit.hands.write("Password", PASSWORD, field="password")
        visit.hands.follow("Sign in", "button")

        assert (visit.path, visit.heading) == ("/", "Courts")


def test_filter(browser: Any, place: Site, scripts: bool) -> None:
    """The address holds what was asked for."""
    with Visit(browser, place, "reviewer", scripts=scripts) as visit:
        visit.open("/")
        visit.hands.choose("Kind", "tribal", field="kind")
        visit.hands.follow("Apply", "button")

        assert "kind=tribal" in visit.path
        assert visit.says("1 of 6 courts")
        assert visit.page.locator("tbody tr").count() == 1


def test_open_a_court(browser: Any, place: Site, scripts: bool) -> None:
    with Visit(browser, place, "reviewer", scripts=scripts) as visit:
        visit.open("/")
        visit.hands.follow("Superior Court of Fresno County")

        assert visit.path == "/courts/ca-fresno"
        assert visit.heading == "Superior Court of Fresno County"


def test_read_evidence_in_three_steps(browser: Any, place: Site, scripts: bool) -> None:
    """Rule, finding, what was measured: three steps from the court's page."""
    with Visit(browser, place, "court", scripts=scripts) as visit:
        visit.open(f"{COURT}?show=technical")
        visit.hands.unfold("IM-01")  # one: the rule and its findings
        visit.hands.follow(
            "SR-FRONT-01: CCPOR gateway, tcp.reach"
        )  # two: the finding in its report
        finding = visit.page.locator("[id='gateway/tcp.reach']")

        assert visit.path.endswith("#gateway/tcp.reach")
        assert finding.count() == 1
        assert "no answer from 192.0.2.60:8443" in finding.text_content()
        assert finding.is_visible()


def test_compare_with_the_baseline(browser: Any, place: Site, scripts: bool) -> None:
    with Visit(browser, place, "reviewer", scripts=scripts) as visit:
        visit.open("/")
        visit.hands.follow("Incidents")
        visit.hands.follow("The gateway does not answer")
        visit.hands.unfold("SR-FRONT-01")

        assert visit.heading == "INC-2026-001 The gateway does not answer"
        assert visit.says("the last run before")


def test_comment_and_attach(browser: Any, place: Site, scripts: bool, tmp_path: Path) -> None:
    drawing = tmp_path / f"drawing {scripts}.txt"
    drawing.write_text("the network of the courthouse\n", encoding="utf-8")
    text = f"Asked again, scripts {scripts}"
    with Visit(browser, place, "court", scripts=scripts) as visit:
        visit.open(f"{COURT}/items/PL-10")
        visit.hands.write("Add a comment", text, field="comment")
        visit.hands.follow("Comment", "button")
        visit.open(f"{COURT}/items/PL-10")
        visit.hands.attach("Attach a document", "document", str(drawing))
        visit.hands.follow("Attach", "button")
        with place.collector.store.reading() as db:
            said = [one.text for one in comments.of_court(db, "ca-sonoma", item="PL-10")]
            kept = [one.name for one in attachments.of_court(db, "ca-sonoma", item="PL-10")]

        assert text in said
        assert drawing.name in kept
        assert visit.says(text)
        assert visit.says(drawing.name)


def test_waive(browser: Any, place: Site, scripts: bool) -> None:
    item = "IM-01" if scripts else "IM-05"
    with Visit(browser, place, "approver", scripts=scripts) as visit:
        visit.open(f"{COURT}/items/{item}")
        visit.hands.follow(f"Waive {item}")
        visit.hands.write_day("Until and including", "2026-12-20", field="until")
        visit.hands.write("Why", "the county opens the port in December", field="reason")
        visit.hands.follow("Go on to confirm", "button")
        visit.hands.follow("Grant the waiver", "button")
        with place.collector.store.reading() as db:
            [kept] = [one for one in waivers.of_court(db, "ca-sonoma") if one.item == item]

        assert (kept.by, str(kept.until)) == ("b.approver", "2026-12-20")
        assert visit.says("waived by b.approver")


def test_approve(browser: Any, place: Site, scripts: bool) -> None:
    subject = "go-live" if scripts else "close-out"
    with Visit(browser, place, "approver", scripts=scripts) as visit:
        visit.open(COURT)
        visit.hands.follow("Sign", exact=True)
        if not scripts:
            visit.hands.follow("Close-out")
        visit.hands.tick("Go", field="kind", value="go")
        visit.hands.write("Note", "as agreed in the meeting", field="note")
        visit.hands.follow("Go on to confirm", "button")
        visit.hands.follow("Sign", "button", exact=True)
        with place.collector.store.reading() as db:
            kept = [one for one in decisions.of_court(db, "ca-sonoma") if one.subject == subject]

        assert [(one.by, one.kind.value) for one in kept] == [("b.approver", "go")]
        assert visit.says("AOC: b.approver")
