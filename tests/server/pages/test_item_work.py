"""Work on an item: waivers, documents, comments, owner and due date, through the real routes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from ccpor_reporting.checklist.model import ItemState, State
from ccpor_server.checklist_state import court_checklist
from ccpor_server.pages.documents import LARGEST, clean_name, media_type
from ccpor_server.problems import WrongMediaType
from ccpor_server.rights import Role
from ccpor_server.store import attachments, comments, waivers
from tests.server.rig import Rig, rig_in
from tests.server.sample import fill

COURT = "ca-sonoma"
FORM = "application/x-www-form-urlencoded"
PEOPLE = {
    "approver": (Role.APPROVER, None),
    "reviewer": (Role.REVIEWER, None),
    "auditor": (Role.AUDITOR, None),
    "manager": (Role.COURT_MANAGER, COURT),
    "stranger": (Role.COURT_MANAGER, "ca-fresno"),
}


class Office:
    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.names = fill(rig.collector, rig.clock)  # type: ignore[arg-type]
        self.sessions = {
            name: rig.signed_in(f"the.{name}", role, court)
            for name, (role, court) in PEOPLE.items()
        }

    def post(self, path: str, who: str, **fields: str) -> httpx.Response:
        headers = {"sec-fetch-site": "same-origin", "content-type": FORM, "accept": "text/html"}
        return self.rig.ask(
            "POST", path, session=self.sessions[who], headers=headers, content=urlencode(fields)
        )

    def get(self, path: str, who: str) -> httpx.Response:
        return self.rig.ask(
            "GET", path, session=self.sessions[who], headers={"accept": "text/html"}
        )

    def attach(self, who: str, name: str, content: bytes, item: str = "PL-10") -> httpx.Response:
        return self.rig.ask(
            "POST",
            f"/courts/{COURT}/items/{item}/documents",
            session=self.sessions[who],
            headers={"sec-fetch-site": "same-origin"},
            files={"document": (name, content, "application/octet-stream")},
        )

    def item(self, name: str) -> ItemState:
        found = court_checklist(self.rig.store, COURT, self.rig.clock.now())
        assert found is not None
        return next(one for one in found.items if one.item.id == name)

    def waivers(self, item: str) -> list[str]:
        with self.rig.store.reading() as db:
            return [one.id for one in waivers.of_court(db, COURT) if one.item == item]


@pytest.fixture
def office(collector_template: Path, tmp_path: Path) -> Iterator[Office]:
    with rig_in(collector_template, tmp_path / "state") as rig:
        yield Office(rig)


WAIVER = {
    "code": "tcp.reach",
    "location": "",
    "machine": "",
    "until": "2026-12-31",
    "reason": "the county opens the port on 12 December",
}


def test_a_waiver_is_confirmed_and_the_fault_stays_in_sight(office: Office) -> None:
    """What is accepted must still be seen as failed."""
    path = f"/courts/{COURT}/items/IM-01/waive"
    before = office.item("IM-01")
    asked = office.post(path, "approver", **WAIVER)
    held = office.waivers("IM-01")
    granted = office.post(path, "approver", **WAIVER, confirmed="yes")
    page = office.get(f"/courts/{COURT}/items/IM-01", "manager").text

    assert before.waivers == ()
    assert asked.status_code == 200
    assert "Confirm the waiver" in asked.text
    assert held == []
    assert (granted.status_code, len(office.waivers("IM-01"))) == (303, 1)
    assert ("waiver", "granted") in office.rig.events()
    assert WAIVER["reason"] in page


def test_a_waiver_makes_its_item_waived_and_withdrawing_ends_it(office: Office) -> None:
    path = f"/courts/{COURT}/items/IM-01/waive"
    whole = WAIVER | {"code": ""}
    assert office.post(path, "approver", **whole, confirmed="yes").status_code == 303
    waived = office.item("IM-01")
    [name] = office.waivers("IM-01")
    gone = office.post(f"/courts/{COURT}/waivers/{name}/withdraw", "approver", reason="mended")
    again = office.post(f"/courts/{COURT}/waivers/{name}/withdraw", "approver", reason="mended")
    listed = office.get(f"/courts/{COURT}/waivers", "auditor").text

    assert (waived.state, waived.waivers) == (State.WAIVED, (name,))
    assert waived.under not in {None, State.MET, State.WAIVED}
    assert gone.status_code == 303
    assert again.status_code == 404
    assert office.item("IM-01").state is waived.under
    assert "withdrawn by the.approver" in listed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"until": ""}, "choose a last day"),
        ({"until": "2026-11-22"}, "choose a last day"),
        ({"until": "2027-11-22"}, "choose a last day"),
        ({"until": "soon"}, "year-month-day"),
        ({"reason": "ok"}, "say why"),
        ({"code": "dns.answer"}, "choose a code"),
        ({"location": "fresno"}, "choose a location"),
        ({"machine": "nobody"}, "choose a workstation"),
    ],
)
def test_a_waiver_with_a_fault_is_not_granted(
    office: Office, change: dict[str, str], words: str
) -> None:
    """An open end or a foreign place would cover what nobody decided."""
    path = f"/courts/{COURT}/items/IM-01/waive"
    answer = office.post(path, "approver", **(WAIVER | change), confirmed="yes")

    assert answer.status_code == 422
    assert words in answer.text
    assert office.waivers("IM-01") == []


@pytest.mark.parametrize("who", ["reviewer", "manager", "auditor"])
def test_only_an_approver_waives(office: Office, who: str) -> None:
    path = f"/courts/{COURT}/items/IM-01/waive"

    assert office.post(path, who, **WAIVER, confirmed="yes").status_code == 403
    assert office.waivers("IM-01") == []


def test_a_mandatory_item_cannot_be_waived(office: Office) -> None:
    path = f"/courts/{COURT}/items/IM-03/waive"
    answer = office.post(path, "approver", **(WAIVER | {"code": ""}), confirmed="yes")

    assert answer.status_code == 403
    assert "mandatory" in office.get(f"/courts/{COURT}/items/IM-03", "approver").text


def test_waivers_that_ran_out_or_cover_nothing_are_told(office: Office) -> None:
    """A list of waivers that nobody tidies hides the one that matters."""
    text = office.get(f"/courts/{COURT}/waivers", "reviewer").text

    assert "run out" in text
    assert "in force" in text
    assert office.get("/courts/ca-alpine/waivers", "reviewer").text.count("Nothing was ever") == 1


def test_a_document_comes_back_as_it_went_in(office: Office) -> None:
    """Stored by its digest, and never shown in our own place."""
    content = b"%PDF-1.7 a drawing of the network"
    assert office.attach("manager", "..\\..\\etc/drawing 7.pdf", content).status_code == 303
    with office.rig.store.reading() as db:
        [kept] = attachments.of_court(db, COURT, item="PL-10")
    path = f"/courts/{COURT}/documents/{kept.id}"
    answer = office.get(path, "auditor")

    assert (kept.name, kept.media_type) == ("drawing 7.pdf", "application/pdf")
    assert kept.digest == hashlib.sha256(content).hexdigest()
    assert answer.content == content
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["etag"] == f'"{kept.digest}"'
    assert office.get(path, "stranger").status_code == 404
    assert office.get(f"/courts/ca-fresno/documents/{kept.id}", "stranger").status_code == 404
    assert kept.digest in office.get(f"/courts/{COURT}/items/PL-10", "manager").text


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("a.html", b"<script>alert(1)</script>", 415),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415),
        ("a.pdf", b"MZ\x90\x00 a program", 415),
        ("a.txt", b"\x00\x01\x02", 415),
        ("a.docx", b"PK\x03\x04 another archive", 415),
        ("a.pdf", b"", 422),
        ("a.pdf", b"%PDF-" + b"x" * (LARGEST + 100_000), 413),
    ],
    ids=["page", "drawing", "program", "bytes", "archive", "empty", "large"],
)
def test_a_document_of_another_kind_is_refused(
    office: Office, name: str, content: bytes, status: int
) -> None:
    assert office.attach("manager", name, content).status_code == status
    with office.rig.store.reading() as db:
        assert attachments.of_court(db, COURT, item="PL-10") == ()


@pytest.mark.parametrize("body", [b"", b"--x", b"--x\r\n\r\n--x--", b"\xff\xfe" * 50])
def test_a_form_that_cannot_be_read_is_refused_without_a_traceback(
    office: Office, body: bytes
) -> None:
    answer = office.rig.ask(
        "POST",
        f"/courts/{COURT}/items/PL-10/documents",
        session=office.sessions["manager"],
        headers={
            "sec-fetch-site": "same-origin",
            "content-type": "multipart/form-data; boundary=x",
        },
        content=body,
    )

    assert answer.status_code in {400, 422}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\secret\\plan.pdf", "plan.pdf"),
        ("../../etc/passwd", "passwd"),
        ('a"b\r\nSet-Cookie: x.pdf', "a_b__Set-Cookie_ x.pdf"),
        ("", "document"),
        (" . ", "document"),
    ],
)
def test_a_name_is_made_harmless(given: str, kept: str) -> None:
    assert clean_name(given) == kept
    assert len(clean_name("x" * 500 + ".pdf")) <= 120


def test_what_a_document_is_comes_from_its_bytes() -> None:
    assert media_type("a.txt", b"\x89PNG\r\n\x1a\n...") == "image/png"
    with pytest.raises(WrongMediaType):
        media_type("a.png", b"GIF89a")


def test_a_comment_is_kept_and_shown_as_text(office: Office) -> None:
    text = '<script>alert("x")</script>\nsecond line'
    answer = office.post(f"/courts/{COURT}/items/PL-10/comments", "manager", comment=text)
    page = office.get(f"/courts/{COURT}/items/PL-10", "reviewer").text
    with office.rig.store.reading() as db:
        [kept] = comments.of_court(db, COURT, item="PL-10")

    assert answer.status_code == 303
    assert (kept.text, kept.who) == (text, "the.manager")
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page


def test_an_empty_comment_is_told_and_an_auditor_writes_nothing(office: Office) -> None:
    path = f"/courts/{COURT}/items/PL-10/comments"

    assert office.post(path, "manager", comment=" ").status_code == 422
    assert office.post(path, "auditor", comment="seen").status_code == 403
    assert office.post(path, "stranger", comment="seen").status_code == 404


def test_an_owner_and_a_day_are_set_and_decide_what_is_overdue(office: Office) -> None:
    path = f"/courts/{COURT}/items/PL-10/owner"
    assert office.post(path, "manager", owner="m.li", due="2026-11-20").status_code == 303
    late = office.item("PL-10")
    assert office.post(path, "manager", owner="m.li", due="2026-12-20").status_code == 303
    early = office.item("PL-10")

    assert (late.owner, late.overdue) == ("m.li", True)
    assert (str(early.due), early.overdue) == ("2026-12-20", False)
    assert office.post(path, "manager", owner="x" * 101, due="").status_code == 422
    assert office.post(path, "manager", owner="x", due="soon").status_code == 422


def test_every_write_leaves_its_audit_event(office: Office) -> None:
    """Who did what, when: without the event the act does not happen."""
    done: dict[str, Callable[[], httpx.Response]] = {
        "comment": lambda: office.post(
            f"/courts/{COURT}/items/PL-10/comments", "manager", comment="x"
        ),
        "document": lambda: office.attach("manager", "a.txt", b"text"),
        "assignment": lambda: office.post(
            f"/courts/{COURT}/items/PL-10/owner", "manager", owner="a", due=""
        ),
    }
    for what, act in done.items():
        before = office.rig.events().count((what, "ok"))
        assert act().status_code == 303
        assert office.rig.events().count((what, "ok")) == before + 1
