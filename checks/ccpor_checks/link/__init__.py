"""Link: does this workstation have a network connection with an address and a way out?

Does:    reads the system's own list of interfaces, addresses and routes. Nothing goes onto the
         wire; writes nothing. Names of wireless networks and hardware addresses are not kept.
Needs:   nothing; Linux tells by rtnetlink, Windows by its IP Helper and WLAN functions.
Source:  RFC 3549, rtnetlink(7); GetAdaptersAddresses, GetIpForwardTable2, WlanQueryInterface;
         RFC 3927 and RFC 4291 section 2.5.6 (addresses an interface gives itself).
"""

from __future__ import annotations

import sys
from typing import Protocol

from ccpor_checks.base import CannotObserve, Check, Context, Target
from ccpor_checks.link.evidence import (
    Interface,
    LinkEvidence,
    LinkOptions,
    Route,
    Wireless,
    covers,
    leading_out,
)
from ccpor_checks.link.rules import RULES, reason_of

__all__ = [
    "CHECK",
    "Interface",
    "LinkEvidence",
    "LinkOptions",
    "Route",
    "Wireless",
    "look_at_links",
    "reason_of",
    "run",
]


class System(Protocol):
    """One operating system's word on its network; raises OSError where it gives none."""

    def interfaces(self) -> tuple[Interface, ...]: ...
    def routes(self) -> list[Route]: ...


def this_system() -> System:
    """Return the seam's side for this operating system."""
    if sys.platform == "linux":
        from ccpor_checks.link.linux import LinuxLinks

        return LinuxLinks()
    if sys.platform == "win32":
        from ccpor_checks.link.windows import WindowsLinks

        return WindowsLinks()
    from ccpor_checks.link.portable import PortableLinks

    return PortableLinks()


def look_at_links(system: System | None = None, addresses: tuple[str, ...] = ()) -> LinkEvidence:
    """Return this workstation's interfaces and routes; takes a few milliseconds and no right.

    addresses: the target's, where they are known.

    Raises:
        CannotObserve: The operating system does not tell.
    """
    system = system or this_system()
    try:
        interfaces = system.interfaces()
        routes = leading_out(system.routes(), interfaces)
    except OSError as exc:
        raise CannotObserve(
            f"this system does not tell its network interfaces ({exc}); "
            "run the agent outside of a sandbox"
        ) from exc
    on_link = any(covers(interfaces, each) for each in addresses) if addresses else None
    return LinkEvidence(interfaces=interfaces, routes=routes, target_on_link=on_link)


def run(target: Target, _options: LinkOptions, ctx: Context) -> LinkEvidence:
    """Return what the operating system says of its interfaces.

    Raises:
        CannotObserve: It does not tell.
    """
    found: tuple[str, ...] = getattr(ctx.earlier.get("dns"), "addresses", ())
    return look_at_links(addresses=found or ((target.host,) if target.host else ()))


CHECK: Check[LinkEvidence, LinkOptions] = Check(
    id="link",
    version=1,
    title="This workstation's network connection",
    does="reads this workstation's interfaces, addresses and routes; sends nothing",
    options=LinkOptions,
    evidence=LinkEvidence,
    run=run,
    rules=RULES,
    budget_s=lambda _options: 10.0,
)
