"""The pages by their routes: who sees what, and what a form may do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from ccpor_reporting.checklist.load import our_checklist
from ccpor_server.access import Access
from ccpor_server.pages.routes import PAGE_ENDPOINTS
from ccpor_server.rights import RIGHTS, Role
from ccpor_server.store import courts, declarations, machines, people
from tests.server.rig import Rig, rig_in
from tests.server.sample import fill

SAME = {"sec-fetch-site": "same-origin", "accept": "text/html"}
FORM = "application/x-www-form-urlencoded"


@dataclass
class Office:
    """A filled collector with one signed-in person of each kind."""

    rig: Rig
    names: dict[str, str]
    cookies: dict[str, str]

    def _session(self, who: str | None) -> str | None:
        self.rig._client.cookies.clear()  # what an answer set must not speak for a stranger
        return self.cookies[who] if who else None

    def get(self, path: str, who: str | None = "reviewer") -> httpx.Response:
        session = self._session(who)
        return self.rig.ask("GET", path, session=session, headers=SAME)

    def post(self, path: str, who: str | None = "administrator", **fields: str) -> httpx.Response:
        session = self._session(who)
        headers = {**SAME, "content-type": FORM}
        return self.rig.ask(
            "POST", path, session=session, headers=headers, content=urlencode(fields)
        )


@pytest.fixture(scope="module")
def office(collector_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office") / "state"
    with rig_in(collector_template, folder) as rig:
        names = fill(rig.collector, rig.clock)  # type: ignore[arg-type]
        cookies = {
            "administrator": rig.signed_in("m.ortiz", Role.ADMINISTRATOR),
            "reviewer": rig.signed_in("a.reviewer", Role.APPROVER),
            "court": rig.signed_in("r.diaz", Role.COURT_MANAGER, "ca-sonoma"),
            "other": rig.signed_in("k.fresno", Role.COURT_MANAGER, "ca-fresno"),
        }
        yield Office(rig, names, cookies)


def heading(answer: httpx.Response) -> str:
    [found] = re.findall(r"<h1>(.*?)</h1>", answer.text)
    return found


def filled(path: str, names: dict[str, str]) -> str:
    """Return the path of a route with things that exist."""
    return path.format(
        name="ccpor.css",
        court_id=names["court"],
        item_id="PL-13",
        run_id=names["faulty"],
        person_id="none",
        machine_id=names["machine"],
        document_id=names["document"],
        waiver_id="none",
        decision_id="none",
        subject="go-live",
        kind="json",
        view_id="none",
        session_id="0" * 16,
        step="go-live",
        incident_id=names["incident"],
    )


PAGES = [entry for entry in PAGE_ENDPOINTS if entry.methods == ("GET",)]
FORMS = [entry for entry in PAGE_ENDPOINTS if entry.methods == ("POST",)]


ROLE_OF = {
    "administrator": Role.ADMINISTRATOR,
    "reviewer": Role.APPROVER,
    "court": Role.COURT_MANAGER,
    "other": Role.COURT_MANAGER,
}


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.path)
@pytest.mark.parametrize("who", ["administrator", "reviewer", "court", "other", None])
def test_each_page_answers_each_role_as_the_table_says(
    office: Office, entry: object, who: str | None
) -> None:
    """Deny by default: a page that forgets its guard shows one court to another."""
    path, access = filled(entry.path, office.names), entry.access  # type: ignore[attr-defined]
    answer = office.get(path, who)

    if path.startswith("/sign-in/oidc"):
        expected = 404  # no identity provider is set
    elif access is Access.PUBLIC:
        expected = 303 if path == "/sign-in" and who else 200
    elif who is None:
        expected = 303
    elif access is Access.ADMINISTRATOR:
        expected = 200 if who == "administrator" else 403
    elif entry.right not in RIGHTS[ROLE_OF[who]]:  # type: ignore[attr-defined]
        expected = 403
    elif "{court_id}" in entry.path or "{run_id}" in entry.path:  # type: ignore[attr-defined]
        expected = 404 if who == "other" else 200
    else:
        expected = 303 if path == "/" and who in {"court", "other"} else 200
    assert answer.status_code == expected, answer.text[:300]
    if who is None and expected == 303:
        assert answer.headers["location"].startswith("/sign-in?next=")


@pytest.mark.parametrize("entry", FORMS, ids=lambda entry: entry.path)
def test_no_form_acts_for_a_stranger_or_another_site(office: Office, entry: object) -> None:
    """A page of another site must not declare an item in a reviewer's name."""
    path = filled(entry.path, office.names)  # type: ignore[attr-defined]
    elsewhere = {"sec-fetch-site": "cross-site", "accept": "text/html", "content-type": FORM}
    foreign = office.rig.ask(
        "POST", path, session=office.cookies["administrator"], headers=elsewhere, content=""
    )

    assert foreign.status_code == 403
    if entry.access is not Access.PUBLIC:  # type: ignore[attr-defined]
        assert office.post(path, None).status_code == 401
    if entry.access is Access.ADMINISTRATOR:  # type: ignore[attr-defined]
        assert office.post(path, "reviewer").status_code == 403


