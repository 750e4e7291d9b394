"""Item states: missing is open, old is stale, and neither is ever met."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from ccpor_reporting.checklist.model import (
    Declaration,
    DeclarationKind,
    Facts,
    Party,
    Phase,
    Place,
    Scope,
    State,
)
from ccpor_reporting.checklist.state import phase_on, readiness
from tests.reporting.checklist.court import (
    GO_LIVE,
    NOW,
    finding,
    in_state,
    machine,
    report,
    states,
)

TCP = finding("tcp.reach")


def word(
    item: str,
    kind: str = "met",
    party: str = "court",
    *,
    hours_ago: float = 1,
    until: date | None = None,
) -> Declaration:
    return Declaration(
        item=item,
        kind=DeclarationKind(kind),
        party=Party(party),
        by="r.diaz",
        at=NOW - timedelta(hours=hours_ago),
        note="as agreed",
        until=until,
    )


def test_nothing_is_met_where_nothing_is_known() -> None:
    """An empty board that shows green would send a court live blind."""
    found = states()

    assert in_state(found, State.OPEN) == set(found)


def test_a_passing_finding_of_the_only_workstation_meets_the_item_with_its_evidence() -> None:
    """The reader must get from the item to the report and finding that prove it."""
    found = states(report(TCP))["IM-01"]

    assert found.state is State.MET
    assert (found.covered, found.required) == (1, 1)
    [line] = found.evidence
    assert (line.run_id, line.finding, line.level, line.machine) == (
        "run-1", "app/tcp.reach", "L1", "M1",
    )  # fmt: skip
    assert line.age_hours == 1


def test_a_failed_blocker_on_any_workstation_is_not_met() -> None:
    """One clerk without a path is one counter that cannot take orders."""
    both = (machine("m1"), machine("m2"))
    found = states(
        report(TCP), report(finding("tcp.reach", "fail"), on="m2"), machines=both
    )["IM-01"]  # fmt: skip

    assert found.state is State.NOT_MET
    assert found.why == "M2 (main): app/tcp.reach failed: tcp.reach fail"


def test_a_warning_leaves_the_item_met_and_is_noted() -> None:
    """Warnings alone do not stop a go-live, and are never hidden either."""
    found = states(report(finding("tcp.reach", "fail", severity="warning")))["IM-01"]

    assert found.state is State.MET
    assert len(found.warnings) == 1
    assert "with 1 warning" in found.why


@pytest.mark.parametrize("status", ["error", "skip", "not-applicable"])
def test_what_was_not_assessed_is_open(status: str) -> None:
    """Unknown never becomes pass."""
    assert states(report(finding("tcp.reach", status)))["IM-01"].state is State.OPEN


def test_every_declared_workstation_counts_enrolled_or_not() -> None:
    """The machine that never reported is the one with the problem."""
    facts = Facts(inventory=(Place(location="main", role="scan-station", machines=3),))
    found = states(report(TCP), facts=facts)["IM-01"]

    assert found.state is State.OPEN
    assert (found.covered, found.required) == (1, 3)
    assert "1 of 3 workstations" in found.why


def test_evidence_older_than_its_freshness_is_stale() -> None:
    """Circuits and certificates change: a pass of last month proves last month."""
    assert states(report(TCP, age=timedelta(days=6)))["IM-01"].state is State.MET
    assert states(report(TCP, age=timedelta(days=8)))["IM-01"].state is State.STALE


def test_a_report_that_waited_in_the_spool_is_as_old_as_its_run() -> None:
    """Arrival does not make evidence young; a clock that runs ahead does not either."""
    late = report(TCP, age=timedelta(days=8), received=timedelta(0))
    ahead = report(TCP, age=timedelta(days=-300), received=timedelta(days=8))

    assert states(late)["IM-01"].state is State.STALE
    assert states(ahead)["IM-01"].state is State.STALE


def test_what_arrived_later_was_not_known_then() -> None:
    """A board as of last week must not show this week's evidence."""
    found = states(report(TCP, age=timedelta(hours=2), received=timedelta(hours=-1)))

    assert found["IM-01"].state is State.OPEN


def test_a_newer_finding_replaces_the_older_one() -> None:
    """What was mended is met again, what broke is not met any more."""
    failed = report(finding("tcp.reach", "fail"), age=timedelta(hours=2))
    passed = report(TCP, run_id="run-2")

    assert states(failed, passed)["IM-01"].state is State.MET
    assert states(report(TCP, age=timedelta(hours=3)), failed)["IM-01"].state is State.NOT_MET


