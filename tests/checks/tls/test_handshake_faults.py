"""Handshakes that do not finish: each way of ending has its own reason."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator

import pytest

from tests.checks.tls.conftest import Pki
from tests.checks.tls.looking import ALL, Outcome, look
from tests.peers import fault_tls, free_port

SSH = b"SSH-2.0-OpenSSH_9.6\r\n"
HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

ENDINGS: dict[str, tuple[fault_tls.Handler, str]] = {
    "closes at accept": (fault_tls.closes_at_accept, "closed"),
    "closes after ClientHello": (fault_tls.closes_after_hello, "closed"),
    "resets after ClientHello": (fault_tls.resets_after_hello, "reset"),
    "resets at accept": (fault_tls.reset, "reset"),
    "says nothing": (fault_tls.mute, "timeout"),
    "drips": (fault_tls.drips, "timeout"),
    "speaks SSH": (fault_tls.says(SSH), "not-tls"),
    "speaks HTTP": (fault_tls.answers(HTTP), "not-tls"),
    "echoes": (fault_tls.echoes, "not-tls"),
    "sends garbage in a TLS record": (fault_tls.answers(b"\x16\x03\x03\x00\x04junk"), "not-tls"),
    "refuses every version": (fault_tls.alerts(70), "no-common-version"),
    "refuses every cipher": (fault_tls.alerts(40), "no-common-cipher"),
    "wants more security": (fault_tls.alerts(71), "no-common-cipher"),
    "has an internal error": (fault_tls.alerts(80), "closed"),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_each_ending_has_its_reason(name: str) -> None:
    """Closed, reset and silent are told by different people: server, firewall, inspector."""
    handler, reason = ENDINGS[name]
    with fault_tls.serving(handler) as port:
        outcome = look(port, timeout_s=1 if reason == "timeout" else 5)

    assert outcome.faults == {f"tls.handshake/{reason}"}
    assert outcome.skipped == ALL - {"tls.handshake"}


def test_what_another_protocol_said_is_quoted() -> None:
    """A quoted "SSH-2.0" tells the technician at once that the port number is wrong."""
    with fault_tls.serving(fault_tls.says(SSH)) as port:
        outcome = look(port)

    assert "SSH-2.0" in outcome.findings["tls.handshake"].summary


@pytest.mark.parametrize("handler", [fault_tls.mute, fault_tls.drips], ids=["mute", "drips"])
def test_a_target_that_never_finishes_costs_one_timeout(handler: fault_tls.Handler) -> None:
    """A byte every now and then must not keep a check alive."""
    began = time.monotonic()
    with fault_tls.serving(handler) as port:
        look(port, timeout_s=0.5)

    assert time.monotonic() - began < 1.5


def test_the_whole_look_ends_within_its_deadline() -> None:
    """What the engine gives is kept even where the profile's timeout is longer."""
    began = time.monotonic()
    with fault_tls.serving(fault_tls.mute) as port:
        outcome = look(port, timeout_s=30, deadline_s=0.5)

    assert outcome.faults == {"tls.handshake/timeout"}
    assert time.monotonic() - began < 1.5


def test_nobody_listening_is_not_a_fault_of_tls() -> None:
    """The tcp check names it; TLS only says that it could not look."""
    outcome = look(free_port())

    assert outcome.faults == {"tls.handshake:error"}
    assert outcome.ending is not None
    assert outcome.ending.kind == "cannot-observe"


OLD = {
    "SSLv3 with RC4": (0x0300, 0x0005, {"tls.version/too-old"}),
    "TLS 1.0 with triple DES": (
        0x0301,
        0x000A,
        {"tls.version/too-old"},
    ),
    "TLS 1.2 with RC4": (0x0303, 0x0005, {"tls.cipher/weak"}),
}


@pytest.mark.parametrize("name", OLD)
def test_what_openssl_no_longer_speaks_is_old_rather_than_not_shared(name: str) -> None:
    """The datacenter can act on "SSLv3 with RC4"; "nothing in common" sends them searching."""
    version, cipher, faults = OLD[name]
    with fault_tls.serving(fault_tls.chooses(version, cipher)) as port:
        outcome = look(port, timeout_s=1.5)

    # the certificate never came: nothing is said of it, least of all that it is good
    unknown = {"tls.trust:error", "tls.name:error", "tls.validity:error", "tls.key:error"}
    assert outcome.faults == faults | unknown


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def strict(pki: Pki, request: pytest.FixtureRequest) -> Iterator[Callable[..., Outcome]]:
    """Look at a server that wants a client certificate of the test's root, under each version."""
    handler = fault_tls.tls(
        pki.good, client_authority=pki.folder / "root.crt", newest=request.param
    )
    with fault_tls.serving(handler) as port:
        trusting = {"folder": pki.folder, "ca_file": "root.crt"}
        yield lambda **options: look(port, **{**trusting, **options})


