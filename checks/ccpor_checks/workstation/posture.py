"""Facts of a workstation's protection, as its system tells them; None: it does not tell.

A fact that needs a right this user lacks is no fact: the seam raises `CannotObserve` and names it.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from ccpor_checks.workstation.system import Fact

PatchSeverity = Literal["critical", "important", "moderate", "low", "unspecified"]


class MissingPatch(Fact, frozen=True, kw_only=True):
    """released: the day from which it could have been installed; None: not told."""

    name: str
    severity: PatchSeverity = "unspecified"
    released: date | None = None


class PatchFact(Fact, frozen=True, kw_only=True):
    """missing: security updates that are offered and not installed. known_on: the day of the list
    they were found in. is_pending_reboot: an installed update waits for a restart.
    """

    source: str  # "Windows Update Agent", "the package lists of apt"
    missing: tuple[MissingPatch, ...] | None = None
    known_on: date | None = None
    last_installed: date | None = None
    is_pending_reboot: bool | None = None


class AntimalwareFact(Fact, frozen=True, kw_only=True):
    """One product. signatures_on, last_scan_on: days."""

    name: str
    is_on: bool | None = None
    is_real_time: bool | None = None
    signatures_on: date | None = None
    last_scan_on: date | None = None
    version: str | None = None
    # By its own word, where it tells no day of them: the Security Center knows no more.
    are_signatures_current: bool | None = None


class LockFact(Fact, frozen=True, kw_only=True):
    """after_s: idle seconds until the screen locks; None: it never does. source: which setting."""

    after_s: int | None
    needs_password: bool | None
    source: str


class LockoutFact(Fact, frozen=True, kw_only=True):
    """tries: wrong passwords until the account locks; None: it never does. *_s: seconds."""

    tries: int | None
    within_s: int | None
    lasts_s: int | None  # 0: until an administrator unlocks it
    source: str


class BannerFact(Fact, frozen=True, kw_only=True):
    """The notice before sign-in: its length only, never its text."""

    length: int
    source: str


class FirewallFact(Fact, frozen=True, kw_only=True):
    """One profile of the firewall (domain, private, public) or the whole of it ("nftables")."""

    name: str
    is_on: bool
    source: str


class VolumeFact(Fact, frozen=True, kw_only=True):
    """The system's volume or one with users' files. method: "XTS-AES-256", "aes-xts-plain64"."""

    path: str
    is_encrypted: bool
    is_protected: bool | None = None  # False: encrypted, and the key stands beside it (suspended)
    method: str | None = None


class ProgramFact(Fact, frozen=True, kw_only=True):
    """An installed browser or PDF viewer.

    product: key of the environment list: "edge", "chrome", "chromium", "firefox", "firefox-esr",
    "internet-explorer", "acrobat", "acrobat-reader", "evince", "okular" …; of one that the list
    does not have, its name in lower case with hyphens. version: the maker's, as installed.
    """

    product: str
    name: str
    version: str
    is_default: bool | None = None


class RadioFact(Fact, frozen=True, kw_only=True):
    """A wireless interface. "CCMP" with "WPA2-PSK"; None: not told or not up."""

    name: str
    up: bool
    cipher: str | None = None
    authentication: str | None = None
    why_not: str | None = None  # why the cipher is not told, with the right that would tell
