"""A device that tells whatever a test writes, and the check's look at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ccpor_checks.base import Target
from ccpor_checks.snmp import CHECK
from tests.checks.looking import Looked, looked
from tests.peers.snmpd import AUTH_PASSWORD, COMMUNITY, PRIV_PASSWORD, USER, Snmpd

SAMPLE_S = 0.1
V2C = {"version": "v2c", "community_file": "community"}
V3 = {"user": USER, "auth_file": "auth", "priv_file": "priv"}


def write_secrets(folder: Path) -> None:
    """Write the files that profiles name, right ones and wrong ones."""
    (folder / "community").write_text(COMMUNITY + "\n")
    (folder / "auth").write_text(AUTH_PASSWORD + "\n")
    (folder / "priv").write_text(PRIV_PASSWORD + "\r\n")
    (folder / "wrong").write_text("canary-wrong-9\n")


def target(port: int, host: str = "127.0.0.1") -> Target:
    return Target(id="device", url=f"snmp://{host}:{port}", scheme="snmp", host=host, port=port)


def asked(device: Snmpd | int, folder: Path, **options: Any) -> Looked:
    """Return what the check says of *device*, or of what is at a port; v2c where no user asks."""
    port = device if isinstance(device, int) else device.port
    who = {} if "user" in options or "version" in options else V2C
    wanted = {"sample_s": SAMPLE_S, **who, **options}
    return looked(CHECK, target(port), wanted, base_dir=folder)
