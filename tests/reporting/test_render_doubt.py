"""What was not looked at, in words: left out on purpose, not in this version, or in doubt."""

from __future__ import annotations

import json

import msgspec

from ccpor_reporting.coverage import Excluded
from ccpor_reporting.model import Report, Severity, Status, Verdict
from ccpor_reporting.render import render
from tests.reporting.reports import (
    PACIFIC,
    failed,
    finding,
    observation,
    ready_report,
    report_of,
    skipped,
)

LEFT_OUT = tuple(Excluded(f"other/{code}", True) for code in ("tcp.reach", "tls.trust"))


def text(report: Report, **layout: bool) -> list[str]:
    return render(report, "text", **layout).splitlines()  # type: ignore[arg-type]


def first_line(report: Report) -> str:
    said = " ".join(render(report, "text", width=200).splitlines()[0].split())
    return said.partition(" · ")[2]


def test_what_was_left_out_on_purpose_is_not_told_as_a_failure() -> None:
    """`run --only` after a repair: what was asked for passed, and the rest is unknown."""
    report = report_of((finding("web", "tcp.reach"),), excluded=LEFT_OUT)

    assert report.verdict is Verdict.UNKNOWN
    assert first_line(report) == (
        "everything asked for passed; 2 findings were left out by --only/--skip"
    )
    assert text(report)[-1] == "COULD NOT TELL. Next: ccpor-check run, without --only and --skip"


def test_a_warning_among_what_was_asked_for_is_not_called_passed() -> None:
    """Negative control."""
    warned = failed("web", "http.latency/slow", severity=Severity.WARNING)
    report = report_of((finding("web", "tcp.reach"), warned), excluded=LEFT_OUT[:1])

    assert first_line(report) == "1 warning; 1 finding was left out by --only/--skip"


def test_an_error_beside_what_was_left_out_is_no_pass() -> None:
    """Something asked for was not looked at: that comes first."""
    error = finding("web", "tls.trust", Status.ERROR, summary="needs a right")
    report = report_of((finding("web", "tcp.reach"), error), excluded=LEFT_OUT)

    assert first_line(report) == "no faults"
    assert text(report)[-1] == "COULD NOT TELL. Next: ccpor-check doctor, then ccpor-check run"


def test_a_check_that_this_version_lacks_is_named_with_what_to_do() -> None:
    """The doctor cannot cure it."""
    report = report_of((finding("net", "snmp.answer", Status.ERROR), finding("web", "tcp.reach")))
    agent = msgspec.structs.replace(report.agent, checks={"tcp": 1})
    said = " ".join(text(msgspec.structs.replace(report, agent=agent))[-2:])

    assert " ".join(said.split()) == (
        "COULD NOT TELL. Next: this version cannot look at snmp: remove that target, "
        "set required = false, or use a newer version"
    )


def test_the_head_gives_local_time_with_its_offset_and_utc() -> None:
    """People read their own clock, logs are in UTC."""
    head = " ".join(render(ready_report(), "text", local=PACIFIC).splitlines()[1:3])

    assert "at 2026-11-23 09:04:05 -08:00 (2026-11-23 17:04:05 UTC)" in " ".join(head.split())


def many(count: int) -> Report:
    return report_of(
        tuple(
            each
            for name in (f"t{number}" for number in range(1, count + 1))
            for each in (
                failed(name, "tcp.reach/dropped"),
                skipped(name, "tls.trust", f"{name}/tcp.reach"),
                skipped(name, "tls.name", f"{name}/tcp.reach"),
            )
        )
    )


def test_a_hundred_paragraphs_alike_but_for_the_target_are_one() -> None:
    """The verdict must not scroll away."""
    lines = text(many(100), details=True)
    start = lines.index("Not looked at: 200 of 300 planned")
    said = " ".join(" ".join(lines[start : lines.index("All findings")]).split())

    assert said == (
        "Not looked at: 200 of 300 planned "
        "tcp.reach did not pass (on t1, t2, t3 … and 97 more). Unproven: "
        "the target proves who it is with a certificate that this workstation trusts (blocks): "
        "t1/tls.trust, t2/tls.trust, t3/tls.trust … and 97 more "
        "the certificate is made out to the name we asked for (blocks): "
        "t1/tls.name, t2/tls.name, t3/tls.name … and 97 more"
    )
    assert "    200 findings" in text(many(100), details=False)


def test_one_target_keeps_its_paragraph() -> None:
    """Negative control."""
    assert "  t1/tcp.reach did not pass. Unproven:" in text(many(1))


def test_a_doubt_about_a_pass_is_shown() -> None:
    """All was looked at, and not all of it is proven."""
    report = report_of(
        (finding("web", "tls.trust"),),
        observations=(
            observation("web", "tls", evidence={"revocation": [{"status": "unreachable"}]}),
        ),
    )
    lines = text(report)

    assert report.verdict is Verdict.READY
    assert "Everything planned was looked at (1), not all of it was proven" in lines
    assert "  revocation could not be checked: unreachable. Unproven:" in lines


def sarif_invocation(report: Report) -> tuple[bool, list[str]]:
    (said,) = json.loads(render(report, "sarif"))["runs"][0]["invocations"]
    told = [each["descriptor"]["id"] for each in said["toolExecutionNotifications"]]
    return said["executionSuccessful"], told


def test_sarif_says_that_what_blocks_was_not_looked_at() -> None:
    """A build server takes an empty list of results for a pass."""
    error = finding("web", "tls.trust", Status.ERROR, summary="needs a right")
    report = report_of(
        (error, skipped("web", "tls.name", "web/tls.trust", severity=Severity.WARNING)),
        excluded=LEFT_OUT[:1],
    )

    assert sarif_invocation(report) == (False, ["tls.trust", "tcp.reach"])


def test_sarif_of_a_whole_run_is_successful() -> None:
    """Negative control."""
    assert sarif_invocation(ready_report()) == (True, [])
