"""What of a look keeps a scan from being made, in words; pure."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from ccpor_checks.scanner.evidence import Device, DriverFact, ScannerEvidence, ScannerOptions
from ccpor_reporting.rules import Judgement, skipped_by

Reason = Literal["busy", "offline", "jammed", "no-paper", "no-permission"]


class Hindrance(NamedTuple):
    """Why the scanner is not ready. fix None: as the catalogue says."""

    reason: Reason
    words: str
    fix: str | None = None


NOT_READY: dict[str, Hindrance] = {
    "busy": Hindrance("busy", "it is in use by another program or workstation"),
    "offline": Hindrance("offline", "it is known, but does not answer"),
    "jammed": Hindrance("jammed", "paper is stuck in it"),
    "cover-open": Hindrance(
        "jammed", "its cover is open", "Close the scanner's cover until it clicks, and scan again."
    ),
    "no-paper": Hindrance("no-paper", "there is no paper in its feeder"),
    "no-permission": Hindrance("no-permission", "this user may not use it"),
    # The closed list has no word for a fault that the scanner does not name; like one that is
    # offline it is known and cannot be used, and switching it off and on is the first thing to do.
    "faulty": Hindrance(
        "offline",
        "it reports a fault of its own",
        "Read the scanner's display, switch it off and on, and call the vendor if the fault stays.",
    ),
}


def hindrance(seen: ScannerEvidence, options: ScannerOptions) -> Hindrance | None:
    """Return why the scanner is not ready, by its last word: the scan's end, else its state."""
    said = _last_word(seen)
    if said == "no-paper" and (options.source == "flatbed" or not options.sample):
        return None  # an empty feeder is how a scanner rests
    return NOT_READY.get(said or "")


def _last_word(seen: ScannerEvidence) -> str | None:
    if seen.sample is not None:
        return seen.sample.ended if seen.sample.ended in NOT_READY else None
    return seen.state


def hidden_by_driver(seen: ScannerEvidence, options: ScannerOptions) -> str | None:
    """Return, in words, what of the driver keeps the scanner from being seen; None: nothing."""
    return driver_fault(seen, options) if seen.device is None else None


def driver_fault(seen: ScannerEvidence, options: ScannerOptions) -> str | None:
    """Return, in words, what keeps the driver from working; its age is another matter."""
    driver = seen.driver
    if driver is None:
        return None
    if driver.is_installed is False:
        return f"its driver is missing ({driver.lacking or driver.name})"
    if driver.is_running is False:
        return f"{driver.service or 'the service of its driver'} does not run"
    if wrong_bitness(driver, options):
        return f"its driver has the wrong bitness ({bits(driver.bitness)})"
    return None


def because_absent(seen: ScannerEvidence, options: ScannerOptions, words: str) -> Judgement:
    """Return the skip of a rule about a scanner that was not found; *words* are what it leaves."""
    code = "scanner.driver" if hidden_by_driver(seen, options) else "scanner.present"
    return skipped_by(code, f"{words}: the scanner was not found")


def wrong_bitness(driver: DriverFact, options: ScannerOptions) -> int | None:
    """Return the bitness that is wanted and that the driver does not have; None: all is well."""
    wanted = options.bitness or driver.wanted_bitness
    return wanted if wanted and driver.bitness and wanted not in driver.bitness else None


def bits(bitness: tuple[int, ...]) -> str:
    return " and ".join(f"{each}-bit" for each in bitness)


def named(device: Device) -> str:
    """Return the scanner as people call it: maker and model, else its name."""
    words = [device.maker or "", device.model or ""]
    if device.model and device.maker and device.model.lower().startswith(device.maker.lower()):
        words = [device.model]
    return " ".join(filter(None, words)) or device.name


def plain(text: str) -> str:
    """Return *text* as models are compared: letters, digits and dots alone, small."""
    return re.sub(r"[^0-9a-z.+]", "", text.casefold())
