"""What must hold for any court: less evidence, more time and more doubt never help."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ccpor_reporting.checklist.load import our_checklist
from ccpor_reporting.checklist.model import Facts, Kind, Place, Received, State
from ccpor_reporting.model import Status
from tests.reporting.checklist.court import GO_LIVE, NOW, finding, in_state, machine, report, states

CODES = sorted(
    {need.code for item in our_checklist().items if item.proof for need in item.proof.needs}
)
MACHINES = (
    machine("m1"),
    machine("m2", role="clerk"),
    machine("m3", location="annex"),
    machine("m4", location="annex", role="lea"),
)
FACTS = Facts(inventory=(Place(location="main", role="clerk", machines=1),))


@st.composite
def histories(draw: Callable[..., object], statuses: tuple[str, ...]) -> list[Received]:
    found = []
    for number in range(draw(st.integers(1, 8))):  # type: ignore[call-overload]
        some = draw(st.lists(st.sampled_from(CODES), min_size=1, unique=True))
        found.append(
            report(
                *(finding(code, draw(st.sampled_from(statuses))) for code in some),  # type: ignore[arg-type, attr-defined]
                on=draw(st.sampled_from(["m1", "m2", "m3", "m4"])),  # type: ignore[arg-type]
                age=timedelta(hours=draw(st.integers(0, 1000))),  # type: ignore[arg-type]
                run_id=f"run-{number}",
            )
        )
    return found


ANY = ("pass", "fail", "error", "skip", "not-applicable")


WHERE_PLANNED = {
    item.id
    for item in our_checklist().items
    if item.proof and any(need.where_planned for need in item.proof.needs)
}


def met(reports: list[Received], **more: object) -> set[str]:
    return in_state(states(*reports, machines=MACHINES, facts=FACTS, **more), State.MET)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(histories(("pass",)), st.data())
def test_removing_a_passing_report_never_meets_more(
    history: list[Received], data: st.DataObject
) -> None:
    """Losing evidence can only cost; but a report alone may say that a question is asked at all."""
    lost = data.draw(st.integers(0, len(history) - 1))

    assert met(history[:lost] + history[lost + 1 :]) - WHERE_PLANNED <= met(history)


@settings(max_examples=60, deadline=None)
@given(histories(ANY), st.sampled_from(["m1", "m2", "m3", "m4"]))
def test_silencing_a_workstation_never_meets_more(history: list[Received], name: str) -> None:
    """Nobody gets ready by unplugging the machine that fails."""
    assert met([one for one in history if one.machine_id != name]) <= met(history)


@settings(max_examples=60, deadline=None)
@given(histories(ANY), st.integers(0, 24 * 150), st.booleans())
def test_time_passing_never_meets_an_item(
    history: list[Received], hours: int, with_date: bool
) -> None:
    """Only new evidence does."""
    go_live = GO_LIVE if with_date else None
    later = NOW + timedelta(hours=hours)

    assert met(history, now=later, go_live=go_live) <= met(history, go_live=go_live)


@settings(max_examples=60, deadline=None)
@given(histories(ANY), st.sampled_from(["error", "skip"]), st.data())
def test_doubt_in_place_of_a_pass_never_meets_more(
    history: list[Received], doubt: str, data: st.DataObject
) -> None:
    """Unknown never becomes pass."""
    code = data.draw(st.sampled_from(CODES))

    def doubted(received: Received) -> Received:
        findings = tuple(
            msgspec.structs.replace(one, status=Status(doubt))
            if one.code == code and one.status is Status.PASS
            else one
            for one in received.report.findings
        )
        return msgspec.structs.replace(
            received, report=msgspec.structs.replace(received.report, findings=findings)
        )

    worse = met([doubted(one) for one in history])
    assert worse <= met(history)


@settings(max_examples=40, deadline=None)
@given(histories(ANY))
def test_every_item_comes_out_once_and_explains_itself(history: list[Received]) -> None:
    """A state without a sentence is a colour; a technical one that is met names its evidence."""
    found = states(*history, machines=MACHINES, facts=FACTS)

    assert list(found) == [item.id for item in our_checklist().items]
    assert all(one.why for one in found.values())
    assert all(
        one.evidence
        for one in found.values()
        if one.state is State.MET and one.item.kind is Kind.TECHNICAL
    )
    assert msgspec.json.encode(tuple(found.values()))
