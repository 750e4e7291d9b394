"""What a measurement means, judged on evidence built by hand: each verdict, each inability."""

from __future__ import annotations

from typing import Any

import pytest

from ccpor_checks.capacity import CHECK, words
from ccpor_checks.capacity.evidence import CapacityOptions
from ccpor_reporting.faults import catalogue
from ccpor_reporting.model import Finding, Owner, Severity, Status
from tests.checks.capacity.seen import (
    GRAY,
    OFFICE,
    delay,
    enough_runs,
    findings,
    narrow,
    options,
    sample,
    seen,
    transfer,
)

NEEDS = options(required_mbit=8.7)
RATES = ("capacity.upload", "capacity.download")
ALL = (*RATES, "capacity.responsiveness", "capacity.order")


def statuses(found: dict[str, Finding]) -> dict[str, str]:
    return {code: str(finding.fault or finding.status) for code, finding in found.items()}


def test_the_reasons_are_those_of_the_catalogue() -> None:
    """Pages and waivers link to them."""
    ours = {rule.code: set(rule.reasons) for rule in CHECK.rules}

    assert ours == {code: set(catalogue()[code].reasons) for code in ALL}


def test_a_line_that_carries_the_planned_load_passes_with_its_numbers() -> None:
    """The sentence that a court's technician quotes."""
    found = findings(seen(), options(workload=OFFICE, required_mbit=8.7, directions=["up"]))

    upload = found["capacity.upload"]
    assert upload.status is Status.PASS
    assert upload.summary == (
        "needs 8.70 Mbit/s; paced at 10.9, received 10.8 (10.7–10.9) with round trips 41 → 44 ms; "
        "6.1 MB in 4.6 s"
    )
    assert (upload.observed, upload.unit) == (10.8, "Mbit/s")


def test_the_need_is_said_with_the_users_it_comes_from() -> None:
    """Who reads it must be able to check it."""
    load = options(workload=OFFICE)

    assert words.needs(load) == f"needs {load.load.required_mbit:.2f} Mbit/s at peak for 15 users"
    assert words.needs(options()) == "needs 1.50 Mbit/s at the least"


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_line_that_carries_less_is_insufficient(direction: str) -> None:
    """Held back by its own queue: no doubt is left."""
    code = RATES[direction == "down"]
    good = transfer("down" if direction == "up" else "up")
    found = findings(seen(narrow(direction), good), NEEDS)

    assert found[code].fault == f"{code}/insufficient"
    assert found[code].severity is Severity.BLOCKER
    assert found[code].owner is Owner.COUNTY_NETWORK
    assert "a queue that filled up held it back" in found[code].summary


@pytest.mark.parametrize(
    ("low", "mbit", "high", "limited_by", "blocks", "expected"),
    [
        (8.44, 8.6, 8.8, "queue", 16, "pass"),  # 0.97 of the need
        (8.43, 8.6, 8.8, "queue", 16, "capacity.upload/unsteady"),  # too close
        (7.9, 8.2, 8.5, "queue", 16, "capacity.upload/insufficient"),
        (5.0, 8.0, 11.0, "queue", 16, "capacity.upload/unsteady"),  # ± 38 %
        (10.7, 10.8, 10.9, "none", 5, "capacity.upload/unsteady"),  # the ramp alone
        (4.9, 5.0, 5.1, "none", 16, "error"),  # at least 5: nobody knows how much more
        (4.9, 5.0, 5.1, "loss", 16, "capacity.upload/insufficient"),
    ],
)
def test_the_interval_decides(
    low: float, mbit: float, high: float, limited_by: str, blocks: int, expected: str
) -> None:
    """Never better than what is proven, never worse."""
    one = transfer(low_mbit=low, mbit=mbit, high_mbit=high, limited_by=limited_by, blocks=blocks)

    found = findings(seen(one), options(required_mbit=8.7, directions=["up"]))

    assert statuses(found)["capacity.upload"] == expected
    unsteady = expected.endswith("/unsteady")
    assert (found["capacity.upload"].status is Status.ERROR) == (unsteady or expected == "error")


def test_what_is_not_saturated_is_at_least_so_much() -> None:
    """A lower bound is no estimate."""
    one = transfer(kind="saturated", asked_mbit=None)

    found = findings(seen(one), options(required_mbit=8.7, directions=["up"]))

    assert "carries at least 10.8" in found["capacity.upload"].summary


@pytest.mark.parametrize(
    ("p95", "expected"),
    [(90.9, None), (91.1, Severity.WARNING), (190.9, Severity.WARNING), (191.1, Severity.BLOCKER)],
)
def test_the_planned_load_may_add_50_ms(p95: float, expected: Severity | None) -> None:
    """Idle is 41 ms; while at most the planned load is offered."""
    one = transfer(loaded=delay(p95_ms=p95))

    found = findings(seen(one), NEEDS)["capacity.responsiveness"]

    assert found.status is (Status.PASS if expected is None else Status.FAIL)
    assert expected is None or found.severity is expected


@pytest.mark.parametrize(
    ("p95", "expected"),
    [(140.9, None), (141.1, Severity.WARNING), (441.1, Severity.BLOCKER)],
)
def test_a_flood_may_add_more(p95: float, expected: Severity | None) -> None:
    """Whoever fills a line on purpose meets its queue."""
    one = transfer(kind="saturated", asked_mbit=None, loaded=delay(p95_ms=p95))

    found = findings(seen(one), NEEDS)["capacity.responsiveness"]

    assert found.status is (Status.PASS if expected is None else Status.FAIL)
    assert expected is None or found.severity is expected


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"transfers": (transfer(loaded=None),)}, "nothing came back of the small probes"),
        ({"idle": None}, "nothing came back"),
        ({"transfers": (transfer(loaded=delay(samples=8)),)}, "only 8 probes"),
        ({"too_busy": "this workstation was too busy"}, "too busy"),
    ],
)
def test_an_unknown_delay_is_never_a_pass(changes: dict[str, Any], said: str) -> None:
    """Unknown never becomes pass."""
    found = findings(seen(**changes), NEEDS)["capacity.responsiveness"]

    assert found.status is Status.ERROR
    assert said in found.summary


