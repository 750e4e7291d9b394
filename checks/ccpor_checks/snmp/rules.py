"""What an `SnmpEvidence` means: the answer, and duplex, errors and load of each interface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ccpor_checks.snmp.counters import share_pct, utilisation_pct
from ccpor_checks.snmp.device_rules import judge_device, stop_words
from ccpor_checks.snmp.evidence import Interface, SnmpEvidence, SnmpOptions, Traffic
from ccpor_checks.snmp.reading import NOT_RUNNING
from ccpor_reporting.model import Severity, Status
from ccpor_reporting.rules import (
    Judgement,
    Limit,
    Rule,
    Setting,
    limit_words,
    met,
    not_applicable,
    over_limit,
    skipped_by,
    unassessed,
    unmet,
)

MBIT = 1_000_000
FAST_BPS = 100 * MBIT  # from here on half duplex is a fault, not the age of the device
CAUSES_V2C = (
    "the device is off, SNMP is off there, a firewall drops UDP port {port}, "
    "the community is another, or this workstation is not on its list"
)
CAUSES_V3 = "the device is off, SNMP is off there, or a firewall drops UDP port {port}"
REJECTIONS = {
    "WrongDigest": "the password of {user} or its method ({auth}) is another there",
    "AuthenticationFailure": "its answer is not signed with the password of {user}",
    "UnsupportedSecurityLevel": "{user} may not ask this way: it is signed or encrypted otherwise",
    "DecryptionError": "it cannot decrypt: the privacy password or its method ({priv}) is another",
    "NotInTimeWindow": "it says that our messages are too old: its own clock jumps",
    "UnknownEngineID": "it does not keep to one identity (engine id)",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be said of one interface. severity None: nothing bad; known: whether it told."""

    words: str
    severity: Severity | None = None
    known: bool = True
    value: float | str | None = None


def judge_answer(seen: SnmpEvidence, options: SnmpOptions, setting: Setting) -> Judgement:
    """Judge whether the device tells of itself, and of every interface that the profile names."""
    where = f"{seen.address or setting.host} port {seen.port} (UDP)"
    observed = seen.error
    match seen.failure:
        case "timeout":
            words, fix = _silence(seen, options, where)
            return unmet("timeout", words, observed=observed, fix=fix)
        case "unknown-user":
            return unmet("unknown-user", f"{where} does not know the user {options.user}",
                         observed=observed)  # fmt: skip
        case "authentication":
            words = REJECTIONS.get(seen.error or "", "it refuses: {error}").format(
                user=options.user, auth=options.auth, priv=options.priv, error=seen.error
            )
            return unmet("authentication", f"{where} answers, but {words}", observed=observed)
        case "no-such-object":
            why = seen.error or "no system description, no interface, no device table"
            words = f"{where} answers, but shows nothing of its state ({why})"
            return unmet("no-such-object", words, observed=observed)
    if seen.not_found:
        names = ", ".join(seen.not_found)
        if stop := seen.stopped("interfaces"):
            return unassessed(f"{names} was not found, and {stop_words(stop)}")
        there = ", ".join(seen.found_instead[:12]) or "none"
        more = ", …" if len(seen.found_instead) > 12 else ""
        return unmet(
            "no-such-object",
            f"it has no interface named {names}; it has {there}{more}",
            observed=list(seen.found_instead),
            expected=names,
        )
    return met(f"{where} answers: {seen.description or 'no description'}"[:160])


def _silence(seen: SnmpEvidence, options: SnmpOptions, where: str) -> tuple[str, str | None]:
    """Return which causes remain, and what to do where that is but one; None: as usual."""
    if seen.closed:
        return (
            f"{where} is closed: the device is on, but its SNMP is off or on another port",
            "Switch SNMP on at the device, or mend the port in the profile.",
        )
    if seen.error:
        return f"no answer from {where}: {seen.error}", None
    if seen.version == "v2c":
        remain = CAUSES_V2C.format(port=seen.port)
        return f"no answer from {where}. SNMP cannot tell apart: {remain}", None
    if seen.heard and options.priv_file:
        return (
            f"{where} says who it is and then is silent: most likely the privacy password or its "
            f"method ({options.priv}) is another there",
            "Set the same privacy password and method on the device and in the profile.",
        )
    if seen.heard:
        return (
            f"{where} says who it is and then is silent: {options.user} may not read, or it hangs",
            "Let this user read on the device; if it may, restart the device's SNMP.",
        )
    remain = CAUSES_V3.format(port=seen.port)
    return f"no answer from {where}. SNMP cannot tell apart: {remain}", None


