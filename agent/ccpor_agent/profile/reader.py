"""From the bytes of a profile to a `Profile`, or to all of its faults at once."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from ccpor_agent.profile.faults import MISSING, Faults, ProfileInvalid, unknown_key, value_words
from ccpor_agent.profile.lines import Lines, locate
from ccpor_agent.profile.shape import (
    SCHEMA,
    UNASSIGNED,
    LocationKeys,
    NetworkKeys,
    Profile,
    TopKeys,
)
from ccpor_agent.profile.tables import read_table
from ccpor_agent.profile.targets import Load, TargetReader
from ccpor_checks import registry
from ccpor_checks.base import Target
from ccpor_checks.capacity.evidence import CapacityOptions
from ccpor_reporting.capacity.workload import Workload
from ccpor_reporting.model import Location, Network, Owner
from ccpor_reporting.profile_shape import is_range

LONGEST_FILE = 1024 * 1024
MOST_TARGETS = 500
TOP_TABLES = ("location", "workload", "network", "target")


def read_profile(path: Path, load: Load = registry.load) -> Profile:
    """Return the profile in the file *path*.

    Raises:
        ProfileInvalid: The file cannot be read or has faults; all of them are in it.
    """
    faults = Faults(str(path), Lines())
    try:
        raw = path.read_bytes()
    except OSError as exc:
        faults.at(1, f"cannot be read ({exc.strerror})", "name a profile that this user may read")
        raise ProfileInvalid(faults.found) from exc
    if len(raw) > LONGEST_FILE:
        faults.at(1, f"{len(raw)} bytes long", f"write at most {LONGEST_FILE} bytes")
        raise ProfileInvalid(faults.found)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        line = raw.count(b"\n", 0, exc.start) + 1
        faults.at(line, f"not UTF-8 at byte {exc.start}", "save the file as UTF-8")
        raise ProfileInvalid(faults.found) from exc
    return _parse(text, str(path), path.parent, hashlib.sha256(raw).hexdigest(), load)


def parse_profile(text: str, name: str, base_dir: Path, load: Load = registry.load) -> Profile:
    """Return the profile in *text*; *name* is what faults call the file.

    Raises:
        ProfileInvalid: With every fault of the text.
    """
    sha256 = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return _parse(text, name, base_dir, sha256, load)


def _parse(text: str, name: str, base_dir: Path, sha256: str, load: Load) -> Profile:
    text = text.removeprefix("\ufeff")  # Windows' editors put it there
    tables = _toml(text, name)
    faults = Faults(name, locate(text))
    schema = tables.get("schema", SCHEMA)
    if schema != SCHEMA:  # another format's keys would all be reported as unknown
        faults.add(("schema",), value_words(schema), f'write schema = "{SCHEMA}"')
        raise ProfileInvalid(faults.found)
    top = read_table(faults, (), _top(faults, tables), TopKeys)
    location = _section(faults, tables, "location", LocationKeys)
    workload = _section(faults, tables, "workload", Workload)
    networks = _networks(faults, _section(faults, tables, "network", NetworkKeys))
    reader = TargetReader(faults=faults, load=load, base_dir=base_dir)
    targets = _targets(faults, tables, reader)
    if faults:
        raise ProfileInvalid(faults.found)
    targets = tuple(_loaded(target, workload) for target in targets)
    assert isinstance(top, TopKeys)
    assert location is None or isinstance(location, LocationKeys)
    assert workload is None or isinstance(workload, Workload)
    return Profile(
        title=top.title or Path(name).stem,
        version=top.version,
        location=_location(location),
        names_location=location is not None,
        targets=targets,
        sha256=sha256,
        base_dir=base_dir,
        chains=dict(reader.chains),
        go_live=top.go_live,
        workload=workload,
        networks=networks,
    )


def _loaded(target: Target, workload: Workload | None) -> Target:
    """Return *target* with the profile's workload where its line has none of its own."""
    asked = target.options.get("capacity")
    if not isinstance(asked, CapacityOptions) or asked.workload is not None:
        return target
    loaded = msgspec.structs.replace(asked, workload=workload)
    return replace(target, options={**target.options, "capacity": loaded})


def _networks(faults: Faults, keys: NetworkKeys | None) -> tuple[Network, ...]:
    """Return the ranges by owner, having noted those that are none."""
    found = []
    for owner in Owner:
        key = owner.value
        ranges = getattr(keys, key.replace("-", "_"), ())
        for position, text in enumerate(ranges):
            if not is_range(text):
                wanted = 'write an address range, e.g. "10.20.0.0/16"'
                faults.add(("network", key, position), value_words(text), wanted)
        if ranges:
            found.append(Network(owner=owner, addresses=ranges))
    return tuple(found)


def _location(keys: LocationKeys | None) -> Location:
    if keys is None:
        return UNASSIGNED
    return Location(court=keys.court, name=keys.name, role=keys.role)


def _toml(text: str, name: str) -> dict[str, Any]:
    faults = Faults(name, Lines())
    try:
        text.encode("utf-8")
        return tomllib.loads(text)
    except UnicodeEncodeError:
        faults.at(1, "not Unicode text", "save the file as UTF-8")
    except RecursionError:
        faults.at(1, "nested too deeply", "write tables of at most a few levels")
    except ValueError as exc:  # TOMLDecodeError, and a number of thousands of digits
        place = re.search(r" \(at (line (\d+), column \d+|end of document)\)$", str(exc))
        digits = re.search(r"[\d_]{4000,}", text)  # the one ValueError that names no place
        end = len(text.rstrip("\n")) if digits is None else digits.start()
        line = int(place[2]) if place and place[2] else text.count("\n", 0, end) + 1
        said = str(exc)[: place.start()] if place else "a value that TOML does not know"
        faults.at(line, f"not TOML: {said}", "write key = value, with texts in double quotes")
    raise ProfileInvalid(faults.found)


def _top(faults: Faults, tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys before the tables, having noted tables that nobody reads."""
    top = {}
    known = (*TopKeys.__struct_fields__, *TOP_TABLES)
    for key, value in tables.items():
        if key in TopKeys.__struct_fields__:
            top[key] = value
        elif key not in known:
            unknown_key(faults, (key,), value, known)
    return top


def _section(faults: Faults, tables: Mapping[str, Any], name: str, struct: type[Any]) -> Any | None:
    """Return the table *name*, None where it is not there or has faults."""
    table = tables.get(name)
    if table is None:
        return None
    if not isinstance(table, dict):
        faults.add((name,), value_words(table), f"write [{name}] and its keys on lines below")
        return None
    return read_table(faults, (name,), table, struct)


def _targets(faults: Faults, tables: Mapping[str, Any], reader: TargetReader) -> tuple[Target, ...]:
    entries = tables.get("target")
    if entries is None or entries == []:
        faults.add(("target",), MISSING, "write at least one [[target]] with id and url")
        return ()
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        faults.add(("target",), value_words(entries), "write [[target]] with two brackets")
        return ()
    if len(entries) > MOST_TARGETS:
        words = f"a list of {len(entries)} targets"
        faults.add(("target",), words, f"write at most {MOST_TARGETS} targets")
        return ()
    read = [reader.read(position, entry) for position, entry in enumerate(entries)]
    return tuple(target for target in read if target is not None)
