"""TLS and HTTP through a proxy: tunnels, pages passed on, and a proxy that opens TLS."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ccpor_checks.base import Context, Target
from ccpor_checks.http import CHECK as HTTP
from ccpor_checks.http.exchange import Exchange, Request, following
from ccpor_checks.proxy import ProxyOptions
from ccpor_checks.tls import CHECK as TLS
from ccpor_checks.tls import TlsOptions
from ccpor_checks.tls.fetch import fetch
from ccpor_reporting.model import Status
from tests.agent.program import ccpor
from tests.checks.looking import Looked, looked
from tests.checks.proxy.conftest import DEAD, Office, proxied
from tests.peers import free_port, wait_until
from tests.peers.fault_http import fault_http
from tests.peers.squid import ACCOUNT


def through(
    office: Office,
    check: Any,
    target: Target,
    url: str,
    *,
    trusts: str = "root.crt",
    **options: Any,
) -> Looked:
    """Look at *target* by *check* behind what the proxy check saw of the proxy at *url*."""
    account = {"username": ACCOUNT[0], "password_file": "password.txt"}
    (office.folder / "password.txt").write_text(ACCOUNT[1])
    proxy = proxied(target, base_dir=office.folder, mode="url", url=url, **account)
    assert proxy.failed == set()
    aimed = replace(
        target,
        options={
            "proxy": ProxyOptions(mode="url", url=url, **account),
            "tls": TlsOptions(ca_file=trusts),
        },
    )
    wanted = {"ca_file": trusts, **options} if check is TLS else options
    return looked(check, aimed, wanted, earlier={"proxy": proxy.evidence}, base_dir=office.folder)


@pytest.mark.parametrize("proxy", ["open", "basic", "digest"])
def test_tls_shakes_hands_through_the_tunnel(office: Office, proxy: str) -> None:
    """The chain is the target's own; it is the one seen past the proxy, too."""
    url = getattr(office.squid, proxy)
    seen = through(office, TLS, office.target(), url)

    assert seen.statuses == {Status.PASS}
    assert seen.evidence.via == url
    assert seen.evidence.direct_verify_code == 0
    assert seen.evidence.direct_chain[0].spki_sha256 == seen.evidence.chain[0].spki_sha256


@pytest.mark.parametrize("name", ["https", "http"])
@pytest.mark.parametrize("proxy", ["open", "basic", "digest"])
def test_a_page_comes_through_the_proxy(office: Office, proxy: str, name: str) -> None:
    """In a tunnel for https; for http the proxy passes the request on."""
    seen = through(
        office, HTTP, office.target(name), getattr(office.squid, proxy), contains="CCPOR"
    )

    assert seen.statuses == {Status.PASS}
    assert seen.evidence.status == 200
    assert ACCOUNT[1] not in repr(seen)


@pytest.mark.parametrize("proxy", ["open", "basic", "digest"])
def test_an_upload_goes_through_the_proxy(office: Office, proxy: str) -> None:
    """Passed on whole, also where the first 407 came in the middle of it."""
    with fault_http() as server:
        target = replace(office.target("http", path="/ok"), port=server.port)
        seen = through(office, HTTP, target, getattr(office.squid, proxy), upload_kb=300)

    assert seen.statuses == {Status.PASS}
    assert seen.evidence.upload.sent_bytes == 300_000
    assert server.asked[-1].field("via") is not None
    assert server.asked[-1].field("proxy-authorization") is None


def test_what_the_proxy_alone_forbids_reads_as_its_status(office: Office) -> None:
    """A page that is forbidden while another address of the same host was let through."""
    url = office.squid.only_443
    proxy = proxied(office.target("http"), mode="url", url=url)
    seen = looked(
        HTTP,
        office.target("http", path="/forbidden"),
        earlier={"proxy": proxy.evidence},
    )

    assert seen.failed == {"http.status/unexpected-status"}
    assert seen.evidence.status == 403


