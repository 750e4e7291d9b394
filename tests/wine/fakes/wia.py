"""WIA's automation layer for the tests, as a COM class under its real name.

What it shows comes from the environment: FAKE_WIA, a JSON object of

devices      [{"id", "name", "maker", "version", "type"}], one fi-8170 without it
connect      the HRESULT with which a device refuses to be opened
status       WIA_DPS_DOCUMENT_HANDLING_STATUS, FEED_READY without it
page         the BMP that every sheet shows
sheets       sheets in the feeder, 2 without it
fails        [page, HRESULT]: that transfer fails
silent       true: a transfer gives a file without a byte

Source: the interfaces of wiaaut.dll as Microsoft documents them (WIA Automation Layer).
"""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from win32com.server import register
from win32com.server.exception import COMException
from win32com.server.util import wrap

PAPER_EMPTY = 0x80210003
DEVICE = {"id": r"{6BDD1FC6-810F-11D0-BEC7-08002BE2092F}\0000", "name": "fi-8170 (fake)"}


def asked() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(os.environ.get("FAKE_WIA", "{}"))
    return told


def refused(hresult: int) -> COMException:
    return COMException(scode=hresult - (1 << 32), desc="in whatever language Windows speaks")


class Collection:
    _public_methods_ = ("Item",)
    _public_attrs_ = ("Count",)

    def __init__(self, members: list[Any]) -> None:
        self._members, self.Count = members, len(members)

    def Item(self, number: int) -> Any:  # noqa: N802 - WIA's name
        member = self._members[number - 1]
        return member if isinstance(member, int) else wrap(member)


class Property:
    _public_methods_ = ()
    _public_attrs_ = (
        *("Name", "PropertyID", "Value", "SubType"),
        *("SubTypeValues", "SubTypeMin", "SubTypeMax", "SubTypeStep"),
    )

    def __init__(
        self, number: int, value: Any, values: list[int] | None = None, limits: Any = None
    ) -> None:
        self.Name, self.PropertyID, self.Value = str(number), number, value
        self.SubType = 2 if values else 1 if limits else 0
        self.SubTypeValues = wrap(Collection(values)) if values else None
        self.SubTypeMin, self.SubTypeMax, self.SubTypeStep = limits or (0, 0, 0)


class Picture:
    _public_methods_ = ("SaveFile",)

    def __init__(self, page: str | None) -> None:
        self._page = page

    def SaveFile(self, path: str) -> None:  # noqa: N802
        if self._page is None:
            Path(path).touch()
        else:
            shutil.copyfile(self._page, path)


class Item:
    _public_methods_ = ("Transfer",)
    _public_attrs_ = ("Properties",)

    def __init__(self) -> None:
        self._properties = [
            Property(4103, 0, values=[0, 2, 3]),
            Property(6146, 0),
            Property(6147, 200, limits=(75, 600, 25)),
            Property(6148, 200, limits=(75, 600, 25)),
        ]
        self.Properties = wrap(Collection(self._properties))
        self._fed = 0

    def Transfer(self, form: str) -> Any:  # noqa: N802
        told = asked()
        self._fed += 1
        at, hresult = told.get("fails", (0, 0))
        if self._fed == at:
            raise refused(hresult)
        if self._fed > told.get("sheets", 2):
            raise refused(PAPER_EMPTY)
        if told.get("hangs"):
            time.sleep(600)
        return wrap(Picture(None if told.get("silent") else told["page"]))


class Device:
    _public_methods_ = ()
    _public_attrs_ = ("Properties", "Items")

    def __init__(self) -> None:
        told = asked()
        self.Properties = wrap(
            Collection(
                [
                    Property(3086, 0x23),
                    Property(3087, told.get("status", 1)),
                    Property(3088, 0),
                    Property(3096, 0),
                ]
            )
        )
        self.Items = wrap(Collection([Item()]))


class Info:
    _public_methods_ = ("Connect",)
    _public_attrs_ = ("DeviceID", "Type", "Properties")

    def __init__(self, told: dict[str, Any]) -> None:
        self.DeviceID, self.Type = told["id"], told.get("type", 1)
        texts = {7: "name", 3: "maker", 15: "version"}
        self.Properties = wrap(
            Collection([Property(number, told.get(name, "")) for number, name in texts.items()])
        )

    def Connect(self) -> Any:  # noqa: N802
        if hresult := asked().get("connect"):
            raise refused(hresult)
        return wrap(Device())


class DeviceManager:
    _reg_clsid_ = "{E1C5D730-7E97-4D8A-9E42-BBAE87C2059F}"  # WIA's own
    _reg_progid_ = "WIA.DeviceManager"
    _reg_class_spec_ = f"{__name__}.DeviceManager"
    _public_methods_ = ()
    _public_attrs_ = ("DeviceInfos",)

    def __init__(self) -> None:
        self.DeviceInfos = wrap(Collection([Info(one) for one in asked().get("devices", [DEVICE])]))


def present(*, yes: bool) -> None:
    """Register or remove the class."""
    (register.RegisterClasses if yes else register.UnregisterClasses)(DeviceManager, quiet=True)
