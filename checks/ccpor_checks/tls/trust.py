"""The judgement ``tls.trust``: OpenSSL's verdict on the path, put into the reasons people act on.

Dates, name and key strength were left aside when the path was verified; they have rules of their
own, so an expired certificate of a trusted issuer is trusted here and expired there.
"""

from __future__ import annotations

from ccpor_checks.tls.evidence import SYSTEM, Revocation, TlsEvidence, TlsOptions
from ccpor_checks.tls.inspectors import inspecting_product
from ccpor_reporting.rules import Judgement, Setting, met, unassessed, unmet

# OpenSSL's verify codes (x509_vfy.h); those not listed are "the path exists but breaks a rule".
SELF_SIGNED_LEAF = 18
SELF_SIGNED_ROOT_SERVED = 19
NO_ISSUER = frozenset({2, 20, 21, 27, 33})  # issuer not found here or there, untrusted
BAD_SIGNATURE = frozenset({4, 6, 7, 24, 29, 30, 31})  # not the issuer it claims to have
UNTOLD = frozenset({1, 17, 65, 69, 70})  # unspecified, out of memory, bad call, store error

EXPECTED = "a complete chain to an authority that this workstation trusts"


def judge_trust(seen: TlsEvidence, want: TlsOptions, _setting: Setting) -> Judgement:
    if not seen.chain or seen.path_verify_code is None:
        return unassessed("the target showed no certificate that can be read")
    if (want.ca_file or SYSTEM) != seen.trust_store:  # stored evidence, another profile
        return unassessed(
            f"the path was verified with {seen.trust_store}, the profile names "
            f"{want.ca_file or SYSTEM}; look again"
        )
    if seen.path_verify_code in UNTOLD:
        return unassessed(f"the path could not be verified: {seen.path_verify_words}")
    if seen.path_verify_code != 0:
        return _untrusted(seen)
    for one in seen.revocation:
        if one.status == "revoked":
            when = f" on {one.revoked_at:%Y-%m-%d}" if one.revoked_at else ""
            return unmet(
                "revoked",
                f"{one.subject} was revoked by its issuer{when} ({one.source} at {one.url})",
                observed="revoked",
                expected=EXPECTED,
            )
    return _intercepted(seen, want) or _trusted(seen, want)


def _untrusted(seen: TlsEvidence) -> Judgement:
    code, leaf = seen.path_verify_code, seen.chain[0]
    if code == SELF_SIGNED_LEAF:
        reason, words = "self-signed", f"the certificate {leaf.subject} vouches for itself"
    elif seen.trusted_roots == 0:
        return unassessed(
            f"no authority is trusted here at all ({seen.trust_store}); install the system's "
            "root certificates or name a ca_file"
        )
    elif code in NO_ISSUER and _is_incomplete(seen):
        reason, words = "incomplete-chain", _incomplete_words(seen)
    elif code == SELF_SIGNED_ROOT_SERVED or code in NO_ISSUER or code in BAD_SIGNATURE:
        issuer = seen.missing_issuer or seen.chain[-1].subject
        reason, words = "unknown-issuer", f"nobody trusted here vouches for {issuer}"
    else:
        reason, words = "not-permitted", f"the path breaks a rule: {seen.path_verify_words}"
    product = inspecting_product(_issuers(seen))
    if product:
        words += f"; the issuer looks like {product}, which opens TLS on the way"
    if is_other_past_proxy(seen):
        words += f"; {_past_proxy(seen)}, so the proxy opens TLS"
    return unmet(reason, words, observed=_observed(seen), expected=EXPECTED)


def is_other_past_proxy(seen: TlsEvidence) -> bool:
    """Say whether the chain through the proxy shares no key with the trusted one past it.

    One service may well show several certificates, but then of an authority in common.
    """
    if seen.via is None or seen.direct_verify_code != 0 or not seen.direct_chain:
        return False
    shown = {one.spki_sha256 for one in (*seen.chain, *seen.also_served)}
    return not shown & {one.spki_sha256 for one in seen.direct_chain}


