"""Whatever stands in a file of this machine, the Linux seam tells facts or says that it cannot."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ccpor_checks.workstation import look
from ccpor_checks.workstation.environment import environment
from ccpor_checks.workstation.evidence import WorkstationOptions
from ccpor_checks.workstation.linux import LinuxSystem
from tests.checks.workstation.conftest import judged

FILES = (
    "etc/os-release",
    "etc/ufw/ufw.conf",
    "etc/nftables.conf",
    "etc/systemd/system/sysinit.target.wants/nftables.service",
    "etc/pam.d/common-auth",
    "etc/security/faillock.conf",
    "etc/issue",
    "etc/X11/default-display-manager",
    "etc/gdm3/greeter.dconf-defaults",
    "etc/ssh/sshd_config",
    "etc/krb5.conf",
    "etc/samba/smb.conf",
    "etc/dconf/profile/user",
    "etc/dconf/db/local",
    "etc/xdg/kscreenlockerrc",
    "etc/xdg/mimeapps.list",
    "etc/opt/microsoft/mdatp/managed/mdatp_managed.json",
    "opt/microsoft/mdatp/x",
    "opt/firefox/application.ini",
    "snap/firefox/current/meta/snap.yaml",
    "usr/sbin/clamd",
    "var/lib/clamav/daily.cvd",
    "var/lib/dpkg/status",
    "var/lib/apt/lists/x_dists_y-security_InRelease",
    "var/lib/apt/lists/x_dists_y-security_main_binary-amd64_Packages",
    "var/lib/apt/lists/x_dists_y-security_main_binary-i386_Packages.lz4",
    "var/log/dpkg.log",
    "home/c/.config/dconf/user",
    "home/c/.config/kscreenlockerrc",
    "proc/self/mountinfo",
    "proc/1/comm",
    "sys/class/net/wlan0/operstate",
    "sys/class/net/wlan0/ifindex",
    "sys/class/net/wlan0/phy80211/name",
    "sys/class/drm/card0-DP-1/modes",
    "sys/class/drm/card0-DP-1/status",
)
WORDS = (
    *(
        b"[",
        b"]",
        b"=",
        b"\n",
        b"\n\n",
        b" ",
        b":",
        b"-",
        b"~",
        b"{",
        b"}",
        b'"',
        b"'",
        b"\\",
        b"\0",
    ),
    *(b"deny", b"auth", b"pam_faillock.so", b"never", b"9" * 30, b"Package: a", b"Version: 1:2-3"),
    *(b"Status: install ok installed", b"Date: Sat, 99 Foo 2026", b"ClamAV-VDB:39 Nov 2026 x"),
    *(b"GVariant", b"\x04\x22\x4d\x18\x60\x40", b"[Daemon]", b"Timeout=", b"up", b"connected"),
    *(b"ENABLED=yes", b" / / ", b" - ext4 /dev/x", b"\xff\xfe", "é".encode(), b"user-db:", b"./.."),
    *(
        b"system-db:local",
        b"2026-99-99 x upgrade",
        b"Banner /etc/issue",
        b"[libdefaults]",
        b"[App]",
    ),
)
DESKTOPS = ("GNOME", "KDE", "XFCE", "")


@pytest.mark.parametrize("seed", range(6))
def test_no_content_of_a_file_breaks_the_look(tmp_path: Path, seed: int) -> None:
    """A bug here would be an internal error on the one machine that is already broken."""
    dice = random.Random(seed)
    for turn in range(4):
        root = tmp_path / str(turn)
        for name in FILES:
            if dice.random() < 0.85:
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                parts = dice.choices(WORDS, k=dice.randint(0, 25))
                path.write_bytes(b"".join(parts) if dice.random() < 0.8 else dice.randbytes(90))
        environ = {"HOME": "/home/c", "XDG_CURRENT_DESKTOP": dice.choice(DESKTOPS)}

        evidence = look(LinuxSystem(root, environ), WorkstationOptions(), environment())

        assert len(judged(evidence, WorkstationOptions())) == 16
