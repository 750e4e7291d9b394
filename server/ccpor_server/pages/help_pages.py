"""Help in plain words: what the states, levels and words of all pages mean, and who may do what."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from ccpor_reporting.checklist.model import State
from ccpor_server.access import Access, Entry
from ccpor_server.pages.render import answer
from ccpor_server.pages.words import ROLES, STATES, Mark
from ccpor_server.rights import RIGHTS, Right

STATE_WORDS = {
    State.MET: "All that the item asks for is there, and it is fresh.",
    State.NOT_MET: "Something failed, or a person said that it is not done. The line says what.",
    State.STALE: "It was met, but the proof is too old. Run ccpor-check again.",
    State.WAIVED: "It is not met, and the AOC accepts that until a day. The fault stays in sight.",
    State.OPEN: "Nobody has looked yet, or not at all that is asked for.",
    State.NOT_APPLICABLE: "The court's scope leaves it out.",
}
LEVELS = (
    ("L0", "A person said so. The name and the day stand beside it."),
    ("L1", "A workstation measured it and signed the report with its own key."),
    ("L2", "It was measured on request, so it cannot be an old report sent again."),
    ("L3", "Somebody else watched while it was done."),
)
RIGHT_WORDS = {
    Right.READ: "read",
    Right.ATTEST: "say that an item is done",
    Right.COMMENT: "comment and attach",
    Right.PLAN: "fill in the onboarding",
    Right.ASSIGN: "name owners and days",
    Right.REMIND: "invite and remind courts",
    Right.WAIVE: "waive",
    Right.SIGN: "sign go-live and close-out",
    Right.INCIDENT: "open incidents, ask for fresh runs",
    Right.CLOSE_INCIDENT: "close incidents",
    Right.READ_AUDIT: "read the audit log",
    Right.ADMINISTER: "manage people, courts, codes",
}
QUESTIONS = (
    (
        "Why is my court not ready?",
        "Open the court. The list under “What blocks go-live” has the worst first. Each line says "
        "why, and who must act. Open it to see the proof, and the report behind the proof.",
    ),
    (
        "How does an item turn green?",
        "Most items fill themselves when a workstation sends a report. The others need a person: "
        "open the item, say that it is done, and on whose behalf.",
    ),
    (
        "I said something by mistake.",
        "Nothing is ever erased. Say it again, the right way: the newest word counts, and the old "
        "one stays in the list below it.",
    ),
    (
        "The county will open the port next month. What now?",
        "Ask the AOC for a waiver: which fault, where, why and until when. The fault stays red, "
        "and it no longer stops go-live until that day. Some items can never be waived.",
    ),
    (
        "Who signs?",
        "The court and the AOC each sign for themselves, and the sheriff where he takes part. All "
        "see the same checklist and the same number of the log. To take a signature back, two "
        "people of one party must agree.",
    ),
    (
        "Something broke after go-live.",
        "Open an incident and ask the workstations for a fresh run. The page then shows what is "
        "new, worse, better or gone since the state that both parties had accepted.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpPage:
    states: tuple[tuple[Mark, str], ...]
    levels: tuple[tuple[str, str], ...]
    questions: tuple[tuple[str, str], ...]
    roles: tuple[tuple[str, str], ...]


async def help_page(request: Request) -> Response:
    """Show what the words mean, and who may do what. 200."""
    page = HelpPage(
        states=tuple((STATES[state], words) for state, words in STATE_WORDS.items()),
        levels=LEVELS,
        questions=QUESTIONS,
        roles=tuple(
            (ROLES[role], ", ".join(RIGHT_WORDS[one] for one in Right if one in rights))
            for role, rights in RIGHTS.items()
        ),
    )
    return answer(request, "help.html", page, "Help")


ENTRIES: tuple[Entry, ...] = (
    Entry(path="/help", methods=("GET",), access=Access.READER, endpoint=help_page),
)
