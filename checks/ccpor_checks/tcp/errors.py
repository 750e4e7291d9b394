"""Why a connection was not made: from errno and, on Linux, from the ICMP error behind it.

Where a system does not show the ICMP error, errno alone decides.
"""

from __future__ import annotations

import errno

from ccpor_checks.kit.icmp import PORT_UNREACHABLE, PROHIBITED, Icmp, icmp_error, show_icmp

__all__ = ["icmp_error", "reason_of", "show_icmp"]

REASONS = {
    errno.ECONNREFUSED: "refused",
    errno.ETIMEDOUT: "dropped",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.EPIPE: "reset",
    errno.EACCES: "prohibited",  # what ICMPv6 1/1 and a `prohibit` route become
    getattr(errno, "WSAEACCES", errno.EACCES): "prohibited",  # Windows: its own firewall
    errno.EPERM: "prohibited",  # this workstation's own firewall
    errno.EHOSTUNREACH: "host-unreachable",
    getattr(errno, "EHOSTDOWN", -1): "host-unreachable",
    getattr(errno, "ENONET", -1): "host-unreachable",
    errno.ENOPROTOOPT: "host-unreachable",  # ICMP 3/2: a host that speaks no TCP
    errno.ENETUNREACH: "network-unreachable",
    errno.ENETDOWN: "network-unreachable",
    errno.EADDRNOTAVAIL: "network-unreachable",  # no source address of that family
    errno.EAFNOSUPPORT: "network-unreachable",  # IPv6 switched off
    errno.EINVAL: "network-unreachable",  # a `blackhole` route; link-local without its interface
}


def reason_of(number: int, icmp: Icmp | None, address: str) -> str | None:
    """Return why *address* was not reached, by errno *number* and the ICMP error behind it.

    "No such port" is the host's own word only from the host itself; from anybody else it is a
    filter's. None where the error says nothing about the network.
    """
    if (
        icmp
        and (icmp.type, icmp.code) == PORT_UNREACHABLE[icmp.version]
        and icmp.sender not in {None, address}
    ):
        return "prohibited"
    if icmp and (icmp.type, icmp.code) in PROHIBITED[icmp.version]:
        return "prohibited"
    return REASONS.get(number)
