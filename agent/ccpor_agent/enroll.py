"""Turn a one-time code into this workstation's own identity, and keep its profile fresh.

Does:    POST /api/v1/enroll with the code and a public key made here; GET /api/v1/profile, signed.
Writes:  the key, identity.json, the CA file given, signed_profile.json and profile.toml.
Source:  the code is a secret: it is never an argument, never in the environment, never logged.

    Exception
    ├── EnrolmentFailed    no identity was made; what was there before still is
    └── ProfileKept        no newer profile; the held one stays
"""

from __future__ import annotations

import contextlib
import platform
import secrets
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ccpor_agent import seam
from ccpor_agent.identity import (
    Identity,
    IdentityInvalid,
    adopt_pending_key,
    enrolled_identity,
    forget_pending_key,
    load_identity,
    machine_signer,
    pending_key,
    save_identity,
)
from ccpor_agent.transport import AddressInvalid, Answer, Collector, Unreachable
from ccpor_reporting.envelope import (
    KeyInvalid,
    PublicKey,
    public_key_from_pem,
    public_key_pem,
)
from ccpor_reporting.model import Location
from ccpor_reporting.request_signature import sign_request
from ccpor_reporting.signed_profile import (
    ProfileRefused,
    SignedProfile,
    accept_profile,
    open_profile,
)

ENROLL, PROFILE = "/api/v1/enroll", "/api/v1/profile"
CA_FILE, HELD, PROFILE_FILE = "collector-ca.pem", "signed_profile.json", "profile.toml"
ANSWER_S = 30.0
Clock = Callable[[], float]


class EnrolmentFailed(Exception):
    """No identity was made."""


class ProfileKept(Exception):
    """No newer profile was taken. `reason`: of ProfileRefused, of Unreachable, or "refused"."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class _Machine(msgspec.Struct, frozen=True):
    name: str
    os: str


class _Wish(msgspec.Struct, frozen=True):
    code: str
    public_key: str
    machine: _Machine


class _Enrolled(msgspec.Struct, frozen=True):
    machine_id: str
    location: Location
    collector_public_key: str
    profile: msgspec.Raw = msgspec.Raw(b"null")


class _Problem(msgspec.Struct, frozen=True):
    """The part of RFC 9457 that a person reads."""

    title: str = ""
    detail: str = ""


class _Held(msgspec.Struct, frozen=True):
    """The profile last accepted: its signed bytes and the collector's tag for them."""

    envelope: str
    etag: str | None = None


def enroll(
    state: Path,
    url: str,
    code: str,
    *,
    ca_file: Path | None = None,
    replace: bool = False,
    clock: Clock = time.time,
) -> Identity:
    """Return the identity that the collector at *url* gave for *code*, kept durably.

    Raises:
        EnrolmentFailed: Refused, unreachable, or an identity is here and *replace* is not set.
        OSError: The state folder cannot be written.
    """
    if not replace and _has_identity(state):
        raise EnrolmentFailed("this workstation is enrolled already; --replace makes it new")
    if not code:
        raise EnrolmentFailed("the code is empty; ask the AOC for a one-time code")
    collector = _collector(url, ca_file)
    seam.make_folder(state)
    enrolled, key = _ask(collector, state, code)
    try:
        collector_key = public_key_from_pem(enrolled.collector_public_key)
    except KeyInvalid as exc:
        raise EnrolmentFailed(f"the collector's key is {exc}") from exc
    name = None
    if ca_file is not None:
        name = CA_FILE
        seam.write_durably(state / name, ca_file.read_bytes())
    now = datetime.fromtimestamp(clock(), UTC)
    identity = Identity(
        machine_id=enrolled.machine_id,
        collector=url.rstrip("/"),
        collector_public_key=public_key_pem(collector_key),
        location=enrolled.location,
        key_id=key,
        enrolled_at=now,
        ca_file=name,
    )
    for left in (HELD, PROFILE_FILE):  # of an earlier enrolment, perhaps elsewhere
        (state / left).unlink(missing_ok=True)
    save_identity(state, identity)
    if bytes(enrolled.profile) != b"null":
        with contextlib.suppress(ProfileKept):  # `doctor` tells, and the next run asks again
            _take(state, identity, bytes(enrolled.profile), None, now)
    return identity


def stored_profile_path(state: Path) -> Path | None:
    """Return profile.toml with the text that the collector signed, or None if none is held.

    The file is written again where it differs from the signed text.

    Raises:
        IdentityInvalid: There is an identity, but it cannot be read.
        OSError: The file cannot be written.
    """
    identity = load_identity(state)
    if identity is None or (held := held_profile(state, identity.collector_key())) is None:
        return None
    path = state / PROFILE_FILE
    text = held.toml.encode()
    try:
        is_same = path.read_bytes() == text
    except FileNotFoundError:
        is_same = False
    if not is_same:
        seam.write_durably(path, text)
    return path


def held_profile(state: Path, key: PublicKey) -> SignedProfile | None:
    """Return the profile last accepted; None if there is none that *key* signed."""
    kept = _read_held(state)
    if kept is not None:
        with contextlib.suppress(ProfileRefused):
            return open_profile(kept.envelope.encode(), key)
    return None


