"""Messages: planned once each, only about what one may read, sent by real SMTP."""

from __future__ import annotations

import email
import email.policy
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from ccpor_server.mail.planning import plan, write
from ccpor_server.mail.posting import post_once
from ccpor_server.mail.sending import AGAIN_AFTER, MailUnusable, connected, send_waiting
from ccpor_server.rights import Role
from ccpor_server.settings import Settings, SettingsInvalid
from ccpor_server.store import Transaction, courts, notices, people, standings
from tests.peers import certificates, free_port
from tests.server.rig import Rig, rig_in
from tests.server.sample import fill

FORM = "application/x-www-form-urlencoded"
PEOPLE = {
    "the.reviewer": (Role.REVIEWER, None),
    "the.auditor": (Role.AUDITOR, None),
    "sonoma.manager": (Role.COURT_MANAGER, "ca-sonoma"),
    "fresno.manager": (Role.COURT_MANAGER, "ca-fresno"),
}


@dataclass
class Inbox:
    """Keeps what came; `refuse` answers instead for a recipient."""

    mails: list[EmailMessage] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    users: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, to: str, _options: list[str]
    ) -> str:
        if to in self.refuse:
            return self.refuse[to]
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        found = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        self.mails.append(found)
        return "250 taken"


@contextmanager
def mail_server(inbox: Inbox, **how: Any) -> Iterator[str]:
    port = free_port()
    controller = Controller(inbox, hostname="127.0.0.1", port=port, **how)
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()


@pytest.fixture
def office(collector_template: Path, tmp_path: Path) -> Iterator[Rig]:
    with rig_in(collector_template, tmp_path / "state") as rig:
        fill(rig.collector, rig.clock)  # type: ignore[arg-type]
        for name, (role, court) in PEOPLE.items():
            who = rig.person(name, role, court)
            address = f"{name}@example.org"
            rig.store.write(lambda tx, who=who, to=address: people.set_email(tx, who, to))
        yield rig


def settings(rig: Rig, url: str, **more: Any) -> Settings:
    return msgspec.structs.replace(
        rig.settings, smtp_url=url, mail_from="ccpor@example.org", **more
    )


def planned(rig: Rig) -> list[Any]:
    with rig.store.reading() as db:
        return plan(db, rig.clock.now(), "https://collector.example.org")


def test_who_gets_what(office: Rig) -> None:
    found = planned(office)
    kinds = {(one.recipient.partition("@")[0], one.kind) for one in found}

    assert ("the.reviewer", "digest") in kinds
    assert ("sonoma.manager", "due") in kinds
    assert not [who for who, _ in kinds if who == "the.auditor"]
    assert not [one for one in found if "fresno" in one.recipient and one.court != "ca-fresno"]
    assert len({one.key for one in found}) == len(found)


def test_nobody_hears_of_another_court(office: Rig) -> None:
    """Canaries: a name, a workstation and a note of one court stand in no message to another."""
    with office.store.reading() as db:
        names = {one.id: one.name for one in courts.every(db)}
    found = [one for one in planned(office) if one.recipient.startswith("fresno")]

    assert found
    for one in found:
        text = one.subject + one.body
        assert names["ca-fresno"] in text
        strange = [name for court, name in names.items() if court != "ca-fresno" and name in text]
        assert strange == []
        assert "SONOMA" not in text.upper()


def test_planning_again_writes_nothing_new(office: Rig) -> None:
    first, again = write(office.store, planned(office)), write(office.store, planned(office))
    office.clock.forward(days=7)
    later = write(office.store, planned(office))

    assert first > 0
    assert again == 0
    assert later > 0


def test_a_message_goes_out_once(office: Rig) -> None:
    inbox = Inbox()
    with mail_server(inbox) as url:
        office.collector.settings = settings(office, url, public_url="https://c.example.org")
        new, taken, left = post_once(office.collector)
        again = post_once(office.collector)

    assert (new, left, again) == (taken, 0, (0, 0, 0))
    assert len(inbox.mails) == taken > 2
    mail = next(one for one in inbox.mails if "digest" not in one["subject"])
    assert mail["auto-submitted"] == "auto-generated"
    assert re.fullmatch(r"<[0-9a-f-]{36}@example\.org>", mail["message-id"])
    assert "https://c.example.org/" in mail.get_content()
    assert len({one["message-id"] for one in inbox.mails}) == taken


