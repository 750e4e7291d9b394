"""What the facts of a workstation mean: one rule for each of its codes, planned by `assess`.

What needs a right that the agent lacks is an error with the reason `not-visible`, never a failure
and never a pass.
"""

from __future__ import annotations

from ccpor_checks.workstation.evidence import Subject, WorkstationEvidence, WorkstationOptions
from ccpor_checks.workstation.rules_access import (
    judge_banner,
    judge_crypto,
    judge_lock,
    judge_lockout,
    judge_wireless,
)
from ccpor_checks.workstation.rules_guards import (
    judge_antimalware,
    judge_encryption,
    judge_firewall,
)
from ccpor_checks.workstation.rules_machine import (
    judge_disk,
    judge_display,
    judge_inventory,
    judge_memory,
    judge_os,
)
from ccpor_checks.workstation.rules_mending import judge_patch
from ccpor_checks.workstation.rules_programs import judge_browser, judge_pdf
from ccpor_checks.workstation.verdicts import Judge
from ccpor_reporting.model import Severity
from ccpor_reporting.rules import Rule


def _rule(
    subject: Subject, judge: Judge, severity: Severity, *reasons: str
) -> Rule[WorkstationEvidence, WorkstationOptions]:
    return Rule(
        code=f"workstation.{subject}",
        reasons=reasons,
        judge=judge,
        severity=severity,
        planned=lambda options: subject in options.assess,
    )


BLOCKER, WARNING, INFO = Severity.BLOCKER, Severity.WARNING, Severity.INFO
RULES = (
    _rule("os", judge_os, BLOCKER, "unsupported", "outdated"),
    _rule("patch", judge_patch, BLOCKER, "outdated", "not-visible"),
    _rule("antimalware", judge_antimalware, BLOCKER, "off", "outdated", "missing", "not-visible"),
    _rule("lock", judge_lock, WARNING, "off", "too-long", "not-visible"),
    _rule("lockout", judge_lockout, WARNING, "off", "too-long", "not-visible"),
    _rule("banner", judge_banner, WARNING, "missing", "not-visible"),
    _rule("firewall", judge_firewall, WARNING, "off", "not-visible"),
    _rule("encryption", judge_encryption, WARNING, "off", "weak", "not-visible"),
    _rule("wireless", judge_wireless, WARNING, "weak", "not-visible"),
    _rule("crypto", judge_crypto, INFO, "off", "not-visible"),
    _rule("browser", judge_browser, WARNING, "unsupported", "outdated", "missing"),
    _rule("pdf", judge_pdf, WARNING, "unsupported", "outdated", "missing"),
    _rule("memory", judge_memory, BLOCKER, "too-small"),
    _rule("disk", judge_disk, BLOCKER, "too-small"),
    _rule("display", judge_display, WARNING, "too-small", "missing"),
    _rule("inventory", judge_inventory, INFO, "not-visible"),
)
