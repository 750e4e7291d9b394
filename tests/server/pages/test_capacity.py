"""The planner page and the capacity of a report: what they say, and what they refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from ccpor_reporting.capacity.model import Line
from ccpor_server.pages.capacity_block import capacity_blocks
from ccpor_server.pages.capacity_form import asked, line_from
from ccpor_server.rights import Role
from tests.reporting.capacity_seen import enough, evidence, narrow
from tests.server.rig import NOON, Rig, rig_in
from tests.server.sample import Desk, fill, report_of

COURT_OF_15 = {"users": "15", "scan": "bw300", "mbit": "10"}


class Desks:
    """A filled collector, and who asks it."""

    def __init__(self, rig: Rig, names: dict[str, str]) -> None:
        self.rig = rig
        self.names = names
        self.cookies = {
            "reviewer": rig.signed_in("a.reviewer", Role.REVIEWER),
            "busy": rig.signed_in("b.usy", Role.REVIEWER),
            "court": rig.signed_in("r.diaz", Role.COURT_MANAGER, "ca-sonoma"),
            "other": rig.signed_in("k.fresno", Role.COURT_MANAGER, "ca-fresno"),
        }

    def get(self, path: str, who: str = "reviewer", **query: str) -> httpx.Response:
        self.rig._client.cookies.clear()
        full = f"{path}?{urlencode(query)}" if query else path
        headers = {"sec-fetch-site": "same-origin", "accept": "text/html"}
        return self.rig.ask("GET", full, session=self.cookies[who], headers=headers)


@pytest.fixture(scope="module")
def desks(collector_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desks]:
    with rig_in(collector_template, tmp_path_factory.mktemp("desks") / "state") as rig:
        yield Desks(rig, fill(rig.collector, rig.clock))  # type: ignore[arg-type]


def words(answer: httpx.Response) -> str:
    """Return what is read on the page, blanks joined."""
    text = re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2])
    return re.sub(r"\s+", " ", text)


def test_the_empty_planner_asks_and_claims_nothing(desks: Desks) -> None:
    """A page that shows numbers of nobody's court would be believed."""
    page = desks.get("/capacity", "court")

    assert page.status_code == 200
    assert "Nothing is worked out yet" in page.text
    assert "Mbit/s" not in words(page).partition("Your court")[0].replace("10 Mbit/s", "")
    assert '<a href="/capacity" aria-current="page">Capacity</a>' in page.text
    assert 'value="12"' in page.text


def test_a_plan_says_what_is_needed_and_what_helps(desks: Desks) -> None:
    """The question of a court manager, answered on one page."""
    page = desks.get("/capacity", **COURT_OF_15)
    said = words(page)

    assert page.status_code == 200
    assert "in time" in said
    assert "15 users who each send 12 orders an hour" in said
    assert "This line carries 10 Mbit/s" in said
    assert "What halves the time" in said
    assert page.text.count('<svg class="plot') == 2
    assert 'value="15"' in page.text
    assert '<option value="bw300" selected>' in page.text
    assert not re.search(r"<script|\sstyle=|<style", page.text)


def test_the_plot_and_the_table_say_the_same(desks: Desks) -> None:
    """Who cannot see the plot must lose nothing."""
    page = desks.get("/capacity", **COURT_OF_15)
    table = page.text.partition("Seconds of an order by the rate")[2].partition("</table>")[0]
    rows = re.findall(r'<td class="number">([^<]+)</td>', table)
    drawn = re.findall(r'class="plot broad".*?</svg>', page.text, re.S)[0]

    assert len(rows) == 12
    assert drawn.count('class="series"/>') == 1 + sum(one != "cannot keep up" for one in rows)


def test_gray_scans_on_a_narrow_line_are_the_first_thing_said(desks: Desks) -> None:
    """The classic mistake: the court buys a line where a scanner's setting would do."""
    page = desks.get("/capacity", users="2", scan="gray", mbit="1.5")
    said = words(page)

    assert "not in time" in said
    assert "These pages are scanned in gray or colour" in said
    assert "20 to 40 times" in said
    assert "scan in black and white" in said
    assert "scanned in gray" not in words(desks.get("/capacity", **COURT_OF_15))


