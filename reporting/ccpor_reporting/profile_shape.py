"""The outline of a profile (``ccpor-profile/1``): what every reader refuses, all of it at once.

For whoever hands profiles out without being able to run them. The options inside of a check's own
table are the agent's to judge: ``ccpor-check plan --profile FILE``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from ccpor_reporting.model import Owner

SCHEMA = "ccpor-profile/1"
TOP = ("schema", "version", "title", "go_live", "location", "workload", "network", "target")
LOCATION = ("court", "name", "role")
ROLES = ("scan-station", "clerk", "judge", "training-room", "lea")
WORKLOAD = (
    "users",
    "orders_per_hour",
    "peak_share",
    "pages_per_order",
    "kb_per_page",
    "max_order_seconds_p95",
)
TARGET = ("id", "title", "why", "owner", "url", "required", "contrast", "checks")
DEVICES = ("sane", "twain", "wia", "isis", "workstation")  # what follows names no host
SCHEMES = (
    *("tcp", "tls", "http", "https", "ssh", "sftp", "ntp", "snmp", "stamp", "icmp"),
    *("capacity", "iperf3"),
    *("escl", *DEVICES),
)
CHECKS = frozenset(
    {
        *("dns", "tcp", "tls", "http", "clock", "workstation", "link", "path", "proxy"),
        *("ssh", "sftp", "snmp", "gateway", "order", "capacity", "scanner"),
    }
)
MOST_TARGETS = 500
_Table = Mapping[str, Any]


def profile_faults(profile: _Table) -> list[str]:
    """Return what is wrong with a profile that was read from TOML; empty when nothing is.

    Each fault is one line: the key, what stands there, what to write instead.
    """
    found = list(_unknown("", profile, TOP))
    if profile.get("schema") != SCHEMA:
        found.append(f'schema is {_shown(profile.get("schema"))}; write schema = "{SCHEMA}"')
    version: Any = profile.get("version")
    if not _is_whole(version) or not 1 <= version <= 10**9:
        found.append(f"version is {_shown(version)}; write a whole number from 1")
    if not isinstance(profile.get("title", ""), str):
        found.append(f"title is {_shown(profile['title'])}; write a text")
    go_live = profile.get("go_live", date.min)
    if not isinstance(go_live, date) or isinstance(go_live, datetime):
        found.append(f"go_live is {_shown(go_live)}; write a date such as 2027-03-01")
    found += _location(profile.get("location"))
    found += _workload(profile.get("workload", {}))
    found += _networks(profile.get("network", {}))
    found += _targets(profile.get("target"))
    return found


def _networks(table: Any) -> Iterator[str]:
    if not isinstance(table, Mapping):
        yield f"network is {_shown(table)}; write [network] and its keys below"
        return
    yield from _unknown("network.", table, [owner.value for owner in Owner])
    for key, ranges in table.items():
        for text in ranges if isinstance(ranges, list) else [ranges]:
            if not isinstance(text, str) or not is_range(text):
                yield f'network.{key}: {_shown(text)}; write a range such as "10.20.0.0/16"'


def is_range(text: str) -> bool:
    """Say whether *text* is an address range in CIDR notation, without bits beyond its length."""
    try:
        ipaddress.ip_network(text, strict=True)
    except ValueError:
        return False
    return True


def _location(table: Any) -> Iterator[str]:
    if not isinstance(table, Mapping):
        yield f"location is {_shown(table)}; write [location] with {', '.join(LOCATION)}"
        return
    yield from _unknown("location.", table, LOCATION)
    for key in ("court", "name"):
        if not isinstance(table.get(key), str) or not table[key]:
            yield f"location.{key} is {_shown(table.get(key))}; write a name"
    if table.get("role") not in ROLES:
        yield f"location.role is {_shown(table.get('role'))}; write one of {', '.join(ROLES)}"


def _workload(table: Any) -> Iterator[str]:
    if not isinstance(table, Mapping):
        yield f"workload is {_shown(table)}; write [workload] and its keys below"
        return
    yield from _unknown("workload.", table, WORKLOAD)
    for key in WORKLOAD:
        value = table.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            yield f"workload.{key} is {_shown(value)}; write a number above 0"


def _targets(entries: Any) -> Iterator[str]:
    if not isinstance(entries, list) or not entries:
        yield f"target is {_shown(entries)}; write at least one [[target]] with id and url"
        return
    if len(entries) > MOST_TARGETS:
        yield f"target is a list of {len(entries)}; write at most {MOST_TARGETS} targets"
        return
    seen: set[str] = set()
    for number, entry in enumerate(entries, 1):
        where = f"target {number}: "
        if not isinstance(entry, Mapping):
            yield f"{where}is {_shown(entry)}; write [[target]] with two brackets"
            continue
        name = entry.get("id")
        if not isinstance(name, str) or not name:
            yield f"{where}id is {_shown(name)}; write a name of its own"
        elif name in seen:
            yield f"{where}id is {_shown(name)}; write an id that no other target has"
        else:
            seen.add(name)
        yield from _target(where, entry)


def _target(where: str, entry: _Table) -> Iterator[str]:
    asked = entry.get("checks", [])
    named = asked if isinstance(asked, list) else []
    known = {*TARGET, *CHECKS, *(one for one in named if isinstance(one, str))}
    yield from _unknown(where, entry, known)
    for check in sorted(CHECKS & entry.keys()):
        if not isinstance(entry[check], Mapping):
            yield f"{where}{check} is {_shown(entry[check])}; write [target.{check}]"
    if "checks" in entry and (not named or not all(isinstance(one, str) for one in named)):
        yield f"{where}checks is {_shown(asked)}; write a list of checks"
    owners = [owner.value for owner in Owner]
    if entry.get("owner", owners[0]) not in owners:
        yield f"{where}owner is {_shown(entry['owner'])}; write one of {', '.join(owners)}"
    if not isinstance(entry.get("required", True), bool):
        yield f"{where}required is {_shown(entry['required'])}; write true or false"
    for key in ("title", "why"):
        if not isinstance(entry.get(key, ""), str):
            yield f"{where}{key} is {_shown(entry[key])}; write a text"
    yield from _url(f"{where}url", entry.get("url"))
    contrast = entry.get("contrast", [])
    if not isinstance(contrast, list):
        yield f"{where}contrast is {_shown(contrast)}; write a list of URLs"
        return
    for url in contrast:
        yield from _url(f"{where}contrast", url)


def _url(where: str, text: Any) -> Iterator[str]:
    scheme = text.partition(":")[0] if isinstance(text, str) and ":" in text else None
    if scheme not in SCHEMES:
        # no part of it is shown: a password may stand in it
        yield f"{where} is not usable; write a URL that starts with one of {', '.join(SCHEMES)}"
        return
    if scheme in DEVICES:
        return
    try:
        parts = urlsplit(text)
        lacks = not parts.hostname
        _ = parts.port
    except ValueError:
        lacks, parts = True, urlsplit("")
    if lacks:
        yield f"{where} names no host, or a wrong port; write {scheme}://HOST:PORT"
    elif parts.password is not None:
        yield f"{where} holds a password; secrets never stand in a profile"


def _unknown(where: str, table: _Table, known: Iterable[str]) -> Iterator[str]:
    names = sorted(known)
    for key in table.keys() - set(names):
        near = get_close_matches(str(key), names, 1, 0.6)
        instead = f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}"
        yield f"{where}{_shown(key).strip(chr(34))}: there is no such key; {instead}"


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    """Return *value* on one line and not too long; texts in quotes."""
    if value is None:
        return "missing"
    if isinstance(value, Mapping | list):
        return f"a {'table' if isinstance(value, Mapping) else 'list'}"
    words = f'"{value}"' if isinstance(value, str) else str(value)
    words = "".join(letter if letter.isprintable() else "?" for letter in words)
    return words if len(words) <= 60 else f"{words[:59]}…"
