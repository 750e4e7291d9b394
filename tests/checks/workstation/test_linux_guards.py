"""Anti-malware, firewall and disk encryption on Linux, from files as the system lays them out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.linux import LinuxSystem
from ccpor_checks.workstation.posture import (
    AntimalwareFact,
    FirewallFact,
    VolumeFact,
)
from tests.checks.workstation.test_linux import lay


def running(*names: str) -> dict[str, str]:
    return {f"proc/{n}/comm": f"{name}\n" for n, name in enumerate(("systemd", *names), 1)}


CLAM = {"usr/sbin/clamd": ""}
HEADER = "ClamAV-VDB:20 Nov 2026 09-22 +0000:27000:2000000:63:x:y:z:1"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (running(), ()),
        (
            running("clamd", "clamonacc") | CLAM | {"var/lib/clamav/daily.cvd": HEADER},
            (
                AntimalwareFact(
                    name="ClamAV", is_on=True, is_real_time=True, signatures_on=date(2026, 11, 20)
                ),
            ),
        ),
        (running() | CLAM, (AntimalwareFact(name="ClamAV", is_on=False, is_real_time=False),)),
        (CLAM, (AntimalwareFact(name="ClamAV"),)),
        (
            running("clamd") | CLAM | {"var/lib/clamav/daily.cvd": "rubbish"},
            (AntimalwareFact(name="ClamAV", is_on=True, is_real_time=False),),
        ),
        (running("falcon-sensor"), (AntimalwareFact(name="CrowdStrike Falcon", is_on=True),)),
        (
            running("wdavdaemon")
            | {
                "opt/microsoft/mdatp/sbin/x": "",
                "etc/opt/microsoft/mdatp/managed/mdatp_managed.json": '{"antivirusEngine":'
                '{"enforcementLevel":"real_time"}}',
            },
            (
                AntimalwareFact(
                    name="Microsoft Defender for Endpoint", is_on=True, is_real_time=True
                ),
            ),
        ),
        (
            running() | {"opt/microsoft/mdatp/x": ""},
            (AntimalwareFact(name="Microsoft Defender for Endpoint", is_on=False),),
        ),
    ],
)
def test_guards_are_known_by_files_and_processes(
    tmp_path: Path, files: dict[str, str], expected: tuple[AntimalwareFact, ...]
) -> None:
    assert lay(tmp_path, files).antimalware() == expected


def test_hidden_processes_are_not_missing_ones(tmp_path: Path) -> None:
    """With hidepid another user's daemon cannot be seen: no "missing" from that."""
    with pytest.raises(CannotObserve, match="hidepid"):
        lay(tmp_path, {"proc/self/x": ""}).antimalware()


NFT = "table inet f { chain input { type filter hook input priority 0; policy drop; } }\n"


def enabled(unit: str) -> dict[str, str]:
    return {f"etc/systemd/system/sysinit.target.wants/{unit}.service": ""}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (running("firewalld"), ("firewalld", True)),
        ({"etc/ufw/ufw.conf": "# x\nENABLED=yes\n"}, ("ufw", True)),
        ({"etc/ufw/ufw.conf": "ENABLED=no\n"}, ("ufw", False)),
        (enabled("nftables") | {"etc/nftables.conf": NFT}, ("nftables", True)),
        (
            enabled("nftables") | {"etc/nftables.conf": NFT.replace("drop", "accept; # drop")},
            ("nftables", False),
        ),
        ({}, None),
        ({"etc/ufw/ufw.conf": "ENABLED=no\n"} | enabled("netfilter-persistent"), None),
        ({"etc/nftables.conf": NFT}, None),
    ],
)
def test_the_firewall_is_the_one_that_is_set_up(
    tmp_path: Path, files: dict[str, str], expected: tuple[str, bool] | None
) -> None:
    """Rules that something else may have loaded are the kernel's to tell, and it tells root."""
    system = lay(tmp_path, files)
    if expected is None:
        with pytest.raises(CannotObserve, match="CAP_NET_ADMIN"):
            system.firewall()
    else:
        (fact,) = system.firewall()
        assert isinstance(fact, FirewallFact)
        assert (fact.name, fact.is_on) == expected


ROOT_ON = "22 1 {number} / / rw,relatime shared:1 - {kind} /dev/mapper/root rw\n"


def disks(
    root: Path, mounts: str, devices: dict[str, str | None], below: dict[str, list[str]]
) -> LinuxSystem:
    """Lay out block devices: number to the device mapper's UUID, and which lie below which."""
    lay(root, {"proc/self/mountinfo": mounts})
    folder = root / "sys/dev/block"
    for number, uuid in devices.items():
        (folder / number).mkdir(parents=True)
        if uuid is not None:
            lay(root, {f"sys/dev/block/{number}/dm/uuid": f"{uuid}\n"})
    for number, under in below.items():
        (folder / number / "slaves").mkdir()
        for each in under:
            (folder / number / "slaves" / each.replace(":", "-")).symlink_to(folder / each)
    return LinuxSystem(root)


LUKS = "CRYPT-LUKS2-0123456789abcdef-root"


@pytest.mark.parametrize(
    ("devices", "below", "encrypted"),
    [
        ({"8:1": None}, {}, False),
        ({"253:0": LUKS, "8:1": None}, {"253:0": ["8:1"]}, True),
        (
            {"253:1": "LVM-x", "253:0": LUKS, "8:1": None},
            {"253:1": ["253:0"], "253:0": ["8:1"]},
            True,
        ),
        ({"253:1": "LVM-x", "8:1": None}, {"253:1": ["8:1"]}, False),
        (
            {"253:1": "LVM-x", "253:0": LUKS, "8:1": None, "8:2": None},
            {"253:1": ["253:0", "8:2"]},
            False,
        ),
    ],
    ids=["bare", "LUKS", "LVM on LUKS", "LVM", "half of an LVM"],
)
def test_encryption_is_looked_for_through_all_layers(
    tmp_path: Path, devices: dict[str, str | None], below: dict[str, list[str]], encrypted: bool
) -> None:
    mounts = ROOT_ON.format(number=next(iter(devices)), kind="ext4")

    assert disks(tmp_path, mounts, devices, below).encryption() == (
        VolumeFact(path="/", is_encrypted=encrypted),
    )


def test_a_home_of_its_own_is_told_beside_the_system(tmp_path: Path) -> None:
    mounts = ROOT_ON.format(number="253:0", kind="ext4") + (
        "23 22 8:2 / /home rw - ext4 /dev/sda2 rw\n24 22 8:3 / /boot rw - ext4 /dev/sda3 rw\n"
    )
    system = disks(tmp_path, mounts, {"253:0": LUKS, "8:2": None}, {})

    assert {fact.path: fact.is_encrypted for fact in system.encryption()} == {
        "/": True,
        "/home": False,
    }


@pytest.mark.parametrize("kind", ["overlay", "zfs", "btrfs"])
def test_a_disk_that_is_not_visible_is_not_bare(tmp_path: Path, kind: str) -> None:
    """A container sees no disk; ZFS encrypts by itself."""
    system = disks(tmp_path, ROOT_ON.format(number="0:99", kind=kind), {}, {})

    with pytest.raises(CannotObserve, match=kind):
        system.encryption()


def test_btrfs_is_followed_by_its_source(tmp_path: Path) -> None:
    """Its device number is made up; the name behind it leads to the real one."""
    system = disks(tmp_path, ROOT_ON.format(number="0:30", kind="btrfs"), {}, {})
    lay(tmp_path, {"sys/class/block/root/dm/uuid": LUKS})

    assert system.encryption()[0].is_encrypted