def refresh_profile(state: Path, clock: Clock = time.time, seconds: float = ANSWER_S) -> bool:
    """Ask the collector for this workstation's profile; return whether another one is held now.

    Raises:
        ProfileKept: Refused or unreachable: the held one stays, whatever came.
        IdentityInvalid: Not enrolled, or the identity cannot be used.
        OSError: The state folder cannot be written.
    """
    identity = enrolled_identity(state)
    collector = collector_of(state, identity)
    kept = _read_held(state)
    headers = sign_request(
        "GET",
        collector.path_of(PROFILE),
        int(clock()),
        secrets.token_urlsafe(16),
        machine_signer(state),
    )
    if kept is not None and kept.etag is not None:
        headers["If-None-Match"] = kept.etag
    try:
        answer = collector.ask("GET", PROFILE, seconds=seconds, headers=headers)
    except Unreachable as exc:
        raise ProfileKept(exc.reason, str(exc)) from exc
    if answer.status == 304 and kept is not None:
        return False
    if answer.status != 200:
        raise ProfileKept("refused", f"the collector sent no profile ({_told(answer)})")
    now = datetime.fromtimestamp(clock(), UTC)
    return _take(state, identity, answer.body, answer.headers.get("etag"), now)


def collector_of(state: Path, identity: Identity) -> Collector:
    """Return the collector that this workstation is enrolled at."""
    return Collector(identity.collector, state / identity.ca_file if identity.ca_file else None)


def _take(
    state: Path, identity: Identity, envelope: bytes, etag: str | None, now: datetime
) -> bool:
    """Hold the profile in *envelope* if it may be held; return whether its text is another."""
    key, place = identity.collector_key(), identity.location
    held = held_profile(state, key)
    try:
        new = open_profile(envelope, key)
        accept_profile(new, held, now=now, court=place.court, location=place.name, role=place.role)
    except ProfileRefused as exc:
        raise ProfileKept(exc.reason, f"the profile was refused: {exc}") from exc
    kept = _Held(envelope.decode(), etag)
    if kept != _read_held(state):
        seam.write_durably(state / HELD, msgspec.json.encode(kept))
    stored_profile_path(state)
    return held is None or held.toml != new.toml


def _read_held(state: Path) -> _Held | None:
    with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
        return msgspec.json.decode((state / HELD).read_bytes(), type=_Held)
    return None


def _ask(collector: Collector, state: Path, code: str) -> tuple[_Enrolled, str]:
    """Return the collector's answer and the id of the key that it enrolled."""
    for is_last in (False, True):
        key = pending_key(state)
        machine = _Machine(socket.gethostname() or "unnamed", operating_system())
        wish = _Wish(code, public_key_pem(key.public_key()), machine)
        try:
            answer = collector.ask(
                "POST",
                ENROLL,
                seconds=ANSWER_S,
                body=msgspec.json.encode(wish),
                headers={"Content-Type": "application/json", "Accept": "application/json"},
            )
        except Unreachable as exc:
            raise EnrolmentFailed(f"{exc}; nothing was changed, try again") from exc
        # The key of an earlier try was enrolled although its answer was lost: take a new one.
        if answer.status == 409 and not is_last:
            forget_pending_key(state)
            continue
        if answer.status not in {200, 201}:
            raise EnrolmentFailed(f"the collector did not enroll this workstation: {_told(answer)}")
        try:
            enrolled = msgspec.json.decode(answer.body, type=_Enrolled)
        except msgspec.DecodeError as exc:
            raise EnrolmentFailed(
                "the answer is not a collector's; check the address, or a sign-in page on the way"
            ) from exc
        return enrolled, adopt_pending_key(state, key)
    raise AssertionError("the last try returns or raises")


def operating_system() -> str:
    """Return what this workstation runs, e.g. "Linux 6.18"."""
    return f"{platform.system()} {platform.release()}".strip() or "unknown"


def _has_identity(state: Path) -> bool:
    try:
        return load_identity(state) is not None
    except IdentityInvalid:
        return True  # damaged, yet somebody's: only --replace may take its place


def _collector(url: str, ca_file: Path | None) -> Collector:
    import ssl

    try:
        if ca_file is not None:
            ssl.create_default_context(cafile=str(ca_file))
        return Collector(url, ca_file)
    except AddressInvalid as exc:
        raise EnrolmentFailed(str(exc)) from exc
    except OSError as exc:
        raise EnrolmentFailed(f"{ca_file} is not a file of certificates in PEM") from exc


def _told(answer: Answer) -> str:
    """Return the status and the collector's own words, made safe to show."""
    with contextlib.suppress(msgspec.DecodeError, RecursionError):
        problem = msgspec.json.decode(answer.body, type=_Problem)
        words = "".join(c for c in problem.detail or problem.title if c.isprintable())[:300]
        if words:
            return f"HTTP {answer.status}, {words}"
    return f"HTTP {answer.status}"
