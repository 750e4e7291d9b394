"""One ``[[target]]``: its keys, its URL, its chain of checks and their tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import msgspec

from ccpor_agent.profile.faults import Faults, did_you_mean, unknown_key, value_words
from ccpor_agent.profile.hidden import holds_secret
from ccpor_agent.profile.lines import Path
from ccpor_agent.profile.shape import TargetKeys
from ccpor_agent.profile.tables import fields_of, read_table
from ccpor_agent.profile.url import SCHEMES, Url, UrlInvalid, read_url
from ccpor_checks.base import Check, Target
from ccpor_checks.http.evidence import HttpOptions
from ccpor_checks.registry import BUILTIN, BrokenCheck, UnknownCheck
from ccpor_reporting.model import Owner

Load = Callable[[str], Check[Any, Any]]
# A machine's own secrets: its profile may be written and judged elsewhere, and one machine without
# them must not lose all its other checks. The check says what is missing.
FOUND_AT_RUN = frozenset(
    {
        ("ssh", "key_file"),
        ("ssh", "password_file"),
        *(("snmp", name) for name in ("community_file", "auth_file", "priv_file")),
    }
)
# What an address that takes messages or orders may well answer to the page check's GET (RFC 9110,
# 15.5.5, 15.5.6, 15.6.2). Whether it takes what it is for is said by the gateway and order checks.
NOT_FOR_GET = (404, 405, 501)
ABOUT_A_PAGE = frozenset({"status", "contains", "upload_kb"})


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
        self._unknown_keys(path, entry, own)
        self._remember(path, entry.get("id"))
        # first the URLs: their reader knows best how much of one may be shown
        url = self._url((*path, "url"), entry.get("url"))
        contrast = entry.get("contrast")
        for index, text in enumerate(contrast if isinstance(contrast, list) else ()):
            self._url((*path, "contrast", index), text)
        keys = read_table(
            self.faults,
            path,
            {k: v for k, v in entry.items() if k in own},
            TargetKeys,
        )
        chain = self._chain(path, url, entry.get("checks"), tables, entry.get("owner"))
        options = self._options(path, chain, tables, url, _texts(entry.get("checks")))
        if not isinstance(keys, TargetKeys) or url is None or chain is None:
            return None
        self.chains[keys.id] = chain
        return _target(keys, url, options)

    def _unknown_keys(self, path: Path, entry: Mapping[str, Any], own: set[str]) -> None:
        for key, value in entry.items():
            if key in own or isinstance(value, dict):
                continue
            if key in BUILTIN:
                wanted = f"write [target.{key}] and its keys on lines below"
                self.faults.add((*path, key), value_words(value), wanted)
            else:
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
        self, path: Path, url: Url | None, asked: Any, tables: Mapping[str, Any], owner: Any
    ) -> tuple[str, ...] | None:
        """Return the ids of the target's checks in their order, None where it cannot be told."""
        if asked is not None:
            return self._asked(path, asked, url)
        if url is None:
            return None
        scheme = SCHEMES[url.scheme]
        wanted = _wanted_by_table(tables, owner)
        branches = tuple(branch for branch in scheme.branches if branch in wanted)
        first = tuple(b for b in branches if b == "proxy")
        last = tuple(b for b in branches if b != "proxy")
        chain = (*first, *scheme.chain, *last)
        return tuple(c for c in chain if not (c == "dns" and url.is_address))

    def _asked(self, path: Path, asked: Any, url: Url | None) -> tuple[str, ...] | None:
        texts = _texts(asked)
        before = len(self.faults.found)
        for index, check in enumerate(texts):
            where = (*path, "checks", index)
            if check in texts[:index]:
                self.faults.add(where, value_words(check), "write each check once")
            elif lack := self._lack(check):
                self.faults.add(where, value_words(check), lack)
        chain = tuple(c for c in texts if not (c == "dns" and url is not None and url.is_address))
        if texts and not chain:
            wanted = "add a check, an address has no name to look up"
            self.faults.add((*path, "checks"), value_words(asked), wanted)
        whole = isinstance(asked, list) and len(texts) == len(asked)
        return chain if chain and whole and len(self.faults.found) == before else None

    def _lack(self, check: str) -> str | None:
        """Return why a target cannot be looked at by *check*, None where it can."""
        if check in BUILTIN:
            return None
        try:
            self.load(check)
        except UnknownCheck:
            return f"there is no such check, {did_you_mean(check, list(BUILTIN))}"
        except BrokenCheck as exc:
            return f"mend the package that brings it, {exc}"
        return None

    def _options(
        self,
        path: Path,
        chain: tuple[str, ...] | None,
        tables: Mapping[str, Any],
        url: Url | None,
        asked: list[str],
    ) -> dict[str, msgspec.Struct]:
        """Return the options by check; every table is read, whatever the chain turns out to be."""
        options: dict[str, msgspec.Struct] = {}
        for check in dict.fromkeys((*(chain or ()), *tables)):
            where = (*path, check)
            if (lack := self._lack(check)) is None:
                table = tables.get(check, {})
                struct = read_table(self.faults, where, table, self.load(check).options)
                if isinstance(struct, HttpOptions) and _takes_posts(chain or (), table):
                    status = (*struct.status, *NOT_FOR_GET)
                    struct = msgspec.structs.replace(struct, status=status)
                if struct is not None:
                    options[check] = struct
            elif check not in asked:  # else said already, where it is asked for
                self.faults.add(where, "a table", lack)
        for name, table in tables.items():
            self._files((*path, name), table)
            if chain is not None and not _belongs(name, chain, url):
                wanted = f"remove it, this target is looked at by {', '.join(chain)}"
                self.faults.add((*path, name), "a table", wanted)
        return options

    def _files(self, path: Path, table: Mapping[str, Any]) -> None:
        for key, value in table.items():
            if not key.endswith("_file") or not isinstance(value, str):
                continue
            if holds_secret(value):
                continue  # said already, with the key
            if value.startswith(("\\\\", "//", "\\/")) or "://" in value:
                wanted = "write a file of this machine, other machines' folders are not opened"
            elif not value or "\0" in value:
                wanted = "write the path of a file"
            elif (path[-1], key) in FOUND_AT_RUN:
                continue
            elif not (self.base_dir / value).is_file():
                wanted = "put that file beside the profile, or write where it is"
            else:
                continue
            self.faults.add((*path, key), value_words(value), wanted)


