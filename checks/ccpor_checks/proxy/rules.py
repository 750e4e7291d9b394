"""What was seen of the proxy means: pure comparisons over `ProxyEvidence`."""

from __future__ import annotations

from ccpor_checks.kit.tunnel import read_proxy
from ccpor_checks.proxy.evidence import ProxyEvidence, ProxyOptions, Tried
from ccpor_reporting.model import Severity
from ccpor_reporting.rules import (
    Judgement,
    Rule,
    Setting,
    met,
    not_applicable,
    skipped_by,
    unassessed,
    unmet,
)

PAC, REACH, ACCESS = "proxy.pac", "proxy.reach", "proxy.access"
WITH_PAC = frozenset({"system", "pac"})
AUTHENTICATION_REQUIRED = 407
SILENCES = {
    "closed": ("refused", "takes the connection and closes it without an answer"),
    "not-http": ("refused", "is no HTTP proxy: what it answers is no HTTP"),
    "nothing": ("dropped", "takes the connection and answers nothing"),
}
MET = {"refused": "refuses the connection", "dropped": "does not answer", "name": "is not found"}
LOOK_AGAIN = "another proxy than the profile names was looked at; look again"


def _is_of_another(seen: ProxyEvidence, options: ProxyOptions) -> bool:
    """Say whether stored evidence is of another proxy than this profile names."""
    if seen.mode != options.mode:
        return True
    if options.mode == "pac" and options.pac_url is not None:
        from ccpor_checks.proxy.pac import shown  # as it was kept; what it brings is not cheap

        return seen.pac_url != shown(options.pac_url)
    if options.mode == "url" and options.url is not None:
        return {each.proxy for each in seen.tried} != {read_proxy(options.url).url}
    return False


def judge_pac(seen: ProxyEvidence, options: ProxyOptions, _setting: Setting) -> Judgement:
    """A broken file costs a warning where this workstation's programs go on without it."""
    if _is_of_another(seen, options):
        return unassessed(LOOK_AGAIN)
    if seen.pac_failure is None and seen.pac_url is None:
        return not_applicable("no file that chooses the proxy (PAC) is set")
    if seen.pac_failure is None:
        return met(f"the PAC file {seen.pac_url} answers {seen.pac_answer}")
    on = seen.mode == "system"
    words = (
        f"{seen.pac_detail}"
        if seen.pac_failure == "unavailable"
        else (f"the PAC file {seen.pac_url}: {seen.pac_detail}")
    )
    if on:
        words += f"; programs go on {f'through {seen.via}' if seen.via else 'without a proxy'}"
    return unmet(
        seen.pac_failure,
        words,
        severity=Severity.WARNING if on else None,
        observed={"pac_url": seen.pac_url},
        expected="a PAC file that names a proxy or DIRECT",
    )


def judge_reach(seen: ProxyEvidence, options: ProxyOptions, _setting: Setting) -> Judgement:
    if _is_of_another(seen, options):
        return unassessed(LOOK_AGAIN)
    if seen.via is None:
        return _without(seen)
    dead = [each for each in seen.tried if each.reason is not None]
    if seen.tried and len(dead) == len(seen.tried):
        return _unreached(dead)
    if seen.silence in SILENCES:
        reason, words = SILENCES[seen.silence]
        return unmet(
            reason, f"{seen.via} {words}", observed={"proxy": seen.via}, expected="an answer"
        )
    last = seen.tried[-1] if seen.tried else None
    words = f"{seen.via} takes connections"
    if last is not None and last.ms is not None:
        words += f", in {last.ms:.4g} ms"
    return met(words + _passed_over(dead), observed={"proxy": seen.via})


def _without(seen: ProxyEvidence) -> Judgement:
    dead = [each for each in seen.tried if each.reason is not None]
    if dead:
        return met(f"directly, as the PAC file allows{_passed_over(dead)}")
    if seen.bypassed_by is not None:
        return not_applicable(f"no proxy for this target: it is exempt ({seen.bypassed_by})")
    said = {"direct": "the profile says so", "pac": "the PAC file says so"}
    why = said.get(seen.source if seen.source == "pac" else seen.mode, "none is set")
    return not_applicable(f"no proxy for this target: {why}")


