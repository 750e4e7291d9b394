"""What makes a scanner good enough: there, the right model and driver, ready, and a page comes.

Each rule says by itself what stands in its way, so that one fault is one failed finding and the
rest name it. What the pages look like is judged in `rules_image`.
"""

from __future__ import annotations

from ccpor_checks.scanner import rules_driver, rules_image
from ccpor_checks.scanner.evidence import (
    Device,
    SampleFact,
    ScannerEvidence,
    ScannerOptions,
)
from ccpor_checks.scanner.pacing import MOST_PAGES
from ccpor_checks.scanner.page_faults import page_fault
from ccpor_checks.scanner.states import (
    because_absent,
    driver_fault,
    hidden_by_driver,
    hindrance,
    named,
    plain,
)
from ccpor_reporting.rules import (
    Judgement,
    Rule,
    Setting,
    met,
    skipped_by,
    unassessed,
    unmet,
)

MOST_NAMED = 4
SLOW_PPM = 10.0  # below, a long order takes more than a minute to feed
SCAN_FAILED = {
    "failed": "the scan did not come to an end",
    "timeout": "the scan took too long and was stopped",
    "empty-answer": "the scanner said that the scan is done and delivered nothing",
}


def judge_present(seen: ScannerEvidence, options: ScannerOptions, _setting: Setting) -> Judgement:
    """Judge whether the named scanner is seen; where not, tell what is."""
    if why := hidden_by_driver(seen, options):
        return skipped_by("scanner.driver", f"whether {seen.asked} is there cannot be seen: {why}")
    if seen.device is not None:
        return met(f"{named(seen.device)} is there{_where(seen.device)}", observed=seen.device.name)
    looked = f"; looked at: {', '.join(seen.looked)}" if seen.looked else ""
    if seen.devices is None:
        return unassessed(f"the scanners of this workstation could not be listed{looked}")
    others = [f"{named(each)} ({each.name})" for each in seen.devices]
    if not others:
        instead = "no scanner is seen at all"
    else:
        more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
        instead = f"seen instead: {', '.join(others[:MOST_NAMED])}{more}"
    detail = f" ({seen.state_detail})" if seen.state_detail else ""
    return unmet(
        "not-found",
        f"{seen.asked} is not seen{detail}; {instead}{looked}",
        observed=[each.name for each in seen.devices],
        expected=seen.asked,
    )


def _where(device: Device) -> str:
    return f" at {device.address}" if device.address else ""


def judge_model(seen: ScannerEvidence, options: ScannerOptions, _setting: Setting) -> Judgement:
    """Judge the model's name as people write it: case, blanks and dashes do not matter."""
    device, wanted = seen.device, options.model or ""
    if device is None:
        return because_absent(seen, options, "which model it is cannot be seen")
    if device.model is None and device.maker is None:
        return unassessed(f"{device.name} does not tell its model", observed=None)
    name = named(device)
    if plain(wanted) in plain(f"{device.maker or ''}{device.model or ''}"):
        return met(f"it is a {name}", observed=name, expected=wanted)
    return unmet("other-model", f"it is a {name}, not a {wanted}", observed=name, expected=wanted)


def judge_ready(seen: ScannerEvidence, options: ScannerOptions, _setting: Setting) -> Judgement:
    """Judge the scanner's own word, or what came of the scan; no word at all is no pass."""
    if seen.device is None:
        return because_absent(seen, options, "whether it is ready cannot be seen")
    if found := hindrance(seen, options):
        after = f" after {_sheets(seen.sample.pages)}" if seen.sample and seen.sample.pages else ""
        return unmet(found.reason, f"{found.words}{after}{_detail(seen)}", fix=found.fix)
    return _judge_folders(seen) or _judge_state(seen, options)


def _judge_folders(seen: ScannerEvidence) -> Judgement | None:
    """Return what is wrong with the rights on the capture program's folders; None: nothing."""
    folders = seen.driver.folders if seen.driver else ()
    if refused := [each.path for each in folders if each.may_write is False]:
        return unmet(
            "no-permission",
            f"this user may not write to {', '.join(refused)}",
            observed=refused,
            expected="write rights on the capture program's folders",
            fix="Give the user that scans the right to write to the capture program's folders.",
        )
    if untold := [each.path for each in folders if each.may_write is None]:
        return unassessed(f"whether this user may write to {', '.join(untold)} cannot be told")
    return None


