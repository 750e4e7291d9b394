"""A DNS server on loopback whose faults are chosen by the first label of the name asked.

``drop.*`` says nothing; ``once.*`` loses the first datagram of a name; ``slow300.*`` waits that many
ms; ``trunc.*`` truncates over UDP; ``badid.*``, ``garbage.*`` and ``wrongq.*`` answer something else;
``noise.*`` sends garbage and a wrong id first and then the truth; ``servfail.*`` ``refused.*``
``nxdomain.*`` ``notimp.*`` ``formerr.*`` give that rcode; ``empty.*`` has no record; ``loop.*`` is its
own alias; ``hidden.*`` is too, and the server says SERVFAIL of it as a recursive one does;
``nov6.*`` drops AAAA only. Everything else has `address`.

Also a program: ``python -m tests.peers.fault_dns PORT``.
"""

from __future__ import annotations

import contextlib
import re
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from dnslib import AAAA, CNAME, QTYPE, RCODE, RR, A, DNSError, DNSQuestion, DNSRecord

from tests.peers import free_port

RCODES = ("servfail", "refused", "nxdomain", "notimp", "formerr")
OverTcp = Literal["answers", "silent", "closes", "closed"]


@dataclass
class FaultDns:
    """A running fault server; `asked` counts the UDP datagrams for each name and type."""

    port: int
    address: str = "127.0.0.1"
    over_tcp: OverTcp = "answers"  # "closed": the port refuses
    honest: bool = False  # every name has `address`, whatever its first label
    asked: dict[tuple[str, str], int] = field(default_factory=dict)
    zone: dict[str, list[str]] | None = None  # the names there are; without it every name is
    faults: dict[str, str] = field(default_factory=dict)  # by name; "*": of every other one
    host: str = "127.0.0.1"  # where it listens

    @property
    def resolver(self) -> str:
        return f"{self.host}:{self.port}"

    def replies(self, wire: bytes, *, tcp: bool) -> list[bytes]:
        """Return the datagrams that answer *wire*, in order."""
        try:
            query = DNSRecord.parse(wire)
        except DNSError:
            return []  # no question at all, e.g. a packet that only walks by
        name, kind = str(query.q.qname).rstrip(".").lower(), QTYPE[query.q.qtype]
        fault = self._fault(name)
        reply = query.reply()
        count = 0
        if not tcp:
            count = self.asked[name, kind] = self.asked.get((name, kind), 0) + 1
        if slow := re.fullmatch(r"slow(\d+)", fault):
            time.sleep(int(slow[1]) / 1000)
        match fault:
            case "drop":
                return []
            case "once" if count == 1:
                return []
            case "nov6" if kind == "AAAA":
                return []
            case "garbage":
                return [b"\x00\x01garbage", b"", wire[:2] + b"\x80\x00" + b"\xff" * 40]
            case "trunc" if not tcp:
                reply.header.tc = 1
                return [reply.pack()]
            case "loop" | "hidden":
                if fault == "hidden" and kind != "CNAME":
                    reply.header.rcode = RCODE.SERVFAIL
                    return [reply.pack()]
                reply.add_answer(RR(name, QTYPE.CNAME, rdata=CNAME(name), ttl=60))
                return [reply.pack()]
        if fault in RCODES:
            reply.header.rcode = getattr(RCODE, fault.upper())
            return [reply.pack()]
        addresses = [self.address] if self.zone is None else self.zone.get(name, [])
        if self.zone is not None and name not in self.zone:
            reply.header.rcode = RCODE.NXDOMAIN
        for address in addresses if fault != "empty" else ():
            of_six = ":" in address
            if kind == ("AAAA" if of_six else "A"):
                record = AAAA(address) if of_six else A(address)
                reply.add_answer(RR(name, getattr(QTYPE, kind), rdata=record, ttl=60))
        truth = reply.pack()
        return self._other_than(fault, reply, truth)

    def _fault(self, name: str) -> str:
        if self.faults or self.zone is not None:
            return self.faults.get(name, self.faults.get("*", ""))
        return "" if self.honest else name.partition(".")[0]

    def _other_than(self, fault: str, reply: DNSRecord, truth: bytes) -> list[bytes]:
        other_id = struct.pack("!H", (reply.header.id + 1) & 0xFFFF) + truth[2:]
        if fault == "badid":
            return [other_id]
        if fault == "noise":
            return [b"\x00\x01garbage", other_id, truth]
        if fault == "wrongq":
            reply.questions = [DNSQuestion("somebody.else", reply.q.qtype)]
            return [reply.pack()]
        return [truth]


@contextlib.contextmanager
def fault_dns(
    *,
    address: str = "127.0.0.1",
    over_tcp: OverTcp = "answers",
    honest: bool = False,
    port: int | None = None,
    zone: dict[str, list[str]] | None = None,
    faults: dict[str, str] | None = None,
    host: str = "127.0.0.1",
) -> Iterator[FaultDns]:
    """Run the server until the block ends."""
    server = FaultDns(port or free_port(), address, over_tcp, honest)
    server.zone, server.faults, server.host = zone, faults or {}, host

    class Udp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, sock = self.request
            for reply in server.replies(wire, tcp=False):
                sock.sendto(reply, self.client_address)

    class Tcp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                size = int.from_bytes(self.request.recv(2), "big")
                wire = self.request.recv(size)
                if server.over_tcp == "closes":
                    return
                if server.over_tcp == "silent":
                    self.request.settimeout(10)
                    self.request.recv(1)  # until the asker goes away
                    return
                for reply in server.replies(wire, tcp=True):
                    self.request.sendall(struct.pack("!H", len(reply)) + reply)

    class UdpServer(socketserver.ThreadingUDPServer):
        daemon_threads = True

    class TcpServer(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with contextlib.ExitStack() as stack:
        servers: list[socketserver.BaseServer] = [UdpServer((host, server.port), Udp)]
        if over_tcp != "closed":
            servers.append(TcpServer((host, server.port), Tcp))
        for each in servers:
            stack.enter_context(each)
            thread = threading.Thread(target=each.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            stack.callback(thread.join, 5)
            stack.callback(each.shutdown)
        yield server


if __name__ == "__main__":
    with fault_dns(port=int(sys.argv[1])):
        threading.Event().wait()
