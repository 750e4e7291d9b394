"""The COM door to Windows itself: the Windows Update Agent, WMI and the shell's properties.

Source: Microsoft, "Windows Update Agent API", "Scripting API for WMI", "ShellFolderItem".
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from ccpor_checks.workstation.windows_com import Late, ask, make
from ccpor_checks.workstation.windows_doors import Cell, Offered, Update, Updates
from ccpor_checks.workstation.windows_values import likely

NOT_INSTALLED = "IsInstalled=0 and Type='Software'"
MOST_HISTORY = 200  # lines; definitions of Defender come several times a day
FORWARD_ONLY = 0x10 | 0x20  # wbemFlagReturnImmediately, wbemFlagForwardOnly
AGENT = "Windows Update"


class MachineCom:
    """This machine's COM; see `Com`."""

    def updates(self, limit_s: float) -> Updates:
        """Return what the agent's own list says; nobody is asked over the network."""
        return ask(AGENT, _updates, limit_s)

    def rows(
        self, namespace: str, of: str, names: tuple[str, ...], limit_s: float
    ) -> tuple[dict[str, Cell], ...]:
        """Return the objects of the WMI class *of*, those of *names* that it has."""
        return ask(f"WMI ({namespace})", lambda: _rows(namespace, of, names), limit_s)

    def shell_property(self, paths: tuple[str, ...], name: str, limit_s: float) -> dict[str, Cell]:
        """Return the shell's property *name* of each path that it knows."""
        return ask("the Windows shell", lambda: _shell_property(paths, name), limit_s)


def _updates() -> Updates:
    session = make("Microsoft.Update.Session")
    searcher = session.get("CreateUpdateSearcher")
    searcher.put("Online", False)
    found = searcher.get("Search", NOT_INSTALLED)
    history: tuple[Update, ...] = ()
    lines = int(searcher.get("GetTotalHistoryCount"))
    if lines:
        entries = searcher.get("QueryHistory", 0, min(lines, MOST_HISTORY))
        history = tuple(_line(entry) for entry in entries)
    results = make("Microsoft.Update.AutoUpdate").get("Results")
    return Updates(
        result=int(found.get("ResultCode")),
        offered=tuple(_offered(update) for update in found.get("Updates")),
        history=history,
        searched=day(results.get("LastSearchSuccessDate")),
    )


def _offered(update: Late) -> Offered:
    return Offered(
        title=str(update.get("Title") or ""),
        severity=str(update.get("MsrcSeverity") or ""),
        categories=_categories(update.get("Categories")),
        changed=day(update.get("LastDeploymentChangeTime")),
    )


def _line(entry: Late) -> Update:
    categories = entry.get_if_there("Categories")
    return Update(
        on=day(entry.get("Date")),
        operation=int(entry.get("Operation")),
        result=int(entry.get("ResultCode")),
        categories=None if categories is None else _categories(categories),
    )


def _categories(collection: Any) -> tuple[str, ...]:
    if not isinstance(collection, Late):
        return ()
    return tuple(str(each.get("CategoryID")).strip("{}").lower() for each in collection)


def day(value: object) -> date | None:
    """Return the UTC day of an automation date; None for its nil (30 December 1899)."""
    if not isinstance(value, datetime):
        return None
    return likely(date(value.year, value.month, value.day))


def _rows(namespace: str, of: str, names: tuple[str, ...]) -> tuple[dict[str, Cell], ...]:
    services = make("WbemScripting.SWbemLocator").get("ConnectServer", ".", namespace)
    # The class is one of ours, never text from outside.
    found = services.get("ExecQuery", f"SELECT * FROM {of}", "WQL", FORWARD_ONLY)  # noqa: S608
    return tuple(_cells(each, names) for each in found)


def _cells(each: Late, names: tuple[str, ...]) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for name in names:
        value = each.get_if_there(name)
        if value is None or isinstance(value, str | int):
            cells[name] = value
    return cells


def _shell_property(paths: tuple[str, ...], name: str) -> dict[str, Cell]:
    shell, told = make("Shell.Application"), dict[str, Cell]()
    for path in paths:
        folder = shell.get("NameSpace", path)
        if folder is None:
            continue
        value = folder.get("Self").get("ExtendedProperty", name)
        told[path] = value if isinstance(value, str | int) else None
    return told
