"""Asks WIA's automation layer by COM, in a process of its own, and answers in JSON.

In: a `wia_words.Question` in the last argument. Out: a `Told`; scanned pages as page001.bmp … in
the current folder. All is bound late: the objects are whatever Windows has registered.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ccpor_checks.scanner import wia_words as ww
from ccpor_checks.scanner.child_side import answer_one
from ccpor_checks.scanner.evidence import Mode
from ccpor_checks.scanner.windows_files import printable

MOST_DEVICES = 50
PAGE = "page{:03d}.bmp"
EXCEPTION = 0x80020009  # DISP_E_EXCEPTION: the number proper stands beside it
Wia = Any  # a COM object of WIA's type library, whose methods are only known at run time


def answer(question: ww.Question) -> ww.Told:
    """Return what came of *question*."""
    if sys.platform != "win32":
        return ww.Told(problem="there is no COM on this system")
    try:
        import pythoncom
        from pythoncom import com_error
        from win32com.client import dynamic
    except ImportError as exc:
        return ww.Told(problem=f"pywin32 cannot be loaded ({type(exc).__name__})")
    pythoncom.CoInitialize()
    pages: list[Path] = []
    try:
        told: ww.Told = _answered(dynamic.Dispatch(ww.PROG_ID), question, pages)
    except com_error as exc:
        return ww.Told(hresult=number(exc.args), is_open=bool(pages), pages=len(pages))
    except AttributeError as exc:  # what late binding says of a method that is not there
        return ww.Told(problem=f"WIA has no {exc.name or exc} here", pages=len(pages))
    except OSError as exc:
        why = f"the page cannot be written ({type(exc).__name__})"
        return ww.Told(problem=why, is_open=True, pages=len(pages))
    return told


def number(args: tuple[Any, ...]) -> int:
    """Return the HRESULT of a com_error: of the object itself where it raised one."""
    code = int(args[0]) & 0xFFFFFFFF
    extra = args[2] if len(args) > 2 else None
    if code == EXCEPTION and extra and len(extra) > 5 and extra[5]:
        return int(extra[5]) & 0xFFFFFFFF
    return code


def _answered(manager: Wia, question: ww.Question, pages: list[Path]) -> ww.Told:
    infos = [info for info in _each(manager.DeviceInfos) if int(info.Type) == ww.SCANNER]
    if question.do == "list":
        return ww.Told(devices=tuple(map(_listed, infos)), is_open=True)
    info = next((each for each in infos if str(each.DeviceID) == question.device), None)
    if info is None:
        return ww.Told(hresult=ww.NO_DEVICE)
    device = info.Connect()
    if question.do == "scan":
        _scan(device, question, pages)
        return ww.Told(is_open=True, pages=len(pages))
    item = _first_item(device)
    return ww.Told(
        is_open=True,
        status=_number(device, ww.HANDLING_STATUS),
        capabilities=_number(device, ww.HANDLING_CAPABILITIES),
        modes=_modes(item),
        dpis=_dpis(item),
    )


def _each(collection: Wia) -> Iterator[Wia]:
    """Yield the members of a collection of WIA, which counts from one."""
    for number_ in range(1, min(int(collection.Count), 500) + 1):
        yield collection.Item(number_)


def _listed(info: Wia) -> ww.ListedDevice:
    told = {
        number_: property_.Value
        for property_ in _each(info.Properties)
        if (number_ := _id(property_)) in (ww.NAME, ww.MAKER, ww.DESCRIPTION, ww.DRIVER_VERSION)
    }

    def text(number_: int) -> str | None:
        return printable(str(told.get(number_) or ""))

    device = str(info.DeviceID)
    return ww.ListedDevice(
        device=device,
        name=text(ww.NAME) or text(ww.DESCRIPTION) or device,
        maker=text(ww.MAKER),
        version=text(ww.DRIVER_VERSION),
    )


def _id(property_: Wia) -> int | None:
    """Return a property's number; by its name where it has none."""
    try:
        return int(property_.PropertyID)
    except AttributeError:
        return ww.NAMES.get(str(property_.Name))


def _property(thing: Wia, wanted: int) -> Wia | None:
    return next((each for each in _each(thing.Properties) if _id(each) == wanted), None)


def _number(thing: Wia, wanted: int) -> int | None:
    found = _property(thing, wanted)
    return None if found is None else int(found.Value)


def _set(thing: Wia, wanted: int, value: int) -> None:
    """Set a property that is there and takes the value; what it does not take shows in the page."""
    from pythoncom import com_error

    found = _property(thing, wanted)
    if found is not None:
        try:
            found.Value = value
        except com_error:
            return


def _first_item(device: Wia) -> Wia:
    return device.Items.Item(1)


def _modes(item: Wia) -> tuple[Mode, ...]:
    found = _property(item, ww.DATA_TYPE)
    values = set(_values(found)) if found is not None else set()
    return tuple(mode for mode, number_ in ww.DATA_TYPES.items() if number_ in values)


def _dpis(item: Wia) -> tuple[int, ...]:
    found = _property(item, ww.DPI_X)
    return tuple(sorted(_values(found))) if found is not None else ()


def _values(property_: Wia) -> list[int]:
    """Return what a property may be: its list, or the usual resolutions in its range."""
    kind = int(property_.SubType)
    if kind == ww.LIST:
        return [int(value) for value in _each(property_.SubTypeValues)]
    if kind == ww.RANGE:
        low, high = int(property_.SubTypeMin), int(property_.SubTypeMax)
        step = max(1, int(property_.SubTypeStep))
        return [dpi for dpi in ww.USUAL_DPI if low <= dpi <= high and not (dpi - low) % step]
    return []


def _scan(device: Wia, question: ww.Question, pages: list[Path]) -> None:
    from pythoncom import com_error

    _set(device, ww.HANDLING_SELECT, ww.SELECT[question.source])
    _set(device, ww.PAGES, 1)  # one a transfer: each page is a file, and a jam tells its page
    item = _first_item(device)
    _set(item, ww.INTENT, ww.INTENTS[question.mode])
    _set(item, ww.DATA_TYPE, ww.DATA_TYPES[question.mode])
    for way, start, extent, inches in zip(
        (ww.DPI_X, ww.DPI_Y),
        (ww.START_X, ww.START_Y),
        (ww.EXTENT_X, ww.EXTENT_Y),
        ww.LETTER_INCHES,
        strict=True,
    ):
        _set(item, way, question.dpi)
        _set(item, start, 0)
        _set(item, extent, round(inches * question.dpi))
    most = min(question.pages or question.most, question.most)
    while len(pages) < most:
        try:
            picture = item.Transfer(ww.BMP)
        except com_error as exc:
            if pages and number(exc.args) == ww.PAPER_EMPTY:
                return  # the feeder ran empty, as it should
            raise
        path = Path(PAGE.format(len(pages) + 1)).absolute()
        picture.SaveFile(str(path))
        pages.append(path)
        if question.source == "flatbed":
            return


if __name__ == "__main__":
    answer_one(ww.Question, answer)
