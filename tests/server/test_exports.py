"""Exports: the same rows as the page, typed, without a live formula, in forms that others read."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import httpx
import jsonschema_rs
import pytest

from ccpor_reporting.checklist.load import our_checklist
from ccpor_server.checklist_state import court_checklist
from ccpor_server.exports.rows import Sheet
from ccpor_server.exports.tables import csv_bytes, xlsx_bytes
from ccpor_server.rights import Role
from tests.conftest import ROOT
from tests.peers import program
from tests.server.rig import NOON, Rig, rig_in
from tests.server.sample import fill

COURT = "ca-sonoma"
HOSTILE = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "plain", 'quote " here')


@pytest.fixture(scope="module")
def office(collector_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig_in(collector_template, tmp_path_factory.mktemp("exports") / "state") as rig:
        fill(rig.collector, rig.clock)  # type: ignore[arg-type]
        yield rig


@pytest.fixture(scope="module")
def reader(office: Rig) -> str:
    return office.signed_in("the.auditor", Role.AUDITOR)


def sent(office: Rig, reader: str, path: str) -> httpx.Response:
    answer = office.ask("GET", path, session=reader)
    assert answer.status_code == 200, answer.text[:200]
    assert "attachment;" in answer.headers["content-disposition"]
    return answer


def test_csv_holds_what_the_page_shows(office: Rig, reader: str) -> None:
    body = sent(office, reader, f"/courts/{COURT}/export/csv").content
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))
    found = court_checklist(office.store, COURT, office.clock.now())
    assert found is not None

    assert body.startswith(b"\xef\xbb\xbf")
    assert [one["item"] for one in rows] == [one.id for one in our_checklist().items]
    assert [one["state"] for one in rows] == [one.state for one in found.items]
    assert {one["overdue"] for one in rows} == {"yes", "no"}


def test_json_is_the_checklist_of_the_api(office: Rig, reader: str) -> None:
    exported = sent(office, reader, f"/courts/{COURT}/export/json").json()
    answer = office.ask("GET", f"/api/v1/courts/{COURT}/checklist", session=reader).json()

    assert exported["items"] == answer["items"]


def test_the_board_exports_what_its_address_asks_for(office: Rig, reader: str) -> None:
    every = sent(office, reader, "/export/json").json()["courts"]
    tribal = sent(office, reader, "/export/json?kind=tribal").json()["courts"]
    rows = sent(office, reader, "/export/csv?kind=tribal").text.splitlines()

    assert len(every) == 6
    assert [one["court"]["id"] for one in tribal] == ["yurok"]
    assert len(rows) == 2


def test_a_workbook_has_typed_cells(office: Rig, reader: str) -> None:
    import openpyxl

    body = sent(office, reader, f"/courts/{COURT}/export/xlsx").content
    book = openpyxl.load_workbook(io.BytesIO(body))
    page = book["Checklist"]
    heads = [cell.value for cell in page[1]]
    row = dict(zip(heads, [cell.value for cell in page[2]], strict=True))

    assert book.sheetnames == ["Checklist", "Evidence"]
    assert page.freeze_panes == "A2"
    assert isinstance(row["due"], datetime)
    assert row["blocking"] == "yes"
    assert isinstance(row["required"], int)
    assert page.max_row == len(our_checklist().items) + 1


def test_no_text_becomes_a_formula(tmp_path: Path) -> None:
    """What a court types must not run at the AOC's desk (OWASP, CSV injection)."""
    import openpyxl

    sheet = Sheet("Text", ("text",), tuple((one,) for one in HOSTILE))
    rows = list(csv.reader(io.StringIO(csv_bytes(sheet).decode("utf-8-sig"))))
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes((sheet,), title="t", made_at=NOON)))
    cells = [row[0] for row in book["Text"].iter_rows(min_row=2)]

    assert [one[0][0] for one in rows[1:]] == ["'", "'", "'", "'", "'", "p", "q"]
    assert {one.data_type for one in cells} == {"s"}
    assert tuple(one.value for one in cells) == HOSTILE


@pytest.mark.slow
def test_libreoffice_opens_the_workbook_with_its_types(
    office: Rig, reader: str, tmp_path: Path
) -> None:
    """An independent program reads dates as dates, numbers as numbers, text as text."""
    soffice = program("soffice")
    held = tmp_path / "court.xlsx"
    held.write_bytes(sent(office, reader, f"/courts/{COURT}/export/xlsx").content)
    done = subprocess.run(
        [
            soffice, "--headless", f"-env:UserInstallation=file://{tmp_path / 'profile'}",
            "--convert-to", "fods", "--outdir", str(tmp_path), str(held),
        ],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )  # fmt: skip
    text = (tmp_path / "court.fods").read_text(encoding="utf-8")

    assert done.returncode == 0, done.stderr
    assert 'office:value-type="date"' in text
    assert 'office:value-type="float"' in text
    assert "table:formula" not in text


def test_the_calendar_parses_and_names_each_day_once(office: Rig, reader: str) -> None:
    from icalendar import Calendar

    body = sent(office, reader, f"/courts/{COURT}/export/ics").content
    again = sent(office, reader, f"/courts/{COURT}/export/ics").content
    calendar = Calendar.from_ical(body)
    events = list(calendar.walk("VEVENT"))
    names = [str(one["uid"]) for one in events]

    assert len(set(names)) == len(names) > 10
    assert f"go-live@{COURT}.ccpor-check" in names
    assert all(isinstance(one.decoded("dtstart"), date) for one in events)
    assert [str(one["uid"]) for one in Calendar.from_ical(again).walk("VEVENT")] == names
    assert max(len(line) for line in body.split(b"\r\n")) <= 75


