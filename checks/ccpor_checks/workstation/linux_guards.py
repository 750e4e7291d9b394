"""Linux: protection against harmful programs, firewall, disk encryption.

Needs: no right for what the files tell. Which rules the kernel's firewall holds and which cipher a
disk has is shown to an administrator alone (CAP_NET_ADMIN, CAP_SYS_ADMIN): not asked.
Source: ClamAV's database header (cvd.c: ``ClamAV-VDB:`` and its build time), clamd(8),
clamonacc(8); ufw.conf; firewalld(1); nft(8); proc(5) for mountinfo; the device mapper's UUID
(``CRYPT-LUKS2-…``: cryptsetup) in ``/sys/dev/block/M:N/dm/uuid``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.linux_files import (
    assignments,
    is_enabled,
    process_names,
    text_of,
)
from ccpor_checks.workstation.posture import AntimalwareFact, FirewallFact, VolumeFact

CLAM_DATABASES = "var/lib/clamav"
CLAM_PROGRAMS = ("usr/sbin/clamd", "usr/bin/clamscan", "usr/bin/freshclam")
CLAM_BUILT = re.compile(rb"ClamAV-VDB:(\d\d? \w{3} \d{4}) ")
DEFENDER = "opt/microsoft/mdatp"
DEFENDER_MANAGED = "etc/opt/microsoft/mdatp/managed/mdatp_managed.json"
OTHERS = {  # process name, as proc(5) cuts it, to the product
    "falcon-sensor": "CrowdStrike Falcon",
    "falcon-sensor-b": "CrowdStrike Falcon",
    "sentinelone-age": "SentinelOne",
    "s1-agent": "SentinelOne",
    "ds_am": "Trend Micro Deep Security",
    "savscand": "Sophos",
    "sophos-subproce": "Sophos",
    "SophosScanD": "Sophos",
    "esets": "ESET",
    "eraagent": "ESET",
    "cbagentd": "Carbon Black",
    "xagt": "Trellix",
    "mfetpd": "Trellix",
}
ADMINISTRATOR = (
    "which rules the kernel's firewall holds is shown to an administrator alone "
    "(CAP_NET_ADMIN); look with `sudo nft list ruleset`"
)
SPECIAL = frozenset({"overlay", "tmpfs", "ramfs", "squashfs", "9p", "virtiofs", "zfs"})
MOST_LAYERS = 12


def antimalware(root: Path) -> tuple[AntimalwareFact, ...]:
    """Return the products that are installed or run; () where there is none.

    Raises:
        CannotObserve: Other users' processes are hidden, and no product's files are there.
    """
    running = process_names(root)
    found = [*_clam(root, running), *_defender(root, running)]
    for name in sorted({OTHERS[each] for each in (running or ()) if each in OTHERS}):
        found.append(AntimalwareFact(name=name, is_on=True))
    if not found and running is None:
        raise CannotObserve(
            "processes of other users are hidden (hidepid); run the agent as an administrator"
        )
    return tuple(found)


def _runs(running: frozenset[str] | None, name: str) -> bool | None:
    return None if running is None else name in running


def _clam(root: Path, running: frozenset[str] | None) -> Iterator[AntimalwareFact]:
    if any((root / program).exists() for program in CLAM_PROGRAMS):
        yield AntimalwareFact(
            name="ClamAV",
            is_on=_runs(running, "clamd"),
            is_real_time=_runs(running, "clamonacc"),
            signatures_on=_clam_signatures(root / CLAM_DATABASES),
        )


def _clam_signatures(folder: Path) -> date | None:
    """Return the day on which the newest database was built; None: none reads."""
    days = []
    for name in ("daily.cld", "daily.cvd", "main.cld", "main.cvd"):
        try:
            with (folder / name).open("rb") as opened:
                told = CLAM_BUILT.match(opened.read(512))
            if told:
                days.append(datetime.strptime(told[1].decode(), "%d %b %Y").date())  # noqa: DTZ007
        except (OSError, ValueError):
            continue
    return max(days, default=None)


def _defender(root: Path, running: frozenset[str] | None) -> Iterator[AntimalwareFact]:
    """Its own state file is root's alone; the managed settings say whether real time is asked."""
    if (root / DEFENDER).is_dir():
        yield AntimalwareFact(
            name="Microsoft Defender for Endpoint",
            is_on=_runs(running, "wdavdaemon"),
            is_real_time=_enforced(text_of(root / DEFENDER_MANAGED)),
        )


