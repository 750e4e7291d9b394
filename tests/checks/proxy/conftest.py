"""Real squids before real web servers, and a server of PAC files; once for all tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ccpor_checks.base import Context, Target
from ccpor_checks.proxy import CHECK, ProxyOptions
from ccpor_checks.proxy.look import look
from ccpor_checks.proxy.settings import Environment, System
from tests.checks.looking import Looked, looked
from tests.peers.certificates import Issued, authority, leaf, write
from tests.peers.nginx import Endpoint, nginx
from tests.peers.pac import always, pac_server
from tests.peers.squid import Squid, squid

DEAD = "http://127.0.0.1:9"  # the discard port: nobody listens
PAGE = "location / { return 200 'CCPOR\\n'; }"
SECURE_PAC = f"location /direct.pac {{ return 200 '{always('DIRECT')}'; }}"
LOOP = "function FindProxyForURL(url, host) { while (true) {} }"


@dataclass(frozen=True)
class Office:
    """What the tests share. ports: of the web servers by name; ca: their authority's file."""

    squid: Squid
    ports: Mapping[str, int]
    folder: Path
    root: Issued
    rogue: Issued
    pac: str
    files: dict[str, str | bytes]

    def target(self, name: str = "https", *, host: str = "localhost", path: str = "/") -> Target:
        scheme = "http" if name.startswith("http-") or name == "http" else "https"
        port = self.ports[name]
        return Target(
            id="web",
            url=f"{scheme}://{host}:{port}{path}",
            scheme=scheme,
            host=host,
            port=port,
            path=path,
        )


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("proxied")
    root, rogue = authority("Court Root"), authority("Other Root", organization="Elsewhere")
    good = write(folder, "good", leaf(root))
    write(folder, "root", root)
    write(folder, "both", root, rogue)
    signer = write(folder, "signer", rogue)
    forbids = ["location / { return 403 'no'; }"]
    ends = [
        Endpoint(name="https", files=good, body=[PAGE, SECURE_PAC]),
        Endpoint(name="http", body=[PAGE]),
        Endpoint(name="http-forbids", body=forbids),
    ]
    files: dict[str, str | bytes] = {}
    with (
        nginx(ends, tmp_path_factory.mktemp("nginx")) as ports,
        squid(signer=signer, trusts=folder / "root.crt") as proxies,
        pac_server(files) as pac,
    ):
        first = proxies.open.removeprefix("http://")
        dead = DEAD.removeprefix("http://")
        files |= {
            "/open.pac": always(f"PROXY {first}"),
            "/direct.pac": always("DIRECT"),
            "/dead-first.pac": always(f"PROXY {dead}; PROXY {first}; DIRECT"),
            "/dead-then-direct.pac": always(f"PROXY {dead}; DIRECT"),
            "/all-dead.pac": always(f"PROXY {dead}; PROXY {dead}1"),
            "/by-host.pac": 'function FindProxyForURL(url, host) { if (dnsDomainIs(host, "localhost")'
            f' && shExpMatch(url, "https://*/")) return "PROXY {first}"; return "DIRECT"; }}',
            "/socks.pac": always(f"SOCKS {dead}"),
            "/socks-first.pac": always(f"SOCKS5 {dead}; PROXY {first}"),
            "/with-mark.pac": b"\xef\xbb\xbf" + always(f"PROXY {first}").encode(),
        }
        yield Office(proxies, ports, folder, root, rogue, pac, files)


def proxied(
    target: Target,
    *,
    system: System | None = None,
    base_dir: Path | None = None,
    seconds: float = 35.0,
    **options: Any,
) -> Looked:
    """Look at the proxy of *target* and judge; without *system* no setting of this machine counts."""
    wanted = msgspec.convert(options, ProxyOptions)
    aimed = with_options(target, wanted)

    def run(target: Target, options: ProxyOptions, ctx: Context) -> Any:
        return look(target, options, ctx, system or Environment({}))

    return looked(CHECK, aimed, options, run=run, base_dir=base_dir, seconds=seconds)


def with_options(target: Target, options: ProxyOptions) -> Target:
    """Return *target* with its proxy options beside those it has, as a profile gives them."""
    return replace(target, options={**target.options, "proxy": options})
