"""What an `SshEvidence` means: pure comparisons."""

from __future__ import annotations

from ccpor_checks.ssh.evidence import SshEvidence, SshOptions, Stage, asks_login
from ccpor_reporting.model import Status
from ccpor_reporting.rules import (
    Judgement,
    Rule,
    Setting,
    met,
    skipped_by,
    unassessed,
    unmet,
)

WHEN: dict[Stage, str] = {
    "connection": "while connecting",
    "greeting": "before it said its name",
    "algorithms": "after it said its name",
    "keys": "while keys were exchanged",
    "login": "during the login",
}
KINDS = {"kex": "key exchange", "host_key": "type of host key", "mac": "message check"}


def judge_session(seen: SshEvidence, _options: SshOptions, setting: Setting) -> Judgement:
    """Judge whether an encrypted session came about, and lasted through a login."""
    where = f"{seen.address or setting.host} port {seen.port}"
    if seen.failure is None:
        named = (seen.version or "SSH").removeprefix("SSH-2.0-")
        shown = "" if seen.pinned else _shown(seen)  # the next finding says it where it is pinned
        return met(f"{named} answers{shown}", observed=seen.version)
    when = WHEN[seen.failed_at or "connection"]
    said = f'; it said "{seen.said}"' if seen.said else ""
    match seen.failure:
        case "not-ssh":
            summary = f"{where} does not speak SSH{said}"
        case "closed":
            code = f" ({seen.error})" if seen.error and seen.error != "EOF" else ""
            summary = f"{where} ended the connection {when}{code}{said}"
        case "timeout":
            summary = f"{where} gave no answer in time {when}"
        case "no-common-algorithm":
            kinds = " and no ".join(KINDS.get(kind, kind) for kind in seen.not_shared)
            summary = f"{where} and this workstation share no {kinds or 'algorithm'}"
    return unmet(seen.failure, summary, observed=seen.version or seen.said)


def _shown(seen: SshEvidence) -> str:
    return f", with the host key {seen.host_keys[0].fingerprint}" if seen.host_keys else ""


def judge_hostkey(seen: SshEvidence, options: SshOptions, _setting: Setting) -> Judgement:
    """Judge whether the server holds the pinned key; without a pin, who it is stays unknown."""
    if not seen.host_keys:
        return unassessed("the server showed no host key")
    shown = ", ".join(f"{key.fingerprint} ({key.type})" for key in seen.host_keys)
    if options.host_key is None:
        first = seen.host_keys[0]
        return unmet(
            "unknown",
            f"the profile names no host key, so nothing is sent there; it shows {shown}",
            observed=first.fingerprint,
            expected="host_key in the profile",
        )
    if options.host_key.rstrip("=") in {key.fingerprint for key in seen.host_keys}:
        return met(
            "it holds the key of the profile",
            observed=options.host_key.rstrip("="),
            expected=options.host_key,
        )
    if not _all_looked_at(seen):
        return unassessed("the server has keys of a further kind, which were not looked at")
    return unmet(
        "changed",
        f"it shows {shown}, not the key of the profile",
        observed=seen.host_keys[0].fingerprint,
        expected=options.host_key,
    )


def _all_looked_at(seen: SshEvidence) -> bool:
    """Say whether no key of the server is unseen; another profile's look may have ended sooner."""
    if seen.pinned is False:
        return True  # all kinds that we know were asked for
    kinds = {key.type for key in seen.host_keys}
    offered = seen.offered.host_key if seen.offered else ()
    return all(name in kinds or ("rsa" in name and "ssh-rsa" in kinds) for name in offered)


def judge_login(seen: SshEvidence, options: SshOptions, setting: Setting) -> Judgement:
    """Judge whether the server let us in."""
    if seen.login is None:
        if judge_hostkey(seen, options, setting).status is not Status.PASS:
            why = "not tried: a password or key goes only to a host whose key is the pinned one"
            return skipped_by("ssh.hostkey", why)
        return unassessed("no login was tried in that look")
    login = seen.login
    observed = list(login.allowed) or None
    match login.outcome:
        case "accepted":
            how = " and ".join(login.tried) or "without any proof"
            return met(f"{login.username} is let in ({how})", observed=list(login.tried))
        case "denied":
            summary = f"{setting.host or 'the server'} does not let {login.username} in"
            return unmet("denied", f"{summary}: {login.why}", observed=observed)
        case "key-unreadable":
            return unmet("key-unreadable", login.why or "the private key cannot be read")
        case "not-tried":
            return unassessed(login.why or "not tried")


RULES: tuple[Rule[SshEvidence, SshOptions], ...] = (
    Rule(
        code="ssh.session",
        reasons=("not-ssh", "closed", "timeout", "no-common-algorithm"),
        judge=judge_session,
    ),
    Rule(
        code="ssh.hostkey",
        reasons=("unknown", "changed"),
        judge=judge_hostkey,
        planned=lambda options: options.host_key is not None or asks_login(options),
    ),
    Rule(
        code="ssh.login",
        reasons=("denied", "key-unreadable"),
        judge=judge_login,
        planned=asks_login,
    ),
)
