"""Foreign text inside HTML and XML."""

from __future__ import annotations

from html import escape

from ccpor_reporting.text import single_line


def marked(text: str) -> str:
    """Return *text* on one line, safe in an element and in a quoted attribute."""
    return escape(single_line(text), quote=True)


def marked_lines(text: str) -> str:
    """Return *text* with its line ends kept, each line as `marked`."""
    return "\n".join(marked(line) for line in text.split("\n"))