def test_a_partial_run_cannot_hide_a_failing_target() -> None:
    """`--only` on the good target must not turn the item green."""
    whole = report(TCP, finding("tcp.reach", "fail", target="gw"), age=timedelta(hours=2))

    assert states(whole, report(TCP, run_id="run-2"))["IM-01"].state is State.NOT_MET


def test_a_target_that_the_new_profile_dropped_is_forgotten() -> None:
    """Else a retired host stays failed for ever."""
    old = report(finding("tcp.reach", "fail", target="gone"), age=timedelta(hours=2))
    new = report(TCP, run_id="run-2", profile="b" * 64)

    assert states(old, new)["IM-01"].state is State.MET


def test_a_target_that_is_not_required_proves_nothing() -> None:
    """An optional port that answers says nothing of the required ones."""
    assert states(report(TCP, required=False))["IM-01"].state is State.OPEN


def test_a_workstation_that_is_not_enrolled_any_more_does_not_count() -> None:
    """A revoked key's report is evidence of nothing here."""
    assert states(report(TCP, on="revoked"))["IM-01"].state is State.OPEN


@pytest.mark.parametrize(
    ("offset_s", "state", "warnings"),
    [
        (1.9, "met", 0),
        (-1.9, "met", 0),
        (40.0, "met", 1),
        (-299.0, "met", 1),
        (301.0, "not-met", 0),
    ],
)
def test_the_clock_is_judged_by_its_distance(offset_s: float, state: str, warnings: int) -> None:
    """Behind is as wrong as ahead; two seconds are right, five minutes break sign-in."""
    import msgspec

    offset = msgspec.structs.replace(finding("clock.offset"), observed=offset_s)
    found = states(report(finding("clock.server"), offset))["IM-28"]

    assert (found.state, len(found.warnings)) == (state, warnings)


def test_a_measured_value_that_is_missing_is_open() -> None:
    """A pass that does not say how much was uploaded does not prove twelve megabytes."""
    import msgspec

    silent = msgspec.structs.replace(finding("http.upload"), observed=None)
    small = msgspec.structs.replace(finding("http.upload"), observed=624)

    assert states(report(finding("http.upload")))["IM-04"].state is State.MET
    assert states(report(silent))["IM-04"].state is State.OPEN
    assert states(report(small))["IM-04"].state is State.NOT_MET


def test_names_need_two_resolvers_and_a_name() -> None:
    """A hosts file, an address or a single resolver does not show that names resolve."""
    codes = ("dns.answer", "dns.address", "dns.latency", "dns.agreement")
    found = [finding(code) for code in codes]
    one = {"dns": {"source": "resolvers", "answers": [{}]}}
    literal = {"dns": {"source": "literal", "answers": []}}

    assert states(report(*found))["PL-12"].state is State.MET
    assert states(report(*found, evidence=one))["PL-12"].state is State.NOT_MET
    assert states(report(*found, evidence=literal))["PL-12"].state is State.OPEN


def test_several_runs_are_needed_where_hours_differ() -> None:
    """One measurement at seven in the morning does not show the court's busy hour."""
    runs = [report(finding("path.latency"), run_id=f"r{n}") for n in range(3)]

    assert states(*runs[:2])["IM-05"].state is State.OPEN
    assert states(*runs)["IM-05"].state is State.MET


def test_scope_answers_leave_items_out_and_silence_does_not() -> None:
    """An image-only court needs no DOJ approval; an unanswered questionnaire proves nothing."""
    image_only = Scope(images=True, gateway=False, sheriff_enters=False)
    found = states(facts=Facts(scope=image_only))

    assert in_state(found, State.NOT_APPLICABLE) == {
        "PL-06", "PL-07", "IM-11", "IM-12", "IM-13", "GL-05",
    }  # fmt: skip
    assert in_state(states(), State.NOT_APPLICABLE) == set()


def test_the_inventory_is_met_when_all_declared_workstations_reported() -> None:
    """Ninety per cent is a warning; an empty inventory is no inventory."""
    names = [f"m{n}" for n in range(10)]
    facts = Facts(inventory=(Place(location="main", role="clerk", machines=10),))
    machines = tuple(machine(name, role="clerk") for name in names)
    heard = [report(TCP, on=name) for name in names]

    assert states(*heard, machines=machines, facts=facts)["PL-09"].state is State.MET
    nine = states(*heard[:9], machines=machines, facts=facts)["PL-09"]
    assert (nine.state, len(nine.warnings)) == (State.MET, 1)
    assert states(*heard[:8], machines=machines, facts=facts)["PL-09"].state is State.OPEN
    assert states(*heard, machines=machines)["PL-09"].state is State.OPEN