def _past_proxy(seen: TlsEvidence) -> str:
    return f"past {seen.via} the target shows a certificate by {seen.direct_chain[0].issuer}"


def _is_incomplete(seen: TlsEvidence) -> bool:
    """Say whether the served chain lacks an intermediate, rather than ending at a stranger.

    An issuer with the name of a trusted root but another key is a stranger. Else proof first: what
    the leaf's caIssuers address gives completes the path, or does not. Without it, a leaf served
    alone lacks its intermediate (public authorities never sign leaves by a root), and a longer
    chain does where a trusted root belongs to the missing issuer's organisation; else its root is
    simply not trusted here.
    """
    if seen.missing_issuer is None or seen.missing_issuer_namesake:
        return False
    if seen.missing_issuer_found is not None:
        return seen.missing_issuer_found == "completes"
    return len(seen.chain) == 1 or seen.missing_issuer_akin


def _incomplete_words(seen: TlsEvidence) -> str:
    proof = "; with it the chain is trusted" if seen.missing_issuer_found == "completes" else ""
    return f"the target does not send the certificate of {seen.missing_issuer}{proof}"


def _intercepted(seen: TlsEvidence, want: TlsOptions) -> Judgement | None:
    product = inspecting_product(_issuers(seen))
    by = f", which looks like {product}" if product else ""
    if want.pins:
        shown = {one.spki_sha256 for one in (*seen.chain, *seen.also_served)}
        if shown & set(want.pins):
            return None
        issuer = seen.chain[-1].subject
        return unmet(
            "intercepted",
            f"trusted here by {issuer}{by}, but no key of the chain is one the profile pins",
            observed={"issuer": seen.chain[0].issuer, "keys": sorted(shown)},
            expected="a pinned key in the chain",
        )
    if product:
        return unmet(
            "intercepted",
            f"trusted here, but issued by {seen.chain[0].issuer}{by}",
            observed={"issuer": seen.chain[0].issuer},
            expected="the target's own certificate",
        )
    if is_other_past_proxy(seen):
        return unmet(
            "intercepted",
            f"trusted here, but issued by {seen.chain[0].issuer}; {_past_proxy(seen)}",
            observed={"issuer": seen.chain[0].issuer},
            expected="the same chain through the proxy and past it",
        )
    return None


def _trusted(seen: TlsEvidence, want: TlsOptions) -> Judgement:
    words = f"trusted by {seen.chain[-1].subject}"
    nothing_to_revoke = len(seen.chain) == 1  # trusted by its own entry in the store
    if want.revocation == "off" or nothing_to_revoke:
        return met(words, observed=_observed(seen), expected=EXPECTED)
    doubts = [one for one in seen.revocation if _is_doubtful(one, seen)]
    if not seen.revocation or doubts:
        doubt = f"revocation could not be checked: {_doubt_words(doubts)}"
        if want.revocation == "hard":
            return unassessed(f"{words}; {doubt}", observed=_observed(seen))
        return met(f"{words}; {doubt}", observed=_observed(seen), expected=EXPECTED)
    return met(f"{words}, not revoked", observed=_observed(seen), expected=EXPECTED)


def _is_doubtful(one: Revocation, seen: TlsEvidence) -> bool:
    """An authority that publishes nothing about its intermediates leaves no doubt on the leaf."""
    if one.status == "not-published":
        return one.subject == seen.chain[0].subject
    return one.status != "good"


def _doubt_words(doubts: list[Revocation]) -> str:
    if not doubts:
        return "it was not asked for"
    return "; ".join(f"{one.subject}: {one.detail or one.status}" for one in doubts)


def _issuers(seen: TlsEvidence) -> tuple[str, ...]:
    """Return the names that vouch: subjects above the leaf, and each issuer not shown."""
    return (*(one.subject for one in seen.chain[1:]), *(one.issuer for one in seen.chain))


def _observed(seen: TlsEvidence) -> list[str]:
    return [one.subject for one in seen.chain]
