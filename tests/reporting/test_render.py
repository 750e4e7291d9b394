"""One report, many renderings: kept files, and what must hold in each whatever the report says."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpor_reporting.codec import decode_report
from ccpor_reporting.model import Report, Status, Verdict
from ccpor_reporting.render import FORMATS, render
from ccpor_reporting.render.lines import cells, plain_ascii, wrap
from ccpor_reporting.render.table import COLUMNS, safe_cell
from ccpor_reporting.text import single_line
from tests.reporting.golden_file import matches_golden
from tests.reporting.reports import (
    failed,
    finding,
    observation,
    ready_report,
    report_of,
    rich_report,
    skipped,
    target,
)

RICH = rich_report()
# What can drive a terminal or turn text around, wherever it came from.
DANGEROUS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def with_text(text: str) -> Report:
    """Return a report that says *text* in every field a far end can fill."""
    return report_of(
        (
            failed("web", "http.status/unexpected-status", text, observed=text, expected=text),
            finding("web", "dns.answer", summary=text, observed={text: [text]}),
            skipped("web", "http.content", text),
            finding("web", "tls.trust", Status.ERROR, summary=text),
        ),
        (target("web", f"https://web.example.org/{text}", title=text, why=text),),
        observations=(observation("web", "http", evidence={"body": text}),),
    )


# ---- kept files


@pytest.mark.parametrize("name", FORMATS)
def test_the_rich_report_looks_as_it_was_reviewed(name: str) -> None:
    """A change of any rendering shows as a diff that somebody reads."""
    assert matches_golden(f"rich{FORMATS[name].suffix}", render(RICH, name))


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("rich-plain.txt", {"unicode": False}),
        ("rich-color.txt", {"color": True}),
        ("rich-short.txt", {"details": False}),
        ("rich-narrow.txt", {"width": 48}),
    ],
)
def test_each_layout_of_the_text_looks_as_it_was_reviewed(
    name: str, layout: dict[str, bool | int]
) -> None:
    """Old consoles, pipes and narrow windows are what courts have."""
    assert matches_golden(name, render(RICH, "text", **layout))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["text", "html"])
def test_a_ready_report_looks_as_it_was_reviewed(name: str) -> None:
    """Good news has its own words."""
    assert matches_golden(f"ready{FORMATS[name].suffix}", render(ready_report(), name))


# ---- all formats


@pytest.mark.parametrize("name", FORMATS)
@given(text=st.text(max_size=40))
def test_no_control_character_of_a_target_reaches_the_output(name: str, text: str) -> None:
    """A banner must not be able to clear the screen, set a title or forge a verdict."""
    shown = render(with_text(text), name)

    assert not DANGEROUS.search(shown.replace("\r\n", "\n"))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_can_say_nothing_at_all(name: str) -> None:
    """A profile without targets, or a run that was stopped at once, still gives a report."""
    nothing = report_of((), interrupted=True)

    assert nothing.verdict is Verdict.UNKNOWN
    assert render(nothing, name).endswith("\n")


def test_an_unknown_format_is_refused() -> None:
    """A typing error must not give another format."""
    with pytest.raises(KeyError):
        render(RICH, "pdf")


def test_the_formats_are_the_documented_ones() -> None:
    """The command line offers exactly these."""
    assert list(FORMATS) == [
        "text",
        "json",
        "junit",
        "html",
        "csv",
        "sarif",
        "oscal",
        "prometheus",
    ]


# ---- text


@pytest.mark.parametrize("width", [40, 80, 100])
@pytest.mark.parametrize("unicode", [True, False])
def test_no_line_is_wider_than_the_page(width: int, unicode: bool) -> None:
    """A console of 80 columns must not break lines where it likes."""
    lines = render(RICH, "text", width=width, unicode=unicode).splitlines()

    assert [line for line in lines if cells(line) > width] == []


def test_the_verdict_stands_first_and_last() -> None:
    """The first line is what a reader sees, the last what is left on the screen."""
    lines = render(RICH, "text").splitlines()

    assert lines[0] == "NOT READY  Sonoma, Santa Rosa, scan station · 3 causes block, 3 warnings"
    assert lines[-1] == "NOT READY. Next: ccpor-check explain tcp.reach/dropped"


def test_plain_text_is_ascii_without_color() -> None:
    """cp437 consoles and log files show anything else as rubbish."""
    text = render(RICH, "text", unicode=False)

    assert text.isascii()
    assert "\x1b" not in text


def test_color_only_adds_to_the_words() -> None:
    """Whoever sees no colour reads the same report."""
    colored = render(RICH, "text", color=True)

    assert re.sub(r"\x1b\[\d+m", "", colored) == render(RICH, "text")
    assert set(re.findall(r"\x1b\[\d+m", colored)) <= {f"\x1b[{n}m" for n in (0, 1, 31, 32, 33)}


@pytest.mark.parametrize(
    ("report", "last"),
    [
        (ready_report(), "READY. Next: ccpor-check spool, to see that the report is acknowledged"),
        (
            msgspec.structs.replace(
                ready_report(), machine=msgspec.structs.replace(RICH.machine, id=None)
            ),
            "READY. Next: ccpor-check show last --format html, to keep or send",
        ),
        (
            report_of((finding("web", "tls.trust", Status.ERROR),)),
            "COULD NOT TELL. Next: ccpor-check doctor, then ccpor-check run",
        ),
    ],
)
def test_the_last_line_names_the_next_command(report: Report, last: str) -> None:
    """Every verdict has something to do next."""
    assert render(report, "text").splitlines()[-1] == last


@pytest.mark.parametrize(
    ("attempts", "reasons", "said"),
    [
        (1, None, ""),
        (2, None, "(passed on try 2)"),
        (3, [None, None, None], ""),
        (3, ["dropped", None, None], "(passed on try 2 of 3)"),
        (3, [None, "dropped", None], "(passed on 2 of 3 tries)"),
    ],
)
def test_a_pass_that_needed_more_than_one_try_says_so(
    attempts: int, reasons: list[str | None] | None, said: str
) -> None:
    """Green after a retry is not plain green: the line may be going bad."""
    evidence = {} if reasons is None else {"tries": [{"reason": reason} for reason in reasons]}
    report = report_of(
        (finding("web", "tcp.reach", summary="answered"),),
        observations=(observation("web", "tcp", attempts=attempts, evidence=evidence),),
    )

    assert render(report, "text").splitlines()[-3].endswith(f" answered {said}".rstrip())
    assert re.findall(r">(passed on [^<]*)<", render(report, "html")) == [said.strip("()")] * bool(
        said
    )
    assert re.findall(r'"retried" value="([^"]*)"', render(report, "junit")) == (
        [said.strip("()")] * bool(said)
    )


@given(st.text(max_size=200), st.integers(20, 90))
def test_wrapped_text_fits_and_loses_no_word(text: str, width: int) -> None:
    """Evidence that is cut off is no evidence."""
    lines = wrap(text, width, "  ", "    ")

    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(single_line(text).split())


@given(st.text(max_size=60))
def test_ascii_is_ascii(text: str) -> None:
    """Whatever came in."""
    assert plain_ascii(text).isascii()


# ---- json


def test_the_json_is_the_report() -> None:
    """Saved output can be shown and judged again."""
    assert decode_report(render(RICH, "json").encode()) == RICH


@given(st.text(max_size=40))
def test_the_json_is_the_report_whatever_was_said(text: str) -> None:
    """Escaping for the terminal must not change the evidence."""
    report = with_text(text)

    assert decode_report(render(report, "json").encode()) == report


# ---- junit


def test_junit_counts_each_state_as_itself() -> None:
    """A build server must see skips and errors as what they are."""
    root = ElementTree.fromstring(render(RICH, "junit"))
    outcomes = {"failure": 0, "error": 0, "skipped": 0, "system-out": 0}
    for case in root.iter("testcase"):
        (outcome,) = [child.tag for child in case if child.tag != "properties"]
        outcomes[outcome] += 1
    states = [f.status for f in RICH.findings]

    assert outcomes == {
        "failure": states.count(Status.FAIL),
        "error": states.count(Status.ERROR),
        "skipped": states.count(Status.SKIP) + states.count(Status.NOT_APPLICABLE),
        "system-out": states.count(Status.PASS),
    }
    assert [root.get(name) for name in ("tests", "failures", "errors", "skipped")] == [
        "38",
        "7",
        "2",
        "11",
    ]


def test_junit_suites_add_up_to_the_whole() -> None:
    """Some readers believe the suites, some the root."""
    root = ElementTree.fromstring(render(RICH, "junit"))
    for name in ("tests", "failures", "errors", "skipped"):
        assert sum(int(suite.get(name, "0")) for suite in root) == int(root.get(name, "-1"))


@given(st.text(max_size=60))
def test_junit_is_well_formed_whatever_was_said(text: str) -> None:
    """XML 1.0 has characters that cannot be escaped at all."""
    root = ElementTree.fromstring(render(with_text(text), "junit"))

    assert len(list(root.iter("testcase"))) == 4


# ---- csv


def test_csv_has_one_row_a_finding_under_its_heads() -> None:
    """A spreadsheet is how most courts will look at it."""
    rows = list(csv.reader(io.StringIO(render(RICH, "csv"))))

    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 1 + len(RICH.findings)
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert [row[COLUMNS.index("code")] for row in rows[1:]] == [f.code for f in RICH.findings]


def test_csv_ends_lines_as_rfc_4180_says() -> None:
    """Some importers believe in nothing else."""
    text = render(RICH, "csv")

    assert text.count("\r\n") == text.count("\n") == 1 + len(RICH.findings)


@pytest.mark.parametrize(
    "formula",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\tx", "\rx", "  =1", "＝1", "-12.5"],
)
def test_a_cell_that_a_spreadsheet_would_run_gets_a_quote(formula: str) -> None:
    """A server's banner must not run on the desk of whoever opens the file."""
    assert safe_cell(formula).startswith("'")


