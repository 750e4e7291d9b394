"""The seven judgements over TLS evidence. Pure: no clock, no socket.

Source: RFC 5280 (paths), RFC 9525 (names), NIST SP 800-52r2 (versions, ciphers),
SP 800-131A (keys, hashes).
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, time, timedelta

from ccpor_checks.tls.evidence import Certificate, TlsEvidence, TlsOptions
from ccpor_checks.tls.names import ascii_name, certificate_matches
from ccpor_checks.tls.trust import judge_trust
from ccpor_reporting.model import Severity
from ccpor_reporting.rules import Judgement, Rule, Setting, met, skipped_by, unassessed, unmet

VERSIONS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")  # oldest first
# Authenticated encryption came with TLS 1.2 (RFC 5246): one fault, not two, before that.
WITHOUT_SOUND_CIPHERS = frozenset({"SSLv2", "SSLv3", "TLSv1", "TLSv1.1"})
SOUND_MODE = re.compile(r"GCM|CCM|CHACHA20")  # authenticated encryption, by OpenSSL's names
NO_AUTHENTICATION = re.compile(r"^(ADH|AECDH)-|NULL|anon", re.IGNORECASE)
MIN_CIPHER_BITS = 128
MIN_EC_BITS, MIN_DSA_BITS, MIN_DH_BITS = 224, 2048, 2048  # NIST SP 800-131A: 112 bits of strength
BROKEN_HASHES = frozenset({"md2", "md4", "md5", "sha1"})
NO_CERTIFICATE = "the target showed no certificate that can be read"
DAY = timedelta(days=1)


def judge_handshake(seen: TlsEvidence, _want: TlsOptions, _setting: Setting) -> Judgement:
    """A finished handshake passes: what went wrong before is a `TargetFailed` of this code."""
    return met(
        f"{seen.version} with {seen.cipher}",
        observed={"version": seen.version, "cipher": seen.cipher},
    )


def judge_name(seen: TlsEvidence, want: TlsOptions, _setting: Setting) -> Judgement:
    if not seen.chain:
        return unassessed(NO_CERTIFICATE)
    if want.server_name and ascii_name(want.server_name) != seen.server_name:
        # stored evidence, another profile: a server may show another certificate to another name
        return unassessed(f"{seen.server_name} was asked for, not {want.server_name}; look again")
    leaf = seen.chain[0]
    expected = f"a certificate for {seen.server_name}"
    if certificate_matches(leaf.names, seen.server_name):
        return met(f"issued for {seen.server_name}", observed=seen.server_name, expected=expected)
    return unmet(
        "name-mismatch",
        f"the certificate is not for {seen.server_name} but for {_listed(leaf)}",
        observed=list(leaf.names[:20]),
        expected=expected,
    )


def _listed(leaf: Certificate) -> str:
    if not leaf.names:
        return f"no name at all (no subjectAltName; its subject {leaf.subject} does not count)"
    shown = ", ".join(leaf.names[:4])
    more = leaf.names_count - min(len(leaf.names), 4)
    return f"{shown} and {more} more" if more else shown


def judge_validity(seen: TlsEvidence, want: TlsOptions, setting: Setting) -> Judgement:
    """Judge the dates of every certificate of the path: the first to end ends them all."""
    if not seen.chain:
        return unassessed(NO_CERTIFICATE)
    now = setting.observed_at
    start = _counts_from(setting)
    expected = f"at least {_least_words(want.min_days_left, 'days left')} on {start:%Y-%m-%d}"
    first = min(seen.chain, key=lambda certificate: certificate.not_after)
    days_left = math.floor((first.not_after - start) / DAY)
    ends = f"{_called(first, seen)} ends on {first.not_after:%Y-%m-%d %H:%M} UTC"
    if first.not_after <= now:
        ended = ends.replace(" ends on ", " ended on ", 1)
        return unmet("expired", ended, observed=days_left, expected=expected, unit="days")
    latest = max(seen.chain, key=lambda certificate: certificate.not_before)
    if latest.not_before > now:
        return unmet(
            "not-yet-valid",
            f"{_called(latest, seen)} is valid from {latest.not_before:%Y-%m-%d %H:%M} UTC; "
            f"this workstation's clock says {now:%Y-%m-%d %H:%M} UTC, so check the clock too",
            observed=latest.not_before.isoformat(),
            expected=f"valid since before {now:%Y-%m-%d %H:%M} UTC",
        )
    if severity := _short_of(days_left, want.min_days_left):
        return unmet(
            "expires-too-soon",
            f"{ends}, {_distance(days_left, start, now)}",
            severity=severity,
            observed=days_left,
            expected=expected,
            unit="days",
        )
    return met(ends, observed=days_left, expected=expected, unit="days")


def _short_of(value: int, least: int | tuple[int, ...]) -> Severity | None:
    """Return what being below *least* costs, a blocker or (warning, blocker); None: enough."""
    warning, blocker = least if isinstance(least, tuple) else (least, least)
    if value < blocker:
        return Severity.BLOCKER
    return Severity.WARNING if value < warning else None


def _least_words(least: int | tuple[int, ...], unit: str) -> str:
    if isinstance(least, tuple):
        return f"{least[0]} {unit} (blocks below {least[1]})"
    return f"{least} {unit}"


def _counts_from(setting: Setting) -> datetime:
    """Return the moment from which days are counted: midnight of go-live, or the look itself."""
    if setting.counts_from == setting.observed_at.date():
        return setting.observed_at
    return datetime.combine(setting.counts_from, time(), UTC)


def _distance(days: int, start: datetime, now: datetime) -> str:
    if start == now:
        return f"in {days} days"
    return f"{abs(days)} days {'after' if days >= 0 else 'before'} go-live on {start:%Y-%m-%d}"


def _called(certificate: Certificate, seen: TlsEvidence) -> str:
    if certificate is seen.chain[0]:
        return "the certificate"
    kind = "root" if certificate.is_self_signed else "intermediate"
    return f"the {kind} certificate {certificate.subject}"


def judge_version(seen: TlsEvidence, want: TlsOptions, _setting: Setting) -> Judgement:
    """The newest version both know is negotiated, so what was negotiated is the best there is."""
    expected = f"{want.min_version} or newer"
    if seen.version not in VERSIONS:
        return unassessed(f"{seen.version} is a version this program does not know")
    if VERSIONS.index(seen.version) >= VERSIONS.index(want.min_version):
        return met(f"negotiated {seen.version}", observed=seen.version, expected=expected)
    return unmet(
        "too-old",
        f"the best the target offers is {seen.version}",
        observed=seen.version,
        expected=expected,
    )


def judge_cipher(seen: TlsEvidence, _want: TlsOptions, _setting: Setting) -> Judgement:
    expected = "authenticated encryption (AES-GCM, AES-CCM, ChaCha20) of 128 bits or more"
    if seen.version in WITHOUT_SOUND_CIPHERS:
        return skipped_by("tls.version", f"{seen.version} has no sound cipher at all")
    if seen.dh_bits is not None and seen.dh_bits < MIN_DH_BITS:
        return unmet(
            "weak",
            f"the target chose {seen.cipher} with a Diffie-Hellman prime of {seen.dh_bits} bits",
            observed=f"{seen.cipher} with {seen.dh_bits} bits",
            expected=f"Diffie-Hellman of {MIN_DH_BITS} bits or more",
        )
    if is_sound_cipher(seen.cipher, seen.cipher_bits):
        return met(f"negotiated {seen.cipher}", observed=seen.cipher, expected=expected)
    better = (
        f"; it also offers {seen.best_cipher} and should prefer it"
        if seen.best_cipher
        else "; it offers no better one"
    )
    return unmet(
        "weak",
        f"the target chose {seen.cipher}{better}",
        observed=seen.cipher,
        expected=expected,
    )


def is_sound_cipher(cipher: str, bits: int | None) -> bool:
    """Say whether *cipher* is authenticated encryption with a checked server and enough bits."""
    return (
        SOUND_MODE.search(cipher) is not None
        and NO_AUTHENTICATION.search(cipher) is None
        and (bits is None or bits >= MIN_CIPHER_BITS)
    )


def judge_key(seen: TlsEvidence, want: TlsOptions, _setting: Setting) -> Judgement:
    if not seen.chain:
        return unassessed(NO_CERTIFICATE)
    least = _least_words(want.min_rsa_bits, "bits")
    expected = f"RSA of {least} or EC of {MIN_EC_BITS}, signed with SHA-2"
    weak = [(each, cost) for each in seen.chain if (cost := _weak_key(each, want.min_rsa_bits))]
    weak.sort(key=lambda found: found[1] is not Severity.BLOCKER)  # what blocks comes first
    if weak and weak[0][1] is Severity.BLOCKER:
        return _unmet_key(seen, *weak[0], expected)
    for certificate in seen.chain:
        if certificate.signature_hash in BROKEN_HASHES and not certificate.is_self_signed:
            return unmet(
                "weak-signature",
                f"{_called(certificate, seen)} is signed with {certificate.signature_hash}",
                observed=certificate.signature_hash,
                expected=expected,
            )
    if weak:
        return _unmet_key(seen, *weak[0], expected)
    leaf = seen.chain[0]
    key = f"{leaf.key_type}-{leaf.key_bits}" if leaf.key_bits else leaf.key_type
    return met(f"{key}, signed with {leaf.signature_hash}", observed=key, expected=expected)


def _weak_key(certificate: Certificate, min_rsa_bits: int | tuple[int, ...]) -> Severity | None:
    """Return what the length of a certificate's key costs, None where it is long enough."""
    if certificate.key_bits is None:
        return None
    if certificate.key_type == "RSA":
        return _short_of(certificate.key_bits, min_rsa_bits)
    least = {"EC": MIN_EC_BITS, "DSA": MIN_DSA_BITS}.get(certificate.key_type, 0)
    return _short_of(certificate.key_bits, least)


