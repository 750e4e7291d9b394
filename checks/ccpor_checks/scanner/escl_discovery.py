"""Network scanners that announce themselves: DNS-SD by mDNS (RFC 6762, RFC 6763)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccpor_checks.base import Context
from ccpor_checks.scanner.evidence import Device

if TYPE_CHECKING:
    from zeroconf import ServiceInfo, ServiceStateChange, Zeroconf

SERVICES = ("_uscan._tcp.local.", "_uscans._tcp.local.")
WINDOW_S, ASK_MS = 1.5, 500
MOST_FOUND, LONGEST = 20, 200


def announced(ctx: Context) -> tuple[Device, ...]:
    """Return the scanners heard within `WINDOW_S`; none where nothing can be asked.

    Raises:
        TimeoutError: The check's deadline has passed.
    """
    import threading

    from zeroconf import IPVersion, ServiceBrowser, Zeroconf

    names: set[tuple[str, str]] = set()

    def heard(
        zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        del zeroconf, state_change
        if len(names) < MOST_FOUND:
            names.add((service_type, name))

    window_s = ctx.remaining(WINDOW_S)
    try:
        network = Zeroconf(ip_version=IPVersion.V4Only)
    except OSError:
        return ()
    ended = threading.Event()
    ctx.on_abandon(ended.set)
    try:
        browser = ServiceBrowser(network, list(SERVICES), handlers=[heard])
        ended.wait(window_s)
        browser.cancel()
        found = [network.get_service_info(kind, name, ASK_MS) for kind, name in sorted(names)]
    finally:
        network.close()
    return tuple({each.name: each for info in found if info for each in [_device(info)]}.values())


def _device(info: ServiceInfo) -> Device:
    told = {
        key.decode("ascii", "replace").lower(): (value or b"").decode("utf-8", "replace")
        for key, value in info.properties.items()
    }
    addresses = info.parsed_addresses()
    host = addresses[0] if addresses else (info.server or "").rstrip(".")
    path = told.get("rs", "eSCL").strip("/") or "eSCL"
    return Device(
        name=_clean(f"escl://{host}:{info.port}/{path}"),
        kind="escl",
        model=_clean(told.get("ty", "")) or None,
        address=_clean(host),
        version=_clean(told.get("vers", "")) or None,
    )


def _clean(text: str) -> str:
    return "".join(filter(str.isprintable, text)).strip()[:LONGEST]
