"""Scanner: is it there, ready, and does a page come out of it as CCPOR needs it?

Does:    lists the scanners of the target's kind (SANE, eSCL, TWAIN, WIA, ISIS) and opens the one
         that the profile names. Where `sample` is true, moves paper: one scan of the declared
         number of sheets from the declared source. The pages are measured here, in a folder of
         this user's own that is removed at the end; only the measurements are kept.
Needs:   the driver of that kind, and the right to use the scanner. For a sample, sheets in the
         feeder or on the glass, best the test page (`ccpor-check scanner test-page`).
Source:  SANE standard 1.06 (states, options); Mopria eSCL 2.97; TWAIN 2.4; WIA 2.0. Limits of
         resolution, size and skew: what courts ask of scanned filings.
"""

from __future__ import annotations

from ccpor_checks.base import Check
from ccpor_checks.scanner.evidence import ScannerEvidence, ScannerOptions
from ccpor_checks.scanner.look import run
from ccpor_checks.scanner.pacing import budget_s
from ccpor_checks.scanner.rules import RULES

__all__ = ["CHECK", "ScannerEvidence", "ScannerOptions", "run"]

CHECK: Check[ScannerEvidence, ScannerOptions] = Check(
    id="scanner",
    version=1,
    title="Scanner, its driver and a sample scan",
    does="lists the scanners and opens the named one; where `sample` is true it scans `pages` "
    "sheets (without it all that the feeder holds, at most 50) into a private folder, measures "
    "them and removes them: no picture leaves this machine",
    options=ScannerOptions,
    evidence=ScannerEvidence,
    run=run,
    rules=RULES,
    staged=False,
    budget_s=budget_s,
    lock="scanner",
)
