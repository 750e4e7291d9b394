"""A Windows of a test's own: values of its registry and services of its SCM, put back at the end."""

from __future__ import annotations

import contextlib
import time
import winreg
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

import win32service

Setting = str | int | bytes | list[str]
ROOTS = {"machine": winreg.HKEY_LOCAL_MACHINE, "user": winreg.HKEY_CURRENT_USER}
KINDS = {
    int: winreg.REG_DWORD,
    str: winreg.REG_SZ,
    bytes: winreg.REG_BINARY,
    list: winreg.REG_MULTI_SZ,
}
RUNS_AS_ANY_SERVICE = r"C:\windows\system32\spoolsv.exe"  # Wine's answers to whatever it is called
START_S = 15


@contextlib.contextmanager
def registry(
    key: str, hive: Literal["machine", "user"] = "machine", /, **values: Setting
) -> Iterator[None]:
    """Set values of a key, and put back what was there; a key that was not there is removed."""
    before: dict[str, tuple[object, int] | None] = {}
    was_there = _is_there(key, hive)
    with winreg.CreateKeyEx(ROOTS[hive], key, access=winreg.KEY_ALL_ACCESS) as opened:
        for name, value in values.items():
            try:
                before[name] = winreg.QueryValueEx(opened, name)
            except FileNotFoundError:
                before[name] = None
            winreg.SetValueEx(opened, name, 0, KINDS[type(value)], value)
        try:
            yield
        finally:
            for name, old in before.items():
                if old is None:
                    winreg.DeleteValue(opened, name)
                else:
                    winreg.SetValueEx(opened, name, 0, old[1], old[0])
    if not was_there:
        winreg.DeleteKey(ROOTS[hive], key)


def _is_there(key: str, hive: str) -> bool:
    try:
        winreg.OpenKey(ROOTS[hive], key).Close()
    except FileNotFoundError:
        return False
    return True


@contextlib.contextmanager
def service(name: str, state: Literal["running", "stopped"]) -> Iterator[None]:
    """Have a service of that name; a real one of Wine's SCM."""
    access = win32service.SC_MANAGER_ALL_ACCESS
    manager = win32service.OpenSCManager(None, None, access)
    made = win32service.CreateService(
        manager,
        name,
        name,
        win32service.SERVICE_ALL_ACCESS,
        win32service.SERVICE_WIN32_OWN_PROCESS,
        win32service.SERVICE_DEMAND_START,
        win32service.SERVICE_ERROR_NORMAL,
        RUNS_AS_ANY_SERVICE,
        *(None, 0, None, None, None),
    )
    try:
        if state == "running":
            win32service.StartService(made, None)
            _wait(made, win32service.SERVICE_RUNNING)
        yield
    finally:
        if state == "running":
            win32service.ControlService(made, win32service.SERVICE_CONTROL_STOP)
            _wait(made, win32service.SERVICE_STOPPED)
        win32service.DeleteService(made)
        win32service.CloseServiceHandle(made)
        win32service.CloseServiceHandle(manager)


def _wait(handle: int, state: int) -> None:
    end = time.monotonic() + START_S
    while win32service.QueryServiceStatus(handle)[1] != state:
        assert time.monotonic() < end, f"the service does not reach state {state}"
        time.sleep(0.02)


def filetime(when: datetime) -> bytes:
    """Return *when* as the eight bytes of a FILETIME."""
    past = when - datetime(1601, 1, 1, tzinfo=UTC)
    return (int(past.total_seconds()) * 10**7).to_bytes(8, "little")
