"""The screen lock on Linux: dconf's databases, GNOME, Plasma, and who may tell of them."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path

import pytest

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation import gvdb
from ccpor_checks.workstation.linux import LinuxSystem
from ccpor_checks.workstation.posture import (
    LockFact,
)
from tests.checks.workstation.test_linux import lay

CLERK = {"XDG_CURRENT_DESKTOP": "ubuntu:GNOME", "XDG_SESSION_TYPE": "wayland", "HOME": "/home/c"}
PLASMA = {"XDG_CURRENT_DESKTOP": "KDE", "HOME": "/home/c"}
# Written by `dconf compile` 0.40 from idle-delay 900, lock-enabled false, lock-delay 5 and a text.
DCONF = zlib.decompress(
    base64.b64decode(
        "eNpdkj9Iw1AQxl/aWvtXBUF0c1CoSIyDg4LgIliwg4M4VTBtnjE0fSlJWyw6VuwgKNjBwcFZB11EuovgoJMugouDOAquin7X"
        "vCr44Md3XJK7791lYUV3LV2UmTyDoKS0w1SC/Z2AJAhCkjDoBlEQA3Ew1uq9icoaCZZh29A62Dl764kwP04i34Qegf2Z5NY3"
        "DsVhlmYn0Guwt/u8TnU+EEfw/qfiG3i9HXoMSkMxVmV90AFwene4RmmKE8inoONgcekgTh4pDqHOJHQKPFwGGPWlWEF+GjoL"
        "Lq5GJuleFIeRn4dmQKvx9UT+KSY/y9AsuH9ZLVHfrPSzARVgTjk/JssU9yPfgDaBl3c5F55e5a5GM+sCtmNaQvWfaHKOE7aT"
        "L3j+HhS5A7o7eab5jKLmu+LPR3NcUzOFU+Sawb1C2SlpHvc8yxGaZdhcNbit13436XWetXf4/4U6DbdCzVUu9JzNjc53OerC"
        "aAaa3L3f0t8/eew0Z/I/aVeRtemerJLTheCuWoQD3eRqmW92frw0t21nuOZUYPAH/FV/WA=="
    )
)


def lay_bytes(root: Path, name: str, content: bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def seat(root: Path, environ: dict[str, str], files: dict[str, str]) -> LinuxSystem:
    lay(root, files)
    return LinuxSystem(root, environ)


# dconf's databases


def test_a_database_of_dconf_is_read() -> None:
    """Written by dconf's own compiler, not by us."""
    assert gvdb.settings(DCONF) == {
        "/org/gnome/desktop/session/idle-delay": 900,
        "/org/gnome/desktop/screensaver/lock-enabled": False,
        "/org/gnome/desktop/screensaver/lock-delay": 5,
        "/org/gnome/login-screen/banner-message-text": "Hello you",
    }


@pytest.mark.parametrize("length", [0, 8, 20, 24, 30, 100, 300, 600])
def test_a_damaged_database_is_an_error_and_no_crash(length: int) -> None:
    with pytest.raises(ValueError):
        gvdb.settings(DCONF[:length])


def test_any_flipped_byte_gives_values_or_an_error() -> None:
    """The file lies in a user's own folder: whatever stands there must end, and say no nonsense."""
    for place in range(len(DCONF)):
        broken = DCONF[:place] + bytes([DCONF[place] ^ 0xFF]) + DCONF[place + 1 :]
        try:
            found = gvdb.settings(broken)
        except ValueError:
            continue
        assert all(isinstance(value, bool | int | str) for value in found.values())


# Screen lock


def test_gnomes_defaults_lock_after_five_minutes(tmp_path: Path) -> None:
    assert LinuxSystem(tmp_path, CLERK).lock() == LockFact(
        after_s=300, needs_password=True, source="GNOME's defaults"
    )


