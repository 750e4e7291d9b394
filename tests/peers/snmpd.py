"""Real net-snmp daemons whose tables stand in a file: faults are written while they run."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.peers import free_port, need, program, started

COMMUNITY = "canary-community"
USER, AUTH_PASSWORD, PRIV_PASSWORD = "monitor", "canary-auth-1", "canary-priv-1"
SECRETS = (COMMUNITY, AUTH_PASSWORD, PRIV_PASSWORD)
TABLES = Path(__file__).with_name("snmp_tables.py")
SEVERAL_TRIES = 3  # another test may take a free port between our look and snmpd's bind

SERVED = ("2.2", "31.1.1", "10.7", "25.3", "43")  # below mib-2
# snmpd's own answers there are left out
NOT_OURS = "-ifTable,ifXTable,interface,interfaces,hr_device,hr_print,hr_network,hr_disk,hr_proc,dot3StatsTable"
CONFIGURATION = """
agentaddress {address}:{port}
rocommunity {community}
rocommunity6 {community}
createUser {user} SHA-256 "{auth}" AES "{priv}"
createUser legacy SHA "{auth}" DES "{priv}"
createUser strong SHA-512 "{auth}" AES256 "{priv}"
createUser signed MD5 "{auth}"
rouser {user} priv
rouser strong priv
rouser legacy priv
rouser signed auth
sysDescr {description}
"""
IF, IFX, MIB2 = "2.2.1", "31.1.1.1", ".1.3.6.1.2.1"
Cells = dict[str, tuple[str, str]]  # below mib-2, e.g. "2.2.1.8.1": ("integer", "1")


def interface(index: int, name: str, *, mbit: int = 1000, **changed: str) -> Cells:
    """Return a healthy Ethernet interface: up, full duplex, counters that stand still."""
    return {
        f"{IF}.2.{index}": ("string", f"port {index}"),
        f"{IF}.3.{index}": ("integer", "6"),
        f"{IF}.5.{index}": ("gauge", str(min(mbit * 10**6, 2**32 - 1))),
        f"{IF}.7.{index}": ("integer", "1"),
        f"{IF}.8.{index}": ("integer", "1"),
        **{f"{IF}.{column}.{index}": ("counter", "1000") for column in (10, 11, 16, 17)},
        **{f"{IF}.{column}.{index}": ("counter", "0") for column in (13, 14, 19, 20)},
        f"{IFX}.1.{index}": ("string", name),
        f"{IFX}.15.{index}": ("gauge", str(mbit)),
        f"{IFX}.18.{index}": ("string", f"uplink {index}"),
        f"{IFX}.19.{index}": ("timeticks", "0"),
        **{f"{IFX}.{column}.{index}": ("counter64", "1000") for column in (6, 7, 10, 11)},
        f"10.7.2.1.19.{index}": ("integer", "3"),
    }


def printer() -> Cells:
    """Return a healthy printer: idle, paper, toner, closed."""
    return {
        "25.3.2.1.2.1": ("objectid", ".1.3.6.1.2.1.25.3.1.5"),
        "25.3.2.1.3.1": ("string", "Acme MFP 9"),
        "25.3.2.1.5.1": ("integer", "2"),
        "25.3.5.1.1.1": ("integer", "3"),
        "25.3.5.1.2.1": ("octet", "00 00"),
        "43.6.1.1.2.1.1": ("string", "front door"),
        "43.6.1.1.3.1.1": ("integer", "4"),
        "43.8.2.1.2.1.1": ("integer", "3"),
        "43.8.2.1.10.1.1": ("integer", "-3"),
        "43.8.2.1.11.1.1": ("integer", "0"),
        "43.8.2.1.13.1.1": ("string", "Tray 1"),
        "43.11.1.1.6.1.1": ("string", "Black toner"),
        "43.11.1.1.8.1.1": ("integer", "5000"),
        "43.11.1.1.9.1.1": ("integer", "4000"),
        "43.11.1.1.6.1.2": ("string", "Waste box"),
        "43.11.1.1.8.1.2": ("integer", "-2"),
        "43.11.1.1.9.1.2": ("integer", "-3"),
    }


@dataclass
class Snmpd:
    """A running daemon."""

    port: int
    folder: Path
    log: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def shows(self, *parts: Mapping[str, tuple[str, str]], raw: str = "") -> None:
        """Serve exactly *parts*, the later over the earlier; *raw*: further lines."""
        cells: Cells = {}
        for part in parts:
            cells |= part
        lines = [f"{MIB2}.{name}\t{kind}\t{value}" for name, (kind, value) in cells.items()]
        with self._lock:
            fresh = self.folder / "tables.new"
            fresh.write_text("\n".join([*lines, raw]) + "\n", encoding="utf-8")
            fresh.replace(self.folder / "tables.tsv")


@contextlib.contextmanager
def snmpd(
    folder: Path,
    description: str = "Acme switch 24",
    *,
    own_tables: bool = True,
    ipv6: bool = False,
) -> Iterator[Snmpd]:
    """Run snmpd with its files in *folder* until the block ends.

    own_tables: whether `Snmpd.shows` says what it has; else it tells of this machine.
    """
    need("snmpd")
    (folder / "tables.tsv").write_text("", encoding="utf-8")
    with contextlib.ExitStack() as running:
        for tries_left in reversed(range(SEVERAL_TRIES)):
            port = free_port(socket.SOCK_DGRAM)
            try:
                running.enter_context(_started(folder, port, description, own_tables, ipv6))
            except AssertionError:
                if not tries_left:
                    raise
            else:
                break
        yield Snmpd(port, folder, folder / "snmpd.log")


def _started(
    folder: Path, port: int, description: str, own_tables: bool, ipv6: bool
) -> contextlib.AbstractContextManager[object]:
    text = CONFIGURATION.format(
        address="udp6:[::1]" if ipv6 else "udp:127.0.0.1",
        port=port,
        community=COMMUNITY,
        user=USER,
        auth=AUTH_PASSWORD,
        priv=PRIV_PASSWORD,
        description=description,
    )
    for below in SERVED if own_tables else ():
        text += (
            f"pass_persist -p 1 {MIB2}.{below} {sys.executable} {TABLES} {folder / 'tables.tsv'}\n"
        )
    (folder / "snmpd.conf").write_text(text, encoding="utf-8")
    log = folder / "snmpd.log"
    command = [program("snmpd"), "-f", "-C", "-c", str(folder / "snmpd.conf"), "-Lo"]
    left_out = ["-I", NOT_OURS] if own_tables else []
    return started(
        [*command, "-p", str(folder / "pid"), *left_out],
        log=log,
        ready=lambda: "NET-SNMP version" in log.read_text(errors="replace"),
        env={"SNMP_PERSISTENT_DIR": str(folder), "MIBS": "", "PYTHONPATH": os.defpath},
    )
