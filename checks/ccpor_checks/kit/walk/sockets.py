"""The packets of a walk as sockets, one for each, and the connections among them."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass

from ccpor_checks.base import CannotObserve
from ccpor_checks.kit.icmp import Icmp, answer_of, icmp_error, show_icmp
from ccpor_checks.kit.os_errors import error_name
from ccpor_checks.kit.walk.rounds import Reply
from ccpor_reporting.contrasts import Answer

UNDER_WAY = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN})
# What this workstation itself says, without a packet of anybody
OWN_WORD: dict[int, Answer] = {
    errno.EACCES: "prohibited",
    getattr(errno, "WSAEACCES", errno.EACCES): "prohibited",  # Windows: its own firewall
    errno.EPERM: "prohibited",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.ENETDOWN: "unreachable",
    errno.EADDRNOTAVAIL: "unreachable",
    errno.EAFNOSUPPORT: "unreachable",
    errno.EINVAL: "unreachable",  # a `blackhole` route; link-local without its interface
    errno.EMSGSIZE: "too-big",
}


@dataclass(frozen=True, slots=True)
class Packet:
    sock: socket.socket
    ttl: int
    sent: float  # monotonic


class SocketSide(ABC):
    """Keeps the sockets of one walk; a kind of packet says how it is sent and what came back."""

    def __init__(self, address: str, port: int) -> None:
        self._address, self._port = address, port
        self.name = address.partition("%")[0]
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._selector = selectors.DefaultSelector()
        self._open: list[socket.socket] = []
        self._at_once: list[Reply] = []

    def send(self, ttl: int) -> None:
        try:
            sock = self.new()
        except OSError as exc:
            if exc.errno == errno.EAFNOSUPPORT:
                self._at_once.append(Reply(ttl, "unreachable", None, 0.0))
                return
            raise self._unable(exc.errno) from exc
        self._open.append(sock)
        sock.setblocking(False)
        show_icmp(sock)
        if self.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        packet = Packet(sock, ttl, time.monotonic())
        number = sock.connect_ex((self._address, self.port(ttl)))
        if number in UNDER_WAY:
            number = self.sent(packet)
        if number in UNDER_WAY:
            self._selector.register(sock, self.events, packet)
        else:
            self._said(packet, self.failed(packet, number), forget=False)

    def wait(self, seconds: float) -> list[Reply]:
        if not self._at_once:
            if not self._selector.get_map():  # Windows refuses to select nothing
                time.sleep(max(0.0, seconds))
            for key, _ in self._selector.select(max(0.0, seconds)):
                packet: Packet = key.data
                if (heard := self.heard(packet)) is not None:
                    self._said(packet, heard, forget=True)
        replies, self._at_once = self._at_once, []
        return replies

    def close(self) -> None:
        self._selector.close()
        for sock in self._open:
            sock.close()

    def failed(self, packet: Packet, number: int) -> tuple[Answer, str | None]:
        """Return the answer behind errno *number*, and who gave it.

        Raises:
            CannotObserve: It is about this workstation's means and not about the path.
        """
        if (icmp := icmp_error(packet.sock)) is not None:
            return self.answer(icmp)
        if number not in OWN_WORD:
            raise self._unable(number)
        return OWN_WORD[number], own_address(packet.sock)

    def answer(self, icmp: Icmp) -> tuple[Answer, str | None]:
        return answer_of(icmp, self.name), icmp.sender

    def port(self, _ttl: int) -> int:
        """Return the port that a packet of *_ttl* goes to."""
        return self._port

    @property
    @abstractmethod
    def events(self) -> int:
        """What to wait for: reading or writing."""

    @abstractmethod
    def new(self) -> socket.socket:
        """Return a new socket of this kind."""

    def sent(self, _packet: Packet) -> int:
        """Send what follows the connect; return errno, 0 where all is well."""
        return 0

    @abstractmethod
    def heard(self, packet: Packet) -> tuple[Answer, str | None] | None:
        """Return what came and who said it; None where it is no answer to *packet*.

        "silent" says that none will come any more.
        """

    def _said(self, packet: Packet, what: tuple[Answer, str | None], *, forget: bool) -> None:
        if forget:
            self._selector.unregister(packet.sock)
        answer, address = what
        if answer == "silent":
            return
        ms = (time.monotonic() - packet.sent) * 1000
        self._at_once.append(Reply(packet.ttl, answer, address, ms))

    def _unable(self, number: int | None) -> CannotObserve:
        return CannotObserve(
            f"this workstation could not send to {self._address} ({error_name(number)}: "
            f"{os.strerror(number or 0)}); close programs that hold many connections and run again"
        )


class TcpSide(SocketSide):
    """Connections whose packets live a few hops; one that is made is closed at once."""

    events = selectors.EVENT_WRITE

    def new(self) -> socket.socket:
        return socket.socket(self.family, socket.SOCK_STREAM)

    def heard(self, packet: Packet) -> tuple[Answer, str | None] | None:
        number = packet.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return ("open", self.name) if not number else self.failed(packet, number)

    def failed(self, packet: Packet, number: int) -> tuple[Answer, str | None]:
        icmp = icmp_error(packet.sock)
        if icmp is not None:
            return self.answer(icmp)
        if number in {errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED}:
            return "refused", None
        if number == errno.ETIMEDOUT:
            return "silent", None
        return super().failed(packet, number)


def own_address(sock: socket.socket) -> str | None:
    """Return the address that *sock* sends from; None where it has none."""
    try:
        name = str(sock.getsockname()[0])
    except OSError:
        return None
    return None if name in {"0.0.0.0", "::"} else name  # noqa: S104 - nothing is bound here
