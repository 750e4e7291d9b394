"""Rules over who gets in: screen lock, lockout, notice, wireless, cryptographic module."""

from __future__ import annotations

from ccpor_checks.workstation.evidence import WorkstationEvidence, WorkstationOptions
from ccpor_checks.workstation.posture import RadioFact
from ccpor_checks.workstation.verdicts import count, not_visible
from ccpor_reporting.model import Severity
from ccpor_reporting.rules import Judgement, Setting, met, unmet

WIRED = "a wired connection, or WPA2 or WPA3 with AES"


def judge_lock(
    seen: WorkstationEvidence, options: WorkstationOptions, _setting: Setting
) -> Judgement:
    fact = seen.lock
    if fact is None:
        return not_visible(
            f"the screen lock cannot be told: {seen.why_not('lock')}",
            fix="Run the agent as the user who works here, or look at it by hand and record it.",
        )
    expected = f"after at most {count(options.max_lock_minutes, 'minute')} idle, with a password"
    if fact.after_s is None:
        return unmet("off", f"the screen never locks by itself ({fact.source})", expected=expected)
    minutes = fact.after_s / 60
    words = f"the screen locks after {minutes:.4g} min ({fact.source})"
    if fact.needs_password is False:
        return unmet(
            "off",
            f"the screen goes dark after {minutes:.4g} min, but asks for no password "
            f"({fact.source})",
            expected=expected,
        )
    if minutes > options.max_lock_minutes:
        return unmet("too-long", words, observed=minutes, expected=expected, unit="min")
    if fact.needs_password is None:
        return not_visible(f"{words}; whether it asks for a password then is not told")
    return met(f"{words} and asks for a password", observed=minutes, expected=expected, unit="min")


def judge_lockout(
    seen: WorkstationEvidence, options: WorkstationOptions, _setting: Setting
) -> Judgement:
    """CJIS AC-7: five wrong tries within 15 minutes lock the account until somebody unlocks it."""
    fact = seen.lockout
    if fact is None:
        return not_visible(f"account lockout cannot be told: {seen.why_not('lockout')}")
    window = options.min_lockout_window_minutes
    expected = f"after at most {options.max_lockout_tries} wrong passwords within {window} min"
    if fact.tries is None:
        return unmet("off", f"accounts never lock ({fact.source})", expected=expected)
    words = f"an account locks after {count(fact.tries, 'wrong password')}"
    if fact.within_s is not None:
        words += f" within {fact.within_s / 60:.4g} min"
    words += f" ({fact.source})"
    forgets = fact.within_s is not None and fact.within_s < window * 60
    if fact.tries > options.max_lockout_tries or forgets:
        if forgets:
            words += ": older tries are forgotten too soon"
        return unmet("too-long", words, observed=fact.tries, expected=expected, unit="tries")
    if fact.lasts_s:
        words += f"; it opens by itself after {fact.lasts_s / 60:.4g} min"
    return met(words, observed=fact.tries, expected=expected, unit="tries")


def judge_banner(
    seen: WorkstationEvidence, _options: WorkstationOptions, _setting: Setting
) -> Judgement:
    """Its words are for a person to read: the report has their number alone."""
    fact = seen.banner
    if fact is None:
        return not_visible(f"the notice at sign-in cannot be told: {seen.why_not('banner')}")
    expected = "a notice before sign-in"
    if not fact.length:
        return unmet("missing", f"no notice is set ({fact.source})", expected=expected)
    words = f"a notice of {count(fact.length, 'character')} is shown ({fact.source})"
    return met(words, observed=fact.length, expected=expected, unit="characters")


def judge_wireless(
    seen: WorkstationEvidence, _options: WorkstationOptions, _setting: Setting
) -> Judgement:
    """The worst radio that is up counts; one whose cipher is not told never passes."""
    if seen.wireless is None:
        return not_visible(
            f"wireless interfaces cannot be told: {seen.why_not('wireless')}", expected=WIRED
        )
    radios = [radio for radio in seen.wireless if radio.up]
    if not radios:
        return met("wireless is not used", observed=[])
    shown = [_radio_words(radio) for radio in radios]
    for radio in radios:
        if weak := _weakness(radio):
            return unmet(
                "weak", f"{radio.name} is in use and {weak}", observed=shown, expected=WIRED
            )
    for radio in radios:
        if not _is_sound(radio):
            why = radio.why_not or "the system does not tell it"
            return not_visible(
                f"wireless is in use ({radio.name}) and its encryption cannot be seen: {why}",
                observed=shown,
                expected=WIRED,
            )
    return met(f"wireless is in use: {', '.join(shown)}", observed=shown, expected=WIRED)


def _radio_words(radio: RadioFact) -> str:
    told = " with ".join(filter(None, [radio.authentication, radio.cipher]))
    return f"{radio.name} ({told})" if told else radio.name


def _weakness(radio: RadioFact) -> str | None:
    """Say why the encryption is too weak: CJIS bans WEP and the first WPA (TKIP)."""
    cipher, way = (radio.cipher or "").upper(), (radio.authentication or "").upper()
    if cipher == "NONE" or (way.startswith(("OPEN", "NONE")) and "WEP" not in cipher):
        return "not encrypted"
    if "OWE" in way:
        return "open to everybody, though encrypted (OWE)"
    if "WEP" in cipher or "WEP" in way or way.startswith("SHARED"):
        return "encrypted with WEP, which is broken"
    if "TKIP" in cipher:
        return "encrypted with TKIP, which is broken"
    if way == "WPA" or way.startswith(("WPA-", "WPA1", "WPA/")):
        return "secured by the first WPA, which is broken"
    return None


def _is_sound(radio: RadioFact) -> bool:
    cipher, way = (radio.cipher or "").upper(), (radio.authentication or "").upper()
    if way.startswith("WPA3"):
        return True  # WPA3 has no weaker cipher than CCMP
    return way.startswith(("WPA2", "RSN")) and cipher.startswith(("CCMP", "GCMP", "AES"))


def judge_crypto(
    seen: WorkstationEvidence, options: WorkstationOptions, _setting: Setting
) -> Judgement:
    """Name the module and the mode; whether its certificate holds is for a person to look up.

    FIPS mode is no proof: the last FIPS 140-2 certificates ended on 21 September 2026.
    """
    if seen.crypto is None:
        return not_visible(f"FIPS mode cannot be told: {seen.why_not('crypto')}")
    mode = "on" if seen.crypto.fips_mode else "off"
    words = f"{seen.crypto.module}; FIPS mode of the system is {mode}"
    observed = {"module": seen.crypto.module, "fips_mode": seen.crypto.fips_mode}
    if options.require_fips_mode and not seen.crypto.fips_mode:
        return unmet(
            "off", words, severity=Severity.WARNING, observed=observed, expected="FIPS mode on"
        )
    return met(f"{words}; a person looks its certificate up", observed=observed)
