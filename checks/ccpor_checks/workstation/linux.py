"""Linux: facts from files below /etc, /usr, /var, /sys and /proc; no command is run.

Each ``linux_*`` module says which right its facts need; without it they are said to be unseen.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation import (
    linux_guards,
    linux_lock,
    linux_network,
    linux_patch,
    linux_programs,
    linux_signin,
)
from ccpor_checks.workstation.posture import (
    AntimalwareFact,
    BannerFact,
    FirewallFact,
    LockFact,
    LockoutFact,
    PatchFact,
    ProgramFact,
    RadioFact,
    VolumeFact,
)
from ccpor_checks.workstation.system import JoinFact, OsFact, PortableSystem, ScreenFact


class LinuxSystem(PortableSystem):
    """This machine; a test lays out files of its own below *root* and says what *environ* is."""

    def __init__(self, root: Path = Path("/"), environ: Mapping[str, str] | None = None) -> None:
        self._root = root
        self._environ = os.environ if environ is None else environ
        self._sys = root / "sys" / "class"

    def os(self) -> OsFact:
        """Return the distribution (os-release(5)).

        Raises:
            OSError: No os-release file.
        """
        try:
            text = (self._root / "etc/os-release").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            text = (self._root / "usr/lib/os-release").read_text(encoding="utf-8", errors="replace")
        told = _os_release(text)
        version = told.get("VERSION_ID", "")
        return OsFact(
            name=told.get("PRETTY_NAME", "Linux"),
            product=told.get("ID", "linux"),
            version=version,
            full_version=version,
            edition=told.get("VARIANT_ID"),
        )

    def screens(self) -> tuple[ScreenFact, ...]:
        """Return the connected screens with their largest mode.

        Raises:
            CannotObserve: There is no display adapter to ask.
        """
        connectors = sorted((self._sys / "drm").glob("card*-*"))
        if not connectors:
            raise CannotObserve(
                "this machine has no display adapter; run the agent in a clerk's own session"
            )
        return tuple(
            ScreenFact(name=connector.name, width_px=mode[0], height_px=mode[1])
            for connector in connectors
            if _line(connector / "status") == "connected" and (mode := _largest(connector))
        )

    def wireless(self) -> tuple[RadioFact, ...]:
        return linux_network.radios(self._root)

    def patch(self) -> PatchFact:
        return linux_patch.patch(self._root)

    def antimalware(self) -> tuple[AntimalwareFact, ...]:
        return linux_guards.antimalware(self._root)

    def lock(self) -> LockFact:
        return linux_lock.lock(self._root, self._environ)

    def lockout(self) -> LockoutFact:
        joined = self.join()
        directory = joined.name or "a directory" if joined and joined.kind != "none" else None
        return linux_signin.lockout(self._root, directory)

    def banner(self) -> BannerFact:
        return linux_signin.banner(self._root)

    def firewall(self) -> tuple[FirewallFact, ...]:
        return linux_guards.firewall(self._root)

    def encryption(self) -> tuple[VolumeFact, ...]:
        return linux_guards.encryption(self._root)

    def browser(self) -> tuple[ProgramFact, ...]:
        return linux_programs.browsers(self._root, self._environ)

    def pdf(self) -> tuple[ProgramFact, ...]:
        return linux_programs.pdf_programs(self._root, self._environ)

    def join(self) -> JoinFact | None:
        return linux_network.join(self._root)

    def is_pending_reboot(self) -> bool | None:
        return linux_patch.pending_reboot(self._root)

    def proxy(self) -> str | None:
        return linux_network.proxy(self._environ)

    def fips_mode(self) -> bool:
        """Return the kernel's FIPS mode; a kernel without that switch is not in it.

        Raises:
            OSError: ``/proc/sys`` is not there, or not ours to read.
        """
        switches = self._root / "proc/sys"
        list(switches.iterdir())
        try:
            return (switches / "crypto/fips_enabled").read_text(errors="replace").strip() == "1"
        except FileNotFoundError:
            return False

    def maker(self) -> tuple[str | None, str | None]:
        dmi = self._sys / "dmi/id"
        return _line(dmi / "sys_vendor"), _line(dmi / "product_name")

    def processor(self) -> str | None:
        try:
            text = (self._root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        names = (line.partition(":")[2] for line in text.splitlines() if line[:10] == "model name")
        return next((name.strip() for name in names), None)


def _os_release(text: str) -> dict[str, str]:
    """Return the assignments of an os-release file; lines that do not read are left out."""
    told: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if not equals or name.startswith("#"):
            continue
        try:
            told[name] = " ".join(shlex.split(value))
        except ValueError:  # an unclosed quote in one line says nothing of the others
            continue
    return told


def _line(path: Path) -> str | None:
    """Return the first line of a one-line file; None where it is empty or not there."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip() or None
    except OSError:
        return None


def _largest(connector: Path) -> tuple[int, int] | None:
    """Return the mode with most pixels; modes read ``1920x1080``, or ``1920x1080i``."""
    try:
        lines = (connector / "modes").read_text(errors="replace").split()
    except OSError:
        return None
    modes = []
    for line in lines:
        width, _, height = line.rstrip("i").partition("x")
        if width.isdecimal() and height.isdecimal():
            modes.append((int(width), int(height)))
    return max(modes, key=lambda mode: mode[0] * mode[1], default=None)