def test_the_users_own_settings_count(tmp_path: Path) -> None:
    """The clerk who has switched the lock off is whom this is about."""
    lay_bytes(tmp_path, "home/c/.config/dconf/user", DCONF)

    assert LinuxSystem(tmp_path, CLERK).lock() == LockFact(
        after_s=None, needs_password=None, source="dconf"
    )


PROFILE = {"etc/dconf/profile/user": "user-db:user\nsystem-db:local\n"}
BOTH_LOCKED = "/org/gnome/desktop/session/idle-delay\n/org/gnome/desktop/screensaver/lock-enabled\n"


def test_what_the_system_has_fixed_counts_for_everybody(tmp_path: Path) -> None:
    """A lock file beats the user's database; and then no session is needed to know."""
    lay_bytes(tmp_path, "etc/dconf/db/local", DCONF)
    files = PROFILE | {"etc/dconf/db/local.d/locks/ours": BOTH_LOCKED}
    gnome = {"usr/share/wayland-sessions/gnome.desktop": ""}

    assert seat(tmp_path, {}, files | gnome).lock().after_s is None


def test_a_lock_of_the_system_beats_the_clerks_own_setting(tmp_path: Path) -> None:
    """Otherwise the clerk who switched it off before the policy came reads as unlocked for ever."""
    fixed_on = DCONF.replace(b"\0\0b", b"\x01\0b")
    assert gvdb.settings(fixed_on)["/org/gnome/desktop/screensaver/lock-enabled"] is True
    lay_bytes(tmp_path, "home/c/.config/dconf/user", DCONF)
    lay_bytes(tmp_path, "etc/dconf/db/local", fixed_on)
    locked = {"etc/dconf/db/local.d/locks/ours": BOTH_LOCKED}

    assert seat(tmp_path, CLERK, PROFILE).lock().after_s is None
    assert seat(tmp_path, CLERK, PROFILE | locked).lock().after_s == 905


def test_a_service_does_not_take_its_own_settings_for_the_clerks(tmp_path: Path) -> None:
    """Root's GNOME locks after five minutes, and nobody ever sits before it."""
    files = PROFILE | {"usr/share/xsessions/gnome.desktop": ""}

    with pytest.raises(CannotObserve, match="session of the user"):
        seat(tmp_path, {"HOME": "/root"}, files).lock()


@pytest.mark.parametrize(
    ("own", "after_s", "password"),
    [
        (None, 305, True),
        ("[Daemon]\nTimeout=10\nLockGrace=0\n", 600, True),
        ("[Daemon]\nAutolock=false\n", None, None),
        ("[Daemon]\nLockGrace=-1\n", 300, False),
    ],
)
def test_plasmas_file_is_read(
    tmp_path: Path, own: str | None, after_s: int | None, password: bool | None
) -> None:
    files = {} if own is None else {"home/c/.config/kscreenlockerrc": own}
    fact = seat(tmp_path, PLASMA, files).lock()

    assert (fact.after_s, fact.needs_password) == (after_s, password)


def test_plasmas_immutable_settings_beat_the_users(tmp_path: Path) -> None:
    files = {
        "home/c/.config/kscreenlockerrc": "[Daemon]\nAutolock=false\n",
        "etc/xdg/kscreenlockerrc": "[Daemon]\nAutolock[$i]=true\nTimeout[$i]=20\n",
    }

    assert seat(tmp_path, PLASMA, files).lock().after_s == 20 * 60 + 5


@pytest.mark.parametrize(
    ("environ", "files", "said"),
    [
        ({}, {}, "no desktop"),
        ({"XDG_CURRENT_DESKTOP": "XFCE"}, {}, "xfce is not read"),
        (
            {},
            {"usr/share/xsessions/gnome.desktop": "", "usr/share/xsessions/xfce.desktop": ""},
            "several",
        ),
    ],
)
def test_a_lock_that_is_not_read_here_is_said(
    tmp_path: Path, environ: dict[str, str], files: dict[str, str], said: str
) -> None:
    with pytest.raises(CannotObserve, match=said):
        seat(tmp_path, environ, files).lock()