def test_without_a_rate_the_page_says_which_one_is_needed(desks: Desks) -> None:
    """Before there is a line, the court asks what to order."""
    said = words(desks.get("/capacity", users="15", scan="bw300"))

    assert "what is needed" in said
    assert re.search(r"the line must carry [12](\.\d)? Mbit/s", said)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("users", ""), ("users", "0"), ("users", "x"), ("users", "2.5"), ("users", "1e3"),
        ("users", "９"), ("users", "2001"), ("orders", "0"), ("peak", "101"), ("pages", "501"),
        ("kb", "1,5"), ("kb", "nan"), ("mbit", "-1"), ("mbit", "10001"), ("rtt", "0"),
        ("loss", "21"), ("seconds", "0"), ("scan", "purple"), ("court", "nowhere"),
    ],
)  # fmt: skip
def test_a_number_out_of_range_is_told_at_its_field_and_kept(
    desks: Desks, field: str, text: str
) -> None:
    """The person mends one number and need not type the others again."""
    page = desks.get("/capacity", **{**COURT_OF_15, "pages": "9", field: text})

    assert page.status_code == 422
    assert f'<li><a href="#{field}">' in page.text
    assert f'id="{field}-fault"' in page.text
    assert '<svg class="plot' not in page.text
    if field not in {"scan", "court"}:
        kept = re.findall(rf'<input id="{field}"[^>]* value="([^"]*)"', page.text)
        assert kept == [text]
        assert re.search(rf'<input id="{field}"[^>]* aria-invalid="true"', page.text)
    assert re.search(r'<input id="pages"[^>]* value="(9|501)"', page.text)


def test_more_than_any_court_sends_is_refused_at_once(desks: Desks) -> None:
    """A simulation of a whole country would hold up everybody else."""
    many = {"users": "2000", "orders": "200", "peak": "100", "kb": "1", "pages": "1"}
    page = desks.get("/capacity", **many)

    assert page.status_code == 422
    assert "more than any court sends" in page.text


def test_what_is_typed_is_never_markup(desks: Desks) -> None:
    """A link that somebody was sent must not run anything."""
    evil = '"><script>alert(1)</script>'
    page = desks.get("/capacity", users=evil, scan=evil, court=evil, line=evil, other=evil)

    assert page.status_code == 422
    assert "<script" not in page.text


def test_the_newest_measurement_of_a_court_fills_the_line(desks: Desks) -> None:
    """Stored evidence, another workload: no new measurement is needed to ask "what if"."""
    page = desks.get("/capacity", users="15", scan="bw300", court="ca-sonoma")
    said = words(page)

    assert page.status_code == 200
    assert f'<a href="/reports/{desks.names["sound"]}">SR-RECORDS-02</a>' in page.text
    assert "at least 10.7 Mbit/s, 42 ms, 0.10 % loss" in said
    assert "Empty: as measured." in said
    lines = re.findall(r'<option value="([^"]+:aoc-datacenter)"', page.text)
    assert len(lines) == 2
    other = desks.get("/capacity", court="ca-sonoma", line=lines[1])
    assert "Measured: 1.43 Mbit/s, 42 ms, no loss" in words(other)


def test_a_typed_number_counts_before_a_measured_one() -> None:
    """What if this line had 50 Mbit/s?"""
    measured = Line(mbit=9.8, rtt_ms=41, loss=0.001, is_lower_bound=True)

    assert line_from(asked({"users": "3"}), measured) == measured
    assert line_from(asked({"users": "3", "mbit": "50", "loss": "0"}), measured) == Line(
        mbit=50, rtt_ms=41, loss=0.0
    )
    assert line_from(asked({"users": "3", "rtt": "9"}), None) is None