def test_what_is_not_taken_is_tried_again_and_then_given_up(office: Rig) -> None:
    write(office.store, planned(office))
    nowhere = settings(office, f"smtp://127.0.0.1:{free_port()}")
    tries = 0
    for after in (None, *AGAIN_AFTER):
        office.clock.forward(seconds=after.total_seconds() if after else 0)
        _, left = send_waiting(office.store, nowhere, office.clock.now())
        tries += left > 0
        early = send_waiting(office.store, nowhere, office.clock.now())
        assert early == (0, 0)

    with office.store.reading() as db:
        found = notices.newest(db)
    assert tries == 1 + len(AGAIN_AFTER)
    assert all(one.given_up_at and "refused" in one.last_answer.lower() for one in found)


def test_a_refused_address_is_given_up_and_the_others_go_on(office: Rig) -> None:
    write(office.store, planned(office))
    inbox = Inbox(refuse={
        "fresno.manager@example.org": "550 no such user",
        "sonoma.manager@example.org": "451 come back later",
    })  # fmt: skip
    with mail_server(inbox) as url:
        send_waiting(office.store, settings(office, url), office.clock.now())
        inbox.refuse.clear()
        office.clock.forward(minutes=2)
        send_waiting(office.store, settings(office, url), office.clock.now())

    got = {one["to"] for one in inbox.mails}
    with office.store.reading() as db:
        lost = {one.recipient for one in notices.newest(db) if one.given_up_at}
    assert got == {"the.reviewer@example.org", "sonoma.manager@example.org"}
    assert lost == {"fresno.manager@example.org"}


def test_tls_and_a_password_are_used_where_offered(office: Rig, tmp_path: Path) -> None:
    authority = certificates.authority("Mail test root")
    issued = certificates.leaf(authority)
    chain, secret = tmp_path / "chain.pem", tmp_path / "secret"
    chain.write_bytes(issued.pem + issued.key_pem)
    secret.write_text("a secret\n")
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    inbox = Inbox()

    def known(_server: object, _session: object, _env: object, _way: str, login: Any) -> AuthResult:
        inbox.users.append(f"{login.login.decode()} {login.password.decode()}")
        return AuthResult(success=True)

    write(office.store, planned(office))
    how = {"tls_context": context, "authenticator": known, "auth_require_tls": True}
    with mail_server(inbox, **how) as url:
        named = settings(office, url.replace("//", "//clerk@"), smtp_password_file=secret)
        untrusted = send_waiting(office.store, named, office.clock.now())
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
            office.clock.forward(minutes=2)
            taken, left = send_waiting(office.store, named, office.clock.now())

    assert untrusted[0] == 0
    assert (taken > 0, left) == (True, 0)
    assert set(inbox.users) == {"clerk a secret"}


def test_nothing_goes_in_the_clear_to_another_host(office: Rig) -> None:
    """A server without STARTTLS is spoken to on this machine only."""
    inbox = Inbox()
    with mail_server(inbox) as url, pytest.MonkeyPatch.context() as patched:
        patched.setattr("ccpor_server.mail.sending.LOOPBACK", frozenset())
        with pytest.raises(MailUnusable, match="STARTTLS"), connected(settings(office, url)):
            pass


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SMTP_URL", "smtp://clerk:secret@mail.example.org", "smtp://user@host:587"),
        ("SMTP_URL", "mail.example.org", "smtp://user@host:587"),
        ("MAIL_FROM", "nobody", "an address"),
        ("PUBLIC_URL", "collector", "https://collector.example.org"),
    ],
)
def test_settings_of_mail_are_refused_with_what_to_write(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsInvalid, match=re.escape(said)) as caught:
        Settings.from_environment({f"CCPOR_COLLECTOR_{name}": value})
    assert "secret" not in str(caught.value)


