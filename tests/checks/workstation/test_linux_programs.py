"""Browsers and PDF programs on Linux, from files as the system lays them out."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.linux import LinuxSystem
from ccpor_checks.workstation.posture import (
    ProgramFact,
)
from tests.checks.workstation.test_linux import lay

CLERK = {"XDG_CURRENT_DESKTOP": "ubuntu:GNOME", "XDG_SESSION_TYPE": "wayland", "HOME": "/home/c"}


def dpkg(*packages: tuple[str, str]) -> dict[str, str]:
    return {
        "var/lib/dpkg/status": "\n\n".join(
            f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}"
            for name, version in packages
        )
    }


def test_browsers_are_found_in_packages_snaps_and_folders(tmp_path: Path) -> None:
    """Ubuntu's package "firefox" only stands for the snap; a tarball lies below /opt."""
    files = dpkg(
        ("google-chrome-stable", "156.0.1.2-1"),
        ("firefox", "1:1snap1-0ubuntu5"),
        ("chromium", "150.0.1-1~deb12u1"),
    ) | {
        "snap/firefox/current/meta/snap.yaml": "name: firefox\nversion: 160.0.1-1\n",
        "opt/firefox-esr/application.ini": "[App]\nVersion=153.7.0\nRemotingName=firefox-esr\n",
    }
    found = {each.product: each.version for each in lay(tmp_path, files).browser()}

    assert found == {
        "chrome": "156.0.1.2",
        "chromium": "150.0.1",
        "firefox": "160.0.1-1",
        "firefox-esr": "153.7.0",
    }


def test_the_default_is_this_users(tmp_path: Path) -> None:
    files = dpkg(
        ("firefox-esr", "153.7.0esr-1"), ("evince", "43.1-2"), ("okular", "4:22.12.3-1")
    ) | {
        "usr/share/applications/mimeapps.list": "[Default Applications]\n"
        "application/pdf=org.gnome.Evince.desktop;\n",
        "home/c/.config/mimeapps.list": "[Default Applications]\n"
        "x-scheme-handler/https=firefox-esr.desktop\napplication/pdf=org.kde.okular.desktop\n",
    }
    lay(tmp_path, files)
    system = LinuxSystem(tmp_path, CLERK)

    assert system.browser() == (
        ProgramFact(
            product="firefox-esr",
            name="Mozilla Firefox ESR",
            version="153.7.0esr",
            is_default=True,
        ),
    )
    assert {each.product: each.is_default for each in system.pdf()} == {
        "evince": False,
        "okular": True,
    }


def test_a_browser_shows_pdf_files_where_nothing_else_does(tmp_path: Path) -> None:
    system = lay(tmp_path, dpkg(("chromium", "156.0-1")))

    assert [each.product for each in system.pdf()] == ["chromium"]
    assert lay(tmp_path / "none", dpkg(("bash", "5-1"))).pdf() == ()


def test_packages_that_are_not_read_are_not_missing(tmp_path: Path) -> None:
    """On an rpm system an empty answer would be a lie."""
    with pytest.raises(CannotObserve, match="rpm"):
        LinuxSystem(tmp_path, {}).browser()
