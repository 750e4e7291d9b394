"""Every page in Chromium under axe-core: no finding, with data and empty, in two widths and schemes."""

from __future__ import annotations

import os
import re
from typing import Any

import httpx
import pytest

from ccpor_server.pages.routes import PAGE_ENDPOINTS
from tests.browser.site import AXE, GUARDED, Site

pytestmark = [pytest.mark.browser]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (1280, 768, 320)
SCHEMES = ("light", "dark")
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}

# page, who looks, path; {…} are filled with what the sample made.
FILLED = {
    "sign-in": (None, "/sign-in?next=/courts/ca-sonoma"),
    "password": ("reviewer", "/password"),
    "password for one use": ("newcomer", "/password"),
    "board": ("administrator", "/"),
    "board, filtered to nothing": ("reviewer", "/?q=zzz&phase=planning"),
    "court": ("reviewer", "/courts/ca-sonoma"),
    "court, what is left": ("court", "/courts/ca-sonoma?show=left"),
    "court, ready": ("reviewer", "/courts/ca-fresno"),
    "court without anything": ("administrator", "/courts/ca-alpine"),
    "workstations": ("administrator", "/courts/ca-sonoma/machines"),
    "workstations, court": ("court", "/courts/ca-sonoma/machines"),
    "workstations, none": ("reviewer", "/courts/ca-alpine/machines"),
    "item": ("court", "/courts/ca-sonoma/items/PL-13"),
    "item to waive": ("approver", "/courts/ca-sonoma/items/IM-01"),
    "item, signed": ("approver", "/courts/ca-sonoma/items/GL-03"),
    "waive": ("approver", "/courts/ca-sonoma/items/IM-01/waive"),
    "waive, attested": ("approver", "/courts/ca-sonoma/items/PL-10/waive"),
    "waivers": ("approver", "/courts/ca-sonoma/waivers"),
    "waivers, none": ("reviewer", "/courts/ca-alpine/waivers"),
    "sign go-live": ("approver", "/courts/ca-sonoma/sign-off/go-live"),
    "sign go-live, signed": ("court", "/courts/ca-sonoma/sign-off/close-out"),
    "sign, ready court": ("reviewer", "/courts/ca-fresno/sign-off/go-live"),
    "incidents": ("reviewer", "/incidents"),
    "incidents, none of these": ("court", "/incidents?priority=P1"),
    "incident form": ("court", "/courts/ca-sonoma/incidents"),
    "statewide": ("reviewer", "/statewide"),
    "timeline": ("court", "/courts/ca-sonoma/timeline"),
    "timeline, no date": ("reviewer", "/courts/ca-alpine/timeline"),
    "statewide, its own court": ("court", "/statewide?silent=3&courts=2"),
    "incident": ("reviewer", "/courts/ca-sonoma/incidents/{incident}"),
    "item of reports": ("court", "/courts/ca-sonoma/items/IM-01"),
    "report, faulty": ("court", "/reports/{faulty}"),
    "report, sound": ("reviewer", "/reports/{sound}"),
    "report, contradicting, long name": ("reviewer", "/reports/{odd}"),
    "workstations, long name": ("reviewer", "/courts/yurok/machines"),
    "capacity": ("court", "/capacity"),
    "capacity, in time": ("reviewer", "/capacity?users=15&court=ca-sonoma"),
    "capacity, too slow": ("administrator", "/capacity?users=2&scan=gray&mbit=1.5&loss=1"),
    "capacity, faults": ("reviewer", "/capacity?users=x&scan=gray&mbit=0&court=ca-kern"),
    "people": ("administrator", "/admin/people"),
    "courts": ("administrator", "/admin/courts"),
    "court form": ("administrator", "/admin/courts/ca-sonoma"),
    "codes": ("administrator", "/admin/codes"),
    "audit": ("administrator", "/admin/audit"),
    "help": ("court", "/help"),
    "account": ("reviewer", "/account"),
    "account, court": ("court", "/account"),
    "second factor": ("reviewer", "/account/second-factor"),
    "draft": ("reviewer", "/draft?path=/courts/ca-sonoma/items/PL-10/comments"),
    "draft, none": ("court", "/draft?path=/nothing"),
    "messages": ("reviewer", "/messages"),
    "messages, court": ("court", "/messages"),
    "messages, none of these": ("reviewer", "/messages?kind=regression"),
    "reminder": ("reviewer", "/reminders"),
    "reminder, nobody": ("reviewer", "/reminders?q=zzz"),
    "trends": ("court", "/courts/ca-sonoma/trends?measure=dns.latency"),
    "trends, one workstation": ("reviewer", "/courts/ca-sonoma/trends?machine={machine}"),
    "trends, none": ("reviewer", "/courts/ca-alpine/trends"),
    "compare runs": ("court", "/reports/{faulty}/compare?with={sound}"),
    "compare runs, not chosen": ("reviewer", "/reports/{faulty}/compare"),
    "compare courts": ("reviewer", "/compare?one=ca-sonoma&other=ca-fresno"),
    "compare courts, not chosen": ("court", "/compare"),
    "invite": ("reviewer", "/onboarding"),
    "onboarding, scope": ("court", "/courts/ca-sonoma/onboarding?step=scope"),
    "onboarding, day": ("court", "/courts/ca-sonoma/onboarding?step=go-live"),
    "onboarding, locations": ("court", "/courts/ca-sonoma/onboarding?step=locations"),
    "onboarding, none": ("reviewer", "/courts/ca-alpine/onboarding?step=locations"),
    "onboarding, identifiers": ("reviewer", "/courts/ca-sonoma/onboarding?step=identifiers"),
    "onboarding, next": ("administrator", "/courts/ca-sonoma/onboarding?step=next"),
    "item, nothing yet": ("approver", "/courts/ca-alpine/items/IM-01"),
    "waive, nothing yet": ("approver", "/courts/ca-alpine/items/IM-01/waive"),
    "sign, nothing yet": ("approver", "/courts/ca-alpine/sign-off/go-live"),
    "incident form, nothing yet": ("reviewer", "/courts/ca-alpine/incidents"),
    "not found": ("reviewer", "/courts/nowhere"),
    "forbidden": ("reviewer", "/admin/people"),
}
EMPTY = {
    "sign-in": (None, "/sign-in"),
    "board": ("administrator", "/"),
    "people": ("administrator", "/admin/people"),
    "courts": ("administrator", "/admin/courts"),
    "codes": ("administrator", "/admin/codes"),
    "capacity": ("administrator", "/capacity"),
    "incidents": ("administrator", "/incidents"),
    "statewide": ("administrator", "/statewide"),
    "messages": ("administrator", "/messages"),
    "account": ("administrator", "/account"),
    "compare": ("administrator", "/compare"),
    "reminder": ("administrator", "/reminders"),
    "invite": ("administrator", "/onboarding"),
    "draft": ("administrator", "/draft"),
    "audit, nothing found": ("administrator", "/admin/audit?q=zzz"),
}
# What a form shows when it is sent: page, who, path, fields to fill, the button.
SENT: dict[str, tuple[str | None, str, dict[str, str], str]] = {
    "sign-in refused": (None, "/sign-in", {"name": "x", "password": "y"}, "Sign in"),
    "password with a fault": (
        "reviewer",
        "/password",
        {"old_password": "x" * 16, "new_password": "y" * 16, "again_password": "z" * 16},
        "Change password",
    ),
    "item with a fault": ("court", "/courts/ca-sonoma/items/PL-10", {"kind": "not-met"}, "Go on"),
    "item to confirm": ("court", "/courts/ca-sonoma/items/PL-10", {"kind": "met"}, "Go on"),
    "waive with a fault": (
        "approver",
        "/courts/ca-sonoma/items/IM-01/waive",
        {"until": "2026-12-24", "reason": "short"},
        "Go on",
    ),
    "waiver to confirm": (
        "approver",
        "/courts/ca-sonoma/items/IM-01/waive",
        {"until": "2026-12-24", "reason": "the county opens the port"},
        "Go on",
    ),
    "signature with a fault": (
        "approver",
        "/courts/ca-sonoma/sign-off/go-live",
        {"kind": "no-go"},
        "Go on",
    ),
    "signature to confirm": (
        "approver",
        "/courts/ca-sonoma/sign-off/go-live",
        {"kind": "go"},
        "Go on",
    ),
    "incident with a fault": (
        "court",
        "/courts/ca-sonoma/incidents",
        {"title": "x", "began": "2026-11-23T03:00", "text": "y", "priority": "P1"},
        "Open the",
    ),
    "comment with a fault": (
        "court",
        "/courts/ca-sonoma/items/PL-10",
        {"comment": " "},
        "Comment",
    ),
    "code asked": (None, "/sign-in", {"name": "g.uarded", "password": GUARDED}, "Sign in"),
    "address with a fault": ("reviewer", "/account", {"email": "a@b"}, "Save"),
    "second factor with a fault": (
        "reviewer",
        "/account/second-factor",
        {"code": "000000"},
        "Turn it on",
    ),
    "onboarding with a fault": (
        "court",
        "/courts/ca-sonoma/onboarding?step=locations",
        {"location": "Santa Rosa!", "machines": "x"},
        "Declare",
    ),
    "invite with a fault": ("reviewer", "/onboarding", {"id": "X", "name": "y"}, "Add the court"),
    "person with a fault": ("administrator", "/admin/people", {"name": "?"}, "Add person"),
    "code made": ("administrator", "/admin/codes", {"location": "annex"}, "Make code"),
}


