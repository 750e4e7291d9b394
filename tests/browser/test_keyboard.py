"""The main pages by keyboard alone: order, visible focus, no trap, the way through a form."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.site import Site
from tests.browser.test_accessibility import FILLED, opened

pytestmark = [pytest.mark.browser]

FOCUSED = """() => {
  const one = document.activeElement, box = one.getBoundingClientRect();
  const style = getComputedStyle(one);
  return {
    tag: one.tagName,
    text: (one.innerText || one.getAttribute('aria-label') || one.name || '').trim().slice(0, 40),
    ring: parseFloat(style.outlineWidth) >= 2 && style.outlineStyle != 'none',
    inside: box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
    place: [...document.querySelectorAll('*')].indexOf(one),
  };
}"""


def walk(page: Any, key: str, most: int = 400) -> list[dict[str, Any]]:
    """Press *key* until focus leaves the page; return each stop."""
    stops: list[dict[str, Any]] = []
    for _ in range(most):
        page.keyboard.press(key)
        stop = page.evaluate(FOCUSED)
        if stop["tag"] == "BODY" or (stops and stop["place"] == stops[0]["place"]):
            return stops
        stops.append(stop)
    raise AssertionError(f"focus is still inside after {most} times {key}: {stops[-1]}")


@pytest.mark.parametrize(
    "name",
    [
        "board", "court", "report, faulty", "item", "people", "sign-in", "capacity, in time",
        "capacity, faults",
    ],
)  # fmt: skip
def test_tab_reaches_everything_in_order_and_is_seen(browser: Any, filled: Site, name: str) -> None:
    """Who cannot use a mouse must reach every control, see where they are, and get out again."""
    who, path = FILLED[name]
    page = opened(browser, filled, who, path)
    try:
        forth = walk(page, "Tab")
        assert forth[0]["text"] == "Skip to the content"
        assert [stop for stop in forth if not stop["ring"]] == []
        assert [stop for stop in forth if not stop["inside"]] == []
        places = [stop["place"] for stop in forth]
        assert places == sorted(places), "the order on the page is not the order of the keys"
        page.evaluate("document.activeElement.blur()")
        back = [stop["place"] for stop in walk(page, "Shift+Tab")]
        assert sorted(back) == places
    finally:
        page.context.close()


def test_the_skip_link_leads_to_the_content(browser: Any, filled: Site) -> None:
    """Nobody should hear the navigation fifty times a day."""
    page = opened(browser, filled, "reviewer", "/")
    try:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
    finally:
        page.context.close()


def test_an_item_is_declared_by_keyboard(browser: Any, filled: Site) -> None:
    """Open the item, declare it, confirm it: without a mouse."""
    page = opened(browser, filled, "court", "/courts/ca-sonoma")
    try:
        page.locator(".phase .rest > summary").first.focus()
        page.keyboard.press("Enter")
        page.locator("#PL-10 > summary").focus()
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Open PL-10").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/items/PL-10")
        page.locator("input[value=met]").focus()
        page.keyboard.press("Space")
        page.locator("#note").focus()
        page.keyboard.type("drawing 7 of 2026")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Confirm your declaration")
        page.get_by_role("button", name="Confirm and record").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/courts/ca-sonoma#PL-10")
        assert page.locator("#PL-10").is_visible()  # its fold is opened by the address
        assert "met" in page.locator("#PL-10 .state").inner_text()
    finally:
        page.context.close()