def _belongs(name: str, chain: tuple[str, ...], url: Url | None) -> bool:
    """Say whether a table is of use, or at least to be expected where targets share tables."""
    if name == "dns" and url is not None and url.is_address:
        return True  # read and left unused: an address needs no name service
    if name == "order" and "gateway" in chain:
        return True  # it is what asked for the gateway's echo
    if name == "tls":  # after a redirect to https; the measuring server is asked over TLS
        return not {"tls", "http", "capacity"}.isdisjoint(chain)
    return name in chain


def _takes_posts(chain: tuple[str, ...], http: Mapping[str, Any]) -> bool:
    """Say whether the address is there for POSTs alone, as far as the profile tells."""
    return not {"gateway", "order"}.isdisjoint(chain) and ABOUT_A_PAGE.isdisjoint(http)


def _wanted_by_table(tables: Mapping[str, Any], owner: Any) -> set[str]:
    """Return the checks that tables ask for: the order of a gateway's target is an echo (0012)."""
    wanted = set(tables)
    if "order" in wanted and "gateway" not in wanted and owner == Owner.GATEWAY:
        wanted = wanted - {"order"} | {"gateway"}
    return wanted


def _owner(keys: TargetKeys, url: Url) -> Owner:
    """Return who runs the far end: where nobody said, the court its machines, else the AOC."""
    if keys.owner is not None:
        return keys.owner
    local = SCHEMES[url.scheme].chain[0] in ("workstation", "scanner")
    return Owner.COURT_IT if local else Owner.DATACENTER


def _target(keys: TargetKeys, url: Url, options: dict[str, msgspec.Struct]) -> Target:
    return Target(
        id=keys.id,
        url=url.text,
        scheme=url.scheme,
        host=url.host,
        port=url.port,
        path=url.path,
        username=url.username,
        title=keys.title or keys.id,
        why=keys.why,
        owner=_owner(keys, url),
        required=keys.required,
        options=options,
        contrast=keys.contrast,
    )


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