def _per_interface(
    reason: str,
    say: Callable[[Interface, SnmpOptions], Said | None],
    expected: Callable[[SnmpOptions], str],
    lacking: str,
    unit: str | None = None,
) -> Callable[[SnmpEvidence, SnmpOptions, Setting], Judgement]:
    """Return a rule that judges every interface in use and tells of the worst."""

    def judge(seen: SnmpEvidence, options: SnmpOptions, _setting: Setting) -> Judgement:
        running = [each for each in seen.interfaces if each.oper not in NOT_RUNNING]
        stop = seen.stopped("interfaces") or seen.stopped("counters")
        if not running and seen.interfaces:
            return skipped_by("snmp.device", "no interface that the profile names is up")
        if not running:
            if stop:
                return unassessed(f"its interfaces are not known: {stop_words(stop)}")
            return not_applicable("it shows no interface that is up and has a cable or a radio")
        told = [said for each in running if (said := say(each, options)) is not None]
        why = stop_words(stop) if stop else None
        return _worst(reason, told, expected(options), lacking, unit, why)

    return judge


def _worst(  # noqa: PLR0917
    reason: str,
    told: Sequence[Said],
    expected: str,
    lacking: str,
    unit: str | None,
    stop: str | None,
) -> Judgement:
    bad = [said for said in told if said.severity is not None]
    bad.sort(key=lambda said: said.severity is not Severity.BLOCKER)
    if bad:
        words = "; ".join(said.words for said in bad[:4])
        more = f" and {len(bad) - 4} more" if len(bad) > 4 else ""
        return unmet(
            reason,
            words + more,
            severity=bad[0].severity,
            observed=bad[0].value,
            expected=expected,
            unit=unit,
        )
    if unknown := [said.words for said in told if not said.known]:
        return unassessed("; ".join(unknown[:4]))
    if stop:
        return unassessed(f"not every interface was looked at: {stop}")
    if not told:
        return not_applicable(lacking)
    worst = max(told, key=lambda said: said.value if isinstance(said.value, float) else 0.0)
    others = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    return met(worst.words + others, observed=worst.value, expected=expected, unit=unit)


def _weighs_little(
    judge: Callable[[SnmpEvidence, SnmpOptions, Setting], Judgement],
) -> Callable[[SnmpEvidence, SnmpOptions, Setting], Judgement]:
    """Return *judge* whose "unknown" only warns: many a sound adapter does not know its duplex."""

    def weighed(seen: SnmpEvidence, options: SnmpOptions, setting: Setting) -> Judgement:
        said = judge(seen, options, setting)
        return replace(said, severity=Severity.WARNING) if said.status is Status.ERROR else said

    return weighed


def _say_duplex(each: Interface, _options: SnmpOptions) -> Said | None:
    if each.duplex is None:
        return None
    speed = f"{each.speed_bps / MBIT:g} Mbit/s" if each.speed_bps else "a speed that it hides"
    words = f"{each.name} runs at {each.duplex} duplex, {speed}"
    if each.duplex == "unknown":
        return Said(f"{each.name} does not know its duplex", known=False)
    if each.duplex == "full":
        return Said(words, value="full")
    slow = each.speed_bps is not None and each.speed_bps < FAST_BPS
    return Said(words, Severity.WARNING if slow else Severity.BLOCKER, value="half")


