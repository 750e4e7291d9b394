"""The file that chooses the proxy: read, asked, broken, endless; and several proxies in a row."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.proxy import pac
from ccpor_checks.proxy.pac_child import evaluate
from ccpor_checks.proxy.settings import Environment, Settings
from ccpor_checks.tls import TlsOptions
from ccpor_reporting.model import Severity, Status
from tests.checks.proxy.conftest import DEAD, LOOP, Office, proxied
from tests.peers.pac import always

REACH, ACCESS, PAC = "proxy.reach", "proxy.access", "proxy.pac"


class Own(Environment):
    """A workstation with settings of the test's own."""

    def __init__(self, *found: Settings, suffixes: tuple[str, ...] = ()) -> None:
        super().__init__({})
        self._found, self._suffixes = found, suffixes

    def settings(self) -> tuple[Settings, ...]:
        return self._found

    def suffixes(self) -> tuple[str, ...]:
        return self._suffixes


@pytest.mark.parametrize("name", ["open", "by-host", "with-mark"])
def test_a_sound_file_is_asked_and_its_proxy_used(office: Office, name: str) -> None:
    seen = proxied(office.target(), mode="pac", pac_url=f"{office.pac}/{name}.pac")

    assert seen.statuses == {Status.PASS}
    assert set(seen.findings) == {REACH, ACCESS, PAC}
    assert (seen.evidence.source, seen.evidence.via) == ("pac", office.squid.open)
    assert seen.evidence.pac_answer.startswith("PROXY ")
    assert len(seen.evidence.pac_sha256) == 64


def test_a_file_may_say_direct(office: Office) -> None:
    seen = proxied(office.target(), mode="pac", pac_url=f"{office.pac}/direct.pac")

    assert seen.evidence.via is None
    assert {code: f.status for code, f in seen.findings.items()} == {
        PAC: Status.PASS,
        REACH: Status.NOT_APPLICABLE,
        ACCESS: Status.NOT_APPLICABLE,
    }


def test_a_dead_proxy_is_passed_over_for_the_next_and_told(office: Office) -> None:
    """As browsers do; nobody should wonder later why the first one is never used."""
    seen = proxied(office.target(), mode="pac", pac_url=f"{office.pac}/dead-first.pac")

    assert seen.failed == set()
    assert seen.evidence.via == office.squid.open
    assert f"{DEAD} before it refuses the connection" in seen.findings[REACH].summary


def test_where_every_proxy_is_dead_direct_is_the_last_resort(office: Office) -> None:
    seen = proxied(office.target(), mode="pac", pac_url=f"{office.pac}/dead-then-direct.pac")

    assert seen.failed == set()
    assert seen.evidence.via is None
    assert "directly" in seen.findings[REACH].summary
    assert DEAD in seen.findings[REACH].summary


def test_a_list_of_dead_proxies_is_refused(office: Office) -> None:
    seen = proxied(office.target(), mode="pac", pac_url=f"{office.pac}/all-dead.pac")

    assert seen.failed == {"proxy.reach/refused"}
    assert len(seen.evidence.tried) == 2


def test_socks_is_passed_over_where_an_http_proxy_follows(office: Office) -> None:
    seen = proxied(office.target(), mode="pac", pac_url=f"{office.pac}/socks-first.pac")
    assert (seen.failed, seen.evidence.via) == (set(), office.squid.open)
    assert len(seen.evidence.passed_over) == 1

    with pytest.raises(CannotObserve, match="SOCKS"):
        proxied(office.target(), mode="pac", pac_url=f"{office.pac}/socks.pac")


@pytest.mark.parametrize("url", ["{pac}/missing.pac", DEAD + "/x.pac", "http://no.invalid/x.pac"])
def test_a_file_that_is_not_to_be_had_is_unavailable(office: Office, url: str) -> None:
    seen = proxied(office.target(), mode="pac", pac_url=url.format(pac=office.pac))

    assert seen.failed == {"proxy.pac/unavailable"}
    assert seen.findings[REACH].status is seen.findings[ACCESS].status is Status.SKIP
    assert seen.gate == "web/proxy.pac"
    assert seen.findings[PAC].observed == {"pac_url": url.format(pac=office.pac)}