@pytest.mark.parametrize(
    "path", ["/courts/{court}", "/courts/{court}/machines", "/courts/{court}/items/PL-13"]
)
def test_another_court_looks_like_a_missing_one(office: Office, path: str) -> None:
    """Whether it exists is not theirs to know."""
    answers = [
        office.get(path.format(court=name), "other") for name in ("ca-sonoma", "no-such-court")
    ]

    assert [one.status_code for one in answers] == [404, 404]
    assert answers[0].text.replace("ca-sonoma", "x") == answers[1].text.replace(
        "no-such-court", "x"
    )


def test_a_refusal_is_a_page_for_people_and_a_problem_for_programs(office: Office) -> None:
    """A technician must not be shown JSON, a script no HTML."""
    page = office.get("/courts/nowhere")
    problem = office.rig.ask(
        "GET", "/api/v1/courts/nowhere/machines", session=office.cookies["reviewer"]
    )

    assert (page.status_code, heading(page)) == (404, "Nothing here")
    assert problem.headers["content-type"] == "application/problem+json"


def test_titles_go_from_the_court_to_the_product(office: Office) -> None:
    """Ten open tabs must tell apart."""
    page = office.get("/courts/ca-sonoma").text

    assert "<title>Superior Court of Sonoma County – Checklist – CCPOR readiness</title>" in page


def test_the_board_lists_filters_and_sorts_by_its_address(office: Office) -> None:
    """A link to a view of the board can be sent to somebody."""
    names = r'<th scope="row"><a href="/courts/([a-z-]+)">'

    assert re.findall(names, office.get("/").text) == [
        "ca-fresno", "ca-sonoma", "yurok", "sonoma-so", "ca-kern", "ca-alpine",
    ]  # fmt: skip
    assert re.findall(names, office.get("/?kind=tribal").text) == ["yurok"]
    assert re.findall(names, office.get("/?q=SONOMA&sort=court").text) == ["sonoma-so", "ca-sonoma"]
    assert re.findall(names, office.get("/?status=ready").text) == ["ca-fresno"]
    by_name = re.findall(names, office.get("/?sort=court&order=desc").text)
    assert by_name[0] == "yurok"
    none = office.get("/?q=zzz")
    assert "No court matches" in none.text
    assert "0 of 6 courts: named like “zzz”" in none.text


def test_the_board_shows_what_came_in_a_moment_ago(office: Office) -> None:
    """What the board keeps between two looks must not hide a new word or a new day."""
    alpine = r'href="/courts/ca-alpine".*?<b>(\d+)</b> met'
    before = re.findall(alpine, office.get("/").text, re.S)
    said = {"kind": "met", "party": "aoc", "note": "", "done_on": "", "until": ""}
    office.post("/courts/ca-alpine/items/PL-01", "reviewer", **said, confirmed="yes")
    after = re.findall(alpine, office.get("/").text, re.S)
    office.rig.clock.forward(days=400)
    try:
        session = office.rig.signed_in("later.person", Role.REVIEWER)
        later = office.rig.ask("GET", "/", session=session, headers=SAME).text
    finally:
        office.rig.clock.forward(days=-400)

    assert (before, after) == (["0"], ["1"])
    assert re.findall(r"<b>([1-9]\d*)</b> stale", later)


def test_nonsense_in_the_address_shows_the_whole_board(office: Office) -> None:
    """A hand-edited address is no reason for an error."""
    assert "6 of 6 courts." in office.get("/?sort=x&phase=y&status=z&kind=w&order=up").text


