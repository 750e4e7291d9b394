"""Signing in to a session whose host key is the pinned one (RFC 4252, RFC 4256)."""

from __future__ import annotations

from collections.abc import Sequence

import paramiko

from ccpor_checks.base import Context, Target
from ccpor_checks.ssh.evidence import Login, SshOptions
from ccpor_checks.ssh.secrets import KeyUnreadable, PasswordMissing, Secrets, read_secrets
from ccpor_checks.ssh.session import DEADLINE_MARGIN_S, Session, SessionEnded

KEY, PASSWORD, QUESTIONS = "publickey", "password", "keyboard-interactive"
MOST_TRIES = 3  # one of each method; a server bans who tries more


def log_in(
    session: Session, target: Target, options: SshOptions, ctx: Context, end: float
) -> Login:
    """Sign in before *end* (on `ctx.monotonic`) and return what came of it.

    The caller vouches for the host key: a password goes over this session.

    Raises:
        SessionEnded: The server hung or hung up where it had refused nothing yet.
        TimeoutError: The check's deadline came before *end*.
    """
    username = options.username or target.username
    if username is None:
        why = "no user name; write username in [target.ssh] or USER@ in the url"
        return Login(outcome="not-tried", username=None, why=why)
    try:
        secrets = read_secrets(options, ctx)
    except KeyUnreadable as exc:
        return Login(outcome="key-unreadable", username=username, why=str(exc))
    except PasswordMissing as exc:
        return Login(outcome="not-tried", username=username, why=str(exc))
    began = ctx.monotonic()
    session.ends_in(end - began)
    trying = _Trying(session, username, secrets, ctx, end)
    accepted = trying.all()
    return Login(
        outcome="accepted" if accepted else "denied",
        username=username,
        tried=tuple(trying.tried),
        allowed=tuple(trying.allowed),
        why=None if accepted else trying.why(),
        ms=round((ctx.monotonic() - began) * 1000, 3),
    )


class _Trying:
    """Offers what we have, as long as the server names a method that it fits."""

    def __init__(
        self, session: Session, username: str, secrets: Secrets, ctx: Context, end: float
    ) -> None:
        self._session, self._transport = session, session.transport
        self._username, self._secrets, self._ctx, self._end = username, secrets, ctx, end
        self.tried: list[str] = []
        self.allowed: Sequence[str] = ()

    def all(self) -> bool:
        """Return whether the server let us in."""
        if self._one("none"):  # asks which methods there are; no server counts it as a failure
            return True
        while (method := self._next()) and len(self.tried) < MOST_TRIES:
            self.tried.append(method)
            if self._one(method):
                return True
        return False

    def why(self) -> str:
        takes = ", ".join(self.allowed) or "no further method"
        if not self.tried:
            return f"the server takes {takes}, which the profile gives nothing for"
        return f"{' and '.join(self.tried)} did not suffice; the server takes {takes}"

    def _next(self) -> str | None:
        ours = [KEY] if self._secrets.key else []
        ours += [PASSWORD, QUESTIONS] if self._secrets.password else []
        fitting = [each for each in ours if each in self.allowed and each not in self.tried]
        if PASSWORD in self.tried and QUESTIONS in fitting:
            fitting.remove(QUESTIONS)  # it would only be the same password again
        return fitting[0] if fitting else None

    def _one(self, method: str) -> bool:
        """Try one method; learns what the server allows next."""
        left = min(self._end - self._ctx.monotonic(), self._ctx.remaining())
        self._transport.auth_timeout = max(left, 0.0) + DEADLINE_MARGIN_S
        try:
            further = self._ask(method)
        except paramiko.BadAuthenticationType as exc:
            self.allowed = exc.allowed_types
            return False
        except (paramiko.SSHException, EOFError, OSError) as exc:
            self._ended(exc)
            return False
        if further:
            self.allowed = further  # so far right, but not enough (RFC 4252 section 5.1)
        return not further

    def _ask(self, method: str) -> Sequence[str]:
        transport, secrets = self._transport, self._secrets
        if method == KEY and secrets.key:
            return transport.auth_publickey(self._username, secrets.key)
        if method == PASSWORD and secrets.password:
            return transport.auth_password(self._username, secrets.password, fallback=False)
        if method == QUESTIONS:
            return transport.auth_interactive(self._username, self._answer)
        return transport.auth_none(self._username)

    def _answer(
        self, _title: str, _instructions: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str]:
        """Answer the one question whose answer is not shown; any other gets an empty line."""
        is_password = len(prompts) == 1 and not prompts[0][1]
        return [(self._secrets.password or "") if is_password else "" for _each in prompts]

    def _ended(self, exc: BaseException) -> None:
        """Return where the server refused the method.

        Raises:
            SessionEnded: It hung, or hung up where nothing had been offered to refuse.
            TimeoutError: The check itself is over.
        """
        if self._transport.is_active():
            return
        self._ctx.remaining()
        if self._ctx.monotonic() >= self._end:
            raise SessionEnded("timeout", "login", "no answer to the login in time") from exc
        # A goodbye ("too many authentication failures") stands in place of a refusal; and where the
        # other side did not end it, its answer made us do so, e.g. that the password has expired.
        if self.tried and (self._transport.goodbye or self._session.tap.ended is None):
            return
        raise SessionEnded(
            "closed",
            "login",
            "it ended the connection during the login",
            error=self._session.tap.ended,
        ) from exc
