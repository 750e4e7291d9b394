"""COM classes of our own under the names of Windows': its update agent, WMI and the shell.

Wine has each of these names and little behind them. The classes run in the test's own process, and
what they answer stands in `ANSWERS`; the agent reaches them by COM itself, as on Windows.
"""

from __future__ import annotations

import contextlib
import time
import winreg
from collections.abc import Iterator
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pythoncom
from win32com.server.exception import COMException
from win32com.server.util import NewEnum, wrap

CLASSES = r"SOFTWARE\Classes"
# ProgID -> id and class; the ids are ours.
NAMES = {
    "Microsoft.Update.Session": ("{7A1E0001-52C5-4E0F-9B1C-000000000001}", "Session"),
    "Microsoft.Update.AutoUpdate": ("{7A1E0001-52C5-4E0F-9B1C-000000000002}", "AutoUpdate"),
    "WbemScripting.SWbemLocator": ("{7A1E0001-52C5-4E0F-9B1C-000000000003}", "Locator"),
    "Shell.Application": ("{7A1E0001-52C5-4E0F-9B1C-000000000004}", "Shell"),
}
INVALID_NAMESPACE = 0x8004100E


def nothing() -> SimpleNamespace:
    return SimpleNamespace(
        result=2, updates=[], history=[], searched=None, wait_s=0.0, fails=0, rows={}, shell={}
    )


ANSWERS = nothing()


def failure(code: int) -> COMException:
    return COMException(scode=code - 2**32)


def thing(**attributes: object) -> Any:
    """Return a COM object with these properties."""
    held = SimpleNamespace(_public_methods_=[], _public_attrs_=list(attributes), **attributes)
    return wrap(held)


def automation(day: date | None) -> datetime:
    """Return *day* as an automation date; None as its nil."""
    when = day or date(1899, 12, 30)
    return datetime(when.year, when.month, when.day, tzinfo=UTC)


class Collection:
    _public_methods_ = ["Item", "_NewEnum"]  # noqa: RUF012 - pywin32's way
    _public_attrs_ = ["Count"]  # noqa: RUF012

    def __init__(self, items: list[Any]) -> None:
        self._items, self.Count = items, len(items)

    def Item(self, number: int) -> Any:  # noqa: N802
        return self._items[number]

    def _NewEnum(self) -> Any:  # noqa: N802
        return NewEnum(self._items)


def collection(items: list[Any]) -> Any:
    return wrap(Collection(items))


def categories(ids: list[str]) -> Any:
    return collection([thing(CategoryID=each, Name="in words") for each in ids])


class Session:
    _public_methods_ = ["CreateUpdateSearcher"]  # noqa: RUF012

    def CreateUpdateSearcher(self) -> Any:  # noqa: N802
        return wrap(Searcher())


class Searcher:
    _public_methods_ = ["Search", "GetTotalHistoryCount", "QueryHistory"]  # noqa: RUF012
    _public_attrs_ = ["Online"]  # noqa: RUF012
    Online = True

    def Search(self, criteria: str) -> Any:  # noqa: N802
        time.sleep(ANSWERS.wait_s)
        if ANSWERS.fails:
            raise failure(ANSWERS.fails)
        assert not self.Online, "the search went onto the wire"
        assert criteria == "IsInstalled=0 and Type='Software'"
        found = [
            thing(
                Title=title,
                MsrcSeverity=severity,
                Categories=categories(ids),
                LastDeploymentChangeTime=automation(changed),
            )
            for title, severity, ids, changed in ANSWERS.updates
        ]
        return thing(ResultCode=ANSWERS.result, Updates=collection(found))

    def GetTotalHistoryCount(self) -> int:  # noqa: N802
        return len(ANSWERS.history)

    def QueryHistory(self, start: int, count: int) -> Any:  # noqa: N802
        lines = [
            thing(
                Date=automation(on),
                Operation=operation,
                ResultCode=result,
                Categories=categories(i),
            )
            for on, operation, result, i in ANSWERS.history[start : start + count]
        ]
        return collection(lines)


class AutoUpdate:
    _public_methods_: list[str] = []  # noqa: RUF012
    _public_attrs_ = ["Results"]  # noqa: RUF012

    @property
    def Results(self) -> Any:  # noqa: N802
        return thing(LastSearchSuccessDate=automation(ANSWERS.searched))


class Locator:
    _public_methods_ = ["ConnectServer"]  # noqa: RUF012

    def ConnectServer(self, _machine: str, namespace: str) -> Any:  # noqa: N802
        told = ANSWERS.rows.get(namespace, INVALID_NAMESPACE)
        if isinstance(told, int):
            raise failure(told)
        return wrap(Services(told))


class Services:
    _public_methods_ = ["ExecQuery"]  # noqa: RUF012

    def __init__(self, told: dict[str, list[dict[str, object]]]) -> None:
        self._told = told

    def ExecQuery(self, query: str, _language: str, _flags: int) -> Any:  # noqa: N802
        rows = self._told.get(query.rpartition(" ")[2], [])
        return collection([thing(**row) for row in rows])


class Shell:
    _public_methods_ = ["NameSpace"]  # noqa: RUF012

    def NameSpace(self, path: str) -> Any:  # noqa: N802
        return wrap(Folder(path)) if path in ANSWERS.shell else None


class Folder:
    _public_methods_: list[str] = []  # noqa: RUF012
    _public_attrs_ = ["Self"]  # noqa: RUF012

    def __init__(self, path: str) -> None:
        self._path = path

    @property
    def Self(self) -> Any:  # noqa: N802
        return wrap(Item(self._path))


class Item:
    _public_methods_ = ["ExtendedProperty"]  # noqa: RUF012

    def __init__(self, path: str) -> None:
        self._path = path

    def ExtendedProperty(self, name: str) -> object:  # noqa: N802
        assert name == "System.Volume.BitLockerProtection"
        return ANSWERS.shell[self._path]


@contextlib.contextmanager
def answering(**answers: object) -> Iterator[None]:
    """Put our classes in the place of Windows' names, with these answers."""
    vars(ANSWERS).update(vars(nothing()) | answers)
    with contextlib.ExitStack() as back:
        for name, (place, ours) in NAMES.items():
            _register(place, ours)
            back.enter_context(_renamed(name, place))
        yield


def _register(place: str, ours: str) -> None:
    key = rf"{CLASSES}\CLSID\{place}"
    values = {"InprocServer32": pythoncom.__file__, "PythonCOM": f"{__name__}.{ours}"}
    for below, value in values.items():
        winreg.SetValue(winreg.HKEY_LOCAL_MACHINE, rf"{key}\{below}", winreg.REG_SZ, value)
    with winreg.OpenKey(
        winreg.HKEY_LOCAL_MACHINE, rf"{key}\InprocServer32", access=winreg.KEY_WRITE
    ) as opened:
        winreg.SetValueEx(opened, "ThreadingModel", 0, winreg.REG_SZ, "both")


@contextlib.contextmanager
def _renamed(name: str, place: str) -> Iterator[None]:
    """Have *name* mean *place*; a run that was killed here left what stood before beside it."""
    machine, key = winreg.HKEY_LOCAL_MACHINE, rf"{CLASSES}\{name}\CLSID"
    beside = rf"{CLASSES}\CLSID\{place}\Before"
    before = winreg.QueryValue(machine, key)
    if before == place:
        before = winreg.QueryValue(machine, beside)
    winreg.SetValue(machine, beside, winreg.REG_SZ, before)
    winreg.SetValue(machine, key, winreg.REG_SZ, place)
    try:
        yield
    finally:
        winreg.SetValue(machine, key, winreg.REG_SZ, before)
