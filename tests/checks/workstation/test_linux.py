"""The Linux seam reads a tree of files; a test lays out one for each kind of machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.linux import LinuxSystem
from ccpor_checks.workstation.linux_network import NOT_MANAGED
from ccpor_checks.workstation.posture import RadioFact
from ccpor_checks.workstation.system import OsFact, ScreenFact


def lay(root: Path, files: dict[str, str]) -> LinuxSystem:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return LinuxSystem(root)


def test_os_release_is_read_with_its_quoting(tmp_path: Path) -> None:
    """Vendors quote as they like, and one broken line must not hide the rest."""
    system = lay(
        tmp_path,
        {
            "etc/os-release": "# a comment\nID=rhel\nVERSION_ID='9.6'\nBROKEN=\"\n"
            'PRETTY_NAME="Red Hat Enterprise Linux 9.6"\n'
        },
    )

    assert system.os() == OsFact(
        name="Red Hat Enterprise Linux 9.6", product="rhel", version="9.6", full_version="9.6"
    )


def test_the_second_place_of_os_release_counts(tmp_path: Path) -> None:
    """Image-based systems keep it under /usr/lib alone (os-release(5))."""
    assert lay(tmp_path, {"usr/lib/os-release": "ID=debian\nVERSION_ID=12"}).os().version == "12"


def test_no_os_release_is_an_error_and_not_a_guess(tmp_path: Path) -> None:
    """An empty container says nothing about itself."""
    with pytest.raises(OSError, match="os-release"):
        LinuxSystem(tmp_path).os()


def test_connected_screens_are_told_with_their_largest_mode(tmp_path: Path) -> None:
    """Disconnected ports and the render node are no screens."""
    drm = "sys/class/drm"
    system = lay(
        tmp_path,
        {
            f"{drm}/card0-HDMI-A-1/status": "connected\n",
            f"{drm}/card0-HDMI-A-1/modes": "1920x1080\n1920x1080i\n2560x1440\nbroken\n",
            f"{drm}/card0-DP-1/status": "disconnected\n",
            f"{drm}/card0-DP-1/modes": "",
            f"{drm}/renderD128/dev": "226:128",
        },
    )

    assert system.screens() == (ScreenFact(name="card0-HDMI-A-1", width_px=2560, height_px=1440),)


def test_a_machine_without_display_adapter_cannot_tell(tmp_path: Path) -> None:
    """A server is not a workstation without a screen; the agent runs in the wrong place."""
    with pytest.raises(CannotObserve, match="clerk"):
        LinuxSystem(tmp_path).screens()


def test_radios_are_told_from_cables(tmp_path: Path) -> None:
    """Either mark of a radio counts: drivers write one or the other."""
    net = "sys/class/net"
    system = lay(
        tmp_path,
        {
            f"{net}/eth0/operstate": "up\n",
            f"{net}/wlan0/operstate": "up\n",
            f"{net}/wlan0/phy80211/name": "phy0\n",
            f"{net}/wlan1/operstate": "down\n",
            f"{net}/wlan1/wireless/status": "0x0\n",
        },
    )

    assert system.wireless() == (
        RadioFact(name="wlan0", up=True, why_not=NOT_MANAGED),
        RadioFact(name="wlan1", up=False),
    )


def test_no_list_of_interfaces_is_not_an_empty_one(tmp_path: Path) -> None:
    """Without /sys we do not know, and "wireless is not used" would be a lie."""
    with pytest.raises(FileNotFoundError):
        LinuxSystem(tmp_path).wireless()


@pytest.mark.parametrize(
    ("files", "on"),
    [
        ({"proc/sys/crypto/fips_enabled": "1\n"}, True),
        ({"proc/sys/crypto/fips_enabled": "0\n"}, False),
        ({"proc/sys/kernel/ostype": "Linux"}, False),
    ],
    ids=["on", "off", "a kernel without it"],
)
def test_fips_mode_is_the_kernels(tmp_path: Path, files: dict[str, str], on: bool) -> None:
    """A kernel that has no such switch is not in FIPS mode."""
    assert lay(tmp_path, files).fips_mode() is on


def test_without_proc_fips_mode_is_unknown(tmp_path: Path) -> None:
    """A jail without /proc must not read as "off"."""
    with pytest.raises(FileNotFoundError):
        LinuxSystem(tmp_path).fips_mode()


def test_maker_and_processor_are_none_where_nothing_tells_them(tmp_path: Path) -> None:
    """Virtual machines have no DMI table; the inventory says so and goes on."""
    told = lay(
        tmp_path,
        {
            "sys/class/dmi/id/sys_vendor": "Acme\n",
            "sys/class/dmi/id/product_name": "\n",
            "proc/cpuinfo": "processor\t: 0\nmodel name\t: AMD EPYC\nmodel name\t: AMD EPYC\n",
        },
    )

    assert told.maker() == ("Acme", None)
    assert told.processor() == "AMD EPYC"
    assert LinuxSystem(tmp_path / "empty").maker() == (None, None)
    assert LinuxSystem(tmp_path / "empty").processor() is None
