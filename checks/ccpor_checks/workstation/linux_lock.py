"""Linux: when the screen locks, by the settings of the desktop of who runs the agent.

Needs: to run in the clerk's own session; a service sees only what the system has fixed for all.
Source: org.gnome.desktop.session and org.gnome.desktop.screensaver (gsettings-desktop-schemas, with
their defaults: idle-delay 300 s, lock-enabled, lock-delay 0 s), dconf(7) for profiles and locks;
kscreenlockerrc of KDE Plasma (group Daemon: Autolock, Timeout in minutes, LockGrace in seconds).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation import gvdb
from ccpor_checks.workstation.linux_files import sections, text_of
from ccpor_checks.workstation.posture import LockFact

IDLE = "/org/gnome/desktop/session/idle-delay"
LOCKS = "/org/gnome/desktop/screensaver/lock-enabled"
DELAY = "/org/gnome/desktop/screensaver/lock-delay"
FORBIDDEN = "/org/gnome/desktop/lockdown/disable-lock-screen"
DEFAULTS: dict[str, gvdb.Value] = {IDLE: 300, LOCKS: True, DELAY: 0, FORBIDDEN: False}
LIKE_GNOME = ("gnome", "ubuntu", "unity", "budgie")
LIKE_PLASMA = ("kde", "plasma")
DATABASE = re.compile(r"\w[\w.-]*", re.ASCII)
SESSIONS = ("usr/share/wayland-sessions", "usr/share/xsessions")
AS_THE_CLERK = "run the agent in the session of the user who works here"


def lock(root: Path, environ: Mapping[str, str]) -> LockFact:
    """Return the lock of the desktop.

    Raises:
        CannotObserve: There is no desktop, one that is not read here, or no session of a user.
    """
    desktop = _desktop(root, environ)
    if any(word in desktop for word in LIKE_GNOME):
        return _gnome(root, environ)
    if any(word in desktop for word in LIKE_PLASMA):
        return _plasma(root, environ)
    raise CannotObserve(f"the screen lock of the desktop {desktop} is not read here")


def _desktop(root: Path, environ: Mapping[str, str]) -> str:
    if told := environ.get("XDG_CURRENT_DESKTOP", ""):
        return told.lower()
    installed = sorted(
        {each.stem.lower() for name in SESSIONS for each in (root / name).glob("*.desktop")}
    )
    families = {_family(name) for name in installed}
    if len(families) == 1:
        return families.pop()
    if not installed:
        raise CannotObserve(f"no desktop is installed, or none that is known here; {AS_THE_CLERK}")
    raise CannotObserve(f"several desktops are installed ({', '.join(installed)}); {AS_THE_CLERK}")


def _family(name: str) -> str:
    for family, words in (("gnome", LIKE_GNOME), ("plasma", LIKE_PLASMA)):
        if any(word in name for word in words):
            return family
    return name


def is_session(environ: Mapping[str, str]) -> bool:
    """Say whether this process belongs to a graphical session of a user."""
    kind = environ.get("XDG_SESSION_TYPE", "")
    return bool(environ.get("XDG_CURRENT_DESKTOP")) or kind in {"x11", "wayland"}


def home_of(root: Path, environ: Mapping[str, str]) -> Path:
    """Return the folder of this user's settings."""
    told = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME', '')}/.config"
    return root / told.lstrip("/")


def _gnome(root: Path, environ: Mapping[str, str]) -> LockFact:
    values: dict[str, gvdb.Value] = {}
    fixed: set[str] = set()
    for database, system in _databases(root, environ):
        found = _settings(database)
        locked = set(_locked(system)) if system else set()
        for key in DEFAULTS:
            if key in found and (key not in values or (key in locked and key not in fixed)):
                values[key] = found[key]
            if key in locked:
                fixed.add(key)
    if not is_session(environ) and not {IDLE, LOCKS} <= fixed:
        raise CannotObserve(
            f"the screen lock is each user's own setting and not fixed for all; {AS_THE_CLERK}"
        )
    told = DEFAULTS | values
    source = "dconf" if values else "GNOME's defaults"
    idle, delay = told[IDLE], told[DELAY]
    if not isinstance(idle, int) or not isinstance(delay, int):
        raise CannotObserve("dconf has a text where seconds should stand; mend the setting")
    if not idle or not told[LOCKS] or told[FORBIDDEN]:
        return LockFact(after_s=None, needs_password=None, source=source)
    return LockFact(after_s=idle + delay, needs_password=True, source=source)


def _databases(root: Path, environ: Mapping[str, str]) -> Iterator[tuple[Path, Path | None]]:
    """Yield dconf's databases, the first counts most; with the folder of a system's own."""
    user = home_of(root, environ) / "dconf/user"
    profile = text_of(root / "etc/dconf/profile/user")
    if profile is None:
        yield user, None
        return
    for line in profile.splitlines():
        kind, _, name = line.partition("#")[0].strip().partition(":")
        if not DATABASE.fullmatch(name):
            continue
        if kind == "user-db":
            yield user.with_name(name), None
        elif kind == "system-db":
            folder = root / "etc/dconf/db"
            yield folder / name, folder / f"{name}.d"


def _settings(database: Path) -> dict[str, gvdb.Value]:
    try:
        return gvdb.settings(database.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as exc:
        raise CannotObserve(f"{database}: {exc}") from exc


def _locked(folder: Path) -> Iterator[str]:
    for path in sorted((folder / "locks").glob("*")):
        yield from (line.strip() for line in (text_of(path) or "").splitlines())


def _plasma(root: Path, environ: Mapping[str, str]) -> LockFact:
    name = "kscreenlockerrc"
    own = _daemon(home_of(root, environ) / name)
    system = _daemon(root / "etc/xdg" / name)
    fixed = {key for key in system if key.endswith("[$i]")}
    system = {key.removesuffix("[$i]"): value for key, value in system.items()}
    if not is_session(environ) and not {"autolock[$i]", "timeout[$i]"} <= fixed:
        raise CannotObserve(
            f"the screen lock is each user's own setting and not fixed for all; {AS_THE_CLERK}"
        )
    told = {"autolock": "true", "timeout": "5", "lockgrace": "5"} | system | own
    told |= {key.removesuffix("[$i]"): system[key.removesuffix("[$i]")] for key in fixed}
    source = name if own or system else "Plasma's defaults"
    if told["autolock"].lower() != "true":
        return LockFact(after_s=None, needs_password=None, source=source)
    try:
        minutes, grace = int(told["timeout"]), int(told["lockgrace"])
    except ValueError as exc:
        raise CannotObserve(f"{name} has no whole number of minutes") from exc
    return LockFact(after_s=minutes * 60 + max(0, grace), needs_password=grace >= 0, source=source)


def _daemon(path: Path) -> dict[str, str]:
    return sections(text_of(path) or "").get("daemon", {})
