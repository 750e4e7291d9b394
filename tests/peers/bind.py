"""A real BIND on loopback: a healthy zone, a broken one, and REFUSED for every other name."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.peers import free_port, program, started

ZONE = """$TTL 60
@ IN SOA ns.ok.test. a.ok.test. 1 60 60 60 60
@ IN NS ns
ns IN A 127.0.0.1
www IN A {address}
www IN AAAA ::1
four IN A {address}
six IN AAAA ::1
two IN A 127.0.0.1
two IN A 127.0.0.2
alias IN CNAME www
far IN CNAME alias
lost IN CNAME nobody
loop1 IN CNAME loop2
loop2 IN CNAME loop1
text IN TXT "no address here"
many IN A 192.0.2.1
{many}
"""

CONF = """
options {{
  directory "{folder}"; pid-file "{folder}/named.pid"; session-keyfile "{folder}/session.key";
  lock-file none; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 port {port} {{ ::1; }};
  recursion no; dnssec-validation no; allow-query {{ any; }}; querylog no; {more}
}};
controls {{ }};
zone "ok.test" {{ type primary; file "{folder}/ok.zone"; }};
zone "broken.test" {{ type primary; file "{folder}/broken.zone"; }};
"""


@dataclass(frozen=True)
class Bind:
    """A running named; names below ok.test, broken.test (SERVFAIL), all others REFUSED."""

    port: int

    @property
    def resolver(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def resolver6(self) -> str:
        return f"[::1]:{self.port}"


@contextlib.contextmanager
def bind(folder: Path, *, address: str = "127.0.0.1", more: str = "") -> Iterator[Bind]:
    """Run named until the block ends. address: what `www` and `four` have; more: options."""
    named = program("named")
    folder.mkdir(parents=True, exist_ok=True)
    # sixty addresses do not fit into 512 bytes: truncated over UDP, whole over TCP
    many = "\n".join(f"many IN A 192.0.2.{number}" for number in range(2, 62))
    (folder / "ok.zone").write_text(ZONE.format(address=address, many=many))
    (folder / "broken.zone").write_text("this is not a zone\n")
    port = free_port()
    conf = folder / "named.conf"
    conf.write_text(CONF.format(folder=folder, port=port, more=more))
    with started(
        (named, "-c", str(conf), "-g", "-n", "1"),
        log=folder / "named.log",
        ready=lambda: _answers(port),
    ):
        yield Bind(port)


def _answers(port: int) -> bool:
    """Whether `ns.ok.test A` gets a reply: the port opens before the zones are loaded."""
    query = (
        b"\x00\x07\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02ns\x02ok\x04test\x00\x00\x01\x00\x01"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.3)
        try:
            sock.connect(("127.0.0.1", port))
            sock.send(query)
            reply = sock.recv(512)
        except OSError:
            return False
    return len(reply) > 12 and reply[3] & 15 == 0 and reply[7] == 1
