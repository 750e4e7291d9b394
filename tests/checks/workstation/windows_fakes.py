"""Doors to a Windows of a test's own: its registry, its calls, its COM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ccpor_checks.workstation.system import JoinFact, ScreenFact
from ccpor_checks.workstation.windows_doors import (
    Adapter,
    Cell,
    Hive,
    Lockout,
    Radio,
    ServiceState,
    Updates,
    Value,
)

FIVE_TRIES, WORKGROUP = Lockout(900, 900, 5), JoinFact(kind="none")
NO_UPDATES = Updates(result=2, offered=(), history=(), searched=None)
WI_FI = "{AAAAAAAA-0000-0000-0000-000000000001}"
INVALID_NAMESPACE = 0x8004100E


class FakeRegistry:
    """Values that a test gives, of HKLM and of HKCU; no other is there, and `closed` keys are shut."""

    def __init__(
        self, values: Mapping[tuple[str, str], Value], user: Mapping[tuple[str, str], Value] = {}
    ) -> None:
        self.hives = {"machine": dict(values), "user": dict(user)}
        self.closed: set[str] = set()

    def value(self, key: str, name: str, hive: Hive = "machine") -> Value:
        if key in self.closed:
            raise PermissionError(13, "denied", key)
        try:
            return self.hives[hive][key, name]
        except KeyError:
            raise FileNotFoundError(2, "no such value", f"{key}\\{name}") from None

    def subkeys(self, key: str, hive: Hive = "machine") -> tuple[str, ...]:
        if key in self.closed:
            raise PermissionError(13, "denied", key)
        below = [each for each, _ in self.hives[hive] if f"{each}\\".startswith(f"{key}\\")]
        if not below:
            raise FileNotFoundError(2, "no such key", key)
        rest = (each[len(key) + 1 :].partition("\\")[0] for each in below)
        return tuple(dict.fromkeys(filter(None, rest)))


@dataclass
class FakeCalls:
    """A PC with a wired and a wireless adapter; an exception in place of an answer is raised."""

    adapters_: tuple[Adapter, ...] = (
        Adapter("Ethernet", 6, 1),
        Adapter("Wi-Fi", 71, 1, WI_FI),
        Adapter("Wi-Fi Direct", 71, 2),
        Adapter("Loopback", 24, 1),
    )
    radios_: tuple[Radio, ...] | Exception = (Radio(WI_FI.lower(), 0, 6, 4),)
    services: dict[str, ServiceState] = field(default_factory=dict)
    lockout_: Lockout | Exception = FIVE_TRIES
    join_: JoinFact | Exception = WORKGROUP
    versions: dict[str, str] = field(default_factory=dict)
    drives: tuple[str, ...] = ("C:\\",)
    is_service: bool = False

    def screens(self) -> tuple[ScreenFact, ...]:
        return (ScreenFact(name="panel", width_px=1920, height_px=1080),)

    def adapters(self) -> tuple[Adapter, ...]:
        return self.adapters_

    def radios(self) -> tuple[Radio, ...]:
        if isinstance(self.radios_, Exception):
            raise self.radios_
        return self.radios_

    def service(self, name: str) -> ServiceState:
        return self.services.get(name, "missing")

    def lockout(self) -> Lockout:
        if isinstance(self.lockout_, Exception):
            raise self.lockout_
        return self.lockout_

    def join(self) -> JoinFact:
        if isinstance(self.join_, Exception):
            raise self.join_
        return self.join_

    def file_version(self, path: str) -> str:
        try:
            return self.versions[path]
        except KeyError:
            raise FileNotFoundError(2, "no such file", path) from None

    def fixed_drives(self) -> tuple[str, ...]:
        return self.drives

    def is_service_account(self) -> bool:
        return self.is_service


@dataclass
class FakeCom:
    """rows: by class of WMI; what is not there is missing as on a system without that part."""

    told: Updates | Exception = NO_UPDATES
    rows_: dict[str, tuple[dict[str, Cell], ...] | Exception] = field(default_factory=dict)
    shell: dict[str, Cell] | Exception = field(default_factory=dict)

    def updates(self, limit_s: float) -> Updates:
        if isinstance(self.told, Exception):
            raise self.told
        return self.told

    def rows(
        self, namespace: str, of: str, names: tuple[str, ...], limit_s: float
    ) -> tuple[dict[str, Cell], ...]:
        from ccpor_checks.workstation.windows_com import ComFailed

        found = self.rows_.get(of, ComFailed(INVALID_NAMESPACE))
        if isinstance(found, Exception):
            raise found
        return found

    def shell_property(self, paths: tuple[str, ...], name: str, limit_s: float) -> dict[str, Cell]:
        if isinstance(self.shell, Exception):
            raise self.shell
        return self.shell
