"""The fresh runs that the collector asks this workstation for.

Does:    one signed GET /api/v1/requests to the collector that this workstation is enrolled at.
Writes:  nothing.
"""

from __future__ import annotations

import logging
import secrets
import time
from pathlib import Path

import msgspec

log = logging.getLogger(__name__)
REQUESTS = "/api/v1/requests"
SECONDS = 5.0
LONGEST = 100  # characters of an incident's number or a nonce


class AskedRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run that is asked for; incident: its number."""

    nonce: str
    incident: str | None = None


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    requests: tuple[AskedRun, ...]


def asked_runs(state: Path, *, seconds: float = SECONDS) -> tuple[AskedRun, ...]:
    """Return what the collector asks for, oldest first.

    Empty where this workstation is not enrolled, the collector cannot be reached in *seconds*, or
    it knows no such thing: a run must never fail because nobody could be asked.
    """
    from ccpor_agent.enroll import collector_of
    from ccpor_agent.identity import IdentityInvalid, load_identity, machine_signer
    from ccpor_agent.transport import AddressInvalid, Unreachable
    from ccpor_reporting.request_signature import sign_request

    try:
        identity = load_identity(state)
        if identity is None:
            return ()
        collector = collector_of(state, identity)
        path = collector.path_of(REQUESTS)
        nonce = secrets.token_urlsafe(16)
        headers = sign_request("GET", path, int(time.time()), nonce, machine_signer(state))
        answer = collector.ask("GET", REQUESTS, seconds=seconds, headers=headers)
    except (IdentityInvalid, AddressInvalid, OSError, Unreachable) as exc:
        log.info("requests.not_asked", extra={"error": repr(exc)})
        return ()
    if answer.status != 200:
        return ()
    try:
        found = msgspec.json.decode(answer.body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        log.warning("requests.unreadable")
        return ()
    return tuple(one for one in found.requests if _reads(one))


def _reads(one: AskedRun) -> bool:
    texts = (one.nonce, one.incident or "-")
    return all(0 < len(text) <= LONGEST and text.isprintable() for text in texts)
