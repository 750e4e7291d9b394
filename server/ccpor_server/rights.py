"""What each role may do: one table, read by the access table's guard and by every page.

A court's people (court manager, court IT, sheriff) see their own court; the AOC's see all. Deciding
(waivers, signatures of the AOC) is the approver's alone: whoever runs the program does not decide.
"""

from __future__ import annotations

import enum


class Role(enum.StrEnum):
    ADMINISTRATOR = "administrator"
    REVIEWER = "aoc-reviewer"
    APPROVER = "aoc-approver"
    AUDITOR = "auditor"  # reads everything, changes nothing
    COURT_MANAGER = "court-manager"
    COURT_IT = "court-it"
    SHERIFF = "sheriff"


class Right(enum.StrEnum):
    READ = "read"  # of one's own court, or of all for the AOC
    READ_AUDIT = "read-audit"  # the audit log
    ATTEST = "attest"  # a person's word on an item
    COMMENT = "comment"  # comments and attachments
    PLAN = "plan"  # the onboarding wizard: locations, scope, declarations, go-live
    ASSIGN = "assign"  # owner and due date of an item
    REMIND = "remind"  # send reminders to several courts at once
    WAIVE = "waive"
    SIGN = "sign"  # go/no-go, close-out, and undoing them
    INCIDENT = "incident"  # open, note, ask for fresh runs
    CLOSE_INCIDENT = "close-incident"
    ADMINISTER = "administer"


OF_COURT = frozenset({Role.COURT_MANAGER, Role.COURT_IT, Role.SHERIFF})
_REVIEW = frozenset(
    {
        Right.READ,
        Right.ATTEST,
        Right.COMMENT,
        Right.PLAN,
        Right.ASSIGN,
        Right.REMIND,
        Right.INCIDENT,
        Right.CLOSE_INCIDENT,
    }
)
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.ADMINISTRATOR: _REVIEW | {Right.READ_AUDIT, Right.ADMINISTER},
    Role.REVIEWER: _REVIEW,
    Role.APPROVER: _REVIEW | {Right.WAIVE, Right.SIGN},
    Role.AUDITOR: frozenset({Right.READ, Right.READ_AUDIT}),
    Role.COURT_MANAGER: frozenset(
        {
            Right.READ,
            Right.ATTEST,
            Right.COMMENT,
            Right.PLAN,
            Right.ASSIGN,
            Right.SIGN,
            Right.INCIDENT,
        }
    ),
    Role.COURT_IT: frozenset({Right.READ, Right.ATTEST, Right.COMMENT, Right.PLAN, Right.INCIDENT}),
    Role.SHERIFF: frozenset({Right.READ, Right.ATTEST, Right.COMMENT, Right.SIGN, Right.INCIDENT}),
}
