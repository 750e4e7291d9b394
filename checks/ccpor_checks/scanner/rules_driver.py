"""What makes a scanner's driver good enough: there, the right bitness, running, new enough."""

from __future__ import annotations

import re

from ccpor_checks.scanner.evidence import DriverFact, ScannerEvidence, ScannerOptions
from ccpor_checks.scanner.states import bits, wrong_bitness
from ccpor_reporting.rules import Judgement, Rule, Setting, met, unassessed, unmet
from ccpor_reporting.scans import versioned

DRIVERLESS = "needs no driver: it speaks"


def judge_driver(seen: ScannerEvidence, options: ScannerOptions, setting: Setting) -> Judgement:
    """Judge that the driver is there, of the right bitness, running and new enough."""
    driver = seen.driver
    if driver is None:
        return unassessed("which driver serves this scanner cannot be told")
    if driver.is_installed is None:
        version = seen.device.version if seen.device else None
        return met(f"{DRIVERLESS} {versioned(driver.name, version)}")
    if driver.is_installed is False:
        lacking = driver.lacking or f"the driver {driver.name}"
        return unmet("missing", f"missing: {lacking}", expected=driver.name)
    if wanted := wrong_bitness(driver, options):
        return unmet(
            "wrong-bitness",
            f"{driver.name} is {bits(driver.bitness)}, and the scanning program is {wanted}-bit"
            + (f"; missing: {driver.lacking}" if driver.lacking else ""),
            observed=list(driver.bitness),
            expected=f"{wanted}-bit",
        )
    if driver.is_running is False:
        name = driver.service or f"the service of {driver.name}"
        return unmet("service-stopped", f"{name} does not run", expected=f"{name} runs")
    return _judge_version(driver, options, setting)


def _judge_version(driver: DriverFact, options: ScannerOptions, setting: Setting) -> Judgement:
    least = _least_version(options.driver_min_version, driver.supported_from)
    expected = f"version {least} or newer" if least else None
    until = driver.supported_until
    if least and driver.version is None:
        return unassessed(f"{driver.name} does not tell its version, and {least} is needed")
    if least and numbers(driver.version or "") < numbers(least):
        return unmet(
            "outdated",
            f"{driver.name} has version {driver.version}",
            observed=driver.version,
            expected=expected,
        )
    if until and until < setting.counts_from:
        return unmet(
            "outdated",
            f"{driver.name} {driver.version or ''} gets no corrections after {until}",
            observed=driver.version,
            expected=f"a driver that is corrected on {setting.counts_from}",
        )
    if options.bitness and not driver.bitness:
        return unassessed(f"whether {driver.name} is {options.bitness}-bit cannot be told")
    known = [driver.version and f"version {driver.version}", bits(driver.bitness)]
    said = ", ".join(filter(None, [driver.name, *known]))
    return met(f"{said} is there", observed=driver.version, expected=expected)


def _least_version(*versions: str | None) -> str | None:
    """Return the highest of the versions that are asked for."""
    return max(filter(None, versions), key=numbers, default=None)


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of *version*, without zeros at the end: 3.10 is more than 3.9."""
    found = [int(each[:9]) for each in re.findall(r"\d+", version)]
    while found and not found[-1]:
        found.pop()
    return tuple(found)


RULE: Rule[ScannerEvidence, ScannerOptions] = Rule(
    code="scanner.driver",
    reasons=("missing", "outdated", "wrong-bitness", "service-stopped"),
    judge=judge_driver,
)
