"""Values of Windows' registry, read with what they mean: absent is None, forbidden is no answer."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.windows_doors import Hive, Registry, Value

SHORT = {"machine": "HKLM", "user": "HKCU"}
EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
FIRST_YEAR, LAST_YEAR = 2000, 2199  # what is outside was never set


class Values:
    """Reads through a `Registry`; `CannotObserve` where a key is not this user's to read."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def raw(self, key: str, name: str, hive: Hive = "machine") -> Value | None:
        try:
            return self._registry.value(key, name, hive)
        except FileNotFoundError:
            return None
        except PermissionError as exc:
            raise forbidden(key, hive) from exc

    def text(self, key: str, name: str, hive: Hive = "machine") -> str | None:
        """Return a value as text; None where it is absent or empty."""
        value = self.raw(key, name, hive)
        return None if value is None or isinstance(value, bytes) else str(value).strip() or None

    def number(self, key: str, name: str, hive: Hive = "machine") -> int | None:
        """Return a whole number, also where policy wrote it as text."""
        value = self.raw(key, name, hive)
        if isinstance(value, str) and value.strip().isdecimal():
            return int(value)
        return value if isinstance(value, int) else None

    def day(self, key: str, name: str) -> date | None:
        """Return the day of a FILETIME, kept as eight bytes or as a number."""
        value = self.raw(key, name)
        if isinstance(value, bytes):
            value = int.from_bytes(value, "little") if len(value) == 8 else 0
        return filetime_day(value) if isinstance(value, int) else None

    def subkeys(self, key: str, hive: Hive = "machine") -> tuple[str, ...]:
        """Return the names of the keys below *key*; () where it is not there."""
        try:
            return self._registry.subkeys(key, hive)
        except FileNotFoundError:
            return ()
        except PermissionError as exc:
            raise forbidden(key, hive) from exc

    def has(self, key: str) -> bool:
        """Say whether *key* of HKLM is there."""
        try:
            self._registry.subkeys(key)
        except FileNotFoundError:
            return False
        except PermissionError as exc:
            raise forbidden(key, "machine") from exc
        return True


def forbidden(key: str, hive: Hive) -> CannotObserve:
    return CannotObserve(
        f"this user may not read {SHORT[hive]}\\{key}; it needs the right to read that key, "
        "which an administrator has"
    )


def filetime_day(ticks: int) -> date | None:
    """Return the UTC day of a FILETIME (100 ns since 1601); None where it was never set."""
    try:
        found = EPOCH + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return None
    return likely(found.date())


def likely(day: date) -> date | None:
    """Return *day*; None for the nil of some clock (1601, 1899, 1970)."""
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None
