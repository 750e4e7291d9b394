"""The real servers of the lab: what a court finds at the far end when all is well, and one variant for each fault.

The lasting ones (nginx, two BIND, chronyd, sshd) start with the network and serve many faults; the others start when
a fault first asks for them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from string import Template
from typing import Any

from tests.lab import keys
from tests.lab.namespaces import punctual
from tests.lab.network import COURT, DNS, GATEWAY, NTP, PROXY, SSH, WEB, Network, only_one_user
from tests.peers import fault_tls
from tests.peers.certificates import Files
from tests.peers.fake_ntp import FakeNtp, fake_ntp
from tests.peers.fault_dns import fault_dns
from tests.peers.fault_http import fault_http
from tests.peers.nginx import Endpoint, write_configuration
from tests.peers.order_server import order_server

HERE = Path(__file__).parent
COUNTY_DNS = "10.77.2.2"
COUNTY_DNS_2 = "10.77.3.1"
COUNTY_PROXY = "10.77.2.2"
COURT_PROXY = "10.77.1.1"
ZONE: dict[str, list[str]] = {
    "ccpor.lab.test": [WEB],
    "sftp.lab.test": [SSH],
    "time.lab.test": [NTP],
    "proxy.lab.test": [COUNTY_PROXY],
    "court-proxy.lab.test": [COURT_PROXY],
    "gateway.lab.test": [GATEWAY],
    "orders.lab.test": [DNS],
    "both.lab.test": [WEB, "fd77:4::10"],
    "six.lab.test": ["fd77:4::10"],
    "two.lab.test": [WEB, "10.77.4.99"],
    "moved.lab.test": ["10.77.5.77"],
    "text.lab.test": [],
    **{f"app{number:02}.lab.test": [WEB] for number in range(1, 41)},
}
FIRST_PORT = 8400  # of the variants of the web server
PAGE = "CCPOR: California Courts Protective Order Registry, synthetic page of the lab"
PAC = 'function FindProxyForURL(url, host) { return "PROXY proxy.lab.test:3128"; }'
NOBODY = 65534


class Services:
    """The servers of one network. `values` holds what a profile may name as $word."""

    def __init__(self, net: Network, made: Path) -> None:
        self.net, self.made = net, made
        self.folder = net.folder / "served"
        self.folder.mkdir()
        self.stack = ExitStack()
        self.ports = {kind.name: FIRST_PORT + place for place, kind in enumerate(keys.KINDS)}
        self.drop = self.folder / "in"
        self._next_port = 9000
        self._squids: dict[str, float] = {}

    @property
    def values(self) -> dict[str, str]:
        return {
            "made": str(self.made),
            "pin": (self.made / "pin").read_text(),
            "host_key": (self.made / "host-key").read_text(),
            "drop": str(self.drop),
            "folder": str(self.folder),
        }

    def start(self) -> None:
        """Start the lasting servers and wait until each one answers."""
        self._folders()
        waits = [
            self._nginx(),
            self._named("county_edge", COUNTY_DNS, COUNTY_DNS_2),
            self._named("datacenter", DNS),
        ]
        waits += [self._chronyd()] if only_one_user() else [self._chronyd(), self.sshd(22)]
        for node, host in (("gateway", GATEWAY), ("datacenter", DNS)):
            good = Files(self.made / "good.crt", self.made / "good.key")
            self.within(node, order_server(good, host, 443))
        for wait in waits:
            wait()

    def close(self) -> None:
        self.stack.close()

    def port(self) -> int:
        """Return a port that no server of this lab uses yet."""
        self._next_port += 1
        return self._next_port

    def _folders(self) -> None:
        for name, mode in (("in", 0o777), ("locked", 0o555), ("full", 0o777), ("empty", 0o755)):
            (self.folder / name).mkdir()
            (self.folder / name).chmod(mode)
        self.folder.chmod(0o755)
        small = ["-t", "tmpfs", "-o", "size=16k,mode=777", "none", str(self.folder / "full")]
        self.net.run("datacenter", "mount", *small)

    # ---- lasting servers -------------------------------------------------------------------------

    def _nginx(self) -> Callable[[], None]:
        folder = self.folder / "nginx"
        folder.mkdir()
        (folder / "proxy.pac").write_text(PAC)
        (folder / "broken.pac").write_text('function FindProxyForURL(url, host) { return "PROXY')
        shutil.copy(self.made / "revoked.crl", folder / "revoked.crl")
        page = (
            f"location / {{ root {folder}; default_type text/plain; try_files $uri @page; }}",
            f"location @page {{ return 200 '{PAGE}\\n'; }}",
        )
        body = ("client_max_body_size 50m;", "client_body_buffer_size 2m;", *page)
        ends = [Endpoint(name="plain", host=WEB, body=body)]
        ports = [80]
        for kind in keys.KINDS:
            files = Files(self.made / f"{kind.name}.crt", self.made / f"{kind.name}.key")
            ends.append(
                Endpoint(
                    name=kind.name,
                    host=WEB,
                    files=files,
                    protocols=kind.protocols,
                    ciphers=kind.ciphers,
                    body=body,
                )
            )
            ports.append(self.ports[kind.name])
        good = Files(self.made / "good.crt", self.made / "good.key")
        for host in (WEB, PROXY, "[fd77:4::10]"):
            ends.append(Endpoint(name="web", host=host, files=good, body=body))
            ports.append(443)
        ends.append(Endpoint(name="plain6", host="[fd77:4::10]", body=body))
        ports.append(80)
        write_configuration(ends, ports, folder)
        conf = str(folder / "nginx.conf")
        text = (
            Path(conf).read_text().replace("worker_processes 1;", "worker_processes 1;\nuser root;")
        )
        Path(conf).write_text(text)
        self.net.start(
            "datacenter", ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", conf]
        )
        return lambda: self.wait_for("datacenter", WEB, 443)

    def _named(self, node: str, *addresses: str) -> Callable[[], None]:
        folder = self.folder / f"named-{node}"
        folder.mkdir()
        lines = ["$TTL 60", "@ IN SOA ns a 1 60 60 60 60", "@ IN NS ns", f"ns IN A {addresses[0]}"]
        for name, found in ZONE.items():
            label = name.removesuffix(".lab.test")
            lines += [f"{label} IN {'AAAA' if ':' in one else 'A'} {one}" for one in found]
            lines += [] if found else [f'{label} IN TXT "no address here"']
        (folder / "zone").write_text("\n".join([*lines, ""]))
        conf = folder / "named.conf"
        conf.write_text(
            f'options {{ directory "{folder}"; pid-file "{folder}/pid"; session-keyfile "{folder}/key"; lock-file none;\n'
            f"  listen-on {{ {''.join(one + '; ' for one in addresses)}}}; listen-on-v6 {{ none; }}; recursion no;\n"
            "  dnssec-validation no; allow-query { any; }; querylog no; };\ncontrols { };\n"
            f'zone "lab.test" {{ type primary; file "{folder}/zone"; }};\n'
        )
        self.net.start(node, ["named", "-c", str(conf), "-g", "-n", "1"], log=folder / "log")
        return lambda: self._until(
            lambda: _resolves(self.net, node, addresses[0]), f"named at {node}"
        )

    def _chronyd(self) -> Callable[[], None]:
        conf = self.folder / "chrony.conf"
        lines = ["port 123", f"bindaddress {NTP}", "allow all", "cmdport 0", "bindcmdaddress /"]
        conf.write_text(
            "\n".join([*lines, f"pidfile {self.folder}/chronyd.pid", "local stratum 3", ""])
        )
        self.net.start("datacenter", ["chronyd", "-x", "-d", "-U", "-u", "root", "-f", str(conf)])
        return lambda: self._until(lambda: _tells_time(self.net), "chronyd")

    # ---- servers on demand -----------------------------------------------------------------------

    def sshd(self, port: int, options: tuple[str, ...] = ()) -> Callable[[], None]:
        """Start an OpenSSH on *port*; *options* come first, and in sshd_config the first one counts."""
        Path("/run/sshd").mkdir(exist_ok=True)
        conf = self.folder / f"sshd-{port}.conf"
        allowed = self.folder / "authorized_keys"
        shutil.copy(self.made / "ssh-user.pub", allowed)
        words = [Template(each).substitute(self.values) for each in options]
        words += [f"Port {port}", f"ListenAddress {SSH}", f"PidFile {self.folder}/sshd-{port}.pid"]
        words += [
            f"HostKey {self.made}/ssh-host",
            f"AuthorizedKeysFile {allowed}",
            "StrictModes no",
            "UsePAM no",
        ]
        words += [
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "Subsystem sftp internal-sftp",
        ]
        words += ["ForceCommand internal-sftp", "UseDNS no"]
        conf.write_text("\n".join([*words, ""]))
        sshd = shutil.which("sshd", path="/usr/sbin:/sbin:" + os.environ["PATH"]) or "sshd"
        process = self.net.start("datacenter", [sshd, "-D", "-e", "-f", str(conf)])
        if port != 22:
            self.stack.callback(self.net.stop, process)
        return lambda: self.wait_for("datacenter", SSH, port)

    def squid(self, node: str, address: str) -> None:
        """Start a squid at *node* unless it runs: 3128 open, 3129 asks for a password, 3130 denies, 3131 inspects."""
        if node in self._squids:
            return
        folder = self.folder / f"squid-{node}"
        folder.mkdir()
        certificates = folder / "certificates"
        tool = "/usr/lib/squid/security_file_certgen"
        self.net.run(node, tool, "-c", "-s", str(certificates), "-M", "4MB")
        pem = folder / "inspecting.pem"
        pem.write_bytes(
            b"".join((self.made / f"inspecting.{end}").read_bytes() for end in ("crt", "key"))
        )
        (folder / "passwords").write_text("user:$apr1$labpass$U0i2iYpKY4D3pJkYkqG2e/\n")
        text = Template((HERE / "squid.conf").read_text())
        conf = folder / "squid.conf"
        conf.write_text(
            text.substitute(
                folder=folder, address=address, dns=COUNTY_DNS, made=self.made, tool=tool
            )
        )
        self.net.run(node, "chown", "-R", "proxy:proxy", str(folder), check=False)
        process = self.net.start(node, ["squid", "-N", "-f", str(conf)])
        self.stack.callback(self.net.stop, process)
        self.wait_for(node, address, 3128)
        self._squids[node] = time.monotonic()

    def within(
        self, node: str, running: contextlib.AbstractContextManager[Any]
    ) -> Callable[[], None]:
        """Enter *running* inside *node*; return what leaves it again."""
        self.net.inside(node, running.__enter__)
        leave = ExitStack()
        leave.callback(lambda: self.net.inside(node, lambda: running.__exit__(None, None, None)))
        self.stack.push(lambda *_: leave.close())
        return leave.close

    def web_behaviour(
        self, path: str, *, host: str = WEB, encrypted: bool = True
    ) -> tuple[int, Callable[[], None]]:
        """Start a web server with the fault that fault_http has at *path*; return its port and what stops it."""
        context = None
        if encrypted:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.made / "good.crt", self.made / "good.key")
        port = self.port()

        @contextlib.contextmanager
        def running() -> Iterator[None]:
            with fault_http(tls=context, port=port, host=host) as server:
                server.always = path
                server.elsewhere = "http://portal.county.test"
                yield

        return port, self.within("datacenter", running())

    def tls_behaviour(self, name: str, *, host: str = WEB) -> tuple[int, Callable[[], None]]:
        """Start what `TLS_BEHAVIOURS` calls *name*; return its port and what stops it."""
        port = self.port()
        handler = tls_handler(name, self.made)
        return port, self.within("datacenter", fault_tls.serving(handler, host, port))

    def stamp_reflector(self) -> Callable[[], None]:
        """Start the reflector of measurement packets on port 862; return what stops it."""
        program = [sys.executable, "-m", "tests.peers.stamp_reflector", "862"]
        process = self.net.start("datacenter", program)
        punctual(process.pid)
        self._until(lambda: _is_bound(self.net, 862), "the reflector")
        return lambda: self.net.stop(process)

    def ntp_behaviour(self, settings: dict[str, Any]) -> tuple[int, Callable[[], None]]:
        port = self.port()
        said = {**settings, "port": port}
        if "kiss" in said:
            said["kiss"] = str(said["kiss"]).encode()
        if said.pop("silent", False):
            said["answers"] = lambda _nth: False
        return port, self.within("datacenter", fake_ntp(FakeNtp(**said), NTP))

    def dns_behaviour(
        self,
        node: str,
        host: str,
        *,
        faults: dict[str, str],
        zone: dict[str, list[str]],
        over_tcp: str,
    ) -> tuple[int, Callable[[], None]]:
        port = self.port()
        whole = {**ZONE, **zone}
        return port, self.within(
            node,
            fault_dns(port=port, host=host, faults=faults, zone=whole, over_tcp=over_tcp),  # type: ignore[arg-type]
        )

    # ---- waiting ---------------------------------------------------------------------------------

    def wait_for(self, node: str, address: str, port: int) -> None:
        def listens() -> bool:
            with contextlib.suppress(OSError), socket.create_connection((address, port), 0.5):
                return True
            return False

        self._until(lambda: self.net.inside(node, listens), f"{address}:{port}")

    def _until(self, ready: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + 20
        while not ready():
            if time.monotonic() > end:
                raise RuntimeError(f"{what} did not start; see the logs in {self.net.folder}")
            time.sleep(0.03)


def tls_handler(name: str, made: Path) -> fault_tls.Handler:
    """Return what the server of that name does with a connection."""
    good = Files(made / "good.crt", made / "good.key")
    return {
        "closes-at-accept": fault_tls.closes_at_accept,
        "closes-after-hello": fault_tls.closes_after_hello,
        "resets-after-hello": fault_tls.resets_after_hello,
        "mute": fault_tls.mute,
        "not-tls": fault_tls.answers(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        "banner-of-mail": fault_tls.says(b"220 mail.lab.test ESMTP ready\r\n"),
        "old-version-only": fault_tls.alerts(fault_tls.ALERT_PROTOCOL_VERSION),
        "no-cipher": fault_tls.alerts(fault_tls.ALERT_HANDSHAKE_FAILURE),
        "ssl3": fault_tls.chooses(0x0300, 0x0005),
        "wants-client-certificate": fault_tls.tls(good, client_authority=made / "client-ca.pem"),
    }[name]


def _is_bound(net: Network, port: int) -> bool:
    """Whether somebody holds that UDP port in the datacenter."""

    def bound() -> bool:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("::", port))
            except OSError:
                return True
        return False

    return net.inside("datacenter", bound)


def _resolves(net: Network, node: str, address: str) -> bool:
    query = b"\x00\x07\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05ccpor\x03lab\x04test\x00\x00\x01\x00\x01"

    def ask() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.settimeout(0.3)
            with contextlib.suppress(OSError):
                wire.connect((address, 53))
                wire.send(query)
                return wire.recv(512)[7] == 1
        return False

    return net.inside(node, ask)


def _tells_time(net: Network) -> bool:
    def ask() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.settimeout(0.2)
            with contextlib.suppress(OSError):
                wire.connect((NTP, 123))
                wire.send(b"\x23" + b"\0" * 39 + b"\1" * 8)
                return len(wire.recv(512)) >= 48
        return False

    return net.inside("datacenter", ask)


__all__ = ["COURT", "PROXY", "ZONE", "Services"]