def _enforced(text: str | None) -> bool | None:
    try:
        level = json.loads(text or "{}")["antivirusEngine"]["enforcementLevel"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return bool(level == "real_time")


def firewall(root: Path) -> tuple[FirewallFact, ...]:
    """Return the firewall that is set up, by its own settings.

    Raises:
        CannotObserve: No settings are there, and the kernel does not tell us its rules.
    """
    running = process_names(root)
    if running and "firewalld" in running:
        return (FirewallFact(name="firewalld", is_on=True, source="its process"),)
    ufw = assignments(text_of(root / "etc/ufw/ufw.conf") or "").get("enabled", "").strip("\"'")
    if ufw.lower() == "yes":
        return (FirewallFact(name="ufw", is_on=True, source="/etc/ufw/ufw.conf"),)
    if is_enabled(root, "nftables.service") and (
        rules := text_of(root / "etc/nftables.conf") or ""
    ):
        plain = re.sub(r"#.*", "", rules)
        shuts = "hook input" in plain and re.search(r"\b(drop|reject)\b", plain) is not None
        return (FirewallFact(name="nftables", is_on=shuts, source="/etc/nftables.conf"),)
    others = ("firewalld", "netfilter-persistent", "iptables", "shorewall", "nftables")
    if ufw.lower() == "no" and not any(is_enabled(root, f"{name}.service") for name in others):
        return (FirewallFact(name="ufw", is_on=False, source="/etc/ufw/ufw.conf"),)
    raise CannotObserve(ADMINISTRATOR)


def encryption(root: Path) -> tuple[VolumeFact, ...]:
    """Return whether the system's volume, and the one with users' files, lie on a LUKS device.

    Raises:
        CannotObserve: The device below is not visible: a container, ZFS, a network's disk.
    """
    found = []
    for mount in _mounts(root):
        encrypted = _is_encrypted(root / "sys/dev/block" / mount[1], MOST_LAYERS)
        if encrypted is None:
            encrypted = _is_encrypted(root / "sys/class/block" / Path(mount[3]).name, MOST_LAYERS)
        if mount[2] in SPECIAL or encrypted is None:
            raise CannotObserve(
                f"the disk below {mount[0]} ({mount[2]}) is not visible from here; run the agent "
                "on the machine itself, or look with `lsblk -o NAME,TYPE,FSTYPE`"
            )
        found.append(VolumeFact(path=mount[0], is_encrypted=encrypted))
    return tuple(found)


def _mounts(root: Path) -> Iterator[tuple[str, str, str, str]]:
    """Yield mount point, device number, kind and source of / and /home, the last mount of each."""
    found = {}
    for line in (root / "proc/self/mountinfo").read_text(errors="replace").splitlines():
        head, _, tail = line.partition(" - ")
        words, after = head.split(), tail.split()
        if len(words) > 4 and len(after) > 1 and words[4] in {"/", "/home"}:
            found[words[4]] = (words[4], words[2], after[0], after[1])
    if "/" not in found:
        raise CannotObserve("the list of mounts has no system volume")
    yield from found.values()


def _is_encrypted(device: Path, layers: int) -> bool | None:
    """Say whether every way from *device* to a disk goes through encryption; None: not there."""
    if not device.exists() or layers == 0:
        return None
    uuid = (text_of(device / "dm/uuid") or "").strip()
    if uuid.startswith("CRYPT-"):
        return True
    below = device / "slaves"
    under = sorted(below.iterdir()) if below.is_dir() else []
    if not under:
        return False
    told = [_is_encrypted(each, layers - 1) for each in under]
    return None if None in told else all(told)
