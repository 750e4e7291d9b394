"""The watch after go-live: which share of the samples passed, workstation by workstation.

Each workstation must hold alone: a good one does not make up for a bad one. A sample that could not
be taken counts as not passed; a skip and "does not apply" are no samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from ccpor_reporting.checklist.ledger import Ledger
from ccpor_reporting.checklist.model import KnownMachine, Proof, State
from ccpor_reporting.checklist.needs import Tally
from ccpor_reporting.checklist.outcome import Moment, Outcome, line, where, worst
from ccpor_reporting.model import Status

SAMPLED = frozenset({Status.PASS, Status.FAIL, Status.ERROR})
MISSED_HOURS = 2  # of the window: a restart and a late start are no gap in the watch


def weigh_watch(
    proof: Proof, ledger: Ledger, machines: Sequence[KnownMachine], moment: Moment
) -> Outcome:
    """Return whether each of *machines* passed often enough in the window since go-live."""
    if moment.go_live is None or moment.now < moment.go_live + timedelta(hours=proof.watch_hours):
        return Outcome(state=State.OPEN, gaps=("the watch begins with go-live",))
    if not machines:
        return Outcome(state=State.OPEN, gaps=("no workstation is enrolled",))
    tallies = [_weigh_machine(one, proof, ledger, moment) for one in machines]
    states = [tally.state for tally in tallies]
    return Outcome(
        state=worst(states),
        covered=states.count(State.MET),
        required=len(machines),
        evidence=tuple(one for tally in tallies for one in tally.evidence),
        failures=tuple(one for tally in tallies for one in tally.failures),
        gaps=tuple(one for tally in tallies for one in tally.gaps),
        warnings=tuple(one for tally in tallies for one in tally.warnings),
    )


def _weigh_machine(machine: KnownMachine, proof: Proof, ledger: Ledger, moment: Moment) -> Tally:
    tally = Tally()
    since = moment.counts_from - timedelta(hours=proof.watch_hours)
    samples = [
        (at, status)
        for at, status in ledger.samples(machine, proof.watch, since)
        if status in SAMPLED
    ]
    for code in proof.watch:
        tally.evidence += [line(look, moment, None) for look in ledger.looks(machine, code)]
    hours = {at.replace(minute=0, second=0, microsecond=0) for at, _ in samples}
    passed = sum(status is Status.PASS for _, status in samples)
    share = 100 * passed / len(samples) if samples else 0.0
    met, warning = proof.watch_percent
    said = f"{where(machine)}: {passed} of {len(samples)} samples passed ({share:.1f} %)"
    if len(hours) < proof.watch_hours - MISSED_HOURS:
        tally.miss(f"{where(machine)} was heard in {len(hours)} of {proof.watch_hours} hours")
    elif share < warning:
        tally.fail(said)
    else:
        tally.states.append(State.MET)
        if share < met:
            tally.warnings.append(said)
    return tally