def test_a_file_over_https_is_had_where_its_authority_is_trusted(office: Office) -> None:
    """The court's own authority, named for the target, signs the court's own servers too."""
    url = f"https://localhost:{office.ports['https']}/direct.pac"
    trusting = replace(office.target(), options={"tls": TlsOptions(ca_file="root.crt")})

    seen = proxied(trusting, base_dir=office.folder, mode="pac", pac_url=url)
    assert seen.findings[PAC].status is Status.PASS
    assert proxied(office.target(), mode="pac", pac_url=url).failed == {"proxy.pac/unavailable"}


BROKEN = {
    "no-script": "<html>Not found</html>",
    "no-function": "var x = 1;",
    "raises": "function FindProxyForURL(url, host) { return nobody.knows; }",
    "no-text": "function FindProxyForURL(url, host) { return 17; }",
    "nothing": "function FindProxyForURL(url, host) {}",
    "empty": always(""),
    "nonsense": always("GOAT a:1"),
    "no-port": always("PROXY a:x"),
    "huge": "// " + "x" * 1_100_000,
    "deep": "function FindProxyForURL(url, host) { return FindProxyForURL(url, host); }",
}


@pytest.mark.parametrize("name", sorted(set(BROKEN) - {"huge"}))
def test_a_file_that_cannot_be_understood_names_no_proxy(name: str) -> None:
    """Each way to be broken; in this process, which the next test does not do."""
    said = evaluate(BROKEN[name], "https://localhost/", "localhost")

    if "answer" in said:
        with pytest.raises(pac.PacFault) as caught:
            pac.read_answer(str(said["answer"]))
        assert caught.value.reason == "invalid"
    else:
        assert said["error"]


@pytest.mark.parametrize("name", ["no-script", "nonsense", "huge"])
def test_a_file_that_cannot_be_understood_is_invalid(office: Office, name: str) -> None:
    office.files[f"/{name}"] = BROKEN[name]
    seen = proxied(office.target(), mode="pac", pac_url=f"{office.pac}/{name}")

    assert seen.failed == {"proxy.pac/invalid"}
    assert seen.evidence.pac_sha256 or name == "huge"


