"""Windows: interfaces, addresses and routes as its API tells them; no command is run.

The module loads everywhere. `Calls` is its door to Windows, so that the reading of what it says is
tested on any machine, and the door itself on Windows or Wine.
"""

from __future__ import annotations

from typing import Protocol

from ccpor_checks.link import windows_calls
from ccpor_checks.link.evidence import Interface, Kind, Route, Wireless
from ccpor_checks.link.windows_calls import AdapterFact, CounterFact, RadioFact, RouteFact

OPERATIONAL = 1  # IfOperStatusUp
KINDS: dict[int, Kind] = {  # IANA ifType
    6: "wired",
    71: "wireless",
    24: "loopback",
    131: "tunnel",
    23: "tunnel",  # PPP, as VPN clients use it
    53: "virtual",
    243: "other",  # mobile broadband
    244: "other",
}
CIPHERS = {  # DOT11_CIPHER_ALGORITHM of windot11.h
    0x00: "none",
    0x01: "WEP-40",
    0x02: "TKIP",
    0x04: "CCMP",
    0x05: "WEP-104",
    0x08: "GCMP",
    0x09: "GCMP-256",
    0x0A: "CCMP-256",
    0x101: "WEP",
}


class Calls(Protocol):
    def adapters(self) -> tuple[AdapterFact, ...]: ...
    def routes(self) -> tuple[RouteFact, ...] | None: ...
    def radios(self) -> tuple[RadioFact, ...]: ...
    def counters(self) -> tuple[CounterFact, ...]: ...


class WindowsLinks:
    """This machine's network, by the calls given; Windows' own by default."""

    def __init__(self, calls: Calls | None = None) -> None:
        self._calls: Calls = calls or windows_calls.WindowsCalls()

    def interfaces(self) -> tuple[Interface, ...]:
        """Return every adapter, in Windows' order.

        Raises:
            OSError: Windows gives no list.
        """
        radios = {each.guid: each for each in self._calls.radios()}
        counters = {each.name: each for each in self._calls.counters()}
        return tuple(
            _interface(each, radios.get(each.guid), counters.get(each.name))
            for each in self._calls.adapters()
        )

    def routes(self) -> list[Route]:
        """Return the routes of both families; the adapters' gateways where Windows has no list."""
        adapters = self._calls.adapters()
        told = self._calls.routes()
        if told is None:
            return [
                Route(
                    destination="::/0" if ":" in gateway else "0.0.0.0/0",
                    gateway=gateway,
                    interface=each.name,
                )
                for each in adapters
                for gateway in each.gateways
            ]
        names = {each.index6: each.name for each in adapters}
        names |= {each.index: each.name for each in adapters}
        return [
            Route(
                destination=each.destination,
                gateway=each.gateway or None,
                interface=names[each.index],
            )
            for each in told
            if each.index in names
        ]


def _interface(
    told: AdapterFact, radio: RadioFact | None, counted: CounterFact | None
) -> Interface:
    kind = KINDS.get(told.kind, "other")
    wireless = None
    if kind == "wireless":
        known = radio.cipher if radio else None
        wireless = Wireless(
            joined=radio.joined if radio else None,
            cipher=CIPHERS.get(known, str(known)) if known is not None else None,
        )
    return Interface(
        name=told.name,
        kind=kind,
        up=told.status == OPERATIONAL,
        carries=kind != "loopback",
        addresses=told.addresses,
        mtu=told.mtu if told.mtu < 2**31 else None,
        speed_mbit=told.speed_bit / 1_000_000 if told.speed_bit else None,
        rx_errors=counted.rx_errors if counted else None,
        tx_errors=counted.tx_errors if counted else None,
        rx_dropped=counted.rx_dropped if counted else None,
        tx_dropped=counted.tx_dropped if counted else None,
        wireless=wireless,
    )
