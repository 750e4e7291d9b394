"""California's counties as shapes: made once by ``make map`` from us-atlas (public domain)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec


class County(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """fips: five digits; d: its outline as an SVG path; x, y: its middle."""

    fips: str
    name: str
    x: int
    y: int
    d: str

    @property
    def slug(self) -> str:
        """Return the name as a court's id has it: ``san-luis-obispo``."""
        return self.name.lower().replace(" ", "-")


class Map(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """width and height of the drawing that the paths are in; counties by name."""

    source: str
    width: int
    height: int
    counties: tuple[County, ...]


@cache
def california() -> Map:
    """Return the map of the 58 counties."""
    text = files("ccpor_server.maps").joinpath("california.json").read_bytes()
    return msgspec.json.decode(text, type=Map)
