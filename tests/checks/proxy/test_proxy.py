"""The proxy check against real squids: reach, access, and what a proxy says of the target."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccpor_checks.base import CannotObserve, Context, NotApplicable, Target, TargetFailed
from ccpor_checks.kit.tunnel import Reply
from ccpor_checks.proxy import CHECK, ProxyOptions
from ccpor_checks.proxy.answers import is_denial, unreached
from ccpor_checks.proxy.settings import Environment
from ccpor_checks.tcp import CHECK as TCP
from ccpor_checks.tcp import TcpOptions
from ccpor_reporting.faults import catalogue
from ccpor_reporting.model import Status
from ccpor_reporting.rules import Setting
from tests.agent.program import black_hole
from tests.checks.proxy.conftest import DEAD, Office, proxied
from tests.peers import free_port
from tests.peers.squid import ACCOUNT

REACH, ACCESS, PAC = "proxy.reach", "proxy.access", "proxy.pac"


@contextmanager
def answering(answer: bytes | None) -> Iterator[str]:
    """A port that takes connections and sends *answer*; b"" closes at once, None is silent."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            held.append(sock)
            if answer is not None:
                sock.recv(4096)
                sock.sendall(answer)
                sock.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for sock in held:
            sock.close()


@pytest.mark.parametrize("name", ["https", "http"])
def test_an_open_proxy_gives_a_way(office: Office, name: str) -> None:
    """The healthy case: nothing fails, and the report says by which proxy."""
    seen = proxied(office.target(name), mode="url", url=office.squid.open)

    assert seen.statuses == {Status.PASS}
    assert set(seen.findings) == {REACH, ACCESS}
    assert seen.evidence.via == office.squid.open
    assert seen.evidence.address == "127.0.0.1"
    assert (seen.evidence.direct, seen.evidence.direct_address) == ("works", "127.0.0.1")
    assert "without it, too" in seen.findings[ACCESS].summary


def test_without_a_proxy_nothing_is_said_of_one(office: Office) -> None:
    """Direct by the profile, or because this workstation has none set: not a fault."""
    direct = proxied(office.target(), mode="direct")
    none = proxied(office.target(), mode="system")

    assert direct.statuses == none.statuses == {Status.NOT_APPLICABLE}
    assert set(direct.findings) == {REACH, ACCESS}
    assert set(none.findings) == {REACH, ACCESS, PAC}
    assert (direct.evidence.via, none.evidence.via, direct.gate) == (None, None, None)


# --- reach -----------------------------------------------------------------------------------


def test_a_proxy_that_nobody_runs_is_refused(office: Office) -> None:
    seen = proxied(office.target(), mode="url", url=DEAD)

    assert seen.failed == {"proxy.reach/refused"}
    assert seen.findings[ACCESS].status is Status.SKIP
    assert seen.findings[ACCESS].because == "web/proxy.reach"
    assert seen.gate == "web/proxy.reach"
    assert seen.findings[REACH].observed == {"proxy": DEAD, "tried": {DEAD: "refused"}}


def test_a_proxy_whose_name_is_unknown_is_named(office: Office) -> None:
    seen = proxied(office.target(), mode="url", url="http://no-such-proxy.invalid:3128")

    assert seen.failed == {"proxy.reach/name"}


