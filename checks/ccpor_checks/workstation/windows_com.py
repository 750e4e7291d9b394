"""COM without its wrappers: objects called by name in a thread that has a limit.

pywin32's `pythoncom` alone is used. Its `win32com.client` would write a cache into the user's
folder. Where pywin32 is missing, everything here raises `CannotObserve`.

Source: Microsoft, "IDispatch", "IEnumVARIANT"; HRESULT values of winerror.h and wbemcli.h.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.asking import Asked

T = TypeVar("T")
METHOD_OR_GET, PUT = 0x1 | 0x2, 0x4  # DISPATCH_*
NEW_ENUM = -4  # DISPID_NEWENUM
MOST_ITEMS = 2000
DISP_E_EXCEPTION = 0x80020009
DISP_E_MEMBERNOTFOUND, DISP_E_UNKNOWNNAME = 0x80020003, 0x80020006
E_NOTIMPL, E_NOINTERFACE = 0x80004001, 0x80004002
CO_E_CLASSSTRING, REGDB_E_CLASSNOTREG = 0x800401F3, 0x80040154
E_ACCESSDENIED, WBEM_E_ACCESS_DENIED = 0x80070005, 0x80041003
WBEM_E_INVALID_NAMESPACE, WBEM_E_INVALID_CLASS = 0x8004100E, 0x80041010
WBEM_E_NOT_FOUND = 0x80041002
SERVICE_DISABLED = 0x80070422  # HRESULT_FROM_WIN32(ERROR_SERVICE_DISABLED)

NOT_THERE = frozenset({CO_E_CLASSSTRING, REGDB_E_CLASSNOTREG})
NO_SUCH_MEMBER = frozenset({DISP_E_MEMBERNOTFOUND, DISP_E_UNKNOWNNAME, WBEM_E_NOT_FOUND})
NO_NAMESPACE = frozenset({WBEM_E_INVALID_NAMESPACE, WBEM_E_INVALID_CLASS})
NO_RIGHT = frozenset({E_ACCESSDENIED, WBEM_E_ACCESS_DENIED})
MEANING = {
    E_NOTIMPL: "this system does not implement it",
    CO_E_CLASSSTRING: "it is not registered here",
    REGDB_E_CLASSNOTREG: "it is not registered here",
    E_ACCESSDENIED: "this user has not the right; an administrator has",
    WBEM_E_ACCESS_DENIED: "this user has not the right; an administrator has",
    WBEM_E_INVALID_NAMESPACE: "this system has not that part of WMI",
    WBEM_E_INVALID_CLASS: "this system has not that part of WMI",
    SERVICE_DISABLED: "its service is disabled",
}


class ComFailed(Exception):
    """COM answered with a failure; `code` is its HRESULT, unsigned."""

    def __init__(self, code: int) -> None:
        super().__init__(f"HRESULT 0x{code:08X}")
        self.code = code

    def seen_from(self, what: str) -> CannotObserve:
        """Return the words for people: *what* gave no answer, and why."""
        told = MEANING.get(self.code)
        words = f"{told} (0x{self.code:08X})" if told else f"it failed with 0x{self.code:08X}"
        return CannotObserve(f"{what} cannot be asked: {words}")


class Late:
    """A COM object whose members are named when they are called."""

    def __init__(self, dispatch: Any) -> None:
        self._dispatch = dispatch

    def get(self, name: str, *arguments: object) -> Any:
        """Return a property, or what a method gives; objects come back as `Late`."""
        place = self._dispatch.GetIDsOfNames(name)
        return _wrapped(self._dispatch.Invoke(place, 0, METHOD_OR_GET, True, *arguments))

    def put(self, name: str, value: object) -> None:
        place = self._dispatch.GetIDsOfNames(name)
        self._dispatch.Invoke(place, 0, PUT, False, value)

    def get_if_there(self, name: str) -> Any:
        """Return a property; None where this object has none of that name."""
        import pythoncom

        try:
            return self.get(name)
        except pythoncom.com_error as exc:
            if hresult(exc) in NO_SUCH_MEMBER:
                return None
            raise

    def __iter__(self) -> Iterator[Late]:
        """Yield the objects of a collection, at most `MOST_ITEMS`."""
        import pythoncom

        unknown = self._dispatch.Invoke(NEW_ENUM, 0, METHOD_OR_GET, True)
        items = unknown.QueryInterface(pythoncom.IID_IEnumVARIANT)
        for _ in range(MOST_ITEMS):
            found = items.Next(1)
            if not found:
                return
            yield _wrapped(found[0])


def _wrapped(value: Any) -> Any:
    return Late(value) if hasattr(value, "GetIDsOfNames") else value


def make(prog_id: str) -> Late:
    """Return a new object of the class registered as *prog_id*; call it inside `ask` only."""
    import pythoncom

    context, interface = pythoncom.CLSCTX_ALL, pythoncom.IID_IDispatch
    made = pythoncom.CoCreateInstance(prog_id, None, context, interface)
    return Late(made)


def ask(what: str, work: Callable[[], T], limit_s: float) -> T:
    """Return what *work* gives, run in an apartment of its own; it returns no COM object.

    A call that is still stuck after *limit_s* is left behind in a thread that does not outlive us.

    Raises:
        ComFailed: COM said no.
        CannotObserve: No answer in time, or no pywin32 on this machine.
    """
    try:
        import pythoncom
    except ImportError:
        raise CannotObserve(
            f"{what} is asked by COM, and the Python package pywin32 is not installed"
        ) from None
    ended = threading.Event()

    def inside() -> T:
        pythoncom.CoInitialize()
        try:
            return _plain(work)
        finally:
            pythoncom.CoUninitialize()
            ended.set()

    asked = Asked(inside, limit_s)
    if not ended.wait(limit_s):
        raise CannotObserve(f"{what} did not answer in {limit_s:g} s")
    asked.wait(limit_s)
    answer: T = asked.fact()
    return answer


def _plain(work: Callable[[], T]) -> T:
    """Return what *work* gives.

    COM's own exception is left behind here: the frames of its traceback hold COM objects, which
    must be gone before their apartment is.
    """
    import pythoncom

    try:
        return work()
    except pythoncom.com_error as exc:
        code = hresult(exc)
    raise ComFailed(code)


def hresult(exc: Any) -> int:
    """Return the HRESULT of pywin32's `com_error`: the callee's own where it tells one."""
    code, told = int(exc.hresult) & 0xFFFFFFFF, exc.excepinfo
    if code == DISP_E_EXCEPTION and told and told[5]:
        return int(told[5]) & 0xFFFFFFFF
    return code
