"""Orders and echoes through a real squid: passed on, in a tunnel, and behind a sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ccpor_checks.base import Target
from ccpor_checks.gateway import CHECK as GATEWAY
from ccpor_checks.order import CHECK as ORDER
from ccpor_checks.proxy import CHECK as PROXY
from ccpor_checks.proxy import ProxyOptions
from ccpor_checks.tls.evidence import TlsOptions
from ccpor_reporting.model import Status
from tests.checks.looking import looked
from tests.peers.certificates import authority, leaf, write
from tests.peers.order_server import OrderServer, order_server
from tests.peers.squid import ACCOUNT, Squid, squid

Services = dict[str, OrderServer]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("proxied")
    (made / "password.txt").write_text(ACCOUNT[1])
    return made


@pytest.fixture(scope="module")
def services(folder: Path) -> Iterator[Services]:
    ca = authority("Order Root")
    (folder / "ca.pem").write_bytes(ca.pem)
    files = write(folder, "orders", leaf(ca, names=("127.0.0.1",)))
    with order_server() as plain, order_server(files) as secure:
        yield {"http": plain, "https": secure}


@pytest.fixture(scope="module")
def proxies() -> Iterator[Squid]:
    with squid() as running:
        yield running


def through(
    check: Any, url: str, service: OrderServer, scheme: str, path: str, folder: Path
) -> Any:
    options = ProxyOptions(mode="url", url=url, username=ACCOUNT[0], password_file="password.txt")
    target = Target(
        id="t",
        url=f"{scheme}://127.0.0.1:{service.port}{path}",
        scheme=scheme,
        host="127.0.0.1",
        port=service.port,
        path=path,
        options={"proxy": options, "tls": TlsOptions(ca_file="ca.pem")},
    )
    seen = looked(PROXY, target, msgspec.to_builtins(options), base_dir=folder)
    assert seen.failed == set()
    return looked(
        check,
        target,
        {"kb_per_page": 5} if check is ORDER else {"echoes": 3},
        earlier={"proxy": seen.evidence},
        base_dir=folder,
    )


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", ["open", "basic", "digest"])
def test_an_order_goes_and_comes_back_through_the_proxy(
    proxies: Squid, services: Services, folder: Path, scheme: str, name: str
) -> None:
    """Sent, fetched and deleted: each of the three requests signs in where it must."""
    service = services[scheme]
    seen = through(ORDER, getattr(proxies, name), service, scheme, "/located", folder)

    assert seen.statuses == {Status.PASS}
    assert (seen.evidence.readback.by, seen.evidence.deleted_status) == ("location", 204)
    assert [method for method, _ in service.asked[-3:]] == ["POST", "GET", "DELETE"]
    assert ("via" in service.headers[-1]) == (scheme == "http")
    assert "proxy-authorization" not in service.headers[-1]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_echoes_go_through_the_proxy(
    proxies: Squid, services: Services, folder: Path, scheme: str
) -> None:
    """A gateway is often reached by the court's proxy only."""
    seen = through(GATEWAY, proxies.digest, services[scheme], scheme, "/echo", folder)

    assert seen.findings["gateway.echo"].status is Status.PASS


def test_both_wait_for_the_proxy_that_their_target_goes_through() -> None:
    """Without it the order would go straight, and the report would be about another way."""
    assert "proxy" in ORDER.needs
    assert "proxy" in GATEWAY.needs
