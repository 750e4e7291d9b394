"""One subject of this machine, looked at by the real check and judged on a fixed day."""

from __future__ import annotations

import contextlib
import time
from contextlib import AbstractContextManager
from typing import Any

from ccpor_checks.base import Context, Target
from ccpor_checks.workstation import CHECK
from ccpor_checks.workstation.evidence import Subject, WorkstationEvidence, WorkstationOptions
from tests.checks.workstation.conftest import Judged, judged

Outcome = tuple[str, str | None]
PASS: Outcome = ("pass", None)
NOT_VISIBLE: Outcome = ("error", "not-visible")
WBEM_E_ACCESS_DENIED = 0x80041003


def looked(subject: Subject) -> tuple[WorkstationEvidence, Judged]:
    """Look at one subject with the real check, and judge it on a fixed day."""
    options = WorkstationOptions(assess=(subject,))
    target = Target(id="pc", url="workstation:", scheme="workstation")
    evidence = CHECK.run(target, options, Context(deadline=time.monotonic() + 40))
    return evidence, judged(evidence, options)


def outcome(subject: Subject, *made: AbstractContextManager[Any]) -> Outcome:
    """Return what is said of *subject* on a machine made so."""
    with contextlib.ExitStack() as stack:
        for each in made:
            stack.enter_context(each)
        return looked(subject)[1].outcome[subject]


def words(subject: Subject) -> str:
    return looked(subject)[1][f"workstation.{subject}"].summary