def test_a_client_certificate_that_is_wanted_is_named(strict: Callable[..., Outcome]) -> None:
    """Under TLS 1.3 the client's handshake succeeds first; only the first read tells."""
    assert strict().faults == {"tls.handshake/client-certificate-required"}


def test_the_right_client_certificate_opens(strict: Callable[..., Outcome]) -> None:
    """Negative control, and what a court sees once it is set up."""
    outcome = strict(client_cert_file="agent.crt", client_key_file="agent.key")

    assert outcome.faults == set()
    assert outcome.seen.client_certificate_requested is True
    assert outcome.seen.client_certificate_sent is True


def test_the_wrong_client_certificate_is_refused(strict: Callable[..., Outcome]) -> None:
    """Another fix: renew or register the certificate, rather than install one."""
    outcome = strict(client_cert_file="stranger.crt", client_key_file="stranger.key")

    assert outcome.faults == {"tls.handshake/client-certificate-refused"}


def test_an_unknown_issuer_does_not_hide_the_wanted_client_certificate(
    strict: Callable[..., Outcome],
) -> None:
    """The handshake that reads an untrusted chain meets the same demand."""
    assert strict(ca_file="rogue.crt").faults == {"tls.handshake/client-certificate-required"}


def test_a_cut_after_the_request_is_a_wanted_certificate(pki: Pki) -> None:
    """Windows servers reset without an alert where the certificate is missing."""
    root = pki.folder / "root.crt"
    with fault_tls.serving(fault_tls.cuts_after_certificate_request(pki.good, root)) as port:
        outcome = look(port, folder=pki.folder, ca_file="root.crt")

    assert outcome.faults == {"tls.handshake/client-certificate-required"}


def test_the_alert_alone_tells_where_python_shows_no_messages(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hook that lists handshake messages is private: its absence must cost little."""
    from ccpor_checks.tls.handshake import Heard

    monkeypatch.setattr(Heard, "attach", lambda _self, _tls: None)
    handler = fault_tls.tls(pki.good, client_authority=pki.folder / "root.crt")
    with fault_tls.serving(handler) as port:
        strict = look(port, folder=pki.folder, ca_file="root.crt")
    with fault_tls.serving(fault_tls.tls(pki.good)) as port:
        sound = look(port, folder=pki.folder, ca_file="root.crt")

    assert strict.faults == {"tls.handshake/client-certificate-required"}
    assert sound.faults == set()
    assert sound.seen.client_certificate_requested is None


def test_a_server_that_ends_an_accepted_session_at_once_is_sound(pki: Pki) -> None:
    """Nothing was asked of it: an orderly end is no refusal."""
    with fault_tls.serving(fault_tls.tls(pki.good, after=lambda session: None)) as port:
        outcome = look(port, folder=pki.folder, ca_file="root.crt")

    assert outcome.faults == set()


def test_a_session_reset_right_after_the_handshake_is_not_good(pki: Pki) -> None:
    """An inspector that cuts what it cannot open does so here."""

    def cut(session: object) -> None:
        assert isinstance(session, ssl.SSLSocket)
        fault_tls.reset(session)

    with fault_tls.serving(fault_tls.tls(pki.good, after=cut, tickets=0)) as port:
        outcome = look(port, folder=pki.folder, ca_file="root.crt")

    assert outcome.faults == {"tls.handshake/reset"}


def test_a_server_without_certificate_is_weak_and_proves_nothing(pki: Pki) -> None:
    """Anonymous ciphers encrypt towards anybody."""
    handler = fault_tls.tls(
        pki.good, newest=ssl.TLSVersion.TLSv1_2, ciphers="AECDH-AES128-SHA:@SECLEVEL=0"
    )
    with fault_tls.serving(handler) as port:
        outcome = look(port, folder=pki.folder, ca_file="root.crt")

    unknown = {"tls.trust:error", "tls.name:error", "tls.validity:error", "tls.key:error"}
    assert outcome.faults == unknown | {"tls.cipher/weak"}