def _unmet_key(
    seen: TlsEvidence, certificate: Certificate, cost: Severity, expected: str
) -> Judgement:
    key = f"{certificate.key_type}-{certificate.key_bits}"
    words = f"{_called(certificate, seen)} has a weak key, {key}"
    return unmet("weak-key", words, severity=cost, observed=key, expected=expected)


RULES: tuple[Rule[TlsEvidence, TlsOptions], ...] = (
    Rule(
        code="tls.handshake",
        reasons=(
            "timeout",
            "closed",
            "reset",
            "not-tls",
            "no-common-version",
            "no-common-cipher",
            "client-certificate-required",
            "client-certificate-refused",
        ),
        judge=judge_handshake,
    ),
    Rule(
        code="tls.trust",
        reasons=(
            "self-signed",
            "unknown-issuer",
            "incomplete-chain",
            "not-permitted",
            "intercepted",
            "revoked",
        ),
        judge=judge_trust,
    ),
    Rule(code="tls.name", reasons=("name-mismatch",), judge=judge_name),
    Rule(
        code="tls.validity",
        reasons=("expired", "not-yet-valid", "expires-too-soon"),
        judge=judge_validity,
    ),
    Rule(code="tls.version", reasons=("too-old",), judge=judge_version),
    Rule(code="tls.cipher", reasons=("weak",), judge=judge_cipher),
    Rule(code="tls.key", reasons=("weak-key", "weak-signature"), judge=judge_key),
)