def test_the_tunnel_ends_with_the_deadline(office: Office) -> None:
    """A proxy that stops answering between two checks must not hold the run."""
    proxy = proxied(office.target(), mode="url", url=office.squid.open)
    aimed = replace(office.target(), host="localhost", port=free_port())
    begun = time.monotonic()
    seen = looked(
        TLS, office.target(), {"timeout_s": 1}, earlier={"proxy": proxy.evidence}, seconds=2
    )
    assert seen.evidence is not None
    with pytest.raises(Exception, match="proxy"):
        looked(TLS, aimed, {"timeout_s": 1}, earlier={"proxy": proxy.evidence}, seconds=2)
    assert time.monotonic() - begun < 20


# --- a proxy that opens TLS ------------------------------------------------------------------


def test_a_trusted_chain_that_differs_past_the_proxy_is_intercepted(office: Office) -> None:
    """No pin and no known product: the two paths side by side give it away."""
    seen = through(office, TLS, office.target(), office.squid.bumping, trusts="both.crt")

    assert seen.failed == {"tls.trust/intercepted"}
    finding = seen.findings["tls.trust"]
    assert "Other Root" in finding.observed["issuer"]
    assert "Court Root" in finding.summary


def test_an_untrusted_chain_stays_an_unknown_issuer_and_says_who_opens_it(office: Office) -> None:
    seen = through(office, TLS, office.target(), office.squid.bumping)

    assert seen.failed == {"tls.trust/unknown-issuer"}
    assert "so the proxy opens TLS" in seen.findings["tls.trust"].summary


def test_a_pin_that_matches_clears_the_proxy(office: Office) -> None:
    """The profile says whose key it wants; then the comparison has nothing to add."""
    plain = through(office, TLS, office.target(), office.squid.open)
    pin = plain.evidence.chain[0].spki_sha256

    assert through(office, TLS, office.target(), office.squid.open, pins=[pin]).failed == set()
    opened = through(
        office, TLS, office.target(), office.squid.bumping, trusts="both.crt", pins=[pin]
    )
    assert opened.failed == {"tls.trust/intercepted"}


def test_without_a_way_past_the_proxy_nothing_is_compared(office: Office) -> None:
    """Where the firewall lets nothing out but the proxy, a trusted chain is all there is."""
    proxy = proxied(office.target(), mode="url", url=office.squid.bumping)
    alone = msgspec.structs.replace(proxy.evidence, direct="dropped", direct_address=None)
    aimed = replace(office.target(), options={"tls": TlsOptions(ca_file="both.crt")})
    seen = looked(
        TLS, aimed, {"ca_file": "both.crt"}, earlier={"proxy": alone}, base_dir=office.folder
    )

    assert seen.failed == set()
    assert (seen.evidence.via, seen.evidence.direct_chain) == (office.squid.bumping, ())


def test_revocation_is_asked_through_the_proxy(office: Office) -> None:
    """A network that lets out nothing but its proxy would leave every answer out of reach."""
    proxy = proxied(office.target(), mode="url", url=office.squid.open)
    ctx = Context(deadline=time.monotonic() + 10, earlier={"proxy": proxy.evidence})
    url = f"{office.pac}/open.pac"

    assert fetch(url, ctx, time.monotonic() + 5) == str(office.files["/open.pac"]).encode()
    wait_until(lambda: url in office.squid.log.read_text(), "the proxy's log")


def test_the_proxys_account_is_not_told_to_where_a_redirect_leads(office: Office) -> None:
    """From http, which the proxy reads, into a tunnel, which it must not."""
    first = Request(method="GET", url="http://localhost/", headers={})
    exchange = Exchange(request=first, by_proxy=True, proxy_authorization="Basic c2VjcmV0")

    assert b"Basic c2VjcmV0" in exchange.request.head(
        by_proxy=True, proxy_authorization=exchange.proxy_authorization
    )
    assert b"Basic" not in following(first, 301, "https://localhost/").head()
    assert "c2VjcmV0" not in repr(exchange)


# --- whole runs ------------------------------------------------------------------------------


