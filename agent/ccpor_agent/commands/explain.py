"""``ccpor-check explain CODE``: what a code or one of its faults means."""

from __future__ import annotations

import textwrap
from difflib import get_close_matches

import click

from ccpor_reporting.faults import FAR_END, Code, catalogue

EPILOG = """\b
Examples:
  ccpor-check explain tls.validity
  ccpor-check explain tls.validity/expired
  ccpor-check explain tls                    the codes of a check
"""


def _complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    faults = [f"{code}/{reason}" for code, entry in catalogue().items() for reason in entry.reasons]
    return [each for each in [*catalogue(), *faults] if each.startswith(incomplete)]


@click.command("explain", epilog=EPILOG)
@click.argument("code", shell_complete=_complete)
def explain(code: str) -> None:
    """Explain one code: what it means, how to see it by hand, who fixes it.

    CODE is a code such as tls.validity, one fault of it such as tls.validity/expired, or a check
    such as tls, whose codes are then listed.
    """
    code = code.strip().lower()
    name, slash, reason = code.partition("/")
    of_check = [known for known in catalogue() if known.startswith(f"{code}.")]
    if of_check:  # the name of a check: its codes
        click.echo("\n".join(_codes(code, of_check)))
        return
    entry = catalogue().get(name)
    if entry is None and (lines := _of_installed(name, reason)):
        click.echo("\n".join(lines))
        return
    if entry is None:
        raise click.UsageError(_unknown(code, [*catalogue()], "see ccpor-check list"))
    if slash and reason not in entry.reasons:
        faults = [f"{name}/{each}" for each in entry.reasons]
        raise click.UsageError(_unknown(code, faults, f"{name} knows {', '.join(entry.reasons)}"))
    click.echo("\n".join(_lines(entry, [reason] if slash else list(entry.reasons))))


def _unknown(code: str, known: list[str], otherwise: str) -> str:
    near = get_close_matches(code.partition("/")[0] if "/" not in known[0] else code, known, 1, 0.5)
    return f'there is no code "{code}"; ' + (f"did you mean {near[0]}?" if near else otherwise)


def _codes(check: str, codes: list[str]) -> list[str]:
    lines = [f"The codes of {check}:"]
    for code in codes:
        lines += ["", *_indented(code, catalogue()[code].title)]
        lines += _indented("Reasons", ", ".join(catalogue()[code].reasons))
    return lines


def _lines(entry: Code, reasons: list[str]) -> list[str]:
    lines = [entry.code, *_indented("Passes when", entry.title)]
    for reason in reasons:
        fault = entry.reasons[reason]
        owner = "whoever runs the target" if fault.owner == FAR_END else fault.owner
        lines += ["", f"{entry.code}/{reason}"]
        lines += _indented("Means", fault.means)
        lines += _indented("See it by hand", fault.see)
        lines += _indented("Fix", fault.fix)
        lines += _indented("Usually fixed by", owner)
    return lines


def _of_installed(name: str, reason: str) -> list[str]:
    """Return what is known of a check, code or fault of an installed package; [] where none is."""
    from ccpor_checks.registry import BrokenCheck, load, origin

    check_id, dot, _ = name.partition(".")
    package = origin(check_id)
    if package is None:
        return []
    try:
        check = load(check_id)
    except BrokenCheck as exc:
        raise click.UsageError(f"{exc}; mend the package {package}") from exc
    rules = [rule for rule in check.rules if not dot or rule.code == name]
    if not rules or (reason and reason not in rules[0].reasons):
        known = [f"{rule.code}/{each}" for rule in check.rules for each in rule.reasons]
        raise click.UsageError(f"{package} brings the check {check_id} with {', '.join(known)}")
    lines = [name, *_indented("From", f"the installed package {package}, which is not ours")]
    lines += _indented("Check", f"{check.title}; {check.does}")
    for rule in rules:
        lines += ["", *_indented(rule.code, ", ".join([reason] if reason else rule.reasons))]
    fix = "each failed finding says what to do; the package's own documentation says more"
    return [*lines, "", *_indented("Fix", fix)]


def _indented(label: str, text: str) -> list[str]:
    """Return *text* under its label; its own line breaks, e.g. between commands, are kept."""
    first, *more = text.splitlines() or [""]
    lines = textwrap.wrap(
        f"{label}: {first}",
        92,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [*lines, *(f"    {line}" for line in more)]