def _judge_state(seen: ScannerEvidence, options: ScannerOptions) -> Judgement:
    if seen.sample is not None and seen.sample.ended == "done":
        return met("it scanned")
    if seen.state in ("ready", "no-paper"):
        rests = "; its feeder is empty" if seen.state == "no-paper" else ""
        return met(f"it says that it is ready{rests}{_detail(seen)}")
    if seen.sample is not None:
        return skipped_by("scanner.sample", "whether it is ready cannot be told: the scan failed")
    if why := driver_fault(seen, options):
        return skipped_by("scanner.driver", f"whether it is ready cannot be told: {why}")
    if options.sample:
        return unassessed(f"whether it is ready cannot be told: {seen.not_sampled}")
    return unassessed("its driver tells its state only while it scans; set sample = true")


def _detail(seen: ScannerEvidence) -> str:
    said = seen.sample.detail if seen.sample and seen.sample.detail else seen.state_detail
    return f" ({said})" if said else ""


def judge_sample(seen: ScannerEvidence, options: ScannerOptions, _setting: Setting) -> Judgement:
    """Judge that the asked pages came and that something stands on each of them."""
    if seen.device is None:
        return because_absent(seen, options, "no page was scanned")
    if hindrance(seen, options):
        return skipped_by("scanner.ready", "no whole sample was scanned: the scanner is not ready")
    sample = seen.sample
    if sample is None:
        if why := driver_fault(seen, options):
            return skipped_by("scanner.driver", f"no page was scanned: {why}")
        return unassessed(seen.not_sampled or "no sample was scanned")
    if why := _not_scanned(sample):
        return unmet("failed", f"{why}{_detail(seen)}", expected=_wanted(sample))
    if sample.unreadable and not seen.pages:
        return skipped_by("scanner.format", "what the pages show cannot be seen: no file opens")
    return _judge_pages(seen, sample, options)


def _judge_pages(seen: ScannerEvidence, sample: SampleFact, options: ScannerOptions) -> Judgement:
    observed, expected = sample.pages, _wanted(sample)
    if sample.asked_pages is not None and sample.pages != sample.asked_pages:
        summary = f"{sample.pages} of {_sheets(sample.asked_pages)} came"
        return unmet(
            "wrong-page-count", summary, observed=observed, expected=expected, unit="pages"
        )
    if fault := page_fault(seen.pages):
        return unmet(
            fault.reason,
            fault.words,
            severity=fault.severity,
            observed=observed,
            expected=fault.expected,
            unit="pages",
            owner=fault.owner,
            fix=fault.fix,
        )
    if untold := [str(page.number) for page in seen.pages if page.is_blank is None]:
        return unassessed(f"whether page {', '.join(untold)} is blank cannot be told")
    told = _told(seen, sample, options)
    return met(told, observed=observed, expected=expected, unit="pages")


def _not_scanned(sample: SampleFact) -> str | None:
    """Return why no page can be judged, None where the scan came to its end with pages."""
    if sample.ended in SCAN_FAILED:
        after = f" after {sample.seconds:.0f} s" if sample.ended == "timeout" else ""
        came = f"; {_sheets(sample.pages)} had come" if sample.pages else ""
        return f"{SCAN_FAILED[sample.ended]}{after}{came}"
    return None if sample.pages else "the scan ended without a page"


def _told(seen: ScannerEvidence, sample: SampleFact, options: ScannerOptions) -> str:
    """Return what came, how fast, and what a reader of the pass should know."""
    rate = sample.pages_per_minute
    said = f"{_sheets(sample.pages)} in {sample.seconds:.1f} s"
    if rate:
        said += f", {rate:.0f} a minute" + (", which is slow" if rate < SLOW_PPM else "")
    if (options.pages or 0) > MOST_PAGES:
        said += f"; a sample takes at most {MOST_PAGES} of the {options.pages}"
    if any(page.test_page for page in seen.pages):
        said += "; the test page was recognised"
    return said + ("; a page was kept, as asked" if sample.is_saved else "")


def _wanted(sample: SampleFact) -> str:
    asked = sample.asked_pages
    return "at least one page" if asked is None else _sheets(asked)


def _sheets(number: int) -> str:
    return f"{number} page{'' if number == 1 else 's'}"


def _samples(options: ScannerOptions) -> bool:
    return options.sample


RULES: tuple[Rule[ScannerEvidence, ScannerOptions], ...] = (
    Rule(code="scanner.present", reasons=("not-found",), judge=judge_present),
    Rule(
        code="scanner.model",
        reasons=("other-model",),
        judge=judge_model,
        planned=lambda options: options.model is not None,
    ),
    rules_driver.RULE,
    Rule(
        code="scanner.ready",
        reasons=("busy", "offline", "jammed", "no-paper", "no-permission"),
        judge=judge_ready,
    ),
    Rule(
        code="scanner.sample",
        reasons=("failed", "blank", "wrong-page-count"),
        judge=judge_sample,
        planned=_samples,
    ),
    *rules_image.RULES,
)