def run(office: Office, tmp_path: Path, proxy: str, port: int | None = None) -> dict[str, Any]:
    profile = tmp_path / "court.toml"
    (tmp_path / "root.crt").write_bytes((office.folder / "root.crt").read_bytes())
    profile.write_text(
        'schema = "ccpor-profile/1"\ntitle = "t"\nversion = 1\n'
        '[location]\ncourt = "ca-sonoma"\nname = "santa-rosa"\nrole = "clerk"\n'
        '[[target]]\nid = "web"\ntitle = "Web"\nwhy = "it is needed"\nowner = "datacenter"\n'
        f'url = "https://localhost:{port or office.ports["https"]}/"\n'
        f"[target.proxy]\n{proxy}\n"
        '[target.tls]\nca_file = "root.crt"\n[target.http]\ncontains = "CCPOR"\n'
    )
    ran = ccpor("run", "--profile", profile, "--no-upload", "--json")
    told: dict[str, Any] = json.loads(ran.stdout)
    return {
        "verdict": told["verdict"],
        "statuses": {f["code"]: f["status"] for f in told["findings"]},
        "causes": [cause["fault"] for cause in told["causes"]],
        "exit": ran.returncode,
    }


def test_a_run_through_a_proxy_is_ready(office: Office, tmp_path: Path) -> None:
    """Name and port are the proxy's affair; everything that matters is proven through it."""
    told = run(office, tmp_path, f'mode = "url"\nurl = "{office.squid.open}"')

    assert (told["verdict"], told["exit"], told["causes"]) == ("ready", 0, [])
    applies = {code: status for code, status in told["statuses"].items() if status != "pass"}
    assert {code.partition(".")[0] for code in applies} == {"dns", "tcp"}
    assert set(applies.values()) == {"not-applicable"}


def test_a_dead_proxy_is_the_one_cause_of_a_run(office: Office, tmp_path: Path) -> None:
    told = run(office, tmp_path, f'mode = "url"\nurl = "{DEAD}"')

    assert (told["verdict"], told["exit"]) == ("not-ready", 1)
    assert told["causes"] == ["proxy.reach/refused"]
    assert told["statuses"]["http.answer"] == "skip"


def test_a_closed_port_behind_a_proxy_is_the_targets(office: Office, tmp_path: Path) -> None:
    told = run(office, tmp_path, f'mode = "url"\nurl = "{office.squid.open}"', free_port())

    assert told["causes"] == ["tcp.reach/refused"]
    assert told["statuses"]["proxy.access"] == "pass"


def test_a_run_without_a_proxy_in_the_system_is_a_direct_one(
    office: Office, tmp_path: Path
) -> None:
    """`[target.proxy]` with nothing below it: as this workstation's own programs."""
    told = run(office, tmp_path, "")

    assert (told["verdict"], told["causes"]) == ("ready", [])
    assert told["statuses"]["tcp.reach"] == "pass"
    assert told["statuses"]["proxy.reach"] == "not-applicable"


@pytest.mark.parametrize(
    ("options", "contacts"),
    [
        ('mode = "url"\nurl = "http://p.test:1"', "the proxy http://p.test:1 about web.test:443"),
        (
            'mode = "pac"\npac_url = "http://p.test/x.pac"',
            "http://p.test/x.pac and the proxy it names about web.test:443",
        ),
        ("", "the proxy of this workstation's settings, if there is one, about web.test:443"),
    ],
)
def test_the_plan_says_which_proxy_will_be_asked(
    tmp_path: Path, options: str, contacts: str
) -> None:
    """A network owner must see beforehand whom a run talks to."""
    (tmp_path / "p.toml").write_text(
        'schema = "ccpor-profile/1"\n[[target]]\nid = "web"\nurl = "https://web.test/"\n'
        f"[target.proxy]\n{options}\n"
    )
    told = json.loads(ccpor("plan", "--profile", tmp_path / "p.toml", "--json").stdout)

    assert [s["contacts"] for s in told["steps"] if s["check"] == "proxy"] == [contacts]


def test_a_check_left_behind_closes_its_tunnel(office: Office) -> None:
    """The engine's closers reach the socket inside the tunnel."""
    from ccpor_checks.kit.connect import open_connection

    proxy = proxied(office.target(), mode="url", url=office.squid.open)
    ctx = Context(deadline=time.monotonic() + 10, earlier={"proxy": proxy.evidence})
    with open_connection(office.target(), ctx, 5) as sock:
        ctx.abandon()
        assert sock.recv(1) == b""
