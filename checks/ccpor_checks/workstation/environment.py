"""The environment list: which operating systems are still mended, and until when."""

from __future__ import annotations

import tomllib
from datetime import date
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path

import msgspec

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.system import OsFact

SCHEMA = "ccpor-environment/1"
PACKAGED = "environment.toml"


class SupportedOs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the list; `until` is the last day with security updates."""

    name: str
    product: str
    version: str
    until: date
    editions: tuple[str, ...] = ()
    min_version: str | None = None

    def fits(self, seen: OsFact) -> bool:
        if self.product != seen.product:
            return False
        if self.version != seen.version and not seen.version.startswith(f"{self.version}."):
            return False
        edition = seen.edition or ""
        return not self.editions or any(fnmatchcase(edition, form) for form in self.editions)


class Environment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole list, its version and the day it was written."""

    schema: str
    version: int
    dated: date
    os: tuple[SupportedOs, ...]

    def entry_for(self, seen: OsFact) -> SupportedOs | None:
        """Return the first entry that fits, or None: the list does not know this system."""
        return next((entry for entry in self.os if entry.fits(seen)), None)


def environment(path: Path | None = None) -> Environment:
    """Return the list in *path*, or the one that comes with the agent.

    Raises:
        CannotObserve: The file is not there or does not read; the message names file and key.
    """
    name = str(path) if path else PACKAGED
    try:
        text = (path or files(__package__).joinpath(PACKAGED)).read_text(encoding="utf-8")
        found = msgspec.convert(tomllib.loads(text), Environment)
    except (OSError, UnicodeDecodeError) as exc:
        raise CannotObserve(
            f"{name}: cannot be read ({type(exc).__name__}); check its path"
        ) from exc
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as exc:
        raise CannotObserve(f"{name}: {exc}; correct the file") from exc
    if found.schema != SCHEMA:
        raise CannotObserve(f'{name}: schema is "{found.schema}"; use "{SCHEMA}"')
    return found