def test_the_court_page_holds_every_item_once(office: Office) -> None:
    """An item that no page shows is never done."""
    page = office.get("/courts/ca-sonoma").text

    shown = re.findall(r'<details class="item [a-z]+" id="([A-Z]{2}-\d\d)">', page)
    assert sorted(shown) == sorted(item.id for item in our_checklist().items)


def test_the_evidence_of_an_item_leads_to_the_report_and_finding(office: Office) -> None:
    """From the red line to the proof in one click."""
    page = office.get("/courts/ca-sonoma").text
    link = f"/reports/{office.names['faulty']}#gateway/tcp.reach"

    assert f'href="{link}"' in page
    assert '<tr id="gateway/tcp.reach">' in office.get(link).text


def test_a_report_shows_causes_ticket_and_signature(office: Office) -> None:
    """The page must say what to do before it says what was seen."""
    page = office.get(f"/reports/{office.names['faulty']}").text

    assert page.index("What to act on") < page.index('<h2 id="findings"')
    assert "TCP 8443 from Santa Rosa to the CCPOR gateway is dropped" in page
    assert "signature fits" in page


def test_a_report_changed_in_the_database_is_shown_as_worth_nothing(office: Office) -> None:
    """And counts for nothing: the signature is checked again on every read."""
    from ccpor_server.held_reports import signed_report
    from ccpor_server.store import reports

    with office.rig.store.reading() as db:
        stored = reports.by_run_id(db, office.names["sound"])
        assert stored is not None
        machine = machines.by_id(db, stored.machine_id)
        assert machine is not None
    changed = stored.envelope.replace(b'"payload":"ey', b'"payload":"eX')

    assert changed != stored.envelope
    assert signed_report(stored.envelope, machine.public_key) is not None
    assert signed_report(changed, machine.public_key) is None


def test_text_from_outside_is_never_markup(office: Office) -> None:
    """A court named like a script stays a name."""
    evil = courts.Court(id="evil", name="<script>alert(1)</script>")
    office.rig.store.write(lambda tx: courts.put(tx, evil))
    try:
        pages = [
            office.get(path, "administrator").text
            for path in ("/", "/courts/evil", "/admin/courts")
        ]
    finally:
        office.rig.store.write(
            lambda tx: tx.db.exec_driver_sql("DELETE FROM court WHERE id='evil'")
        )

    assert all("<script" not in page and "&lt;script&gt;" in page for page in pages)


def test_every_page_keeps_the_strict_policy(office: Office) -> None:
    """No inline script or style anywhere, so injected ones never run."""
    for entry in PAGES:
        answer = office.get(filled(entry.path, office.names), "administrator")
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert not re.search(r"<script|\sstyle=|\son[a-z]+=|<style", answer.text), entry.path


def test_an_item_is_declared_after_a_confirmation(office: Office) -> None:
    """What stands for ever is read once more first."""
    path, word = "/courts/ca-sonoma/items/PL-10", {
        "kind": "met", "party": "court", "note": "drawing 7", "done_on": "2026-11-20", "until": "",
    }  # fmt: skip
    asked = office.post(path, "court", **word)
    with office.rig.store.reading() as db:
        before = declarations.of_court(db, "ca-sonoma")
    done = office.post(path, "court", **word, confirmed="yes")
    with office.rig.store.reading() as db:
        after = declarations.of_court(db, "ca-sonoma")

    assert (asked.status_code, heading(asked)) == (200, "Confirm your declaration")
    assert (done.status_code, done.headers["location"]) == (303, "/courts/ca-sonoma#PL-10")
    assert len(after) == len(before) + 1
    said = after[-1].declaration
    assert (said.by, said.note, str(said.done_on)) == ("r.diaz", "drawing 7", "2026-11-20")
    assert ("declaration", "met") in office.rig.events()