def test_a_file_that_never_ends_costs_its_deadline_and_not_the_run(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loop holds the interpreter's lock for ever: only a process of its own can be ended."""
    monkeypatch.setattr("ccpor_checks.proxy.pac.RUN_S", 1.0)
    office.files["/loop.pac"] = LOOP
    seen = proxied(office.target(), mode="pac", pac_url=f"{office.pac}/loop.pac")

    assert seen.failed == {"proxy.pac/invalid"}
    assert "does not come to an end" in seen.findings[PAC].summary


def test_a_file_that_eats_the_memory_ends_alone(office: Office) -> None:
    office.files["/eats.pac"] = (
        'function FindProxyForURL(url, host) { var a = ["x"];'
        " while (true) a.push(a.join('') + 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'); }"
    )
    seen = proxied(office.target(), mode="pac", pac_url=f"{office.pac}/eats.pac")

    assert seen.failed == {"proxy.pac/invalid"}


def test_giving_the_check_up_ends_the_file_too(office: Office) -> None:
    office.files["/loop.pac"] = LOOP
    ctx = Context(deadline=time.monotonic() + 0.5)
    with pytest.raises(pac.PacFault, match="end"):
        pac.run(LOOP.encode(), office.target(), ctx)


def test_a_file_reads_nothing_of_this_workstation(tmp_path: Path) -> None:
    """It may come from whoever answers for the name wpad, and its answer goes into the report."""
    secret = tmp_path / "secret.js"
    secret.write_text("module.exports = 'geheim-4711'; geheim4711")
    target = Target(id="t", url="https://a.example/", scheme="https", host="a.example", port=443)
    asks = (
        "require(PLACE)",
        "call_python('dukpy.load_module', PLACE)[1]",
        "call_python('dukpy.normalize_module', '', PLACE)",
        "process.env.PATH",
    )
    for ask in asks:
        script = f"function FindProxyForURL(url, host) {{ return 'PROXY ' + {ask}; }}"
        script = script.replace("PLACE", json.dumps(str(secret.with_suffix(""))))
        context = Context(deadline=time.monotonic() + 20)
        try:
            said = pac.run(script.encode(), target, context)
        except pac.PacFault as exc:
            said = exc.detail
        assert "geheim" not in said
        assert "secret.js" not in said
        assert "/bin" not in said


def test_half_a_letter_in_the_answer_is_no_proxy() -> None:
    """It could be written into no report."""
    with pytest.raises(pac.PacFault):
        pac.read_answer("PROXY \ud800:3128; PROXY a\x1b[2J:1")


def test_no_account_and_no_query_is_kept() -> None:
    assert pac.shown("http://u:geheim@h/wpad.dat?token=geheim#x") == "http://h/wpad.dat"
    kept = pac.without_accounts("PROXY u:geheim@h:1; SOCKS5 socks://u:geheim@h:2; DIRECT")
    assert kept == "PROXY h:1; SOCKS5 socks://h:2; DIRECT"


def test_what_the_file_sees_is_what_a_browser_shows_it(office: Office) -> None:
    """Of https the host alone, of http the whole URL: rules by path would differ otherwise."""
    says = "function FindProxyForURL(url, host) { return url + ' ' + host; }"
    ctx = Context(deadline=time.monotonic() + 20)
    secure = replace(office.target(path="/secret?x=1"), port=443)
    plain = replace(office.target("http", path="/a?b=1"), port=8080)

    assert pac.run(says.encode(), secure, ctx) == "https://localhost/ localhost"
    assert pac.run(says.encode(), plain, ctx) == "http://localhost:8080/a?b=1 localhost"


# --- the workstation's own settings ----------------------------------------------------------


def test_a_broken_file_of_the_system_is_a_warning_beside_what_works(office: Office) -> None:
    """Browsers go on without it, slower; so does the run."""
    own = Own(
        Settings(
            source="user-settings",
            pac_url=f"{office.pac}/missing.pac",
            proxies={"*": office.squid.open},
        )
    )
    seen = proxied(office.target(), system=own, mode="system")

    assert seen.failed == {"proxy.pac/unavailable"}
    assert seen.findings[PAC].severity is Severity.WARNING
    assert (seen.gate, seen.evidence.via) == (None, office.squid.open)
    assert seen.findings[ACCESS].status is Status.PASS


def test_a_file_of_the_system_comes_before_its_fixed_proxy(office: Office) -> None:
    own = Own(
        Settings(source="user-settings", pac_url=f"{office.pac}/open.pac", proxies={"*": DEAD})
    )
    seen = proxied(office.target(), system=own, mode="system")

    assert (seen.failed, seen.evidence.via) == (set(), office.squid.open)
    assert proxied(office.target(), system=own, mode="pac").evidence.via == office.squid.open


def test_nobody_offering_a_file_is_no_fault_where_it_is_only_looked_for(office: Office) -> None:
    """Auto-detect is on by default in Windows, and most networks answer nothing."""
    own = Own(Settings(source="user-settings", detect=True), suffixes=("court.invalid",))
    seen = proxied(office.target(), system=own, mode="system")

    assert seen.statuses == {Status.NOT_APPLICABLE}


def test_a_file_that_the_profile_wants_found_and_nobody_offers_is_unavailable(
    office: Office,
) -> None:
    seen = proxied(office.target(), system=Own(suffixes=("court.invalid",)), mode="pac")

    assert seen.failed == {"proxy.pac/unavailable"}


def test_names_for_discovery_never_leave_the_organisation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """wpad.com is somebody else's machine."""
    asked: list[str] = []
    monkeypatch.setattr(pac, "resolve", lambda host, _seconds: asked.append(host))
    ctx = Context(deadline=time.monotonic() + 5)

    urls = pac.wpad_urls(("sonoma.courts.example.com", "example.com"), ctx)

    assert asked == ["wpad.sonoma.courts.example.com", "wpad.courts.example.com"]
    assert urls == tuple(f"http://{name}/wpad.dat" for name in asked)
    assert pac.wpad_urls(("com", "co.uk"), ctx) == ()
