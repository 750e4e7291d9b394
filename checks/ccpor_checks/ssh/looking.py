"""From the target to an `SshEvidence`, and to a signed-in session for checks that build on it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import msgspec

from ccpor_checks.base import Context, Target
from ccpor_checks.ssh.evidence import HostKey, SshEvidence, SshOptions, asks_login
from ccpor_checks.ssh.login import log_in
from ccpor_checks.ssh.session import (
    Session,
    SessionEnded,
    kind_of_key,
    open_session,
    other_key_types,
)

PAUSES_S = (0.3, 0.8)  # at least; up to twice as long, so that many machines do not come together


class NotSignedIn(Exception):
    """No session that may be used; the message says why and what helps."""


@dataclass(frozen=True, slots=True)
class Proven:
    """A session, every host key seen on the way, and whether the pinned one is among them.

    pinned: None where the profile pins none. The session is the pinned key's where there is one; it
    is closed where there is none.
    """

    session: Session
    keys: tuple[HostKey, ...]
    pinned: bool | None


def look(target: Target, options: SshOptions, ctx: Context) -> SshEvidence:
    """Return how far a session with *target* came.

    Raises:
        CannotObserve: The target has no address or port.
    """
    seen = SshEvidence(port=target.port or 22, address=None)
    try:
        proven = prove(target, options, ctx)
    except SessionEnded as exc:
        return _failed(seen, exc)
    session = proven.session
    try:
        seen = msgspec.structs.replace(
            seen,
            address=session.address,
            version=session.greeting.version,
            offered=session.greeting.offered,
            agreed=session.agreed,
            host_keys=proven.keys,
            pinned=proven.pinned,
            connect_ms=session.connect_ms,
            handshake_ms=session.handshake_ms,
        )
        if not (proven.pinned and asks_login(options)):
            return seen
        end = ctx.monotonic() + options.timeout_s
        return msgspec.structs.replace(seen, login=log_in(session, target, options, ctx, end))
    except SessionEnded as exc:
        return _failed(seen, exc)
    finally:
        session.close()


def prove(target: Target, options: SshOptions, ctx: Context, kind: str | None = None) -> Proven:
    """Return a session with *target*, that of the pinned host key where the server has it.

    kind: of the key to ask for first, as another look found it.

    Raises:
        SessionEnded: There is none, or none with one of the server's further keys.
        CannotObserve: The target has no address or port.
    """
    first = _opened(target, options, ctx, _algorithms(kind))
    if options.host_key is None:
        return Proven(first, (first.key,), None)
    pin = options.host_key.rstrip("=")
    keys = [first.key]
    if first.key.fingerprint == pin:
        return Proven(first, tuple(keys), True)
    first.close()  # a server takes few sessions that have not signed in; it is of no use any more
    search_until = ctx.monotonic() + options.timeout_s
    for algorithms in other_key_types(first):
        other = _opened(target, options, ctx, algorithms, search_until)
        keys.append(other.key)
        if other.key.fingerprint == pin:
            return Proven(other, tuple(keys), True)
        other.close()
    return Proven(first, tuple(keys), False)


def _opened(
    target: Target,
    options: SshOptions,
    ctx: Context,
    algorithms: tuple[str, ...],
    end: float | None = None,
) -> Session:
    """Return a session, made before *end*; tried again where the server turns us away.

    OpenSSH hangs up at random on whoever comes while ten others have not signed in (MaxStartups):
    a healthy server that is busy for a moment.
    """
    end = ctx.monotonic() + options.timeout_s if end is None else end
    for pause_s in (*PAUSES_S, None):
        try:
            return open_session(target, ctx, end, algorithms)
        except SessionEnded as exc:
            busy = exc.reason == "closed" and exc.stage == "greeting"
            if not busy or pause_s is None or ctx.monotonic() + pause_s * 2 >= end:
                raise
        ctx.attempts += 1
        time.sleep(min(pause_s * (1 + ctx.dice.random()), ctx.remaining()))
    raise AssertionError("the last try returns or raises")


def _algorithms(kind: str | None) -> tuple[str, ...]:
    if kind is None:
        return ()
    return ("rsa-sha2-512", "rsa-sha2-256") if kind_of_key(kind) == "rsa" else (kind,)


def signed_in(
    target: Target, options: SshOptions, ctx: Context, kind: str | None = None
) -> Session:
    """Return a session that the server let us into, its host key the pinned one.

    Raises:
        NotSignedIn: The host key is not proven, there is nothing to sign in with, or it is refused.
        SessionEnded: The session ended early.
        CannotObserve: The target has no address or port.
    """
    if not asks_login(options):
        wanted = "write password_file, password_env or key_file in [target.ssh]"
        raise NotSignedIn(f"there is nothing to sign in with; {wanted}")
    if options.host_key is None:
        raise NotSignedIn("the host key is unknown; write host_key in [target.ssh]")
    proven = prove(target, options, ctx, kind)
    try:
        if not proven.pinned:
            raise NotSignedIn("the server shows another host key than the profile's")
        end = ctx.monotonic() + options.timeout_s
        login = log_in(proven.session, target, options, ctx, end)
        if login.outcome != "accepted":
            raise NotSignedIn(f"the server did not let us in: {login.why}")
    except BaseException:
        proven.session.close()
        raise
    return proven.session


def _failed(seen: SshEvidence, exc: SessionEnded) -> SshEvidence:
    greeting = exc.greeting
    return msgspec.structs.replace(
        seen,
        address=exc.address or seen.address,
        failure=exc.reason,
        failed_at=exc.stage,
        error=exc.error,
        not_shared=exc.not_shared,
        version=greeting.version if greeting else seen.version,
        said=greeting.said if greeting else None,
        offered=greeting.offered if greeting else seen.offered,
    )
