"""The HTML page as a browser shows it: nothing hidden, nothing cut off, nothing axe-core objects to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccpor_reporting.model import Report, Status
from ccpor_reporting.render import render
from ccpor_reporting.render.words import short_state
from tests.peers import lacking, program
from tests.reporting.reports import ready_report, rich_report

pytestmark = pytest.mark.browser

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = program("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as engine:
        started = engine.chromium.launch(executable_path=chromium, args=list(QUIET))
        yield started
        started.close()


def opened(browser: Any, tmp_path: Path, report: Report, width: int, scheme: str) -> Any:
    """Return the page of *report*, all texts for owners unfolded."""
    file = tmp_path / "report.html"
    file.write_text(render(report, "html"), encoding="utf-8")
    # The page's own policy allows no script at all; axe-core is one.
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("report", [rich_report(), ready_report()], ids=["rich", "ready"])
def test_axe_finds_nothing(
    browser: Any, tmp_path: Path, root: Path, report: Report, width: int, scheme: str
) -> None:
    """Courts must be able to use it, whoever works there (WCAG 2.2 AA)."""
    axe = root / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.exists():
        lacking("needs axe-core; npm ci brings it")
    page = opened(browser, tmp_path, report, width, scheme)
    page.add_script_tag(path=str(axe))

    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)

    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    assert len(found["passes"]) > 20  # negative control: it did look


@pytest.mark.parametrize("width", [320, 1280])
def test_every_state_is_seen_and_nothing_leaves_the_page(
    browser: Any, tmp_path: Path, width: int
) -> None:
    """A state that a style hides is a finding that nobody reads."""
    report = rich_report()
    page = opened(browser, tmp_path, report, width, "light")
    states = page.locator(".state")
    boxes = [states.nth(at).bounding_box() for at in range(states.count())]
    order = list(dict.fromkeys(finding.target for finding in report.findings))
    ordered = sorted(report.findings, key=lambda finding: order.index(finding.target))

    assert [text.split()[-1] for text in states.all_inner_texts()] == [
        short_state(finding) for finding in ordered
    ]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    assert Status.SKIP in {finding.status for finding in report.findings}
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_breaks_no_policy_of_its_own(browser: Any, tmp_path: Path) -> None:
    """A style that its own policy refuses would leave a bare page."""
    said: list[str] = []
    file = tmp_path / "report.html"
    file.write_text(render(rich_report(), "html"), encoding="utf-8")
    page = browser.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.goto(file.as_uri())

    assert said == []
    assert page.evaluate("getComputedStyle(document.querySelector('.jump')).position") == "absolute"
