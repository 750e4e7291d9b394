"""The rules of diagnosis: ``rules.toml`` beside this file, read and checked as a whole.

Whoever writes no Python can add a rule: the words it may use are closed lists (docs/scenarios.md),
and what does not read is told with the rule's name and what to write instead.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

from ccpor_reporting.contrasts import Kind
from ccpor_reporting.diagnosis.vocabulary import OF_ONE, OF_TWO, OWNERS, PLACES, SCOPES, WORDS
from ccpor_reporting.faults import catalogue
from ccpor_reporting.model import Confidence

FILE = "rules.toml"
By = Literal[
    "sender",
    "workstation",
    "name-servers",
    "slow-name-server",
    "proxy",
    "pac",
    "issuer",
    "host",
    "service",
]
Faults = tuple[str, ...]


class _Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`name` is its own: a test removes each rule and asks which scenario misses it."""

    name: str
    faults: Faults


class Group(_Rule, frozen=True, kw_only=True):
    """The same fault on several targets is one cause where `by` gives them the same place."""

    by: By


class Conclude(_Rule, frozen=True, kw_only=True):
    """What is known of one cause beyond its findings; what an earlier rule set, stays."""

    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    fault: str | None = None
    owner: str | None = None
    place: str | None = None
    fix: str | None = None
    confidence: Confidence | None = None
    says: str | None = None


class Crowd(_Rule, frozen=True, kw_only=True):
    """The same fault on so many hosts is one cut on the way to them."""

    hosts: int
    hosts_at_one_place: int


class Explains(_Rule, frozen=True, kw_only=True):
    """Which cause takes another in, `where` the two belong together."""

    explains: Faults
    where: str
    says: str
    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    when_both: tuple[str, ...] = ()
    confidence: Confidence = Confidence.MEDIUM


class Tells(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one outcome of a contrast is told. `works`: also where a ticket says what works."""

    name: str
    kind: Kind
    outcome: Literal["works", "fails"]
    says: str
    works: bool = False


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All rules, each list in the order in which it is asked."""

    group: tuple[Group, ...]
    conclude: tuple[Conclude, ...]
    crowd: tuple[Crowd, ...]
    explains: tuple[Explains, ...]
    tells: tuple[Tells, ...]


class RulesInvalid(ValueError):
    """``rules.toml`` does not read; the message has a line for each mistake."""


@cache
def rules() -> Rules:
    """Return the rules that come with the program.

    Raises:
        RulesInvalid: The file was edited and no longer reads.
    """
    text = files("ccpor_reporting.diagnosis").joinpath(FILE).read_text(encoding="utf-8")
    return read(text)


def read(text: str) -> Rules:
    """Return the rules that *text* holds, every pattern of faults spelled out.

    Raises:
        RulesInvalid: It is no TOML, a key or a word is unknown, a fault is in no catalogue.
    """
    try:
        found = msgspec.convert(_spelled_out(tomllib.loads(text)), Rules)
    except tomllib.TOMLDecodeError as exc:
        raise RulesInvalid(f"{FILE}: this is no TOML: {exc}") from exc
    except msgspec.ValidationError as exc:
        raise RulesInvalid(f"{FILE}: {exc}") from exc
    if wrong := list(_mistakes(found)):
        raise RulesInvalid("\n".join(wrong))
    return found


def known_faults() -> dict[str, None]:
    """Return every fault of the catalogue, in its order."""
    return {f"{code}/{reason}": None for code, c in catalogue().items() for reason in c.reasons}


def _spelled_out(tables: dict[str, Any]) -> dict[str, Any]:
    """Return *tables* with ``tls.handshake/*`` and ``tls.*`` replaced by the faults they stand for.

    A pattern that stands for nothing is left as it is, and is told as an unknown fault.
    """
    for entries in tables.values():
        for entry in entries if isinstance(entries, list) else []:
            for key in ("faults", "explains"):
                if isinstance(entry, dict) and isinstance(entry.get(key), list):
                    entry[key] = list(_faults(entry[key]))
    return tables


def _faults(patterns: Iterable[Any]) -> dict[Any, None]:
    found: dict[Any, None] = {}
    for pattern in patterns:
        start = pattern.removesuffix("*") if isinstance(pattern, str) else ""
        fits = [f for f in known_faults() if f.startswith(start)] if start != pattern else []
        found.update(dict.fromkeys(fits or [pattern]))
    return found


def _mistakes(found: Rules) -> Iterator[str]:
    every: list[_Rule | Tells] = [*found.group, *found.conclude, *found.crowd]
    every += [*found.explains, *found.tells]
    names = [rule.name for rule in every]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f'{FILE}: two rules are named "{name}"; give each a name of its own'
    for rule in every:
        for wrong in _of_rule(rule):
            yield f'{FILE}: rule "{rule.name}": {wrong}'


def _of_rule(rule: _Rule | Tells) -> Iterator[str]:
    if isinstance(rule, _Rule):
        yield from _unknown("faults", rule.faults, known_faults(), 'e.g. "tcp.reach/dropped"')
    if isinstance(rule, Conclude):
        yield from _of_conclude(rule)
    if isinstance(rule, Explains):
        yield from _unknown("explains", rule.explains, known_faults(), 'e.g. "tls.handshake/*"')
        yield from _unknown("where", [rule.where], SCOPES)
        yield from _unknown("when", rule.when, OF_ONE)
        yield from _unknown("unless", rule.unless, OF_ONE)
        yield from _unknown("when_both", rule.when_both, OF_TWO)
    for key in ("says", "fix"):
        yield from _unknown_placeholders(key, getattr(rule, key, None) or "")


def _of_conclude(rule: Conclude) -> Iterator[str]:
    yield from _unknown("when", rule.when, OF_ONE)
    yield from _unknown("unless", rule.unless, OF_ONE)
    yield from _unknown("fault", [rule.fault] if rule.fault else [], known_faults())
    yield from _unknown("owner", [rule.owner] if rule.owner else [], OWNERS)
    yield from _unknown("place", [rule.place] if rule.place else [], PLACES)
    if not any((rule.fault, rule.owner, rule.place, rule.fix, rule.confidence, rule.says)):
        yield "it concludes nothing; write fault, owner, place, fix, confidence or says"


def _unknown(
    key: str, words: Iterable[str], known: Collection[str], example: str = ""
) -> Iterator[str]:
    for word in words:
        if word not in known:
            near = get_close_matches(word, known, 1, 0.6)
            listed = example or f"known: {', '.join(known)}"
            yield f'{key}: "{word}" is unknown; {f"did you mean {near[0]!r}?" if near else listed}'


def _unknown_placeholders(key: str, text: str) -> Iterator[str]:
    try:
        used = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    except ValueError as exc:
        yield f"{key}: {exc}"
        return
    yield from _unknown(key, used, WORDS)