@pytest.mark.parametrize(
    ("who", "item", "word", "fault"),
    [
        ("court", "PL-10", {"kind": "met", "party": "aoc"}, "choose on whose behalf"),
        ("court", "PL-10", {"kind": "waived", "party": "court", "note": "x"}, "choose what you"),
        ("court", "PL-10", {"kind": "not-met", "party": "court"}, "say why"),
        ("court", "PL-10", {"kind": "met", "party": "court", "done_on": "soon"}, "is not a date"),
        ("court", "PL-10", {"kind": "met", "party": "court", "done_on": "2030-01-01"}, "in the future"),
        ("reviewer", "IM-01", {"kind": "n/a", "party": "aoc"}, "say why"),
        ("reviewer", "IM-01", {"kind": "waived", "party": "aoc", "note": "x"}, "choose what you"),
        ("reviewer", "IM-01", {"kind": "met", "party": "aoc"}, "choose what you"),
        ("reviewer", "PL-01", {"kind": "met", "party": "court"}, "choose on whose behalf"),
        ("reviewer", "PL-10", {"kind": "met", "party": "aoc"}, "choose what you"),
    ],
)  # fmt: skip
def test_a_form_with_a_fault_is_shown_again_and_records_nothing(
    office: Office, who: str, item: str, word: dict[str, str], fault: str
) -> None:
    """A court cannot speak for the AOC, nor anybody attest what reports must show."""
    with office.rig.store.reading() as db:
        before = len(declarations.of_court(db, "ca-sonoma"))
    answer = office.post(f"/courts/ca-sonoma/items/{item}", who, **word, confirmed="yes")
    with office.rig.store.reading() as db:
        after = len(declarations.of_court(db, "ca-sonoma"))

    assert answer.status_code == 422
    assert fault in answer.text
    assert before == after


def test_a_court_cannot_declare_a_technical_item(office: Office) -> None:
    """Only reports fill it, only the AOC waives it."""
    answer = office.post("/courts/ca-sonoma/items/IM-01", "court", kind="met", party="court")

    assert answer.status_code == 403


def test_a_code_is_shown_once_and_enrols(office: Office) -> None:
    """It is a secret: the list never shows it."""
    made = office.post(
        "/admin/codes",
        court="ca-alpine",
        location="markleeville",
        role="clerk",
        uses="1",
        hours="24",
    )
    [code] = re.findall(r'<p class="secret"><code>([A-Z2-7-]+)</code>', made.text)

    assert made.status_code == 200
    assert code not in office.get("/admin/codes", "administrator").text
    faulty = office.post("/admin/codes", court="x", location="Y Z", role="", uses="0", hours="99")
    assert faulty.status_code == 422
    assert faulty.text.count('class="fault"') == 5


def test_a_person_is_added_with_a_password_for_one_use(office: Office) -> None:
    """The newcomer must choose an own password before anything else."""
    made = office.post("/admin/people", name="new.person", role="aoc-reviewer", court="")
    [password] = re.findall(r'<p class="secret"><code>([a-z0-9-]+)</code>', made.text)
    signed_in = office.post("/sign-in", None, name="new.person", password=password, next="/")
    cookie = signed_in.cookies["ccpor"]
    office.cookies["new"] = cookie

    assert signed_in.status_code == 303
    assert office.get("/", "new").headers["location"] == "/password"
    own = "correct horse battery staple"
    changed = office.post(
        "/password", "new", old_password=password, new_password=own, again_password=own
    )
    assert (changed.status_code, changed.headers["location"]) == (303, "/sign-in")
    assert office.get("/", "new").status_code == 303  # the session ended with the old password
    again = office.post("/sign-in", None, name="new.person", password=own, next="/?kind=tribal")
    assert again.headers["location"] == "/?kind=tribal"
    taken = office.post("/admin/people", name="new.person", role="aoc-reviewer", court="")
    assert "somebody has this name already" in taken.text


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"old_password": "x", "new_password": "short", "again_password": "short"}, "15 to 1024"),
        ({"old_password": "x", "new_password": "a" * 20, "again_password": "b" * 20}, "differ; type"),
        ({"old_password": "a" * 20, "new_password": "a" * 20, "again_password": "a" * 20}, "must differ"),
        ({"old_password": "wrong", "new_password": "a" * 20, "again_password": "a" * 20}, "not your present"),
    ],
)  # fmt: skip
def test_a_wrong_new_password_says_how_to_mend_it(
    office: Office, fields: dict[str, str], fault: str
) -> None:
    """And changes nothing."""
    answer = office.post("/password", "reviewer", **fields)

    assert answer.status_code == 422
    assert fault in answer.text
    assert office.get("/", "reviewer").status_code == 200


