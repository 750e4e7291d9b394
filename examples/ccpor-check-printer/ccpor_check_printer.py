"""Printer: is a network printer ready? Asks its status by PJL on its port, prints nothing."""

from contextlib import suppress

from ccpor_checks.base import Check, Context, Evidence, Options, Target, TargetFailed
from ccpor_checks.kit.connect import open_connection
from ccpor_reporting.rules import Judgement, Rule, Setting, met, unmet


class PrinterEvidence(Evidence, frozen=True, kw_only=True):
    status: int  # PJL: 10001 is ready, from 40000 on a person must act


def look(target: Target, _options: Options, ctx: Context) -> PrinterEvidence:
    with suppress(TimeoutError), open_connection(target, ctx, timeout_s=5) as printer:
        printer.settimeout(ctx.remaining(at_most=5))
        printer.sendall(b"\x1b%-12345X@PJL INFO STATUS\r\n")
        for line in printer.makefile("rb"):
            if line.startswith(b"CODE=") and line[5:].strip().isdigit():
                return PrinterEvidence(status=int(line[5:]))
    raise TargetFailed("printer.ready", "silent", "it does not tell its status")


def judge(seen: PrinterEvidence, _options: Options, _when: Setting) -> Judgement:
    if seen.status < 40_000:
        return met(f"its status is {seen.status}", observed=seen.status)
    fix = "look at the printer: paper, lid, toner"
    return unmet("needs-help", f"its status is {seen.status}", observed=seen.status, fix=fix)


RULE = Rule(code="printer.ready", reasons=("silent", "needs-help"), judge=judge)
CHECK = Check(
    id="printer", version=1, title="Network printer", does="asks a printer for its status",
    needs=("tcp",), options=Options, evidence=PrinterEvidence, run=look, rules=(RULE,),
    budget_s=lambda _options: 11,
)  # fmt: skip
