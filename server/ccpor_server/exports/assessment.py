"""A court's checklist as OSCAL 1.1.3 assessment results (NIST), and as JUnit XML.

Both know less than the checklist does. What is open, stale or waived is never *satisfied* and never
passed; why stands beside it. A person's word is an interview, a report's finding a test.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from ccpor_reporting.checklist.model import Evidence, ItemState, Phase, State
from ccpor_reporting.checklist.state import SETTLED
from ccpor_reporting.render.markup import marked
from ccpor_reporting.render.readable import escaped
from ccpor_reporting.text import single_line
from ccpor_server.checklist_state import CourtView
from ccpor_server.pages.words import PHASES, STATES

OSCAL_VERSION = "1.1.3"
NAMESPACE = "urn:ccpor-check"


def oscal_bytes(view: CourtView) -> bytes:
    """Return the assessment results: a finding for each item that applies."""
    applying = [one for one in view.checklist.items if one.state is not State.NOT_APPLICABLE]
    observed = {_key(line): line for one in applying for line in one.evidence}
    at = f"{view.checklist.as_of:%Y-%m-%dT%H:%M:%SZ}"
    result: dict[str, Any] = {
        "uuid": _uuid(view, "result"),
        "title": f"CCPOR go-live readiness of {single_line(view.court.name)}",
        "description": f"Verdict: {view.checklist.readiness.verdict}",
        "start": at,
        "end": at,
        "props": [_prop("verdict", view.checklist.readiness.verdict)],
        "reviewed-controls": {"control-selections": [{"include-all": {}}]},
        "findings": [_finding(view, one) for one in applying],
    }
    if observed:  # OSCAL lists are never empty
        result["observations"] = [
            _observation(view, key, line) for key, line in sorted(observed.items())
        ]
    version = view.checklist.checklist_version
    whole = {
        "assessment-results": {
            "uuid": _uuid(view, "assessment-results"),
            "metadata": {
                "title": f"CCPOR readiness, {single_line(view.court.name)}",
                "last-modified": at,
                "version": at,
                "oscal-version": OSCAL_VERSION,
            },
            "import-ap": {"href": f"urn:ccpor-checklist:{version}"},
            "results": [result],
        }
    }
    return (escaped(json.dumps(whole, indent=2, ensure_ascii=False)) + "\n").encode()


def _key(line: Evidence) -> str:
    """Return what tells one piece of evidence from another: items may rest on the same one."""
    if line.run_id:
        return f"{line.run_id} {line.finding or ''}"
    return f"word {line.by or ''} {line.at.isoformat()} {line.text}"


def _observation(view: CourtView, key: str, line: Evidence) -> dict[str, Any]:
    said = [("status", line.status), ("level", line.level.value)]
    said += [
        (name, value)
        for name, value in (
            ("workstation", line.machine),
            ("finding", line.finding),
            ("run-id", line.run_id),
            ("said-by", line.by),
            ("waiver", line.waiver),
        )
        if value
    ]
    return {
        "uuid": _uuid(view, f"observation {key}"),
        "description": single_line(line.text) or line.status,
        "props": [_prop(name, value) for name, value in said],
        "methods": ["TEST" if line.run_id else "INTERVIEW"],
        "collected": f"{line.at:%Y-%m-%dT%H:%M:%SZ}",
    }


def _finding(view: CourtView, one: ItemState) -> dict[str, Any]:
    met = one.state is State.MET
    reason = "pass" if met else ("fail" if one.state is State.NOT_MET else "other")
    related = [
        {"observation-uuid": _uuid(view, f"observation {key}")}
        for key in dict.fromkeys(map(_key, one.evidence))
    ]
    return {
        "uuid": _uuid(view, f"finding {one.item.id}"),
        "title": single_line(f"{one.item.id} {one.item.title}"),
        "description": single_line(one.why) or one.state.value,
        "props": [
            _prop("state", one.state.value),
            _prop("phase", one.item.phase.value),
            _prop("blocking", "yes" if one.item.blocking else "no"),
            *([_prop("without-waiver", one.under.value)] if one.under else []),
        ],
        "target": {
            "type": "objective-id",
            "target-id": one.item.id,
            "status": {
                "state": "satisfied" if met else "not-satisfied",
                "reason": reason,
                "remarks": single_line(one.item.criterion),
            },
        },
        **({"related-observations": related} if related else {}),
    }


def _prop(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": NAMESPACE, "value": single_line(value).strip() or "-"}


def _uuid(view: CourtView, what: str) -> str:
    """Return a UUIDv5: the same checklist at the same moment gives the same file."""
    return str(uuid5(NAMESPACE_URL, f"{view.court.id} {view.checklist.as_of.isoformat()} {what}"))


def junit_bytes(view: CourtView) -> bytes:
    """Return a suite a phase and a case an item; what is not met fails, what is missing is skipped.

    A case without a word inside is one that is met; skipped is never passed.
    """
    items = view.checklist.items
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="{marked(view.court.id)}" {_totals(items)}>',
    ]
    for phase in Phase:
        mine = [one for one in items if one.item.phase is phase]
        at = f"{view.checklist.as_of:%Y-%m-%dT%H:%M:%S}"
        head = f'name="{marked(PHASES[phase])}" timestamp="{at}" {_totals(mine)}'
        lines += [f"  <testsuite {head}>", *(line for one in mine for line in _case(one))]
        lines.append("  </testsuite>")
    lines.append("</testsuites>")
    return ("\n".join(lines) + "\n").encode()


def _totals(items: Sequence[ItemState]) -> str:
    failed = sum(one.state is State.NOT_MET for one in items)
    skipped = sum(one.state not in {State.MET, State.NOT_MET} for one in items)
    return f'tests="{len(items)}" failures="{failed}" errors="0" skipped="{skipped}"'


def _case(one: ItemState) -> list[str]:
    name = marked(f"{one.item.id} {one.item.title}")
    head = f'    <testcase classname="{one.item.phase.value}" name="{name}"'
    if one.state is State.MET:
        return [f"{head}/>"]
    kind = "failure" if one.state is State.NOT_MET else "skipped"
    word = STATES[one.state].word
    why = marked(f"{word}: {one.why}" if one.state not in SETTLED else f"{word}; {one.why}")
    return [f"{head}>", f'      <{kind} message="{why}"/>', "    </testcase>"]
