"""Which STAMP packets are answered, and with what. No socket here.

Answered: packets signed with the key of a turn that runs, and, where the operator opened the
reflector to networks, plain packets from those. Everything else is dropped and counted, without a
word. An answer is exactly as long as its packet, so nobody's traffic grows here.

Source: RFC 8762 section 4.3 (stateful reflector: its own number counts what it reflects, for each
sender), RFC 8972 section 3 (session identifier).
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from prometheus_client import Counter

from ccpor_reporting import stamp
from ccpor_server.capacity.slots import HeldSlot, Slots
from ccpor_server.limits import Buckets
from ccpor_server.settings import Network, Rate

LARGEST = 9000  # bytes; a jumbo frame
PACKETS = 20_000  # of one turn
PACE = Rate(2000, 2000)  # packets of one turn
OPEN_PACE = Rate(500, 100)  # plain packets of one address
ADDRESSES, SENDERS = 4, 64  # of one turn: a court's other way out; sockets of the client
REMEMBERED = 1000  # senders of plain packets
Sender = tuple[str, int]


class Came(NamedTuple):
    """A packet, and what the socket told of it."""

    packet: bytes
    sender: Sender
    at_ns: int  # since 1970
    ttl: int


class Session:
    """What the reflector knows of one turn."""

    def __init__(self) -> None:
        self.packets = 0
        self.numbers: dict[Sender, int] = {}  # what the next packet of each sender gets
        self.addresses: set[str] = set()

    def place(self, sender: Sender) -> str | None:
        """Make a place for *sender*; return why there is none."""
        if self.packets >= PACKETS:
            return "budget"
        if sender not in self.numbers:
            if len(self.numbers) >= SENDERS or (
                sender[0] not in self.addresses and len(self.addresses) >= ADDRESSES
            ):
                return "senders"
            self.addresses.add(sender[0])
            self.numbers[sender] = 0
        return None

    def number(self, sender: Sender) -> int:
        self.packets += 1
        self.numbers[sender] += 1
        return self.numbers[sender] - 1


class Reflecting:
    """Answers, or does not."""

    def __init__(
        self,
        slots: Slots,
        monotonic: Callable[[], float],
        open_to: tuple[Network, ...],
        counted: Counter,
    ) -> None:
        self._slots = slots
        self._monotonic = monotonic
        self._open_to = open_to
        self._counted = counted
        self._sessions: dict[str, Session] = {}
        self._pace = Buckets(PACE, monotonic)
        self._open_pace = Buckets(OPEN_PACE, monotonic)
        self._open_numbers: OrderedDict[Sender, int] = OrderedDict()

    def forget(self, held: HeldSlot) -> None:
        self._sessions.pop(held.id, None)

    def count(self, what: str) -> None:
        self._counted.labels(what).inc()

    def answer(self, came: Came, clock_ns: Callable[[], int]) -> bytes | None:
        """Return the answer, as long as the packet; None: it is dropped."""
        if len(came.packet) > LARGEST:
            return self._dropped("large")
        if len(came.packet) < stamp.PLAIN_SIZE:
            return self._dropped("short")
        session = stamp.session_of(came.packet)
        held = self._slots.by_session(session) if session else None
        why = "unknown"
        if held is not None:
            try:
                sent = stamp.read_sender(came.packet, held.key)
            except stamp.PacketInvalid:
                why = "hmac"
            else:
                return self._signed(came, sent, held, clock_ns)
        if self._is_open_to(came.sender[0]):
            return self._plain(came, clock_ns)
        return self._dropped(why)

    def _signed(
        self, came: Came, sent: stamp.Sent, held: HeldSlot, clock_ns: Callable[[], int]
    ) -> bytes | None:
        session = self._sessions.setdefault(held.id, Session())
        if why := session.place(came.sender):
            return self._dropped(why)
        if self._pace.take(held.id):
            return self._dropped("rate")
        held.heard_at = self._monotonic()
        self.count("reflected")
        return stamp.reflector_packet(
            came.packet,
            sent,
            number=session.number(came.sender),
            came_ns=came.at_ns,
            left_ns=clock_ns(),
            ttl=came.ttl,
            key=held.key,
        )

    def _plain(self, came: Came, clock_ns: Callable[[], int]) -> bytes | None:
        if self._open_pace.take(came.sender[0]):
            return self._dropped("rate")
        number = self._open_numbers.pop(came.sender, 0)
        self._open_numbers[came.sender] = number + 1
        while len(self._open_numbers) > REMEMBERED:
            self._open_numbers.popitem(last=False)
        self.count("reflected")
        return stamp.reflector_packet(
            came.packet,
            stamp.read_sender(came.packet),
            number=number,
            came_ns=came.at_ns,
            left_ns=clock_ns(),
            ttl=came.ttl,
        )

    def _is_open_to(self, address: str) -> bool:
        if not self._open_to:
            return False
        found = ipaddress.ip_address(address.partition("%")[0])
        return any(found in network for network in self._open_to)

    def _dropped(self, why: str) -> bytes | None:
        self.count(why)
        return None
