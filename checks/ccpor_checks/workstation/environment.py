"""The environment list: which systems and programs are still mended, and until when."""

from __future__ import annotations

import re
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.listing import faults_of
from ccpor_checks.workstation.system import OsFact

SCHEMA = "ccpor-environment/1"
PACKAGED = "environment.toml"
MOST_BYTES = 1_000_000
BYTE_ORDER_MARK = "\ufeff"  # Windows' Notepad writes one


class SupportedOs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One system of the list; `until` is the last day with security updates."""

    name: str
    product: str
    version: str
    until: date
    editions: tuple[str, ...] = ()
    min_version: str | None = None

    def fits(self, seen: OsFact) -> bool:
        if self.product != seen.product or not _begins(seen.version, self.version):
            return False
        edition = seen.edition or ""
        return not self.editions or any(fnmatchcase(edition, form) for form in self.editions)


class SupportedProgram(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One program or driver of the list.

    product: a key ("edge"); of a driver, a pattern of its name ("PaperStream IP*"), upper and lower
    case alike. version: its first parts; None: every version. until: the last day with security
    updates; None: nobody has set one.
    """

    name: str
    product: str
    version: str | None = None
    until: date | None = None
    min_version: str | None = None

    def fits(self, product: str, version: str | None) -> bool:
        if not fnmatchcase(product.casefold(), self.product.casefold()):
            return False
        return self.version is None or _begins(version or "", self.version)


TABLES: dict[str, type[msgspec.Struct]] = {
    "os": SupportedOs,
    "browser": SupportedProgram,
    "pdf": SupportedProgram,
    "driver": SupportedProgram,
}


class Environment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole list, its version and the day it was written.

    browser, pdf: None where the file has no such table at all: it says nothing of them.
    """

    schema: str
    version: int
    dated: date
    os: tuple[SupportedOs, ...] = ()
    browser: tuple[SupportedProgram, ...] | None = None
    pdf: tuple[SupportedProgram, ...] | None = None
    driver: tuple[SupportedProgram, ...] = ()

    def entry_for(self, seen: OsFact) -> SupportedOs | None:
        """Return the first entry that fits, or None: the list does not know this system."""
        return next((entry for entry in self.os if entry.fits(seen)), None)

    def browser_for(self, product: str, version: str | None = None) -> SupportedProgram | None:
        """Return the first browser that fits, or None: the list does not know it."""
        return _first(self.browser, product, version)

    def pdf_for(self, product: str, version: str | None = None) -> SupportedProgram | None:
        """Return the first PDF program that fits; a listed browser shows PDF files, too."""
        return _first(self.pdf, product, version) or _first(self.browser, product, version)

    def driver_for(self, name: str, version: str | None = None) -> SupportedProgram | None:
        """Return the first scanner driver whose pattern fits *name*, or None: not in the list."""
        return _first(self.driver, name, version)


def _first(
    entries: tuple[SupportedProgram, ...] | None, product: str, version: str | None
) -> SupportedProgram | None:
    return next((entry for entry in entries or () if entry.fits(product, version)), None)


def _begins(version: str, parts: str) -> bool:
    """Say whether *parts* are the first parts of *version*: "9" of "9.6", not of "90"."""
    return version == parts or version.startswith(f"{parts}.")


def is_older(version: str, least: str) -> bool:
    """Say whether *version* stands before *least*, number by number: "9.9" before "9.10"."""
    return _numbers(version) < _numbers(least)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:12])


def environment(path: Path | None = None) -> Environment:
    """Return the list in *path*, or the one that comes with the agent.

    Raises:
        CannotObserve: The file is not there or does not read; the message names the file and, of
            what is wrong in it, line, key, value and what to write.
    """
    return _packaged() if path is None else _read(str(path), path)


@cache
def _packaged() -> Environment:
    return _read(PACKAGED, files(__package__).joinpath(PACKAGED))


def _read(name: str, path: Path | Traversable) -> Environment:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise CannotObserve(
            f"{name}: cannot be read ({type(exc).__name__}); check its path"
        ) from exc
    text = text.removeprefix(BYTE_ORDER_MARK)
    if len(text) > MOST_BYTES:
        raise CannotObserve(f"{name}: has {len(text)} characters; write at most {MOST_BYTES}")
    table, faults = faults_of(text, Environment, TABLES, SCHEMA)
    if faults:
        raise CannotObserve(f"{name}: " + "; ".join(faults))
    return msgspec.convert(table, Environment)
