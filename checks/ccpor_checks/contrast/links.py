"""This workstation's own interfaces, addresses and default routes."""

from __future__ import annotations

from ccpor_checks.base import Context
from ccpor_checks.contrast.asked import Question
from ccpor_reporting.contrasts import WORKS, Contrast


def look(question: Question, _ctx: Context) -> Contrast:
    """Return whether this workstation has a link with an address and a way out.

    Raises:
        CannotObserve: The system does not tell.
    """
    from ccpor_checks.link import look_at_links, reason_of

    links = look_at_links(addresses=question.addresses)
    outcome = reason_of(links) or WORKS
    up = ", ".join(each.name for each in links.interfaces if each.up and each.carries)
    detail = f"in use: {up}" if up else "no interface is in use"
    return Contrast(kind=question.kind, what=question.what, outcome=outcome, detail=detail)