def test_a_busy_server_is_an_error_with_its_reason() -> None:
    """Others measure: that is nobody's fault, and no pass either."""
    evidence = seen(
        transfers=(),
        idle=None,
        not_measured="2 measure before us",
        not_measured_reason="server-busy",
    )

    found = findings(evidence, options(workload=OFFICE))

    assert statuses(found) == {code: f"{code}/server-busy" for code in ALL}
    assert {each.status for each in found.values()} == {Status.ERROR}


def test_a_busy_workstation_judges_nothing() -> None:
    """A number from a machine without time for it is worse than none."""
    busy = seen(narrow(), narrow("down"), too_busy="this workstation had no time to measure")

    found = findings(busy, options(workload=OFFICE))

    assert {each.status for each in found.values()} == {Status.ERROR}
    assert {each.reason for each in found.values()} == {None}


def test_a_proxy_in_between_hides_the_lines_rate() -> None:
    """What it keeps and passes on later says nothing of the line; too little stays too little."""
    kept = "a proxy on the way keeps what is sent before it passes it on"

    good = findings(seen(middlebox=kept), NEEDS)
    bad = findings(seen(narrow(), transfer("down"), middlebox=kept), NEEDS)

    assert good["capacity.upload"].status is Status.ERROR
    assert kept in good["capacity.upload"].summary
    assert bad["capacity.upload"].fault == "capacity.upload/insufficient"
    assert kept in bad["capacity.upload"].summary


def test_an_order_in_time_needs_runs_at_all_hours() -> None:
    """Five runs, two days, three bands: then the worst hour speaks."""
    found = findings(seen(history=enough_runs()), options(workload=OFFICE))["capacity.order"]

    assert found.status is Status.PASS
    assert "worst of 5 runs on 2 court days" in found.summary


def test_one_good_run_is_not_yet_a_verdict() -> None:
    """The truth before comfort: it blocks, and says what is missing."""
    found = findings(seen(history=(sample(),)), options(workload=OFFICE))["capacity.order"]

    assert (found.status, found.reason, found.severity) == (Status.ERROR, None, Severity.BLOCKER)
    assert "4 more runs in court hours" in found.summary


def test_gray_scans_on_a_small_line_are_told_with_the_way_out() -> None:
    """The classic mistake, and the sentence that saves a court a new line."""
    one = {**GRAY, "users": 1, "orders_per_hour": 4}
    run = sample(up_mbit=1.42)
    found = findings(seen(narrow(), history=(run,)), options(workload=one))["capacity.order"]

    assert found.fault == "capacity.order/too-slow-at-peak"
    assert found.owner is Owner.COURT_IT
    assert found.summary.startswith("too slow at peak; scan in black and white (")
    assert " s instead of " in found.summary
    assert found.fix is not None
    assert "scan in black and white: " in found.fix


def test_a_small_line_for_black_and_white_needs_a_faster_one() -> None:
    """Nothing at the scanner helps any more: the county must act."""
    slow = sample(up_mbit=0.5)
    found = findings(seen(narrow(), history=(slow,)), options(workload=OFFICE))["capacity.order"]

    assert found.fault == "capacity.order/too-slow-at-peak"
    assert found.owner is Owner.COUNTY_NETWORK
    assert "Mbit/s would do" in found.summary


def test_orders_that_take_longer_than_the_line_explains_are_inconclusive() -> None:
    """Something that nobody measured adds to their time."""
    runs = (*enough_runs(), sample(0, 15.5, replay_ratio=2.1))

    found = findings(seen(history=runs), options(workload=OFFICE))["capacity.order"]

    assert (found.status, found.reason) == (Status.ERROR, "unsteady")


def test_without_a_workload_the_peak_is_not_asked_for() -> None:
    """And without both ways, neither is the other one."""
    assert set(findings(seen(), options())) == set(ALL) - {"capacity.order"}
    assert set(findings(seen(transfer()), options(directions=["up"], workload=OFFICE))) == (
        set(ALL) - {"capacity.download"}
    )


def test_the_paragraph_is_for_a_court_manager() -> None:
    """What was asked of the line, then what it showed; no code, no jargon."""
    said = words.paragraph(seen(), options(workload=OFFICE))

    assert said.startswith("This court needs ")
    assert "the line carried" in said


def test_the_guard_is_named_where_it_ended_the_test() -> None:
    """Then the numbers are what was known by then."""
    one = narrow(stopped_by="guard")

    found = findings(seen(one), options(required_mbit=8.7, directions=["up"]))

    assert "broken off" in found["capacity.upload"].summary


def test_iperf3_says_nothing_of_delay() -> None:
    """What a tool cannot tell is asked of another one."""
    found = findings(seen(transfer(loaded=None), server="iperf3"), NEEDS)

    assert found["capacity.responsiveness"].status is Status.NOT_APPLICABLE


def test_the_budget_covers_the_worst_case() -> None:
    """Both ways, our turn, the packets by UDP, the orders."""
    both = CHECK.budget_s(CapacityOptions())
    one_way = CHECK.budget_s(options(directions=["up"]))

    assert both > 60 + 20 + 2 * 10
    assert one_way < both < CHECK.budget_s(options(workload=OFFICE)) <= 60 + 120 + 10