def test_a_wrong_sign_in_keeps_the_name_and_tells_nothing(office: Office) -> None:
    """Whether the account exists is not told."""
    known = office.post("/sign-in", None, name="m.ortiz", password="x" * 16, next="/")
    unknown = office.post("/sign-in", None, name="nobody", password="x" * 16, next="/")

    assert [known.status_code, unknown.status_code] == [401, 401]
    assert known.text.replace("m.ortiz", "N") == unknown.text.replace("nobody", "N")
    assert 'value="m.ortiz"' in known.text


@pytest.mark.parametrize(
    "to", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:x"]
)
def test_sign_in_leads_nowhere_else(office: Office, to: str) -> None:
    """An open redirect is a phisher's best friend."""
    page = office.get("/sign-in?" + urlencode({"next": to}), None).text

    assert '<input type="hidden" name="next" value="/">' in page


def test_signing_out_ends_the_session(office: Office) -> None:
    """The next person at the counter must not be the last one."""
    with office.rig.store.reading() as db:
        account = people.by_name(db, "k.fresno")
        assert account is not None
    office.cookies["leaving"] = office.rig.session(account.id)

    assert office.get("/courts/ca-fresno", "leaving").status_code == 200
    assert office.post("/sign-out", "leaving").headers["location"] == "/sign-in"
    assert office.get("/courts/ca-fresno", "leaving").status_code == 303


def test_a_court_is_managed_and_its_faults_are_told(office: Office) -> None:
    """Scope and date decide what applies and when: a typing error must not pass silently."""
    added = office.post("/admin/courts", id="ca-inyo", name="Inyo", kind="superior", go_live="")
    assert added.headers["location"] == "/admin/courts/ca-inyo"
    saved = office.post(
        "/admin/courts/ca-inyo", name="Inyo County", kind="superior", go_live="2027-02-01",
        time_zone="America/Los_Angeles", scope_gateway="no", scope_images="yes", oris="CA0140015",
    )  # fmt: skip
    assert saved.status_code == 303
    with office.rig.store.reading() as db:
        held = courts.by_id(db, "ca-inyo")
    assert held is not None
    assert held.scope == {"gateway": False, "images": True}
    assert (str(held.go_live), held.oris) == ("2027-02-01", ("CA0140015",))
    wrong = office.post(
        "/admin/courts/ca-inyo", name="", kind="x", go_live="soon", time_zone="Mars/Olympus"
    )
    assert (wrong.status_code, wrong.text.count('class="fault"')) == (422, 4)
    declared = office.post(
        "/admin/courts/ca-inyo/inventory", location="bishop", role="clerk", machines="4"
    )
    assert declared.status_code == 303
    office.rig.store.write(
        lambda tx: tx.db.exec_driver_sql("DELETE FROM declared WHERE court='ca-inyo'")
    )
    office.rig.store.write(
        lambda tx: tx.db.exec_driver_sql("DELETE FROM location WHERE court='ca-inyo'")
    )
    office.rig.store.write(lambda tx: tx.db.exec_driver_sql("DELETE FROM court WHERE id='ca-inyo'"))


def test_a_revoked_workstation_no_longer_counts(office: Office) -> None:
    """A stolen laptop must not keep an item green."""
    answer = office.post(f"/admin/machines/{office.names['machine']}/revoke", note="stolen")

    assert answer.status_code == 303
    page = office.get("/courts/ca-sonoma/machines").text
    assert "revoked" in page
    assert ("machine.revoke", "ok") in office.rig.events()


def test_a_form_of_another_kind_is_refused(office: Office) -> None:
    """Only what a browser's form sends is read."""
    answer = office.rig.ask(
        "POST", "/admin/people", session=office.cookies["administrator"],
        headers={**SAME, "content-type": "multipart/form-data"}, content=b"x",
    )  # fmt: skip
    twice = office.rig.ask(
        "POST", "/admin/people", session=office.cookies["administrator"],
        headers={**SAME, "content-type": FORM}, content=b"name=a&name=b",
    )  # fmt: skip

    assert (answer.status_code, twice.status_code) == (415, 400)


