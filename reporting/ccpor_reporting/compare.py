"""Two reports of one place: new, gone, worse, better, same; noise in measured values is no change.

A fault is *new* when the finding fails now and did not fail before, or fails for another reason;
*gone* when it failed and passes now. *Worse* and *better* are changes of severity, of a measured
value beyond its noise, and of what could be looked at at all. What was looked at by other versions
of a check, or not at all in one of the two runs, is *not comparable*, never *same*; but what was
skipped in both runs because of the same finding is the *same*. What passed and is skipped now
because of a new fault stands behind that fault. What a target had that is no longer in the profile
is *gone*.

Noise: a measured value (a number with a unit) is the same unless it moved by more than 20 % of the
old value and by more than the floor of its unit: 20 ms, 0.2 s, 0.5 %, 1 day beyond the days that
passed between the runs, 5 Mbit/s, 64 MB, 1 GB, 10 kB, 28 bytes; 60 ms for a resolver. Where both
runs counted (packets lost of those sent), chance decides instead: one lost of thirty is no change.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import msgspec

from ccpor_reporting.chance import is_rare
from ccpor_reporting.diagnosis.facts import root_of
from ccpor_reporting.model import Finding, Json, Report, Severity, Status, UtcTime, Verdict
from ccpor_reporting.text import SEVERITY_WORDS, STATUS_WORDS, plain_time, single_line, value_words

NOISE_SHARE = 0.20
NOISE_FLOOR: Mapping[str, float] = {
    "ms": 20,
    "s": 0.2,
    "%": 0.5,
    "pct": 0.5,
    "days": 1,
    "d": 1,
    "Mbit/s": 5,
    "mbit": 5,
    "MB": 64,
    "GB": 1,
    "kB": 10,
    "bytes": 28,  # one IPv4 and UDP header: a tunnel more or less shows as more
    "dpi": 5,
    "deg": 0.5,
}
FLOOR_MS = {"dns.latency": 60}  # an answer out of the cache, or asked for once more
LOWER_IS_WORSE = frozenset(
    {
        "capacity.download",
        "capacity.upload",
        "path.mtu",
        "tls.validity",
        "workstation.disk",
        "workstation.display",
        "workstation.memory",
    }
)
DAYS = frozenset({"d", "day", "days"})
_COST = {Severity.INFO: 1, Severity.WARNING: 2, Severity.BLOCKER: 3}
_ANSWERED = frozenset({Status.PASS, Status.FAIL, Status.NOT_APPLICABLE})


_Both = tuple[tuple[int, int] | None, tuple[int, int] | None]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One finding, then and now; `words` says what changed as one clause."""

    finding: str
    words: str
    blocking: bool
    before: str | None = None  # status
    after: str | None = None
    fault: str | None = None  # of the new run, else of the old one
    observed_before: Json = None
    observed_after: Json = None
    unit: str | None = None
    behind: tuple[str, ...] = ()  # findings that passed and were not asked now because of this one


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The findings of two runs, each once, as itself or behind another.

    `differs` says what else is not the same.
    """

    old_run: str
    new_run: str
    old_at: UtcTime
    new_at: UtcTime
    verdict: Verdict
    differs: tuple[str, ...]
    new: tuple[Change, ...] = ()
    worse: tuple[Change, ...] = ()
    better: tuple[Change, ...] = ()
    gone: tuple[Change, ...] = ()
    same: tuple[Change, ...] = ()
    not_comparable: tuple[Change, ...] = ()


KINDS = ("new", "worse", "better", "gone", "same", "not_comparable")
_TITLES = {
    "new": "New faults",
    "worse": "Worse",
    "better": "Better",
    "gone": "Gone",
    "not_comparable": "Not comparable",
    "same": "Same",
}


def compare(old: Report, new: Report) -> Comparison:
    """Return what changed from *old* to *new*.

    The verdict is about the change: not-ready when a blocking fault is new or worse, unknown when
    something blocking cannot be compared, else ready.
    """
    before = {finding.id: finding for finding in old.findings}
    after = {finding.id: finding for finding in new.findings}
    days = (new.started_at - old.started_at).total_seconds() / 86_400
    sorted_out: dict[str, list[Change]] = {kind: [] for kind in KINDS}
    for name in dict.fromkeys([*after, *before]):
        kind, change = _change(before.get(name), after.get(name), old, new, days)
        sorted_out[kind].append(change)
    _stand_behind(sorted_out, after)
    harm = sorted_out["new"] + sorted_out["worse"]
    if any(change.blocking for change in harm):
        verdict = Verdict.NOT_READY
    elif any(change.blocking for change in sorted_out["not_comparable"]):
        verdict = Verdict.UNKNOWN
    else:
        verdict = Verdict.READY
    return Comparison(
        old_run=old.run_id,
        new_run=new.run_id,
        old_at=old.started_at,
        new_at=new.started_at,
        verdict=verdict,
        differs=tuple(_differences(old, new)),
        **{kind: tuple(changes) for kind, changes in sorted_out.items()},
    )


def _change(
    before: Finding | None, after: Finding | None, old: Report, new: Report, days: float
) -> tuple[str, Change]:
    shown = after or before
    assert shown is not None, "the name came from one of the two"
    then, now = old.agent.checks.get(shown.check), new.agent.checks.get(shown.check)
    if before is None or after is None:
        taken_out = shown.target in _targets(old) - _targets(new)
        kind, words = _one_sided(before, after, taken_out=taken_out)
    elif then != now:
        kind = "not_comparable"
        words = f"check {shown.check} was version {then or 'unknown'}, is {now or 'unknown'}"
    else:
        counts = _counts(before, old), _counts(after, new)
        kind, words = _kind(before, after, days, counts)
    return kind, Change(
        finding=shown.id,
        words=words,
        blocking=shown.severity is Severity.BLOCKER,
        before=before.status.value if before else None,
        after=after.status.value if after else None,
        fault=(after.fault if after else None) or (before.fault if before else None),
        observed_before=before.observed if before else None,
        observed_after=after.observed if after else None,
        unit=shown.unit,
    )


def _stand_behind(sorted_out: dict[str, list[Change]], after: Mapping[str, Finding]) -> None:
    """Put what passed before and is only skipped now behind the new or worse finding it needs."""
    behind: dict[str, list[Change]] = {}
    harm = {change.finding: change for kind in ("new", "worse") for change in sorted_out[kind]}
    for change in sorted_out["worse"]:
        if change.after == Status.SKIP:
            root = root_of(after[change.finding], after)
            if root in harm and harm[root].after != Status.SKIP:
                behind.setdefault(root, []).append(change)
    folded = {change.finding for changes in behind.values() for change in changes}
    for kind in ("new", "worse"):
        sorted_out[kind] = [
            _with_behind(change, behind.get(change.finding, ()))
            for change in sorted_out[kind]
            if change.finding not in folded
        ]


def _with_behind(change: Change, behind: Sequence[Change]) -> Change:
    """Return *change* with those *behind* it; it costs what they cost."""
    return msgspec.structs.replace(
        change,
        behind=tuple(each.finding for each in behind),
        blocking=change.blocking or any(each.blocking for each in behind),
    )


def _targets(report: Report) -> set[str]:
    return {target.id for target in report.targets}


def _one_sided(
    before: Finding | None, after: Finding | None, *, taken_out: bool
) -> tuple[str, str]:
    if before is None and after is not None and after.status is Status.FAIL:
        return "new", f"{_state(after)}; not looked at before"
    if before is None:
        return "not_comparable", "not looked at in the old run"
    if taken_out:
        return "gone", "its target is no longer in the profile"
    return "not_comparable", "not looked at in the new run"


def _kind(before: Finding, after: Finding, days: float, counts: _Both) -> tuple[str, str]:
    moved = f"{_state(before)} -> {_state(after)}"
    looked_then, looked_now = before.status in _ANSWERED, after.status in _ANSWERED
    match before.status, after.status:
        case Status.FAIL, Status.FAIL if before.reason == after.reason:
            return _by_severity(before, after, days, moved, counts=counts)
        case _, Status.FAIL:
            return "new", moved
        case Status.FAIL, _ if not looked_now:
            return "not_comparable", f"{moved}: nobody looked whether the fault is gone"
        case Status.FAIL, _:
            return "gone", moved
    if looked_then and looked_now:
        return _by_value(before, after, days, STATUS_WORDS[after.status], counts=counts)
    if before.status is after.status is Status.SKIP and before.because == after.because:
        return "same", STATUS_WORDS[after.status]
    if looked_then or looked_now:
        return ("worse" if looked_then else "better"), moved
    return "not_comparable", f"{moved}: not looked at in either run"


def _by_severity(
    before: Finding, after: Finding, days: float, moved: str, *, counts: _Both
) -> tuple[str, str]:
    if _COST[after.severity] != _COST[before.severity]:
        worse = _COST[after.severity] > _COST[before.severity]
        return ("worse" if worse else "better"), moved
    return _by_value(before, after, days, _state(after), counts=counts)


def _by_value(
    before: Finding, after: Finding, days: float, state: str, *, counts: _Both
) -> tuple[str, str]:
    then, now = measured(before), measured(after)
    if then is None or now is None or before.unit != after.unit:
        return "same", state
    words = f"{value_words(then, before.unit)} -> {value_words(now, after.unit)}"
    if after.code == "clock.offset":  # ahead is as wrong as behind
        then, now = abs(then), abs(now)
    old_counts, new_counts = counts
    if old_counts and new_counts:
        moved = is_rare(*new_counts, *old_counts) or is_rare(*old_counts, *new_counts)
    else:
        moved = beyond_noise(then, now, after.unit or "", days, FLOOR_MS.get(after.code))
    if not moved:
        return "same", f"{state}, {words}"
    risen_is_worse = after.code not in LOWER_IS_WORSE
    return ("worse" if (now > then) == risen_is_worse else "better"), words


def _counts(finding: Finding, report: Report) -> tuple[int, int] | None:
    """Return how many were lost of how many sent, of a finding that is such a share."""
    if finding.code != "path.loss":
        return None
    for seen in report.observations:
        if (seen.target, seen.check) == (finding.target, finding.check):
            lost, sent = seen.evidence.get("lost"), seen.evidence.get("sent")
            if type(lost) is int and type(sent) is int and 0 <= lost <= sent:
                return lost, sent
    return None


def measured(finding: Finding) -> float | None:
    """Return the measured number of *finding*: only a number with a unit is one."""
    value = finding.observed
    if finding.unit is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def beyond_noise(
    then: float, now: float, unit: str, days: float, floor: float | None = None
) -> bool:
    """Say whether a value moved by more than its noise; *days* passed between the two looks.

    floor: in place of the unit's. A unit without a floor of its own has only the 20 %.
    """
    if unit in DAYS:
        # Days left fall by one a day: that is the calendar, no change. Rounding may add one.
        return abs(now - (then - days)) > NOISE_FLOOR["days"] + 1
    moved = abs(now - then)
    least = NOISE_FLOOR.get(unit, 0.0) if floor is None else floor
    return moved > max(NOISE_SHARE * abs(then), least)


def _state(finding: Finding) -> str:
    words = STATUS_WORDS[finding.status]
    if finding.status is Status.FAIL:
        return f"{words} {finding.reason or ''} ({SEVERITY_WORDS[finding.severity]})"
    return words


def _differences(old: Report, new: Report) -> list[str]:
    """Return in what the two runs differ besides their findings; each a clause."""
    pairs = (
        ("court", old.location.court, new.location.court),
        ("location", old.location.name, new.location.name),
        ("role", old.location.role, new.location.role),
        ("workstation", old.machine.name, new.machine.name),
        ("operating system", old.machine.os, new.machine.os),
        ("profile", old.profile.id, new.profile.id),
        ("profile version", str(old.profile.version), str(new.profile.version)),
        ("profile text (SHA-256)", old.profile.sha256[:12], new.profile.sha256[:12]),
        ("agent version", old.agent.version, new.agent.version),
    )
    said = [f"{what}: {then} -> {now}" for what, then, now in pairs if then != now]
    taken_out = sorted(_targets(old) - _targets(new))
    added = sorted(_targets(new) - _targets(old))
    said += [f"targets taken out: {', '.join(taken_out)}"] if taken_out else []
    said += [f"targets added: {', '.join(added)}"] if added else []
    return said


def comparison_text(comparison: Comparison, width: int = 80) -> str:
    """Return the comparison as plain text: the worst first, what stayed the same only counted."""
    counts = {kind: len(getattr(comparison, kind)) for kind in KINDS}
    lines = [
        f"Compared with the run of {plain_time(comparison.old_at)}: {counts['new']} new, "
        f"{counts['worse']} worse, {counts['better']} better, {counts['gone']} gone, "
        f"{counts['same']} same, {counts['not_comparable']} not comparable",
    ]
    lines += [f"  not the same in both runs: {clause}" for clause in comparison.differs]
    for kind in ("new", "worse", "not_comparable", "better", "gone"):
        changes: tuple[Change, ...] = getattr(comparison, kind)
        if changes:
            lines += ["", _TITLES[kind]]
            lines += [
                f"  {change.finding}: {change.words}{_and_behind(change)}" for change in changes
            ]
    return "".join(_wrapped(line, width) + "\n" for line in lines)


def _and_behind(change: Change) -> str:
    count = len(change.behind)
    if not count:
        return ""
    return f"; {count} more {'was' if count == 1 else 'were'} not looked at because of this"


def _wrapped(line: str, width: int) -> str:
    indent = " " * (len(line) - len(line.lstrip(" ")))
    folded = textwrap.wrap(
        single_line(line).strip(),
        max(width, 20),
        initial_indent=indent,
        subsequent_indent=indent + "    " if indent else "  ",
        break_on_hyphens=False,
    )
    return "\n".join(folded)
