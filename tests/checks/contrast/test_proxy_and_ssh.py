"""Through a real proxy, and with a real SSH server beyond a line that loses what does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccpor_checks.base import Target
from ccpor_checks.contrast import Question
from ccpor_reporting.contrasts import UNKNOWN, WORKS, Contrast, Walk
from tests.agent.program import listening
from tests.checks.contrast.conftest import found
from tests.peers import free_port
from tests.peers.fault_http import fault_http
from tests.peers.fault_tls import closes_at_accept, mute, serving
from tests.peers.squid import Squid, squid
from tests.peers.sshd import sshd


@pytest.fixture(scope="module")
def proxies() -> Iterator[Squid]:
    with squid() as running:
        yield running


def target(scheme: str, port: int) -> Target:
    return Target(
        id="t", url=f"{scheme}://127.0.0.2:{port}/", scheme=scheme, host="127.0.0.2", port=port
    )


def through(on: Target) -> Contrast | Walk | None:
    return found(Question(kind="through-proxy", what=on.url, target=on, seconds=5.0))


def outcome(on: Target) -> str:
    contrast = through(on)
    assert isinstance(contrast, Contrast)
    return contrast.outcome


def test_the_systems_proxy_lets_the_target_pass(
    proxies: Squid, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "Proxy needed but not set in the profile" begins with this."""
    monkeypatch.setenv("HTTPS_PROXY", proxies.open)
    monkeypatch.setenv("http_proxy", proxies.open)
    with listening() as port:
        contrast = through(Target(id="t", url="x", scheme="https", host="localhost", port=port))
    with fault_http() as server:
        plain = Target(
            id="t", url="x", scheme="http", host="localhost", port=server.port, path="/ok"
        )
        assert outcome(plain) == WORKS

    assert isinstance(contrast, Contrast)
    assert (contrast.outcome, contrast.detail) == (
        WORKS,
        f"the proxy {proxies.open} of this workstation's settings",
    )


def test_a_proxy_may_say_no_or_ask_who_we_are_or_fail_itself(
    proxies: Squid, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of these is a way to the target."""
    closed = f"http://127.0.0.1:{free_port()}"
    expected = {
        proxies.only_443: "denied",
        proxies.basic: "authentication-required",
        closed: "refused",
    }

    def at(proxy: str, port: int) -> str:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        return outcome(target("https", port))

    with listening() as port:
        assert {proxy: at(proxy, port) for proxy in expected} == expected
    assert at(proxies.open, free_port()) == "refused"


def test_without_a_proxy_there_is_nothing_to_compare() -> None:
    assert through(target("https", 443)) is None


def test_a_proxy_of_another_kind_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")

    assert outcome(target("https", 443)) == UNKNOWN


def ssh(port: int) -> Contrast:
    on = Target(id="s", url="ssh://x", scheme="ssh", host="127.0.0.1", port=port)
    contrast = found(
        Question(
            kind="small-segments",
            what="segments",
            addresses=("127.0.0.1",),
            port=port,
            target=on,
            check="ssh",
            seconds=2.0,
        )
    )
    assert isinstance(contrast, Contrast)
    return contrast


def test_keys_are_exchanged_with_a_real_server(tmp_path: Path) -> None:
    """It works either way here: nothing is proven, and that is the healthy answer."""
    with sshd(tmp_path) as server:
        contrast = ssh(server.port)

    assert (contrast.outcome, contrast.detail) == (
        UNKNOWN,
        "usual segments worked, too, this time",
    )


def test_an_ssh_server_that_is_at_fault_itself_stays_so() -> None:
    with serving(mute) as port:
        assert ssh(port).outcome == "timeout"
    with serving(closes_at_accept) as port:
        assert ssh(port).outcome == "closed"