def test_a_court_without_a_measurement_says_what_to_do(desks: Desks) -> None:
    """Unknown must not turn into a rate."""
    page = desks.get("/capacity", users="15", scan="bw300", court="ca-kern")

    assert page.status_code == 422
    assert "no report of Superior Court of Kern County holds a measured upload" in page.text


def test_a_court_sees_its_own_lines_only(desks: Desks) -> None:
    """Whether another court exists, and what its line carries, is not theirs to know."""
    asked_for = {"users": "15", "scan": "bw300"}
    foreign = desks.get("/capacity", "other", court="ca-sonoma", **asked_for)
    missing = desks.get("/capacity", "other", court="no-such-court", **asked_for)
    blank = desks.get("/capacity", "other")

    assert (foreign.status_code, missing.status_code) == (422, 422)
    assert words(foreign) == words(missing)
    courts = blank.text.partition('id="court"')[2].partition("</select>")[0]
    assert re.findall(r'<option value="([a-z-]+)"', courts) == ["ca-fresno"]
    assert desks.get("/capacity", "court", court="ca-sonoma", **asked_for).status_code == 200


def test_who_asks_without_end_is_told_to_wait(desks: Desks) -> None:
    """Each plan keeps a core busy for a moment."""
    answers = [desks.get("/capacity", "busy", **COURT_OF_15).status_code for _ in range(17)]

    assert answers[:15] == [200] * 15
    assert answers[-1] == 429
    assert desks.get("/capacity", **COURT_OF_15).status_code == 200


def test_a_report_shows_its_line(desks: Desks) -> None:
    """Rate and round trip over time, idle against loaded, and every figure behind them."""
    page = desks.get(f"/reports/{desks.names['sound']}")
    said = words(page)

    assert '<h2 id="capacity">Capacity of the line</h2>' in page.text
    assert "enough for the 8.7 Mbit/s it was tested for" in said
    assert "answers took 4 ms longer under load" in said
    assert page.text.count('class="plot broad"') == 3
    assert "Sending over time as a table" in said
    assert "0.04 to 1.12 %" in said
    assert not re.search(r"<script|\sstyle=|<style", page.text)


def test_a_report_without_a_measured_line_has_no_such_part(desks: Desks) -> None:
    """An empty heading makes people look for what is not there."""
    assert "Capacity of the line" not in desks.get(f"/reports/{desks.names['faulty']}").text


@pytest.mark.parametrize(
    "broken",
    [
        {"transfers": "no"},
        {"transfers": [{"direction": "sideways"}], "idle": [1], "quality": -1},
        {"idle": {"p50_ms": -4}, "words": {}, "too_busy": ["x"]},
        {**evidence(narrow()), "transfers": [{**evidence(narrow())["transfers"][0], "mbit": 1e99}]},
    ],
)
def test_odd_evidence_of_a_report_is_named_and_left_out(broken: dict[str, Any]) -> None:
    """Reports come from other versions and from outside."""
    desk = Desk("D", "ca-sonoma", "santa-rosa", "clerk")
    [block] = capacity_blocks(report_of(desk, NOON, number=1, capacity=broken))

    assert block.paragraph
    assert block.unreadable


def test_good_evidence_has_nothing_unreadable() -> None:
    """Negative control."""
    desk = Desk("D", "ca-sonoma", "santa-rosa", "clerk")
    [block] = capacity_blocks(report_of(desk, NOON, number=1, capacity=evidence(enough())))

    assert block.unreadable == ()
    assert [len(course.rows) for course in block.courses] == [18, 18]


def test_what_the_form_leaves_empty_is_the_usual() -> None:
    """An address with the people alone is a whole question."""
    load = asked({"users": "3"}).load

    assert load is not None
    assert (load.orders_per_hour, load.peak_share, load.pages_per_order) == (12, 0.25, 12)
    assert (load.kb_per_page, load.max_order_seconds_p95) == (52, 10)
