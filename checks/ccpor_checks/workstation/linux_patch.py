"""Linux: which security updates are missing, by the lists that the system keeps itself.

Needs no right: dpkg's status and apt's lists are everybody's to read. Neither tells severity nor
the day of an update. dnf's list is a cache of its own form that root alone keeps: not told.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.linux_packages import (
    installed,
    missing_updates,
    security_lists,
)
from ccpor_checks.workstation.posture import MissingPatch, PatchFact

LOG = "var/log/dpkg.log"
INSTALLED = re.compile(r"^(\d{4}-\d\d-\d\d) \S+ (?:upgrade|install) ", re.MULTILINE)
LOG_TAIL = 200_000  # bytes; a day of upgrades is some kB
RESTART_MARKS = ("run/reboot-required", "var/run/reboot-required")
RESTART_MAKERS = (  # whose absence would leave the mark unmade
    "usr/share/update-notifier/notify-reboot-required",
    "etc/kernel/postinst.d/unattended-upgrades",
)


def patch(root: Path) -> PatchFact:
    """Return what apt's security lists offer beyond what is installed.

    Raises:
        CannotObserve: The system has no such lists; says what to do instead.
    """
    try:
        have = installed(root)
    except FileNotFoundError:
        raise CannotObserve(_instead(root)) from None
    lists = security_lists(root)
    return PatchFact(
        source="the security lists of apt",
        missing=tuple(MissingPatch(name=name) for name in missing_updates(have, lists.offered)),
        known_on=lists.known_on,
        last_installed=_last_installed(root / LOG),
        is_pending_reboot=pending_reboot(root),
    )


def _instead(root: Path) -> str:
    if any((root / path).exists() for path in ("usr/bin/dnf", "usr/bin/dnf5", "usr/bin/yum")):
        return (
            "dnf keeps its list of security updates for root alone; run "
            "`dnf updateinfo list --security` as an administrator and record it"
        )
    if (root / "usr/bin/zypper").exists():
        return "zypper's list is not read here; run `zypper list-patches` and record it"
    return "this system has neither dpkg nor another list of updates that is read here"


def pending_reboot(root: Path) -> bool | None:
    """Say whether an update waits for a restart; None: nothing on this system would mark it."""
    if any((root / mark).exists() for mark in RESTART_MARKS):
        return True
    return False if any((root / maker).exists() for maker in RESTART_MAKERS) else None


def _last_installed(log: Path) -> date | None:
    try:
        with log.open("rb") as opened:
            opened.seek(max(0, log.stat().st_size - LOG_TAIL))
            days = INSTALLED.findall(opened.read().decode("utf-8", errors="replace"))
        return date.fromisoformat(days[-1]) if days else None
    except (OSError, ValueError):
        return None
