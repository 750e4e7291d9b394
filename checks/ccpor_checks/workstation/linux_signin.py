"""Linux: lockout after wrong passwords, and the notice before sign-in; both need no right.

Source: pam_faillock(8), faillock.conf(5), pam_tally2(8); gdm's ``org.gnome.login-screen``
(banner-message-enable, banner-message-text), issue(5), agetty(8) for its escapes, sshd_config(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.linux_files import assignments, sections, text_of
from ccpor_checks.workstation.posture import BannerFact, LockoutFact

PAM_FILES = ("common-auth", "system-auth", "password-auth", "login", "gdm-password", "sddm")
FAILLOCK_DEFAULTS = {"deny": "3", "fail_interval": "900", "unlock_time": "600"}
GDM_DATABASES = "etc/dconf/db/gdm.d"
DEBIAN_GDM = "etc/gdm3/greeter.dconf-defaults"
DEFAULT_ISSUE = re.compile(r"kernel|on an|lts|gnu/linux|release|welcome to|\W|\d", re.IGNORECASE)
LEAST_NOTICE = 20  # letters that a distribution's own line does not have


def lockout(root: Path, directory: str | None) -> LockoutFact:
    """Return when an account of this machine locks.

    directory: the one that the machine is joined to; its accounts lock by its own policy.

    Raises:
        CannotObserve: Sign-in is not set up by PAM, or the directory decides.
    """
    lines = list(_authentication(root))
    if not lines:
        raise CannotObserve("/etc/pam.d has no rules of sign-in that are read here")
    for module, read in (("pam_faillock", _faillock), ("pam_tally2", _tally)):
        arguments = [line for line in lines if f"{module}.so" in line]
        if arguments:
            told = dict(
                part.partition("=")[::2]
                for line in arguments
                for part in line.split()
                if "=" in part
            )
            return read(root, told)
    if directory is not None:
        raise CannotObserve(
            f"accounts of {directory} lock by the policy of that directory, which is not visible "
            "from here; ask who runs it"
        )
    return LockoutFact(tries=None, within_s=None, lasts_s=None, source="/etc/pam.d")


def _authentication(root: Path) -> Iterator[str]:
    """Yield the lines of type auth, without comments."""
    for name in PAM_FILES:
        for line in (text_of(root / "etc/pam.d" / name) or "").splitlines():
            words = line.partition("#")[0].split()
            if words and words[0].lstrip("-").lower() == "auth":
                yield " ".join(words)


def _faillock(root: Path, told: dict[str, str]) -> LockoutFact:
    configured = assignments(text_of(root / "etc/security/faillock.conf") or "")
    values = FAILLOCK_DEFAULTS | configured | told
    tries = _number(values["deny"], "deny")
    return LockoutFact(
        tries=tries or None,
        within_s=_number(values["fail_interval"], "fail_interval"),
        lasts_s=_number(values["unlock_time"], "unlock_time"),
        source="pam_faillock",
    )


def _tally(_root: Path, told: dict[str, str]) -> LockoutFact:
    return LockoutFact(
        tries=_number(told.get("deny", "0"), "deny") or None,
        within_s=None,
        lasts_s=_number(told.get("unlock_time", "0"), "unlock_time"),
        source="pam_tally2",
    )


def _number(text: str, name: str) -> int:
    """Return a number of tries or seconds; "never" is 0, as in faillock.conf(5)."""
    if text == "never":
        return 0
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise CannotObserve(f'{name} is "{text[:40]}" where account lockout is set; correct it')
    return int(text)


def banner(root: Path) -> BannerFact:
    """Return the notice of the door that people use: the graphical one where there is one.

    Raises:
        CannotObserve: The graphical sign-in is one whose notice is not read here.
    """
    manager = _display_manager(root)
    if manager and manager.startswith("gdm"):
        return BannerFact(length=_gdm(root), source="gdm")
    if manager:
        raise CannotObserve(f"the notice of the sign-in screen {manager} is not read here")
    if console := _issue(root):
        return BannerFact(length=console, source="/etc/issue")
    if remote := _sshd(root):
        return BannerFact(length=remote, source="sshd's Banner")
    return BannerFact(length=0, source="/etc/issue and sshd's Banner")


def _display_manager(root: Path) -> str | None:
    """Return the program behind the graphical sign-in, by its service or Debian's own file."""
    link = root / "etc/systemd/system/display-manager.service"
    if link.is_symlink():
        return link.readlink().name.removesuffix(".service")
    told = text_of(root / "etc/X11/default-display-manager")
    return Path(told.strip()).name if told and told.strip() else None


def _gdm(root: Path) -> int:
    told: dict[str, str] = {}
    folder = root / GDM_DATABASES
    paths = [root / DEBIAN_GDM, *(sorted(folder.glob("*")) if folder.is_dir() else ())]
    for path in paths:
        if path.is_file():
            told |= sections(text_of(path) or "").get("org/gnome/login-screen", {})
    if told.get("banner-message-enable", "false").lower() != "true":
        return 0
    return len(told.get("banner-message-text", "").strip("'\" "))


def _issue(root: Path) -> int:
    """Return the length of the console's notice; 0 of the line a distribution comes with."""
    folder = root / "etc/issue.d"
    more = sorted(folder.glob("*.issue")) if folder.is_dir() else []
    text = "\n".join(filter(None, map(text_of, [root / "etc/issue", *more])))
    told = re.sub(r"\\.(\{[^}]*\})?", "", text)
    names = assignments(text_of(root / "etc/os-release") or "")
    for key in ("pretty_name", "name", "version_codename", "version", "id"):
        if name := names.get(key, "").strip("\"'"):
            told = told.replace(name, "")
    letters = DEFAULT_ISSUE.sub("", told)
    return len(" ".join(told.split())) if len(letters) >= LEAST_NOTICE else 0


def _sshd(root: Path) -> int:
    """Return the length of what sshd shows before sign-in; the first ``Banner`` counts."""
    for line in (text_of(root / "etc/ssh/sshd_config") or "").splitlines():
        words = line.split()
        if len(words) == 2 and words[0].lower() == "banner":
            if words[1].lower() == "none":
                return 0
            return len(" ".join((text_of(root / words[1].lstrip("/")) or "").split()))
    return 0