def opened(browser: Any, place: Site, who: str | None, path: str, width: int = 1280) -> Any:
    """Return the page, opened by *who*; its context must be closed."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="light", locale="en-US"
    )
    if who:
        context.add_cookies([{"name": "ccpor", "value": place.sessions[who], "url": place.address}])
    page = context.new_page()
    page.goto(place.address + path.format(**place.names))
    return page


def violations(page: Any, options: Any = TAGS) -> list[str]:
    """Return what axe finds, with the element; details are opened so that all is looked at."""
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    if not page.evaluate("'axe' in window"):
        # through the debugger: our own policy refuses a script tag, as it should
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "only => axe.run(document, {runOnly: only, resultTypes: ['violations']})", options
    )
    assert found["passes"], "axe looked at nothing"
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def sideways(page: Any) -> int:
    """Return by how many pixels the page itself scrolls sideways."""
    found: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return found


def small_targets(page: Any) -> list[str]:
    """Return controls below 24 px that stand in no sentence (WCAG 2.2, 2.5.8).

    A county of the map is as small as it is; the table below has the same link.
    """
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('a, button, input, select, textarea, summary')]
        .filter(one => one.checkVisibility() && !one.closest('p, li, td, dd, th, .skip, svg.map'))
        .map(one => [one, one.getBoundingClientRect()])
        .filter(([one, box]) => one.type != 'hidden' && (box.width < 24 || box.height < 24))
        .map(([one, box]) => `${one.outerHTML.slice(0, 80)} ${box.width}x${box.height}`)"""
    )
    return found