def test_a_baseline_needs_a_run_at_each_location_whatever_it_says() -> None:
    """The first run is there to find faults."""
    two = Facts(locations=("main", "annex"))
    failed = report(finding("tcp.reach", "fail"))

    assert states(failed)["PL-11"].state is State.MET
    found = states(failed, facts=two)["PL-11"]
    assert (found.state, found.gaps) == (State.OPEN, ("annex has no run",))


def test_blocking_items_are_repeated_within_three_days_before_go_live() -> None:
    """A port that answered last week may be closed on the day."""
    scope = Scope(images=False, gateway=False, lea_extranet=False)
    codes = (
        "dns.answer", "dns.address", "dns.latency", "dns.agreement", "tcp.reach", "tls.version",
        "tls.cipher", "tls.trust", "tls.name", "tls.validity", "path.latency", "path.loss",
        "path.jitter", "capacity.upload", "workstation.os", "workstation.patch",
        "workstation.antimalware",
    )  # fmt: skip
    found = [finding(code) for code in codes]
    fresh = [report(*found, run_id=f"r{n}") for n in range(3)]
    old = [report(*found, run_id=f"r{n}", age=timedelta(hours=80)) for n in range(3)]

    assert states(*fresh, facts=Facts(scope=scope))["GL-01"].state is State.MET
    again = states(*old, facts=Facts(scope=scope))
    assert again["IM-01"].state is State.MET
    assert again["GL-01"].state is State.STALE
    assert states(*fresh)["GL-01"].state is State.OPEN  # the scanners were not looked at


def test_law_enforcement_is_judged_on_its_own_workstations() -> None:
    """A court's good path says nothing of the sheriff's."""
    found = states(report(TCP), facts=Facts(scope=Scope(lea_extranet=True)))["IM-32"]

    assert found.state is State.OPEN
    assert "no workstation is declared or enrolled as lea" in found.gaps[0]


def test_the_watch_needs_a_day_of_hourly_samples_after_go_live() -> None:
    """Green for an hour is not green."""
    go_live = date(2026, 11, 20)
    hours = [report(TCP, run_id=f"r{n}", age=timedelta(hours=n)) for n in range(24)]
    broken = [
        report(finding("tcp.reach", "fail"), run_id=f"r{n}", age=timedelta(hours=n))
        for n in range(24)
    ]

    assert states(*hours)["PG-01"].state is State.OPEN
    after = states(*hours, go_live=go_live, now=NOW)["PG-01"]
    assert after.state is State.MET
    assert states(*hours[:10], go_live=go_live)["PG-01"].state is State.OPEN
    worse = states(*hours[2:], *broken[:2], go_live=go_live)["PG-01"]
    assert (worse.state, worse.why) == (
        State.NOT_MET, "M1 (main): 22 of 24 samples passed (91.7 %)",
    )  # fmt: skip


def test_oris_must_have_their_form_and_equal_dojs_list() -> None:
    """A wrong ORI sends an order to another agency."""
    same = Facts(oris=("CA0490015",), doj_oris=("CA0490015",))
    other = Facts(oris=("CA0490015",), doj_oris=("CA0490016",))

    assert states(facts=same)["IM-13"].state is State.MET
    assert states(facts=other)["IM-13"].state is State.NOT_MET
    assert states(facts=Facts(oris=("CA0490015",)))["IM-13"].state is State.OPEN


def test_an_attested_item_is_met_by_an_owners_word() -> None:
    """And by no one else's: the sheriff cannot vouch for the court."""
    said = states(declarations=(word("PL-02"),))["PL-02"]
    assert (said.state, said.why) == (State.MET, "attested by r.diaz (court)")
    assert states(declarations=(word("PL-02", party="sheriff"),))["PL-02"].state is State.OPEN


def test_a_joint_item_needs_each_partys_word() -> None:
    """Court and sheriff must have chosen the same model."""
    court, sheriff = word("PL-04"), word("PL-04", party="sheriff")

    alone = states(declarations=(court,))["PL-04"]
    assert (alone.state, alone.why) == (State.OPEN, "not declared yet by sheriff")
    assert states(declarations=(court, sheriff))["PL-04"].state is State.MET


