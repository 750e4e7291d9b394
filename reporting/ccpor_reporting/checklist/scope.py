"""Which items apply to a court, by its answers to the scope questionnaire.

A claim is ``answer``, ``not answer`` or several joined by ``or``, with the answer's name in the
form ``lea-extranet``. An unanswered question never leaves an item out: unknown is not "no".
"""

from __future__ import annotations

from collections.abc import Sequence

from ccpor_reporting.checklist.model import Item, Scope

ANSWERS = tuple(field.replace("_", "-") for field in Scope.__struct_fields__)

WORDS = {
    "images": "order images are scanned and stored",
    "gateway": "orders enter CARPOS through the CCPOR gateway",
    "sheriff-enters": "the sheriff keys the orders",
    "lea-extranet": "law enforcement comes through the court's extranet",
    "tribal": "this is a tribal court",
    "capture-software": "capture software (Kofax or other) is used",
    "training-room": "there is a training room",
    "wireless": "workstations use wireless",
}


def claim_faults(claims: Sequence[str]) -> list[str]:
    """Return one message for each claim that does not read."""
    faults = []
    for claim in claims:
        for part in claim.split(" or "):
            if part.removeprefix("not ") not in ANSWERS:
                faults.append(f'"{claim}" is not a claim; use {", ".join(ANSWERS)}')
    return faults


def left_out_because(item: Item, scope: Scope) -> str | None:
    """Return why *item* does not apply under *scope*; None when it applies or might."""
    for claim in item.applies:
        if all(_holds(part, scope) is False for part in claim.split(" or ")):
            return "; ".join(_denied(part) for part in claim.split(" or "))
    return None


def _holds(part: str, scope: Scope) -> bool | None:
    answer: bool | None = getattr(scope, part.removeprefix("not ").replace("-", "_"))
    if answer is None:
        return None
    return not answer if part.startswith("not ") else answer


def _denied(part: str) -> str:
    if part.startswith("not "):
        return f"the scope says: {WORDS[part.removeprefix('not ')]}"
    return f"the scope does not say that {WORDS[part]}"