def look(page: Any, name: str) -> dict[str, list[str]]:
    """Return the faults of a page by width and scheme; SCREENSHOTS names a folder for pictures.

    A scheme changes colours and nothing else, so in the dark one only these are looked at again.
    """
    found: dict[str, list[str]] = {}
    try:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                seen = violations(page, TAGS if scheme == "light" else COLOURS)
                found[f"{width} {scheme}"] = seen
                picture(page, name, width, scheme)
            found[f"{width} targets"] = small_targets(page)
            if (over := sideways(page)) > 0:
                found[f"{width} sideways"] = [f"{over} px"]
    finally:
        page.context.close()
    return {place: faults for place, faults in found.items() if faults}


def picture(page: Any, name: str, width: int, scheme: str) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = false)")
        file = name.replace(" ", "-").replace(",", "")
        page.screenshot(path=f"{folder}/{file}-{width}-{scheme}.png", full_page=True)


@pytest.mark.parametrize("name", FILLED)
def test_a_page_with_data_has_no_finding(browser: Any, filled: Site, name: str) -> None:
    """A clerk with a screen reader must be able to work with every page."""
    who, path = FILLED[name]
    assert look(opened(browser, filled, who, path), name) == {}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_page_has_no_finding(browser: Any, empty: Site, name: str) -> None:
    """The first day is an empty collector."""
    who, path = EMPTY[name]
    assert look(opened(browser, empty, who, path), f"empty {name}") == {}


@pytest.mark.parametrize("name", SENT)
def test_the_answer_to_a_form_has_no_finding(browser: Any, filled: Site, name: str) -> None:
    """Faults and confirmations are pages too."""
    who, path, fields, button = SENT[name]
    page = opened(browser, filled, who, path)
    for field, text in fields.items():
        if page.locator(f"main input[type=radio][name={field}]").count():
            page.check(f"input[name={field}][value={text}]")
        else:
            page.fill(f"main [name={field}]", text)
    page.locator("main").get_by_role("button", name=button).first.click()
    page.wait_for_load_state()

    assert look(page, name) == {}