@pytest.mark.parametrize("court", [COURT, "ca-fresno", "ca-alpine"])
def test_the_pdf_is_accessible(office: Rig, reader: str, court: str, tmp_path: Path) -> None:
    """PDF/UA-1 by an independent reader: tagged, titled, in a language."""
    from pypdf import PdfReader

    body = sent(office, reader, f"/courts/{court}/export/pdf").content
    (tmp_path / "court.pdf").write_bytes(body)
    held = PdfReader(io.BytesIO(body))
    catalog = held.trailer["/Root"]
    text = "".join(page.extract_text() for page in held.pages)
    head = office.store.head()

    assert pdfua_faults(tmp_path / "court.pdf") == []
    assert catalog["/MarkInfo"]["/Marked"].value is True  # type: ignore[index]
    assert str(catalog["/Lang"]).startswith("en")  # type: ignore[index]
    assert head.root[:16] in text.replace("\n", "")
    assert "IM-01" in text
    assert "1 of" in text


def pdfua_faults(path: Path) -> list[str]:
    """Return what the checker of PyPI finds (it knows 16 of the 106 rules)."""
    import pdfua

    report = pdfua.validate(str(path))
    assert report.outcomes, "the checker looked at nothing"
    return [
        f"{one.rule_id} {one.message}"
        for one in report.findings
        if one.severity >= pdfua.Severity.WARNING
    ]


def test_another_kind_of_file_is_not_there(office: Rig, reader: str) -> None:
    for path in (f"/courts/{COURT}/export/exe", "/export/junit"):
        answer = office.ask("GET", path, session=reader)
        assert answer.status_code == 404
        assert json.loads(answer.text)["detail"].startswith("there is no such kind")


def test_the_statewide_pdf_is_accessible_and_has_the_boards_scope(
    office: Rig, reader: str, tmp_path: Path
) -> None:
    from pypdf import PdfReader

    def text(query: str) -> str:
        body = sent(office, reader, f"/export/pdf{query}").content
        (tmp_path / "courts.pdf").write_bytes(body)
        assert pdfua_faults(tmp_path / "courts.pdf") == []
        return "".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages)

    every, one, none = text(""), text("?q=alpine"), text("?q=nowhere")

    assert "tcp.reach/dropped" in every
    assert "Alpine" in one
    assert "Sonoma" in every
    assert "Sonoma" not in one
    assert "No court is among those asked for" in none


OSCAL = ROOT / "tests" / "oscal" / "oscal_assessment-results_schema-1.1.3.json"


def oscal_faults(body: bytes | str) -> list[str]:
    """Return what NIST's own schema says against *body*; its patterns need Unicode classes."""
    validator = jsonschema_rs.validator_for(json.loads(OSCAL.read_bytes()))
    return [
        f"{one.instance_path} {one.message}"[:300]
        for one in validator.iter_errors(json.loads(body))
    ]


@pytest.mark.parametrize("court", [COURT, "ca-fresno", "ca-alpine", "ca-kern"])
def test_oscal_is_valid_by_the_published_schema(office: Rig, reader: str, court: str) -> None:
    body = sent(office, reader, f"/courts/{court}/export/oscal").content
    found = court_checklist(office.store, court, office.clock.now())
    assert found is not None
    told = json.loads(body)["assessment-results"]["results"][0]["findings"]
    states = {one["title"].split()[0]: one["target"]["status"] for one in told}

    assert oscal_faults(body) == []
    assert set(states) == {one.item.id for one in found.items if one.state != "n/a"}
    for one in found.items:
        if one.item.id in states:
            said = states[one.item.id]["state"]
            assert (said == "satisfied") == (one.state == "met"), one.item.id
    assert body == sent(office, reader, f"/courts/{court}/export/oscal").content


def test_the_schema_refuses_what_is_not_oscal(office: Rig, reader: str) -> None:
    """A control: the validator is no nodding one."""
    whole = json.loads(sent(office, reader, f"/courts/{COURT}/export/oscal").content)
    whole["assessment-results"]["results"][0]["findings"][0]["target"]["status"]["state"] = "fine"
    del whole["assessment-results"]["uuid"]

    assert len(oscal_faults(json.dumps(whole))) >= 2


@pytest.mark.parametrize("faulty", [True, False])
def test_a_runs_oscal_is_valid_too(faulty: bool) -> None:
    from ccpor_reporting.render import Style, oscal
    from tests.server.sample import Desk, report_of

    desk = Desk("FRESNO-1", "ca-fresno", "fresno", "clerk", id="x")
    made = report_of(desk, NOON, number=1, faulty=faulty)

    assert oscal_faults(oscal.write(made, Style())) == []


def test_junit_fails_what_is_not_met_and_passes_what_is(office: Rig, reader: str) -> None:
    from xml.etree import ElementTree

    body = sent(office, reader, f"/courts/{COURT}/export/junit").content
    found = court_checklist(office.store, COURT, office.clock.now())
    assert found is not None
    cases = ElementTree.fromstring(body).findall(".//testcase")
    said = {one.attrib["name"].split()[0]: one[0].tag if len(one) else "passed" for one in cases}
    words = {"met": "passed", "not-met": "failure"}

    assert said == {one.item.id: words.get(one.state, "skipped") for one in found.items}
    assert {"passed", "failure", "skipped"} == set(said.values())
