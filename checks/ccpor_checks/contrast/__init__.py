"""Contrasts: what is looked at once more when a target fails, so that the cause shows.

Does:    single TCP connections, DNS queries, one repeated handshake or request with small segments,
         and walks of packets with a short life; only towards what the profile names, this
         workstation's own resolvers and its system's proxy. Writes nothing.
Needs:   a failed finding; the agent plans what is asked.
Source:  RFC 9293 section 3.7.1 (maximum segment size), RFC 1035, RFC 9110 section 9.3.6 (CONNECT).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from ccpor_checks.base import CannotObserve, Context, NotApplicable
from ccpor_checks.contrast.asked import Protocol, Question
from ccpor_reporting.contrasts import UNKNOWN, Contrast, Kind, Walk

__all__ = ["LOOKS", "Found", "Protocol", "Question", "look", "unknown"]

Found = Contrast | Walk | None  # None: there is nothing to compare with here
LOOKS: dict[Kind, str] = {  # a module is imported when its kind is asked for, never before
    "tcp": "reach",
    "by-address": "reach",
    "other-family": "reach",
    "direct": "reach",
    "other-resolver": "names",
    "small-segments": "segments",
    "through-proxy": "through_proxy",
    "link": "links",
    "walk": "walks",
}


def look(question: Question, ctx: Context) -> Found:
    """Return what the comparison shows; one that could not be made is `UNKNOWN` and says why.

    Raises:
        Exception: Our bug, in no other case; the caller logs it.
    """
    module = import_module(f"{__name__}.{LOOKS[question.kind]}")
    ask: Callable[[Question, Context], Found] = module.look
    try:
        return ask(question, ctx)
    except NotApplicable:
        return None
    except CannotObserve as exc:
        return unknown(question, str(exc))
    except TimeoutError:
        return unknown(question, f"not ended within {question.seconds:g} s")
    except OSError as exc:
        return unknown(question, f"this workstation could not try it ({type(exc).__name__})")


def unknown(question: Question, why: str) -> Contrast:
    """Return the contrast of *question* that nobody could look at."""
    return Contrast(
        kind=question.kind,
        what=question.what,
        outcome=UNKNOWN,
        detail=why,
        address=next(iter(question.addresses), None),
        port=question.port,
    )
