"""The doors through which the Windows seam looks; a test walks through doors of its own.

Everything that comes through a door is plain: no handle, no COM object.
"""

from __future__ import annotations

from datetime import date
from typing import Literal, NamedTuple, Protocol

from ccpor_checks.workstation.system import JoinFact, ScreenFact

Hive = Literal["machine", "user"]
Value = str | int | bytes
ServiceState = Literal["running", "stopped", "missing"]
Cell = str | int | bool | None  # what WMI tells; everything else is left out


class Registry(Protocol):
    """Values of HKEY_LOCAL_MACHINE and HKEY_CURRENT_USER, always in their 64-bit view."""

    def value(self, key: str, name: str, hive: Hive = "machine") -> Value:
        """Return one value; several texts (REG_MULTI_SZ) as lines.

        Raises:
            FileNotFoundError: No such key or value; OSError: not ours to read.
        """
        ...

    def subkeys(self, key: str, hive: Hive = "machine") -> tuple[str, ...]:
        """Return the names of the keys below *key*.

        Raises:
            FileNotFoundError: No such key; OSError: not ours to read.
        """
        ...


class Adapter(NamedTuple):
    """One network adapter. kind: IANA ifType; status: IF_OPER_STATUS, 1 is up; guid: "{…}"."""

    name: str
    kind: int
    status: int
    guid: str = ""


class Radio(NamedTuple):
    """One radio. code: Windows' error where it keeps the connection to itself, else 0."""

    guid: str
    code: int = 0
    authentication: int | None = None  # DOT11_AUTH_ALGORITHM
    cipher: int | None = None  # DOT11_CIPHER_ALGORITHM


class Lockout(NamedTuple):
    """USER_MODALS_INFO_3: seconds, seconds, tries (0: an account never locks)."""

    duration_s: int
    window_s: int
    threshold: int


class Calls(Protocol):
    """What the registry does not hold. Every call may raise OSError with Windows' number."""

    def screens(self) -> tuple[ScreenFact, ...]: ...
    def adapters(self) -> tuple[Adapter, ...]: ...
    def radios(self) -> tuple[Radio, ...]: ...
    def service(self, name: str) -> ServiceState: ...
    def lockout(self) -> Lockout: ...
    def join(self) -> JoinFact: ...
    def file_version(self, path: str) -> str: ...
    def fixed_drives(self) -> tuple[str, ...]: ...
    def is_service_account(self) -> bool: ...


class Offered(NamedTuple):
    """One update that is not installed; severity: MSRC's word or "", categories: their ids."""

    title: str
    severity: str
    categories: tuple[str, ...]
    changed: date | None


class Update(NamedTuple):
    """One line of the history of updates."""

    on: date | None
    operation: int  # UpdateOperation: 1 installation, 2 removal
    result: int  # OperationResultCode: 2 succeeded, 3 with errors
    categories: tuple[str, ...] | None  # None: this Windows does not tell


class Updates(NamedTuple):
    """What the Windows Update Agent tells. result: OperationResultCode of the search."""

    result: int
    offered: tuple[Offered, ...]
    history: tuple[Update, ...]
    searched: date | None  # the last search of Windows itself that succeeded


class Com(Protocol):
    """COM: `CannotObserve` where it gives no answer in time, `ComFailed` with its HRESULT."""

    def updates(self, limit_s: float) -> Updates: ...

    def rows(
        self, namespace: str, of: str, names: tuple[str, ...], limit_s: float
    ) -> tuple[dict[str, Cell], ...]:
        """Return the objects of the WMI class *of*, those of *names* that it has."""
        ...

    def shell_property(self, paths: tuple[str, ...], name: str, limit_s: float) -> dict[str, Cell]:
        """Return the shell's property *name* of each path."""
        ...
