"""What this workstation's hosts file says of a name: applications ask it before any resolver."""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path


def hosts_path() -> Path:
    """Return where this system keeps its hosts file."""
    if sys.platform == "win32":
        root = os.environ.get("SYSTEMROOT", r"C:\Windows")
        return Path(root) / "System32" / "drivers" / "etc" / "hosts"
    return Path("/etc/hosts")


def hosts_text() -> str:
    """Return the hosts file's text; "" where it is missing or this account may not read it."""
    try:
        return hosts_path().read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def addresses_in(text: str, name: str) -> tuple[str, ...]:
    """Return the addresses that *text* (hosts(5)) gives *name*, in order, without repeats."""
    wanted = name.rstrip(".").lower()
    found: dict[str, None] = {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if wanted in (word.rstrip(".").lower() for word in names):
            try:
                found[str(ipaddress.ip_address(address))] = None
            except ValueError:  # a line that no system would read either
                continue
    return tuple(found)
