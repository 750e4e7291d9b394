"""A person without a mouse: what is wanted is reached by Tab, opened by Enter, chosen by arrows."""

from __future__ import annotations

from typing import Any

MOST_STOPS = 400
WHERE = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const label = one.labels && one.labels.length ? one.labels[0].innerText : '';
  const name = one.getAttribute('aria-label') || label || one.innerText || one.value || '';
  const style = getComputedStyle(one);
  return {
    name: name.replace(/\\s+/g, ' ').trim(), tag: one.tagName, type: one.type || '',
    field: one.name || '', value: one.value || '', id: one.id || '',
    ring: parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== 'none',
  };
}"""


class Hands:
    """Works on one page with the keyboard alone."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def reach(
        self, name: str, tag: str = "", field: str = "", value: str = "", *, exact: bool = False
    ) -> dict[str, str]:
        """Press Tab until the focus is on what is called *name*; return what is known of it.

        Raises: AssertionError when it is not reached, or is reached without a visible focus.
        """
        seen: list[str] = []
        for _ in range(MOST_STOPS):
            self.page.keyboard.press("Tab")
            at = self.page.evaluate(WHERE)
            if at is None:
                continue
            seen.append(f"{at['tag']} {at['name'][:40]}")
            if (
                (at["name"] == name if exact else name.casefold() in at["name"].casefold())
                and (not tag or at["tag"] == tag.upper())
                and (not field or at["field"] == field)
                and (not value or at["value"] == value)
            ):
                assert at["ring"], f"the focus on {at} cannot be seen"
                found: dict[str, str] = at
                return found
        raise AssertionError(f"{name!r} is not reached by Tab; stops: {seen[:60]}")

    def follow(self, name: str, tag: str = "a", value: str = "", *, exact: bool = False) -> None:
        """Reach a link or a button and press Enter; wait for the page that comes."""
        self.reach(name, tag, value=value, exact=exact)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def unfold(self, name: str) -> None:
        """Reach a fold's heading and open it."""
        self.reach(name, "summary")
        self.page.keyboard.press("Enter")

    def write(self, name: str, text: str, tag: str = "", field: str = "") -> None:
        """Reach a field and put *text* in it."""
        self.reach(name, tag, field)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def write_day(self, name: str, text: str, field: str = "") -> None:
        """Reach a date's field and type *text* (ISO): a browser takes it in the reader's order."""
        self.reach(name, "input", field)
        year, month, day = text.split("-")
        self.page.keyboard.type(f"{month}{day}{year}")

    def attach(self, name: str, field: str, file: str, tries: int = 5) -> None:
        """Reach a file's field, open its dialogue by Enter and choose *file* there.

        A busy Chromium now and then opens no dialogue at the first press: a person presses again.
        """
        from playwright.sync_api import TimeoutError as NothingOpened

        self.reach(name, "input", field)
        for _ in range(tries):
            try:
                with self.page.expect_file_chooser(timeout=5000) as chosen:
                    self.page.keyboard.press("Enter")
            except NothingOpened:
                continue
            chosen.value.set_files(file)
            return
        raise AssertionError(f"{name!r} opens no dialogue")

    def choose(self, name: str, letters: str, field: str = "") -> None:
        """Reach a list of choices and type the beginning of the wanted one."""
        self.reach(name, "select", field)
        self.page.keyboard.type(letters)

    def tick(self, name: str, field: str = "", value: str = "") -> None:
        """Reach a box or a radio button and press the space bar.

        Of a radio group only one is a stop: the arrows go to the others.
        """
        self.page.keyboard.press("Tab")
        for _ in range(MOST_STOPS):
            at = self.page.evaluate(WHERE)
            fits = at and name.casefold() in at["name"].casefold()
            if fits and (not field or at["field"] == field) and (not value or at["value"] == value):
                self.page.keyboard.press("Space")
                return
            of_group = at and at["type"] == "radio" and at["field"] == field
            if of_group and self._by_arrows(name):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{name!r} is not reached")

    def _by_arrows(self, name: str) -> bool:
        first = self.page.evaluate(WHERE)["id"]
        for _ in range(20):
            self.page.keyboard.press("ArrowDown")
            at = self.page.evaluate(WHERE)
            if name.casefold() in at["name"].casefold():
                return True
            if at["id"] == first:
                break
        return False