def _passed_over(dead: list[Tried]) -> str:
    return "".join(f"; {each.proxy} before it {MET[each.reason or '']}" for each in dead)


def _unreached(dead: list[Tried]) -> Judgement:
    first, *others = dead
    words = f"{first.proxy} {MET[first.reason or '']}"
    words += f" ({first.error})" if first.error else ""
    words += f", at {first.address}" if first.address else ""
    words += "".join(f"; {each.proxy} {MET[each.reason or '']}" for each in others)
    return unmet(
        first.reason or "",
        words,
        observed={"proxy": first.proxy, "tried": {each.proxy: each.reason for each in dead}},
        expected="a connection to the proxy",
    )


def judge_access(seen: ProxyEvidence, options: ProxyOptions, setting: Setting) -> Judgement:
    reach = judge_reach(seen, options, setting)
    if reach.reason is not None:
        return skipped_by(REACH, "the proxy was not reached")
    if _is_of_another(seen, options):
        return unassessed(LOOK_AGAIN)
    if seen.via is None:
        return not_applicable("no proxy for this target")
    expected = f"a way to {setting.host or 'the target'} through the proxy"
    if seen.status == AUTHENTICATION_REQUIRED:
        return unmet(
            "authentication-required",
            _password_words(seen),
            observed={"proxy": seen.via, "schemes": list(seen.schemes)},
            expected=expected,
            fix=_password_fix(seen),
        )
    if seen.is_denial or seen.silence == "hung-up":
        return unmet(
            "denied",
            _denial_words(seen),
            observed={"proxy": seen.via, "status": seen.status},
            expected=expected,
        )
    if seen.status is None and seen.silence is None:
        return unassessed("the proxy was not asked; look again")
    return met(_access_words(seen), observed={"proxy": seen.via, "status": seen.status})


def _password_words(seen: ProxyEvidence) -> str:
    offers = ", ".join(seen.schemes) or "no scheme at all"
    if seen.scheme_answered:
        return f"{seen.via} refuses the account given to it by {seen.scheme_answered}"
    words = f"{seen.via} asks for a user name and password; it offers {offers}"
    if seen.has_account:
        words += ", none of which this program answers"
    return words


def _password_fix(seen: ProxyEvidence) -> str | None:
    if seen.scheme_answered:
        return "Mend the proxy account: its user name in the profile and the password in its file."
    if seen.schemes and not {"basic", "digest"} & {each.lower() for each in seen.schemes}:
        return (
            "Let the proxy pass this target without signing in, or offer Basic or Digest for the "
            "account of this program: it cannot sign in with " + ", ".join(seen.schemes) + "."
        )
    return None


def _denial_words(seen: ProxyEvidence) -> str:
    if seen.status is None:
        return f"{seen.via} ends the connection when it is asked for this host and port"
    how = "a tunnel to this host and port" if seen.method == "CONNECT" else "this address"
    return f"{seen.via} forbids {how} (answer {seen.status})"


def _access_words(seen: ProxyEvidence) -> str:
    if seen.unreached_words:
        return f"{seen.via} does not forbid the target, but {seen.unreached_words}"
    if seen.silence == "target":
        return f"{seen.via} does not forbid the target; no answer came yet"
    signed = f", signed in by {seen.scheme_answered}" if seen.scheme_answered else ""
    beside = {None: "", "works": "; the target is reached without it, too"}
    without = beside.get(seen.direct, f"; without it the target is not reached ({seen.direct})")
    return f"{seen.via} gives a way to the target{signed}{without}"


RULES: tuple[Rule[ProxyEvidence, ProxyOptions], ...] = (
    Rule(
        code=PAC,
        reasons=("unavailable", "invalid"),
        judge=judge_pac,
        planned=lambda options: options.mode in WITH_PAC,
    ),
    Rule(code=REACH, reasons=("refused", "dropped", "name"), judge=judge_reach),
    Rule(code=ACCESS, reasons=("authentication-required", "denied"), judge=judge_access),
)