def test_the_audit_page_finds_what_was_done(office: Office) -> None:
    """Who did what, when, from where."""
    page = office.get("/admin/audit?q=report", "administrator").text

    assert "<td>report</td>" in page
    assert "No event matches" in office.get("/admin/audit?q=zzzz", "administrator").text


def test_times_show_their_offset_and_utc(office: Office) -> None:
    """A court in California and a reviewer elsewhere must mean the same minute."""
    page = office.get(f"/reports/{office.names['sound']}").text

    assert '<time datetime="2026-11-23T09:00:00+00:00" title="2026-11-23 09:00:00 UTC">' in page
    assert "23 Nov 2026, 1:00 am PST" in page


def test_an_idle_session_is_sent_to_sign_in_and_comes_back(office: Office) -> None:
    """An unattended desk locks; the deep link survives."""
    token = office.rig.signed_in("idle.person", Role.REVIEWER)
    office.cookies["idle"] = token
    assert office.get("/", "idle").status_code == 200
    office.rig.clock.forward(minutes=31)
    try:
        answer = office.get("/courts/ca-sonoma?show=left", "idle")
    finally:
        office.rig.clock.forward(minutes=-31)

    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/courts/ca-sonoma%3Fshow%3Dleft"


def test_a_verdict_that_its_findings_do_not_bear_out_is_not_shown(office: Office) -> None:
    """A workstation may sign what it likes; the court reads what its findings prove."""
    report = office.get(f"/reports/{office.names['odd']}").text
    listed = office.get("/courts/yurok/machines").text

    for page in (report, listed):
        assert "the signed verdict contradicts its findings" in page
        assert "its clock is 20 min ahead" in page
        assert "<span>not ready</span>" in page
    assert "Nothing failed" not in report
    assert "signed as “ready”" in report


def test_a_sound_report_says_that_nothing_failed_and_raises_no_doubt(office: Office) -> None:
    """Negative control: a doubt that is always shown is read by nobody."""
    page = office.get(f"/reports/{office.names['sound']}").text

    assert "Nothing failed" in page
    assert 'class="doubt"' not in page


def test_a_report_names_its_targets_as_people_do(office: Office) -> None:
    """Nobody outside of IT knows what an id stands for."""
    page = office.get(f"/reports/{office.names['faulty']}").text

    assert "<h3>CCPOR gateway</h3>" in page
    assert "gateway · tls://gateway.example.org:8443" in page
    assert page.count("stays unproven: that no critical patch is missing") == 1


def test_a_form_proposes_no_word_and_takes_back_only_what_was_said(office: Office) -> None:
    """Whoever clicks through must not record what they did not choose."""
    unsaid = office.get("/courts/ca-sonoma/items/IM-33", "court").text
    said = office.get("/courts/ca-sonoma/items/PL-13", "court").text

    assert " checked" not in unsaid + said
    assert ('value="open"' in unsaid, 'value="open"' in said) == (False, True)


def test_what_is_confirmed_has_its_day(office: Office) -> None:
    """The day is part of what stands for ever, also where nobody typed it."""
    word = {"kind": "met", "party": "court", "note": "x", "done_on": "", "until": ""}
    page = office.post("/courts/ca-sonoma/items/IM-33", "court", **word).text

    assert '<dt>Done on</dt><dd class="keep">23 Nov 2026, today</dd>' in page


def test_a_form_after_the_session_gives_back_what_was_typed(office: Office) -> None:
    """An hour of minutes must not be lost to a time-out, nor shown for another site."""
    path = "/courts/ca-sonoma/items/PL-10"
    late = office.post(path, None, kind="met", note="drawing 7 <b>")
    revoke = office.post("/admin/machines/x/revoke", None, note="stolen")
    foreign = office.rig.ask(
        "POST", path, content=urlencode({"note": "their words"}),
        headers={"sec-fetch-site": "cross-site", "accept": "text/html", "content-type": FORM},
    )  # fmt: skip

    assert (late.status_code, late.headers["cache-control"]) == (401, "no-store")
    assert f'href="/sign-in?next={path}"' in late.text
    assert re.search(r"<textarea[^>]* readonly[^>]*>drawing 7 &lt;b&gt;</textarea>", late.text)
    assert 'href="/sign-in"' in revoke.text
    assert (foreign.status_code, "their words" in foreign.text) == (401, False)
