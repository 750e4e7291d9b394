"""Lockout and the notice at sign-in on Linux, from files as the system lays them out."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.linux import LinuxSystem
from ccpor_checks.workstation.posture import (
    LockoutFact,
)
from tests.checks.workstation.test_linux import lay

FAILLOCK = "auth required pam_faillock.so preauth\nauth sufficient pam_unix.so\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"etc/pam.d/common-auth": "# pam_faillock.so\nauth required pam_unix.so\n"},
            (None, None, None),
        ),
        ({"etc/pam.d/common-auth": FAILLOCK}, (3, 900, 600)),
        (
            {
                "etc/pam.d/system-auth": FAILLOCK,
                "etc/security/faillock.conf": "# deny = 9\ndeny = 5\nunlock_time = never\n",
            },
            (5, 900, 0),
        ),
        (
            {
                "etc/pam.d/common-auth": "auth required pam_faillock.so authfail deny=10 fail_interval=60\n"
            },
            (10, 60, 600),
        ),
        (
            {"etc/pam.d/common-auth": "auth required pam_tally2.so deny=4 unlock_time=0\n"},
            (4, None, 0),
        ),
        ({"etc/pam.d/common-auth": "auth required pam_faillock.so deny=0\n"}, (None, 900, 600)),
        (
            {
                "etc/pam.d/common-auth": "account required pam_faillock.so\nauth required pam_unix.so\n"
            },
            (None, None, None),
        ),
    ],
)
def test_lockout_is_pams(
    tmp_path: Path, files: dict[str, str], expected: tuple[int | None, int | None, int | None]
) -> None:
    fact = lay(tmp_path, files).lockout()

    assert isinstance(fact, LockoutFact)
    assert (fact.tries, fact.within_s, fact.lasts_s) == expected


def test_a_joined_machine_leaves_lockout_to_its_directory(tmp_path: Path) -> None:
    """Local rules say nothing of domain accounts, and the domain's are not visible here."""
    files = {
        "etc/pam.d/common-auth": "auth required pam_sss.so\n",
        "etc/krb5.keytab": "",
        "etc/krb5.conf": "[libdefaults]\n default_realm = COURT.EXAMPLE.ORG\n",
    }

    with pytest.raises(CannotObserve, match=r"COURT\.EXAMPLE\.ORG"):
        lay(tmp_path, files).lockout()


def test_no_rules_of_sign_in_are_no_lockout_off(tmp_path: Path) -> None:
    with pytest.raises(CannotObserve, match="pam"):
        LinuxSystem(tmp_path).lockout()


NOTICE = "This system is for the use of authorised persons only. \\n \\l\n"


@pytest.mark.parametrize(
    ("issue", "is_set"),
    [
        ("Debian GNU/Linux 12 \\n \\l\n\n", False),
        ("Ubuntu 24.04.3 LTS \\n \\l\n", False),
        ("\\S\nKernel \\r on an \\m (\\l)\n\n", False),
        ("", False),
        ("Bookworm Edition 12 \\n \\l\n", False),
        (NOTICE, True),
        ("Debian GNU/Linux 12 \\n \\l\n" + NOTICE, True),
    ],
)
def test_a_distributions_own_line_is_no_notice(tmp_path: Path, issue: str, is_set: bool) -> None:
    files = {
        "etc/issue": issue,
        "etc/os-release": 'NAME="Debian GNU/Linux"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    }

    assert bool(lay(tmp_path, files).banner().length) is is_set


def test_the_graphical_door_is_the_one_that_counts(tmp_path: Path) -> None:
    """A notice on a console that nobody sees warns nobody."""
    gdm = {"etc/issue": NOTICE, "etc/X11/default-display-manager": "/usr/sbin/gdm3\n"}
    text = "[org/gnome/login-screen]\nbanner-message-enable=true\nbanner-message-text='Authorised use only'\n"

    assert lay(tmp_path / "a", gdm).banner().length == 0
    shown = lay(tmp_path / "b", gdm | {"etc/gdm3/greeter.dconf-defaults": text}).banner()
    assert (shown.length, shown.source) == (19, "gdm")
    told = lay(
        tmp_path / "c", gdm | {"etc/dconf/db/gdm.d/01-banner": text.replace("true", "false")}
    )
    assert told.banner().length == 0


def test_a_sign_in_screen_that_is_not_read_is_said(tmp_path: Path) -> None:
    link = tmp_path / "etc/systemd/system/display-manager.service"
    link.parent.mkdir(parents=True)
    link.symlink_to("/usr/lib/systemd/system/sddm.service")

    with pytest.raises(CannotObserve, match="sddm"):
        LinuxSystem(tmp_path).banner()


def test_ssh_shows_its_own_notice(tmp_path: Path) -> None:
    files = {
        "etc/ssh/sshd_config": "#Banner none\nBanner /etc/ssh/notice\n",
        "etc/ssh/notice": NOTICE,
    }

    assert lay(tmp_path, files).banner().source == "sshd's Banner"
