"""Sends what waits in the outbox by SMTP (RFC 5321); what is not taken is tried again.

A message has one Message-ID for ever: where we fall between the server's yes and our note of it,
the second copy is known as the same one. Without TLS we speak to this machine only.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from ccpor_server.settings import Settings
from ccpor_server.store import Store, Transaction, notices
from ccpor_server.store.notices import Notice

DEADLINE_S = 20.0
AGAIN_AFTER = tuple(timedelta(minutes=one) for one in (1, 5, 30, 120, 720))
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class MailUnusable(Exception):
    """The mail server's address or password cannot be used; says what to do."""


def written(one: Notice, sender: str) -> EmailMessage:
    """Return *one* as a message; header injection is refused by `email` itself."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = one.recipient
    mail["Subject"] = one.subject
    mail["Date"] = format_datetime(one.created_at)
    mail["Message-ID"] = f"<{one.id}@{sender.rpartition('@')[2].rstrip('>')}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday note answers it
    mail.set_content(one.body)
    return mail


@contextmanager
def connected(settings: Settings) -> Iterator[smtplib.SMTP]:
    """Give a session with the mail server.

    Raises: MailUnusable; OSError and smtplib.SMTPException while it cannot be spoken to.
    """
    url = urlsplit(settings.smtp_url)
    host, secret = url.hostname or "", _password(settings)
    if url.scheme not in {"smtp", "smtps"} or not host:
        raise MailUnusable("SMTP_URL is no address of a mail server; use smtp://host:587")
    context = ssl.create_default_context()
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, url.port or 465, timeout=DEADLINE_S, context=context
        )
    else:
        server = smtplib.SMTP(host, url.port or 587, timeout=DEADLINE_S)
    try:
        server.ehlo()
        if url.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
        elif url.scheme == "smtp" and host not in LOOPBACK:
            raise MailUnusable(f"{host} offers no STARTTLS; nothing is sent in the clear")
        if url.username and secret:
            server.login(unquote(url.username), secret)
        yield server
    finally:
        server.close()


def _password(settings: Settings) -> str:
    if settings.smtp_password_file is None:
        return ""
    try:
        return settings.smtp_password_file.read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise MailUnusable(f"{settings.smtp_password_file} cannot be read: {exc.strerror}") from exc


def send_waiting(store: Store, settings: Settings, now: datetime) -> tuple[int, int]:
    """Send what is due; return how many were taken, and how many were not."""
    with store.reading() as db:
        waiting = notices.waiting(db, now)
    if not waiting or not settings.smtp_url:
        return 0, 0
    taken = 0
    try:
        with connected(settings) as server:
            for one in waiting:
                taken += _send(store, server, one, settings, now)
    except (OSError, smtplib.SMTPException, MailUnusable) as exc:
        with store.reading() as db:
            left = notices.waiting(db, now)
        for one in left:
            _not_taken(store, one, f"{type(exc).__name__}: {exc}", now)
        return taken, len(left)
    return taken, len(waiting) - taken


def _send(
    store: Store, server: smtplib.SMTP, one: Notice, settings: Settings, now: datetime
) -> bool:
    try:
        server.send_message(written(one, settings.mail_from), settings.mail_from, [one.recipient])
    except smtplib.SMTPRecipientsRefused as exc:
        code, answer = exc.recipients[one.recipient]
        _refused(store, one, code, answer, now)
        return False
    except smtplib.SMTPResponseException as exc:
        _refused(store, one, exc.smtp_code, exc.smtp_error, now)
        return False
    except ValueError as exc:  # an address that no header can hold
        why = str(exc)
        store.write(lambda tx: notices.failed(tx, one.id, why, again_at=None))
        return False
    store.write(lambda tx: notices.sent(tx, one.id, "250 taken"))
    return True


def _refused(store: Store, one: Notice, code: int, answer: bytes | str, now: datetime) -> None:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    if code >= 500:  # RFC 5321 section 4.2.1: permanent
        store.write(lambda tx: notices.failed(tx, one.id, f"{code} {text}", again_at=None))
    else:
        _not_taken(store, one, f"{code} {text}", now)


def _not_taken(store: Store, one: Notice, answer: str, now: datetime) -> None:
    after = AGAIN_AFTER[one.tries] if one.tries < len(AGAIN_AFTER) else None

    def job(tx: Transaction) -> None:
        notices.failed(tx, one.id, answer, again_at=now + after if after else None)

    store.write(job)