@given(st.text(max_size=40))
def test_no_cell_is_a_formula_whatever_was_said(text: str) -> None:
    """Every column, not only those we thought of."""
    for row in csv.reader(io.StringIO(render(with_text(text), "csv"))):
        assert not [cell for cell in row if cell.lstrip().startswith(("=", "+", "-", "@"))]


# ---- html


class Page(HTMLParser):
    """What a browser would see: tags with attributes, and headings in order."""

    VOID = frozenset({"meta", "br", "wbr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def names(self) -> list[str]:
        return [tag for tag, _ in self.tags]


@given(st.text(max_size=60))
def test_the_page_has_the_same_tags_whatever_was_said(text: str) -> None:
    """No text becomes a tag or an attribute."""
    harmless, hostile = Page(render(with_text("x"), "html")), Page(render(with_text(text), "html"))
    values = [value for _, attributes in hostile.tags for value in attributes]

    assert set(hostile.names()) <= set(harmless.names()) | {"br", "span", "wbr"}
    assert "script" not in hostile.names()
    assert not [name for name in values if name.startswith("on")]
    assert hostile.open == []


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    """It is opened from mail, offline, on locked-down machines."""
    text = render(RICH, "html")
    page = Page(text)
    attributes = {name for _, found in page.tags for name in found}

    assert not set(page.names()) & {"script", "link", "img", "iframe", "object", "form", "base"}
    assert not attributes & {"src", "style", "action", "srcset"}
    assert [a["href"] for tag, a in page.tags if "href" in a] == ["#causes"]
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import", text)


def test_the_page_is_built_for_everybody() -> None:
    """Headings in order, language, titles, tables with captions and scopes, ids once (WCAG 2.2)."""
    page = Page(render(RICH, "html"))
    names = page.names()
    ids = [a["id"] for _, a in page.tags if "id" in a]
    levels = [int(tag[1]) for tag in names if re.fullmatch(r"h[1-6]", tag)]

    assert dict(page.tags)["html"] == {"lang": "en"}
    assert names.count("h1") == names.count("main") == names.count("title") == 1
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert names.count("caption") == names.count("table") > 0
    assert all(a.get("scope") in {"col", "row"} for tag, a in page.tags if tag == "th")
    assert len(ids) == len(set(ids))


# ---- sarif, oscal, prometheus


def test_sarif_has_the_failed_findings_only() -> None:
    """Code-scanning tools take everything listed for a fault."""
    run = json.loads(render(RICH, "sarif"))["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]

    assert [(r["ruleId"], r["level"]) for r in run["results"]] == [
        ("tls.validity/expires-too-soon", "error"),
        ("http.answer/timeout", "error"),
        ("tcp.reach/dropped", "error"),
        ("tls.trust/self-signed", "warning"),
        ("http.status/unexpected-status", "warning"),
        ("workstation.disk/too-small", "warning"),
        ("workstation.display/missing", "note"),
    ]
    assert [rules[r["ruleIndex"]] for r in run["results"]] == [r["ruleId"] for r in run["results"]]


def test_sarif_knows_the_same_fault_in_another_run() -> None:
    """Else every run doubles the list."""
    later = msgspec.structs.replace(RICH, run_id="0192f0c1-2345-7abc-8def-0123456789ac")
    prints = [
        [
            r["partialFingerprints"]
            for r in json.loads(render(report, "sarif"))["runs"][0]["results"]
        ]
        for report in (RICH, later)
    ]

    assert prints[0] == prints[1]
    assert len({p["ccporFault/v1"] for p in prints[0]}) == 7


def test_oscal_never_calls_the_unknown_satisfied() -> None:
    """Two words only, so what nobody looked at must be the bad one."""
    result = json.loads(render(RICH, "oscal"))["assessment-results"]["results"][0]
    states = {
        (f["target"]["status"]["state"], f["target"]["status"]["reason"])
        for f in result["findings"]
    }
    observed = {o["uuid"] for o in result["observations"]}

    assert states == {("satisfied", "pass"), ("not-satisfied", "fail"), ("not-satisfied", "other")}
    assert len(result["findings"]) == 37
    assert len(observed) == 38
    assert {
        r["observation-uuid"] for f in result["findings"] for r in f["related-observations"]
    } <= observed


def test_prometheus_text_is_well_formed() -> None:
    """One bad line makes the exporter drop the whole file."""
    parser = pytest.importorskip("prometheus_client.parser")
    families = {
        f.name: f for f in parser.text_string_to_metric_families(render(RICH, "prometheus"))
    }

    assert set(families) == {
        "ccpor_verdict",
        "ccpor_run_finished_timestamp_seconds",
        "ccpor_finding",
        "ccpor_observed",
    }
    assert len(families["ccpor_finding"].samples) == len(RICH.findings)
    assert {s.labels["verdict"]: s.value for s in families["ccpor_verdict"].samples} == {
        "ready": 0,
        "not-ready": 1,
        "unknown": 0,
    }
