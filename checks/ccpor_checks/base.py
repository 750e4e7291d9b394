"""What a check is: declared metadata, one `run` that looks, and the rules that judge what it saw.

Exceptions a check may end with::

    Exception
    ├── TargetFailed      the world said no, or nothing: a failed finding
    ├── CannotObserve     this workstation could not look: an error, with the right or part missing
    └── NotApplicable     the question has no sense here, as earlier evidence shows

Options that a profile may write but that mean nothing are refused before any check runs::

    ValueError
    └── OptionsRefused    names every such option and what to write instead
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import msgspec

from ccpor_reporting.model import Owner
from ccpor_reporting.rules import Rule

E = TypeVar("E", bound=msgspec.Struct)
O = TypeVar("O", bound=msgspec.Struct)  # noqa: E741

Scheme = str
# Method and path, as on the wire, to the headers that prove which workstation asks; None: it is
# not enrolled anywhere.
Sign = Callable[[str, str], Mapping[str, str] | None]


class TargetFailed(Exception):
    """The target said no: becomes the failed finding *code* with *reason*; rules are not asked."""

    def __init__(
        self, code: str, reason: str, detail: str, evidence: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.code, self.reason, self.detail = code, reason, detail
        self.evidence = dict(evidence or {})


class CannotObserve(Exception):
    """We could not look: says which right or part is missing and how to get it."""


class NotApplicable(Exception):
    """The question has no sense for this target: says why. Checks that need it go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing to look at, as the profile names it, with its URL already taken apart."""

    id: str
    url: str  # as written, without any password
    scheme: Scheme
    host: str = ""  # name or address, IPv6 without brackets; "" for device and workstation targets
    port: int | None = None  # the scheme's default filled in where it has one
    path: str = ""  # path and query as written; device name for sane:, twain: …
    username: str | None = None
    title: str = ""
    why: str = ""
    owner: Owner = Owner.DATACENTER
    required: bool = True
    options: Mapping[str, msgspec.Struct] = field(default_factory=dict)  # by check id
    contrast: tuple[str, ...] = ()


def _nothing(_words: str) -> None: ...


def _not_enrolled(_method: str, _path: str) -> None: ...


@dataclass(slots=True, kw_only=True)
class Context:
    """What a running check may know of the world; tests hand in their own.

    A check passes `remaining()` as the timeout of every library call that takes one and registers a
    closer with `on_abandon` for calls that take none; past the deadline the engine runs the closers
    and leaves the thread behind.
    """

    deadline: float  # on `monotonic`
    now: Callable[[], datetime] = lambda: datetime.fromtimestamp(time.time(), UTC)
    monotonic: Callable[[], float] = time.monotonic
    earlier: Mapping[str, msgspec.Struct] = field(default_factory=dict)  # evidence on this target
    base_dir: Path = field(default_factory=Path.cwd)  # relative files of the profile start here
    go_live: date | None = None
    state_dir: Path | None = None
    dice: random.Random = field(default_factory=random.Random)
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("ccpor_checks"))
    attempts: int = 1  # a check that tries several times writes how many
    tell: Callable[[str], object] = _nothing  # what it does now, in a few words, for a live view
    sign: Sign = _not_enrolled
    keep: Path | None = None  # where the person wants the scanned pages; never in place of a file
    abandoned: bool = False
    _closers: list[Callable[[], object]] = field(default_factory=list)

    def remaining(self, at_most: float | None = None) -> float:
        """Return the seconds left, no more than *at_most*.

        Raises:
            TimeoutError: The deadline has passed or the engine gave the check up.
        """
        left = self.deadline - self.monotonic()
        if left <= 0 or self.abandoned:
            raise TimeoutError("the deadline of this check has passed")
        return left if at_most is None else min(left, at_most)

    def on_abandon(self, closer: Callable[[], object]) -> None:
        """Register what breaks a blocked call from outside, e.g. a socket's shutdown."""
        self._closers.append(closer)
        if self.abandoned:
            self.abandon()

    def abandon(self) -> None:
        """Run every closer; a closer that fails is logged and the others still run."""
        self.abandoned = True
        while self._closers:
            closer = self._closers.pop()
            try:
                closer()
            except OSError as exc:  # a socket closed meanwhile is the usual case
                self.log.debug("check.closer_failed", extra={"error": repr(exc)})

    def file(self, name: str) -> Path:
        """Return the path of a file that the profile names; relative ones start at the profile."""
        return self.base_dir / name


def no_rules_budget(_options: Any) -> float:
    return 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Generic[E, O]):
    """A check as data. `list`, `plan`, docs, forms and schema are derived from it.

    id: first word of its codes. version: rises when evidence or a rule changes meaning.
    does: what goes onto the wire and what is written, one sentence for `plan` and the docs.
    needs: checks that must have passed on the same target, where they are planned.
    rules: the first is the *stage*: when it does not pass, the others are skipped because of it.
        A check whose rules are independent (workstation) sets `staged` False.
    budget_s: seconds the check may take for given options; the engine adds a second and then
        leaves it behind.
    """

    id: str
    version: int
    title: str
    does: str
    options: type[O]
    evidence: type[E]
    run: Callable[[Target, O, Context], E]
    rules: tuple[Rule[E, O], ...]
    needs: tuple[str, ...] = ()
    staged: bool = True
    budget_s: Callable[[O], float] = no_rules_budget
    isolation: Literal["thread", "process"] = "thread"
    lock: str | None = None  # checks that share a lock never overlap, e.g. "uplink"
    alone: bool = False  # begins when no other check runs or can run, and nothing runs beside it

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(rule.code for rule in self.rules)


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Root of what checks return: JSON scalars and tuples, units in names, None for unknown."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One option that its type allows and its check does not.

    key: where it stands in the table, e.g. ``("resolvers", 0)``. wanted: what to write instead.
    beside: the other option it does not go with; None where it is wrong by itself.
    """

    key: tuple[str | int, ...]
    wanted: str
    beside: str | None = None


class OptionsRefused(ValueError):
    """Options that could never be asked; `refusals` names all of them."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        said = (f"{'.'.join(map(str, each.key))}: {each.wanted}" for each in refusals)
        super().__init__("; ".join(said))
        self.refusals = tuple(refusals)


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Root of what a profile may ask; each field's `Meta(description=…)` says what to write."""

    def refusals(self) -> Iterator[Refusal]:
        """Yield what no type says: options that cannot be asked, or not beside each other."""
        yield from ()

    def __post_init__(self) -> None:
        """Refuse what `refusals` names.

        Raises:
            OptionsRefused: With all of it.
        """
        if found := tuple(self.refusals()):
            raise OptionsRefused(found)