@pytest.mark.parametrize(
    ("answer", "fault", "words"),
    [
        (b"", "proxy.reach/refused", "closes it without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "proxy.reach/refused", "no HTTP proxy"),
        (b"HTTP/1.1 403 No\r\nX-Long: " + b"x" * 5000 + b"\r\n\r\n", "proxy.access/denied", "403"),
        (b"HTTP/1.1 302 Sign in\r\nLocation: /\r\n\r\n", "proxy.access/denied", "302"),
        (b"HTTP/1.1 501 What\r\n\r\n", "proxy.access/denied", "501"),
    ],
)
def test_what_is_no_proxy_or_says_no_is_told_apart(
    office: Office, answer: bytes, fault: str, words: str
) -> None:
    """A wrong port in the settings must not read as a firewall's decision."""
    with answering(answer) as url:
        seen = proxied(office.target(), mode="url", url=url)

    assert seen.failed == {fault}
    (finding,) = (f for f in seen.findings.values() if f.status is Status.FAIL)
    assert words in finding.summary


def test_a_proxy_that_takes_connections_and_answers_nothing_is_dropped(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its service hangs: the connection alone proves nothing."""
    monkeypatch.setattr("ccpor_checks.proxy.look.ANSWER_S", 0.5)
    monkeypatch.setattr("ccpor_checks.proxy.look.ALIVE_S", 0.3)
    with answering(None) as url:
        seen = proxied(office.target(), mode="url", url=url)

    assert seen.failed == {"proxy.reach/dropped"}


def test_a_proxy_that_a_firewall_swallows_is_dropped(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a byte comes back: the way to the proxy, not the proxy, is to be asked about."""
    monkeypatch.setattr("ccpor_checks.proxy.look.REACH_S", 0.4)
    with black_hole() as port:
        seen = proxied(office.target(), mode="url", url=f"http://127.0.0.1:{port}")

    assert seen.failed == {"proxy.reach/dropped"}
    assert seen.evidence.tried[0].error is not None


# --- access ----------------------------------------------------------------------------------


def password_file(folder: Path, password: str) -> str:
    (folder / "password.txt").write_text(password + "\n")
    return "password.txt"


@pytest.mark.parametrize("name", ["https", "http"])
@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_the_profiles_account_opens_a_proxy_that_asks(
    office: Office, tmp_path: Path, name: str, scheme: str
) -> None:
    url = getattr(office.squid, scheme)
    named = password_file(tmp_path, ACCOUNT[1])
    seen = proxied(
        office.target(name), base_dir=tmp_path, mode="url", url=url, username=ACCOUNT[0],
        password_file=named,
    )  # fmt: skip

    assert seen.statuses == {Status.PASS}
    assert seen.evidence.scheme_answered == scheme.capitalize()


@pytest.mark.parametrize("name", ["https", "http"])
@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_a_wrong_password_is_refused_and_never_shown(
    office: Office, tmp_path: Path, name: str, scheme: str
) -> None:
    """The person must learn that the account is wrong, not that one is missing."""
    named = password_file(tmp_path, "hunter2")
    seen = proxied(
        office.target(name), base_dir=tmp_path, mode="url", url=getattr(office.squid, scheme),
        username=ACCOUNT[0], password_file=named,
    )  # fmt: skip

    assert seen.failed == {"proxy.access/authentication-required"}
    assert "refuses the account" in seen.findings[ACCESS].summary
    assert "hunter2" not in repr(seen) + str(seen.findings)


@pytest.mark.parametrize(
    ("proxy", "offers"), [("basic", ["Basic"]), ("digest", ["Digest"]), ("ntlm", ["NTLM"])]
)
def test_without_an_account_the_schemes_offered_are_named(
    office: Office, proxy: str, offers: list[str]
) -> None:
    """NTLM needs another answer than Basic: the ticket must say which."""
    seen = proxied(office.target(), mode="url", url=getattr(office.squid, proxy))

    assert seen.failed == {"proxy.access/authentication-required"}
    assert seen.findings[ACCESS].observed == {
        "proxy": getattr(office.squid, proxy),
        "schemes": offers,
    }
    assert offers[0] in seen.findings[ACCESS].summary


def test_an_account_does_not_help_where_only_ntlm_is_offered(
    office: Office, tmp_path: Path
) -> None:
    named = password_file(tmp_path, ACCOUNT[1])
    seen = proxied(
        office.target(), base_dir=tmp_path, mode="url", url=office.squid.ntlm,
        username=ACCOUNT[0], password_file=named,
    )  # fmt: skip

    assert seen.failed == {"proxy.access/authentication-required"}
    assert "cannot sign in with NTLM" in str(seen.findings[ACCESS].fix)


def test_an_account_in_the_environment_is_used_and_not_kept(office: Office) -> None:
    """HTTPS_PROXY=http://user:password@proxy:port is how Linux sets one."""
    user, password = ACCOUNT
    url = office.squid.basic.replace("http://", f"http://{user}:{password}@")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTPS_PROXY", url)
        seen = proxied(office.target(), system=Environment(), mode="system")

    assert seen.failed == set()
    assert seen.evidence.source == "environment"
    assert seen.evidence.via == office.squid.basic
    assert password not in repr(seen)


def test_an_unreadable_password_file_is_our_side(office: Office, tmp_path: Path) -> None:
    (tmp_path / "password.txt").write_bytes(b"")
    with pytest.raises(CannotObserve, match="one line"):
        proxied(
            office.target(), base_dir=tmp_path, mode="url", url=office.squid.basic,
            username="clerk", password_file="password.txt",
        )  # fmt: skip


def test_a_tunnel_to_a_forbidden_port_is_denied(office: Office) -> None:
    seen = proxied(office.target(), mode="url", url=office.squid.only_443)

    assert seen.failed == {"proxy.access/denied"}
    assert seen.findings[ACCESS].observed == {"proxy": office.squid.only_443, "status": 403}


def test_a_forbidden_page_is_the_proxys_no(office: Office) -> None:
    seen = proxied(office.target("http", path="/forbidden"), mode="url", url=office.squid.only_443)

    assert seen.failed == {"proxy.access/denied"}


def test_a_web_servers_own_403_is_not_the_proxys(office: Office) -> None:
    """Else the county would be asked to open what the application itself forbids."""
    seen = proxied(office.target("http-forbids"), mode="url", url=office.squid.open)

    assert seen.failed == set()


# --- the target as the proxy sees it ---------------------------------------------------------


def test_a_target_that_the_proxy_cannot_reach_is_the_targets_fault(office: Office) -> None:
    """The proxy lets it pass: who runs the proxy has nothing to mend."""
    target = office.target()
    port = free_port()
    gone = replace(target, url=f"https://localhost:{port}", port=port)
    seen = proxied(gone, mode="url", url=office.squid.open)

    assert seen.failed == set()
    assert seen.evidence.direct == "refused"
    with pytest.raises(TargetFailed) as caught:
        TCP.run(gone, TcpOptions(), Context(deadline=1e12, earlier={"proxy": seen.evidence}))
    assert (caught.value.code, caught.value.reason) == ("tcp.reach", "refused")


@pytest.mark.parametrize(
    ("status", "fields", "code", "reason"),
    [
        (503, {"x-squid-error": "ERR_CONNECT_FAIL 110"}, "tcp.reach", "dropped"),
        (503, {"x-squid-error": "ERR_CONNECT_FAIL 61"}, "tcp.reach", "refused"),
        (503, {"x-squid-error": "ERR_DNS_FAIL 0"}, "dns.answer", "servfail"),
        (500, {"x-squid-error": "ERR_CANNOT_FORWARD 0"}, "tcp.reach", "host-unreachable"),
        (504, {}, "tcp.reach", "dropped"),
        (502, {}, "tcp.reach", "host-unreachable"),
        (502, {"proxy-status": "p; error=connection_refused"}, "tcp.reach", "refused"),
        (
            502,
            {"proxy-status": 'a, p; error=dns_error; rcode="NXDOMAIN"'},
            "dns.answer",
            "nxdomain",
        ),
        (504, {"proxy-status": "p; error=dns_timeout"}, "dns.answer", "timeout"),
    ],
)
def test_a_proxys_error_names_the_targets_fault(
    status: int, fields: dict[str, str], code: str, reason: str
) -> None:
    """By status and structured fields; the text of an error page is never read."""
    found = unreached(Reply(status, {k: (v,) for k, v in fields.items()}), "CONNECT")

    assert found is not None
    assert (found.code, found.reason) == (code, reason)
    assert reason in catalogue()[code].reasons


def test_a_web_servers_own_503_says_nothing_of_the_way() -> None:
    """Passed on by a proxy it is the application's word, which the http check judges."""
    assert unreached(Reply(503), "HEAD") is None
    assert not is_denial(Reply(403), "HEAD")
    assert is_denial(Reply(502, {"proxy-status": ("p; error=http_request_denied",)}), "HEAD")


def test_the_checks_of_name_and_port_leave_the_target_to_the_proxy(office: Office) -> None:
    from ccpor_checks.dns import CHECK as DNS
    from ccpor_checks.dns import DnsOptions

    seen = proxied(office.target(), mode="url", url=office.squid.open)
    ctx = Context(deadline=1e12, earlier={"proxy": seen.evidence})
    with pytest.raises(NotApplicable, match="looks the name up"):
        DNS.run(office.target(), DnsOptions(), ctx)
    with pytest.raises(NotApplicable, match="makes the connection"):
        TCP.run(office.target(), TcpOptions(), ctx)


def test_what_the_proxy_says_of_the_target_names_the_proxy(office: Office) -> None:
    """The sentence stands alone in the report and in the ticket: it must say who is refused."""
    closed = Target(id="web", url="http://127.0.0.1:9", scheme="http", host="127.0.0.1", port=9)
    seen = proxied(closed, mode="url", url=office.squid.open)
    ctx = Context(deadline=1e12, earlier={"proxy": seen.evidence})

    with pytest.raises(TargetFailed) as told:
        TCP.run(closed, TcpOptions(), ctx)

    assert (told.value.code, told.value.reason) == ("tcp.reach", "refused")
    assert told.value.detail == f"the proxy {office.squid.open} is refused by it"


def test_a_silent_target_behind_a_proxy_that_lives_is_dropped(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Squid waits a minute for a silent server; it answers a question about itself at once."""
    monkeypatch.setattr("ccpor_checks.proxy.look.ANSWER_S", 0.5)
    monkeypatch.setattr("ccpor_checks.proxy.look.DIRECT_S", 0.3)
    with black_hole() as port:
        silent = Target(
            id="web", url=f"https://127.0.0.1:{port}", scheme="https", host="127.0.0.1", port=port
        )
        seen = proxied(silent, mode="url", url=office.squid.open)

    assert seen.failed == set()
    assert (seen.evidence.silence, seen.evidence.direct) == ("target", "dropped")
    assert seen.evidence.unreached_code == "tcp.reach"
    assert seen.evidence.unreached_reason == "dropped"


def test_stored_evidence_of_another_proxy_proves_nothing(office: Office) -> None:
    """`judge` with another profile must not clear a proxy that nobody looked at."""
    seen = proxied(office.target(), mode="url", url=office.squid.open).evidence
    setting = Setting(observed_at=datetime.now(UTC))
    others = [
        ProxyOptions(mode="direct"),
        ProxyOptions(mode="system"),
        ProxyOptions(mode="url", url=DEAD),
        ProxyOptions(mode="pac", pac_url="http://p/x.pac"),
    ]
    for options in others:
        for rule in CHECK.rules:
            assert rule.judge(seen, options, setting).status is Status.ERROR

    same = ProxyOptions(mode="url", url=office.squid.open + "/")
    assert CHECK.rules[1].judge(seen, same, setting).status is Status.PASS


def test_the_reasons_are_those_of_the_catalogue() -> None:
    for rule in CHECK.rules:
        assert set(rule.reasons) == set(catalogue()[rule.code].reasons)