def missing(path: str) -> str:
    """Return the address of a thing that is not there."""
    return re.sub(r"\{[a-z_]+\}", "nowhere", path)


# Where a page's thing is missing, or its role may not: every page has an error beside its data.
ERRORS = {
    entry.path: ("reviewer", missing(entry.path))
    for entry in PAGE_ENDPOINTS
    if entry.methods == ("GET",)
    and ("{" in entry.path or entry.path.startswith("/admin"))
    and not entry.path.startswith("/static")
} | {"/sign-in/oidc": (None, "/sign-in/oidc"), "/capacity": ("reviewer", "/capacity?court=none")}


def test_no_error_has_a_finding(browser: Any, filled: Site) -> None:
    """Who lost the way needs the page most. Errors of one kind are one page: looked at once."""
    kinds: dict[str, str] = {}
    for who, path in ERRORS.values():
        cookies = {"ccpor": filled.sessions[who]} if who else {}
        answer = httpx.get(
            filled.address + path, cookies=cookies, headers={"accept": "text/html"}, timeout=10
        )
        assert answer.status_code in {403, 404, 422}, path
        body = answer.text.partition("<main")[2].partition("</main>")[0]
        kinds.setdefault(f"{who} {answer.status_code} {re.sub(r'<p>.*?</p>', '', body)}", path)
    found = {
        path: look(opened(browser, filled, one.split()[0] if one[:4] != "None" else None, path), "")
        for one, path in kinds.items()
    }

    assert {path: faults for path, faults in found.items() if faults} == {}
    assert len(ERRORS) > 20
    assert len(kinds) < 8


@pytest.mark.parametrize("name", ["court", "report, faulty", "report, sound", "capacity, in time"])
def test_print_shows_what_is_folded(browser: Any, filled: Site, name: str) -> None:
    """Paper cannot be unfolded, and goes into the file."""
    who, path = FILLED[name]
    page = opened(browser, filled, who, path)
    hidden = """() => [...document.querySelectorAll('.group table, .rest .item, .behind table')]
        .filter(one => !one.checkVisibility()).length"""
    try:
        on_screen = page.evaluate(hidden)
        page.emulate_media(media="print")
        assert (on_screen > 0, page.evaluate(hidden)) == (True, 0)
    finally:
        page.context.close()


def test_no_code_breaks_inside_a_word(browser: Any, filled: Site) -> None:
    """Who copies a code must get the whole of it."""
    page = opened(browser, filled, "reviewer", "/reports/{faulty}")
    try:
        broken = page.evaluate(
            """() => [...document.querySelectorAll('th code')]
            .filter(one => one.getClientRects().length > 1).map(one => one.innerText)"""
        )
        assert broken == []
    finally:
        page.context.close()


def test_every_page_route_is_looked_at() -> None:
    """A new page without this test fails here."""
    looked = {path.partition("?")[0] for _, path in FILLED.values()}
    missed = []
    for entry in PAGE_ENDPOINTS:
        if entry.methods != ("GET",) or entry.path.startswith("/static/"):
            continue
        if re.search(r"/(?:export|documents|oidc)", entry.path):
            continue  # files and ways to elsewhere, not pages
        form = re.sub(r"\{[a-z_]+\}", "[^/]+", entry.path)
        if not any(re.fullmatch(form, path) for path in looked):
            missed.append(entry.path)

    assert missed == []


SEEDED = """<!doctype html><html><head><title>x</title><style>p {color: #aaa; background: #fff}
.wide {width: 3000px; height: 1px}</style></head><body><h1>a</h1><h1></h1><img src="data:,">
<input type="text"><a href="#"></a><p>pale text that nobody can read</p><button></button>
<table><tr><th></th></tr></table><ul><p>x</p></ul><div role="slider">x</div>
<div class="wide"></div><button id="tiny" style="width:9px;height:9px;padding:0">.</button>
</body></html>"""


def test_the_rig_finds_seeded_faults(browser: Any) -> None:
    """Negative control: a rig that is blind would say that all is well."""
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.set_content(SEEDED)
    found = {line.partition(":")[0] for line in violations(page)}

    assert found >= {
        "html-has-lang", "image-alt", "label", "link-name", "color-contrast", "button-name", "list",
        "empty-heading", "aria-input-field-name", "landmark-one-main",
    }  # fmt: skip
    assert sideways(page) > 0
    assert any("tiny" in one for one in small_targets(page))
    page.close()
