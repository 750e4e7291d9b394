"""The collector's look at a target: what the other side sees of what this workstation cannot reach.

Does:    one signed POST /api/v1/looks/TARGET/CHECK to the collector that this workstation is
         enrolled at, which looks at that target of the published profile and at nothing else.
Writes:  nothing.
"""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from ccpor_reporting.contrasts import UNKNOWN, Contrast

if TYPE_CHECKING:
    from ccpor_agent.transport import Answer

LOOKS = "/api/v1/looks"
NOT_OFFERED = frozenset({404, 405})  # an older collector, looks switched off, no such target


class _Look(msgspec.Struct, frozen=True, kw_only=True):
    """What the collector answers; the report's own words come from here only as foreign text."""

    outcome: str
    detail: str = ""
    address: str | None = None


def ask(
    state: Path, target_id: str, seconds: float, *, check: str = "tcp", now: float | None = None
) -> Contrast | None:
    """Return what the collector sees of *target_id* up to *check*; None where nobody can be asked.

    None: this workstation is not enrolled, or its collector makes no such looks. A collector that
    is out of reach or busy is a contrast whose outcome is unknown.
    """
    from ccpor_agent.enroll import collector_of
    from ccpor_agent.identity import IdentityInvalid, load_identity, machine_signer
    from ccpor_agent.transport import AddressInvalid, Unreachable
    from ccpor_reporting.request_signature import sign_request

    begun = time.monotonic()
    path = f"{LOOKS}/{quote(target_id, safe='')}/{quote(check, safe='')}"
    try:
        identity = load_identity(state)
        if identity is None:
            return None
        collector = collector_of(state, identity)
        headers = sign_request(
            "POST",
            collector.path_of(path),
            int(time.time() if now is None else now),
            secrets.token_urlsafe(16),
            machine_signer(state),
        )
        answer = collector.ask("POST", path, seconds=seconds, headers=headers)
    except (IdentityInvalid, AddressInvalid, OSError):
        return None  # what is wrong with the identity is said where it is needed
    except Unreachable as exc:
        return _contrast(target_id, check, UNKNOWN, f"the collector cannot be asked: {exc}")
    if answer.status in NOT_OFFERED:
        return None
    return _told(target_id, check, answer, round((time.monotonic() - begun) * 1000, 3))


def _told(target_id: str, check: str, answer: Answer, ms: float) -> Contrast:
    if answer.status != 200:
        detail = f"the collector did not look (status {answer.status})"
        return _contrast(target_id, check, UNKNOWN, detail)
    try:
        seen = msgspec.json.decode(answer.body, type=_Look)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _contrast(target_id, check, UNKNOWN, "the collector's answer does not read")
    return _contrast(
        target_id, check, seen.outcome[:40], seen.detail[:500], address=seen.address, ms=ms
    )


def _contrast(
    target_id: str,
    check: str,
    outcome: str,
    detail: str,
    *,
    address: str | None = None,
    ms: float | None = None,
) -> Contrast:
    return Contrast(
        kind="other-side",
        what=f"{check} of {target_id}, from the collector",
        outcome=outcome,
        detail=detail,
        address=address,
        ms=ms,
    )
