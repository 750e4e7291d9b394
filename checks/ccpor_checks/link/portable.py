"""Elsewhere (macOS): what psutil tells, and whether the system knows a way to the outside."""

from __future__ import annotations

import ipaddress
import socket

from ccpor_checks.link.evidence import Interface, Kind, Route

OUTSIDE = {  # addresses for documentation (RFC 5737, RFC 3849): nothing is ever sent to them
    socket.AF_INET: ("192.0.2.1", "0.0.0.0/0"),
    socket.AF_INET6: ("2001:db8::1", "::/0"),
}
HALF, FULL = 1, 2  # psutil.NIC_DUPLEX_HALF, _FULL
TUNNELS = ("utun", "gif", "stf", "ipsec", "ppp", "tun", "tap", "wg")
GUESTS = ("bridge", "vmnet", "vnic", "awdl", "llw", "anpi", "ap")


class PortableLinks:
    """This machine's network, as far as Python and psutil see it everywhere."""

    def interfaces(self) -> tuple[Interface, ...]:
        import psutil

        states, addresses = psutil.net_if_stats(), psutil.net_if_addrs()
        counters = psutil.net_io_counters(pernic=True)
        found = []
        for name, state in states.items():
            own = tuple(
                with_prefix(each.address, each.netmask)
                for each in addresses.get(name, ())
                if each.family in OUTSIDE
            )
            counted = counters.get(name)
            kind = _kind(name, own)
            found.append(
                Interface(
                    name=name,
                    kind=kind,
                    up=state.isup,
                    carries=kind in {"other", "tunnel"},
                    addresses=own,
                    mtu=state.mtu or None,
                    speed_mbit=float(state.speed) or None,
                    duplex={HALF: "half", FULL: "full"}.get(int(state.duplex)),  # type: ignore[arg-type]
                    rx_errors=counted.errin if counted else None,
                    tx_errors=counted.errout if counted else None,
                    rx_dropped=counted.dropin if counted else None,
                    tx_dropped=counted.dropout if counted else None,
                )
            )
        return tuple(found)

    def routes(self) -> list[Route]:
        """Return a default route for each family for which the system would send packets out."""
        owners = {
            address.partition("/")[0]: each.name
            for each in self.interfaces()
            for address in each.addresses
        }
        found = []
        for family, (address, destination) in OUTSIDE.items():
            with socket.socket(family, socket.SOCK_DGRAM) as wire:
                try:
                    wire.connect((address, 9))  # chooses a route, sends nothing
                except OSError:
                    continue
                own = str(wire.getsockname()[0]).partition("%")[0]
            if own in owners:
                found.append(Route(destination=destination, gateway=None, interface=owners[own]))
        return found


def with_prefix(address: str, netmask: str | None) -> str:
    """Return *address* with its prefix's length; alone on its network where there is no mask."""
    plain = address.partition("%")[0]
    if netmask:
        try:
            if ":" not in netmask:
                return str(ipaddress.ip_interface(f"{plain}/{netmask}"))
            return f"{plain}/{int(ipaddress.IPv6Address(netmask)).bit_count()}"
        except ValueError:
            pass
    return f"{plain}/{128 if ':' in plain else 32}"


def _kind(name: str, addresses: tuple[str, ...]) -> Kind:
    if any(ipaddress.ip_interface(each).is_loopback for each in addresses):
        return "loopback"
    if name.startswith(TUNNELS):
        return "tunnel"
    return "virtual" if name.startswith(GUESTS) else "other"
