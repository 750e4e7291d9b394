"""Rules over browser and PDF program: are they in the environment list, and new enough?"""

from __future__ import annotations

from ccpor_checks.workstation.environment import is_older
from ccpor_checks.workstation.evidence import (
    ListedProgram,
    WorkstationEvidence,
    WorkstationOptions,
)
from ccpor_checks.workstation.verdicts import some
from ccpor_reporting.rules import Judgement, Setting, met, unassessed, unmet

Fault = tuple[str, str]  # reason, words


def judge_browser(
    seen: WorkstationEvidence, _options: WorkstationOptions, setting: Setting
) -> Judgement:
    if seen.browser is None:
        return unassessed(f"browsers cannot be told: {seen.why_not('browser')}")
    return _judge(seen.browser, "browser", setting)


def judge_pdf(
    seen: WorkstationEvidence, _options: WorkstationOptions, setting: Setting
) -> Judgement:
    if seen.pdf is None:
        return unassessed(f"PDF programs cannot be told: {seen.why_not('pdf')}")
    return _judge(seen.pdf, "PDF program", setting)


def _judge(programs: tuple[ListedProgram, ...], what: str, setting: Setting) -> Judgement:
    """The default program counts where it is told: links and files open there. Else the best."""
    if not programs:
        return unmet(
            "missing", f"no {what} was found", expected=f"a {what} of the environment list"
        )
    chosen = [each for each in programs if each.program.is_default] or list(programs)
    found = {each: _fault(each, setting) for each in chosen}
    good = [each for each, fault in found.items() if fault is None]
    dated = programs[0].support.list_dated
    expected = f"a {what} of the environment list of {dated}, new enough"
    if good:
        words = _name(good[0])
        if good[0].program.is_default:
            words += f", the default {what},"
        others = [_name(each) for each in programs if each not in good and _fault(each, setting)]
        also = f"; beside it, too old or not in the list: {some(others)}" if others else ""
        return met(
            f"{words} is in the environment list of {dated}{also}",
            observed=good[0].program.version,
            expected=expected,
        )
    worst = {"outdated": 0, "unsupported": 1}
    each, fault = min(found.items(), key=lambda item: worst[item[1][0]] if item[1] else 0)
    assert fault is not None
    reason, words = fault
    return unmet(reason, words, observed=each.program.version, expected=expected)


def _name(each: ListedProgram) -> str:
    return f"{each.program.name} {each.program.version}".strip()


def _fault(each: ListedProgram, setting: Setting) -> Fault | None:
    support, name = each.support, _name(each)
    dated = support.list_dated
    if support.name is None:
        return "unsupported", f"{name} is not in the environment list of {dated}"
    if support.until is not None and support.until < setting.counts_from:
        when = "since" if support.until < setting.observed_at.date() else "before go-live, after"
        return "unsupported", f"{name} gets no security updates {when} {support.until}"
    least = support.min_version
    if least is not None and is_older(each.program.version, least):
        words = f"{name} is older than {least}, the oldest of the environment list of {dated}"
        return "outdated", words
    return None