def _say_errors(each: Interface, options: SnmpOptions) -> Said:
    if (unknown := _no_count(each)) is not None:
        return Said(unknown, known=False)
    seen = each.traffic
    assert seen is not None, "said above"
    worst = Said(f"{each.name}: no errors in {seen.seconds:.1f} s", value=0.0)
    directions = (
        ("in", seen.in_packets, seen.in_errors, seen.in_discards),
        ("out", seen.out_packets, seen.out_errors, seen.out_discards),
    )
    if all(errors is None for _, _, errors, _ in directions):
        return Said(f"{each.name} does not count errors, or its counters went back", known=False)
    for way, packets, errors, discards in directions:
        for what, number in (("errors", errors), ("packets thrown away", discards)):
            if not number:
                continue
            if packets is None:
                return Said(f"{each.name}: {number} {what} {way}, of unknown many", known=False)
            pct = share_pct(number, packets)
            severity = over_limit(pct, _limit(options.max_error_pct))
            # a full queue or a filter throws away; that, or a single error, is no broken cable
            if severity is not None and (what != "errors" or number == 1):
                severity = Severity.WARNING
            words = (
                f"{each.name}: {number} {what} in {packets + number} packets {way} ({pct:.3g} %)"
            )
            if _rank(severity) > _rank(worst.severity) or (
                severity is worst.severity and pct > float(worst.value or 0)
            ):
                worst = Said(words, severity, value=pct)
    if worst.severity is None and None in (seen.in_errors, seen.out_errors):
        return Said(f"{each.name}: the error counters went back", known=False)
    return worst


def _say_utilisation(each: Interface, options: SnmpOptions) -> Said | None:
    if (unknown := _no_count(each)) is not None:
        return Said(unknown, known=False)
    seen = each.traffic
    assert seen is not None, "said above"
    if not each.speed_bps:  # a virtual one, mostly; where the profile names it, that is unknown
        return Said(f"{each.name} does not tell its speed", known=False) if each.named else None
    pct = utilisation_pct(seen, each.speed_bps, half_duplex=each.duplex == "half")
    if pct is None:
        if seen.bits == 32:
            words = f"{each.name} is too fast for its 32-bit counters, or they were set back"
        elif seen.bits is None:
            words = f"{each.name} does not count octets"
        else:
            words = f"{each.name}: its counters were set back during the look"
        return Said(words, known=False)
    severity = over_limit(pct, _limit(options.max_utilisation_pct))
    words = f"{each.name} is {pct:.3g} % full ({each.speed_bps / MBIT:g} Mbit/s)"
    return Said(words, severity, value=pct)


def _no_count(each: Interface) -> str | None:
    """Return why there is nothing to count with; None: there is."""
    traffic: Traffic | None = each.traffic
    if traffic is None:
        return f"{each.name}: its counters could not be read twice"
    if traffic.unknown == "restarted":
        return f"{each.name}: the device started again during the look"
    if traffic.unknown is not None:
        return f"{each.name}: its counters began again during the look"
    return None


def _rank(severity: Severity | None) -> int:
    return 0 if severity is None else 2 if severity is Severity.BLOCKER else 1


def _limit(written: float | tuple[float, ...]) -> Limit:
    return (written[0], written[1]) if isinstance(written, tuple) else written


RULES: tuple[Rule[SnmpEvidence, SnmpOptions], ...] = (
    Rule(
        code="snmp.answer",
        reasons=("timeout", "authentication", "unknown-user", "no-such-object"),
        judge=judge_answer,
    ),
    Rule(
        code="snmp.duplex",
        reasons=("half-duplex",),
        judge=_weighs_little(
            _per_interface(
                "half-duplex",
                _say_duplex,
                lambda _options: "full duplex",
                "this device does not tell duplex (no EtherLike-MIB)",
            )
        ),
    ),
    Rule(
        code="snmp.errors",
        reasons=("interface-errors",),
        judge=_per_interface(
            "interface-errors",
            _say_errors,
            lambda options: limit_words(_limit(options.max_error_pct), "%"),
            "no interface counts errors",
            "%",
        ),
    ),
    Rule(
        code="snmp.utilisation",
        reasons=("busy",),
        judge=_per_interface(
            "busy",
            _say_utilisation,
            lambda options: limit_words(_limit(options.max_utilisation_pct), "%"),
            "no interface tells how fast it is",
            "%",
        ),
    ),
    Rule(code="snmp.device", reasons=("down", "needs-attention"), judge=judge_device),
)