def post(rig: Rig, who: str, path: str, **fields: str) -> Any:
    headers = {"sec-fetch-site": "same-origin", "content-type": FORM, "accept": "text/html"}
    return rig.ask("POST", path, session=who, headers=headers, content=urlencode(fields))


def test_courts_are_reminded_together_once_a_day(office: Rig) -> None:
    reviewer = office.signed_in("another.reviewer", Role.REVIEWER)
    shown = office.ask("GET", "/reminders", session=reviewer).text
    sent = [post(office, reviewer, "/reminders", query="").status_code for _ in range(2)]
    only = post(office, reviewer, "/reminders", query="q=alpine")
    with office.store.reading() as db:
        asked = [one for one in notices.newest(db) if one.kind == "ask"]

    assert "sonoma.manager" in shown
    assert "Nobody to write to" in shown
    assert sent == [303, 303]
    assert [one.court for one in asked] == ["ca-sonoma"]  # Fresno is ready: nothing to remind of
    assert only.status_code == 400


def test_a_court_sees_its_own_messages_only(office: Rig) -> None:
    write(office.store, planned(office))
    manager = office.signed_in("second.manager", Role.COURT_MANAGER, "ca-fresno")
    reviewer = office.signed_in("another.reviewer", Role.REVIEWER)
    mine = office.ask("GET", "/messages", session=manager).text
    every = office.ask("GET", "/messages", session=reviewer).text

    assert "fresno.manager@example.org" in mine
    assert not re.findall(r"(?:sonoma\.manager|the\.reviewer)@", mine)
    assert {"fresno.manager", "sonoma.manager", "the.reviewer"} <= set(
        re.findall(r"([a-z.]+)@example\.org", every)
    )


def test_an_incident_is_told_at_once(office: Rig, make_incident: Callable[[Rig], None]) -> None:
    before = {one.key for one in planned(office)}
    make_incident(office)
    new = [one for one in planned(office) if one.key not in before]

    assert {one.kind for one in new} == {"incident"}
    assert {one.recipient.partition("@")[0] for one in new} == {"sonoma.manager", "the.reviewer"}
    assert all("The gateway is down" in one.subject for one in new)


@pytest.fixture
def make_incident() -> Callable[[Rig], None]:
    def make(rig: Rig) -> None:
        manager = rig.signed_in("third.manager", Role.COURT_MANAGER, "ca-sonoma")
        answer = post(
            rig, manager, "/courts/ca-sonoma/incidents",
            title="The gateway is down", priority="P1", began="2026-11-23T03:00", text="seen",
        )  # fmt: skip
        assert answer.status_code == 303, answer.text

    return make


def test_doctor_looks_at_the_mail_server(office: Rig) -> None:
    from ccpor_server.cli.doctor import _lines

    def told(url: str) -> tuple[bool, str]:
        [found] = [one for one in _lines(settings(office, url)) if one[1].startswith("mail server")]
        return found

    with mail_server(Inbox()) as url:
        good = told(url)
    bad = told(url)

    assert good[0]
    assert "250" in good[1]
    assert not bad[0]
    assert "CCPOR_COLLECTOR_SMTP_URL" in bad[1]


def test_a_court_that_is_ready_no_more_is_told_once(office: Rig) -> None:
    """Its standing of the morning said ready; the afternoon, and the next day, are one message."""

    def told() -> list[str]:
        new = [one for one in planned(office) if one.kind == "regression"]
        write(office.store, new)
        return [one.court or "" for one in new]

    def stood(tx: Transaction) -> None:
        day = office.clock.now().date()
        standings.put(tx, "ca-sonoma", day, verdict="ready", counts={}, blocking=0)

    before = told()
    office.store.write(stood)
    today = told()
    office.clock.forward(days=1)
    told()
    with office.store.reading() as db:
        kept = [one for one in notices.newest(db) if one.kind == "regression"]

    assert before == []
    assert set(today) == {"ca-sonoma"}
    assert len(kept) == len(today) == 2  # the court's manager, and the AOC's reviewer
