"""One ``[[target]]``: its keys, its URL, its chain of checks and their tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import msgspec

from ccpor_agent.profile.faults import Faults, did_you_mean, unknown_key, value_words
from ccpor_agent.profile.lines import Path
from ccpor_agent.profile.shape import LATER_TABLES, TargetKeys
from ccpor_agent.profile.tables import fields_of, read_table
from ccpor_agent.profile.url import SCHEMES, Url, UrlInvalid, read_url
from ccpor_checks.base import Check, Target
from ccpor_checks.registry import BUILTIN, UNAVAILABLE, UnknownCheck

Load = Callable[[str], Check[Any, Any]]


@dataclass(slots=True, kw_only=True)
class TargetReader:
    """Reads the targets of one profile, remembering the ids it has seen."""

    faults: Faults
    load: Load
    base_dir: FilePath
    chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)

    def read(self, position: int, entry: Mapping[str, Any]) -> Target | None:
        """Return the target, None where a fault keeps it from being one."""
        path: Path = ("target", position)
        own = set(fields_of(TargetKeys))
        tables = {k: v for k, v in entry.items() if isinstance(v, dict) and k not in own}
        keys = read_table(
            self.faults,
            path,
            {k: v for k, v in entry.items() if k in own},
            TargetKeys,
        )
        self._unknown_keys(path, entry, own)
        self._remember(path, entry.get("id"))
        url = self._url((*path, "url"), entry.get("url"))
        for index, text in enumerate(_texts(entry.get("contrast"))):
            self._url((*path, "contrast", index), text)
        chain = self._chain(path, url, entry.get("checks"), tables)
        options = self._options(path, chain, tables, url)
        if not isinstance(keys, TargetKeys) or url is None or chain is None:
            return None
        self.chains[keys.id] = chain
        return _target(keys, url, options)

    def _unknown_keys(self, path: Path, entry: Mapping[str, Any], own: set[str]) -> None:
        for key, value in entry.items():
            if key not in own and not isinstance(value, dict):
                unknown_key(self.faults, (*path, key), value, sorted(own))

    def _remember(self, path: Path, name: Any) -> None:
        if not isinstance(name, str):
            return
        if name in self._seen:
            where = (*path, "id")
            self.faults.add(where, value_words(name), "write an id that no other target has")
        self._seen.setdefault(name, len(self._seen))

    def _url(self, path: Path, text: Any) -> Url | None:
        if not isinstance(text, str) or not text:
            return None  # said already, as a wrong type
        try:
            return read_url(text)
        except UrlInvalid as exc:
            self.faults.add(path, value_words(exc.shown), exc.wanted)
            return None

    def _chain(
        self, path: Path, url: Url | None, asked: Any, tables: Mapping[str, Any]
    ) -> tuple[str, ...] | None:
        """Return the ids of the target's checks in their order, None where it cannot be told."""
        if asked is not None:
            return self._asked(path, _texts(asked), url)
        if url is None:
            return None
        scheme = SCHEMES[url.scheme]
        branches = tuple(branch for branch in scheme.branches if branch in tables)
        first = tuple(b for b in branches if b == "proxy")
        last = tuple(b for b in branches if b != "proxy")
        chain = (*first, *scheme.chain, *last)
        return tuple(c for c in chain if not (c == "dns" and url.is_address))

    def _asked(self, path: Path, asked: list[str], url: Url | None) -> tuple[str, ...] | None:
        chain: list[str] = []
        for index, check in enumerate(asked):
            where = (*path, "checks", index)
            if check in chain:
                self.faults.add(where, value_words(check), "write each check once")
            elif check == "dns" and url is not None and url.is_address:
                self.faults.add(where, value_words(check), "remove it, an address has no name")
            elif (lack := self._lack(check)) is None:
                chain.append(check)
            else:
                self.faults.add(where, value_words(check), lack)
        return tuple(chain) or None

    def _lack(self, check: str) -> str | None:
        """Return why a target cannot be looked at by *check*, None where it can."""
        if check in BUILTIN or check in UNAVAILABLE:
            return None
        try:
            self.load(check)
        except UnknownCheck:
            known = [*BUILTIN, *sorted(UNAVAILABLE)]
            return f"there is no such check, {did_you_mean(check, known)}"
        except (ImportError, AttributeError, SyntaxError) as exc:
            return f"mend the package that brings it, it does not load ({type(exc).__name__})"
        return None

    def _options(
        self,
        path: Path,
        chain: tuple[str, ...] | None,
        tables: Mapping[str, Any],
        url: Url | None,
    ) -> dict[str, msgspec.Struct]:
        options: dict[str, msgspec.Struct] = {}
        for check in chain or ():
            if check not in UNAVAILABLE:
                table = tables.get(check, {})
                struct = read_table(self.faults, (*path, check), table, self.load(check).options)
                if struct is not None:
                    options[check] = struct
        for name, table in tables.items():
            if name in UNAVAILABLE:
                self._later(path, name, table)
            self._files((*path, name), table, exists=name not in UNAVAILABLE)
            if chain is not None and name not in chain:
                self._misplaced((*path, name), chain, url)
        return options

    def _later(self, path: Path, name: str, table: Mapping[str, Any]) -> None:
        known = LATER_TABLES.get(name, ())
        for key, value in table.items():
            if key not in known:
                unknown_key(self.faults, (*path, name, key), value, known)

    def _misplaced(self, path: Path, chain: tuple[str, ...], url: Url | None) -> None:
        name = str(path[-1])
        if lack := self._lack(name):
            wanted = lack
        elif name == "dns" and url is not None and url.is_address:
            wanted = "remove it, the host is an address and needs no name service"
        else:
            wanted = f"remove it, this target is looked at by {', '.join(chain)}"
        self.faults.add(path, "a table", wanted)

    def _files(self, path: Path, table: Mapping[str, Any], *, exists: bool) -> None:
        for key, value in table.items():
            if not key.endswith("_file") or not isinstance(value, str):
                continue
            if value.startswith(("\\\\", "//", "\\/")) or "://" in value:
                wanted = "write a file of this machine, other machines' folders are not opened"
            elif not value or "\0" in value:
                wanted = "write the path of a file"
            elif exists and not (self.base_dir / value).is_file():
                wanted = "put that file beside the profile, or write where it is"
            else:
                continue
            self.faults.add((*path, key), value_words(value), wanted)


def _target(keys: TargetKeys, url: Url, options: dict[str, msgspec.Struct]) -> Target:
    return Target(
        id=keys.id,
        url=url.text,
        scheme=url.scheme,
        host=url.host,
        port=url.port,
        path=url.path,
        username=url.username,
        title=keys.title,
        why=keys.why,
        owner=keys.owner,
        required=keys.required,
        options=options,
        contrast=keys.contrast,
    )


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