def test_a_word_can_be_taken_back_and_the_last_one_counts() -> None:
    """Nothing is deleted: the correction is a new declaration."""
    first, back = word("PL-02", hours_ago=3), word("PL-02", "open", hours_ago=2)

    found = states(declarations=(first, back))["PL-02"]
    assert found.state is State.OPEN
    assert [line.status for line in found.evidence] == ["open", "met"]
    assert states(declarations=(first, word("PL-02", "not-met")))["PL-02"].state is State.NOT_MET


def test_only_the_aoc_waives_and_only_until_a_date() -> None:
    """A waiver without an end is a hole that everybody forgets."""
    until = NOW.date() + timedelta(days=5)
    failed = report(finding("tcp.reach", "fail"))
    aoc = word("IM-01", "waived", "aoc", until=until)
    court = word("IM-01", "waived", "court", until=until)

    assert states(failed, declarations=(aoc,))["IM-01"].state is State.WAIVED
    assert states(failed, declarations=(court,))["IM-01"].state is State.NOT_MET
    over = states(failed, declarations=(aoc,), now=NOW + timedelta(days=6))["IM-01"]
    assert over.state is State.NOT_MET
    endless = word("IM-01", "waived", "aoc")
    assert states(failed, declarations=(endless,))["IM-01"].state is State.NOT_MET


def test_a_mixed_item_needs_the_word_and_the_measurement() -> None:
    """A roster without working machines trains nobody."""
    found = states(declarations=(word("IM-31"),))["IM-31"]

    assert found.state is State.OPEN


def test_an_attested_drawing_grows_old() -> None:
    """A drawing of the network before last is no drawing."""
    drawn = word("PL-10", hours_ago=24 * 400)

    assert states(declarations=(drawn,))["PL-10"].state is State.STALE


def test_preparing_items_keep_the_state_they_went_live_with() -> None:
    """After go-live nobody repeats the firewall request weekly; the watch takes over."""
    go_live = NOW.date()
    later = NOW + timedelta(days=25)

    assert states(report(TCP), go_live=go_live, now=later)["IM-01"].state is State.MET
    assert (
        states(report(TCP), go_live=go_live + timedelta(days=60), now=later)["IM-01"].state
        is State.STALE
    )


def test_dates_follow_from_go_live() -> None:
    """Due and overdue are what the calendar says, not what somebody typed."""
    found = states(go_live=date(2026, 12, 1))

    assert found["IM-01"].due == date(2026, 11, 1)
    assert found["IM-01"].overdue
    assert not found["GL-01"].overdue
    assert states(go_live=None)["IM-01"].due is None


@pytest.mark.parametrize(
    ("days", "phase"),
    [(61, "planning"), (60, "implement"), (31, "implement"), (30, "go-live"), (0, "go-live"),
     (-1, "post-go-live")],
)  # fmt: skip
def test_the_phase_follows_from_the_days_left(days: int, phase: str) -> None:
    """The board sorts by it."""
    assert phase_on(GO_LIVE - timedelta(days=days), GO_LIVE) is Phase(phase)


def test_a_court_is_ready_only_when_every_blocking_item_is_settled() -> None:
    """Open and stale are not ready; one failure is enough to say no."""
    every = tuple(states().values())
    today = datetime(2026, 11, 23, tzinfo=UTC).date()
    import msgspec

    met = [msgspec.structs.replace(one, state=State.MET) for one in every]
    one_open = [*met[:-1], every[-1]]  # PG-05 comes after go-live
    stale = [msgspec.structs.replace(met[0], state=State.STALE), *met[1:]]
    failed = [msgspec.structs.replace(met[0], state=State.NOT_MET), *met[1:]]

    def verdict(some: list[object]) -> str:
        return readiness(some, go_live=GO_LIVE, today=today).verdict  # type: ignore[arg-type]

    assert verdict(met) == "ready"
    assert verdict(one_open) == "ready"
    assert verdict(stale) == "unknown"
    assert verdict(failed) == "not-ready"
    assert verdict([]) == "unknown"


def test_repeated_items_are_pointed_to_and_not_repeated() -> None:
    """The same sentence twice is read as two faults."""
    found = states(report(finding("tcp.reach", "fail")))["GL-01"]

    assert re.fullmatch(r"\d+ of \d+ blocking items are repeated; see [A-Z0-9, -]+( …)?", found.why)
