"""Checks that pass, fail, crash or hang on command, and a registry that hands them out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ccpor_agent.plan import Plan, make_plan
from ccpor_agent.profile import Profile, parse_profile
from ccpor_checks.base import (
    CannotObserve,
    Check,
    Context,
    Evidence,
    NotApplicable,
    Options,
    Target,
    TargetFailed,
)
from ccpor_checks.registry import UnknownCheck
from ccpor_reporting.rules import Judgement, Rule, Setting, met, unmet

HANG_S = 60.0
BUDGET_S = 0.05


class Saw(Evidence, frozen=True, kw_only=True):
    value: float = 1.0


class Ask(Options, frozen=True, kw_only=True):
    limit: float = 5.0


Run = Callable[[Target, Ask, Context], Any]


def passes(_target: Target, _options: Ask, _ctx: Context) -> Saw:
    return Saw()


def fails(_target: Target, _options: Ask, _ctx: Context) -> Saw:
    return Saw(value=9.0)


def target_failed(_target: Target, _options: Ask, _ctx: Context) -> Saw:
    """Stand for a TargetFailed of the check's own stage; `check` knows which that is."""
    raise AssertionError("check() raises in its place")


def cannot(_target: Target, _options: Ask, _ctx: Context) -> Saw:
    raise CannotObserve("needs the right to look")


def not_applicable(_target: Target, _options: Ask, _ctx: Context) -> Saw:
    raise NotApplicable("goes through the proxy")


def times_out(_target: Target, _options: Ask, _ctx: Context) -> Saw:
    raise TimeoutError


def crashes(_target: Target, _options: Ask, _ctx: Context) -> Saw:
    raise ValueError("password=hunter2")


def exits(_target: Target, _options: Ask, _ctx: Context) -> Saw:
    raise SystemExit(0)


def interrupts(_target: Target, _options: Ask, _ctx: Context) -> Saw:
    raise KeyboardInterrupt


def hangs(_target: Target, _options: Ask, ctx: Context) -> Saw:
    """Block until the engine runs the closer: nothing stays behind after a test."""
    gone = threading.Event()
    ctx.on_abandon(gone.set)
    gone.wait(HANG_S)
    return Saw()


def hangs_with_a_broken_closer(_target: Target, _options: Ask, ctx: Context) -> Saw:
    gone = threading.Event()

    def closer() -> None:
        gone.set()
        raise RuntimeError("closer")

    ctx.on_abandon(closer)
    gone.wait(HANG_S)
    return Saw()


def wrong_type(_target: Target, _options: Ask, _ctx: Context) -> str:
    return "fine, all fine"


def nothing(_target: Target, _options: Ask, _ctx: Context) -> None:
    return None


def _within(seen: Saw, options: Ask, _setting: Setting) -> Judgement:
    if seen.value > options.limit:
        return unmet("refused", f"saw {seen.value:g}", observed=seen.value)
    return met(f"saw {seen.value:g}", observed=seen.value)


def _explodes(_seen: Saw, _options: Ask, _setting: Setting) -> Judgement:
    raise ZeroDivisionError


def _says_nothing(_seen: Saw, _options: Ask, _setting: Setting) -> Judgement:
    return None  # type: ignore[return-value]


def _shows_an_object(_seen: Saw, _options: Ask, _setting: Setting) -> Judgement:
    return met("fine", observed=object())


def check(
    name: str,
    run: Run = passes,
    *,
    needs: Iterable[str] = (),
    rules: int = 2,
    judge: Callable[..., Judgement] = _within,
    staged: bool = True,
    budget_s: float = BUDGET_S,
    lock: str | None = None,
) -> Check[Any, Any]:
    """Return a check *name* whose rules are ``name.stage``, ``name.rule1`` …"""
    codes = [f"{name}.stage", *(f"{name}.rule{n}" for n in range(1, rules))]

    def run_as(target: Target, options: Ask, ctx: Context) -> Any:
        if run is target_failed:
            raise TargetFailed(codes[0], "refused", "the host refused", {"tries": 3})
        return run(target, options, ctx)

    return Check(
        id=name,
        version=1,
        title=f"fake {name}",
        does="nothing",
        options=Ask,
        evidence=Saw,
        run=run_as,
        rules=tuple(Rule(code=code, reasons=("refused",), judge=judge) for code in codes),
        needs=tuple(needs),
        staged=staged,
        budget_s=lambda _options: budget_s,
        lock=lock,
    )


JUDGES: dict[str, Callable[..., Judgement]] = {
    "within": _within,
    "explodes": _explodes,
    "says nothing": _says_nothing,
    "shows an object": _shows_an_object,
}


def loader(*checks: Check[Any, Any]) -> Callable[[str], Check[Any, Any]]:
    """Return a `load` that knows *checks* and nothing else."""
    known = {each.id: each for each in checks}

    def load(name: str) -> Check[Any, Any]:
        if name not in known:
            raise UnknownCheck(name)
        return known[name]

    return load


def profile_text(chains: dict[str, Iterable[str]], extra: str = "") -> str:
    """Return a profile with a target per chain, each with its list of checks."""
    head = (
        'schema = "ccpor-profile/1"\nversion = 1\n[location]\ncourt = "ca-test"\n'
        'name = "main"\nrole = "clerk"\n'
    )
    targets = "".join(
        f'[[target]]\nid = "{name}"\nurl = "tcp://h.example:1"\n'
        f"checks = [{', '.join(repr(each) for each in checks)}]\n{extra}"
        for name, checks in chains.items()
    )
    return head + targets


def planned(
    chains: dict[str, Iterable[str]], *checks: Check[Any, Any], extra: str = "", **choice: Any
) -> Plan:
    """Return the plan of *chains* over *checks*."""
    load = loader(*checks)
    return make_plan(read(profile_text(chains, extra), load), load, **choice)


def read(text: str, load: Callable[[str], Check[Any, Any]]) -> Profile:
    return parse_profile(text, "test.toml", Path.cwd(), load)
