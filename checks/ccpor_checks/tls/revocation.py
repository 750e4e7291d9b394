"""Was a certificate taken back by its issuer? OCSP where the certificate names it, else a CRL.

Source: RFC 6960 (OCSP), RFC 5019 (SHA-1 identifiers), RFC 5280 section 5 (CRL).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID as Access

from ccpor_checks.base import Context
from ccpor_checks.tls.answers import Answer, Doubt, read_crl, read_ocsp
from ccpor_checks.tls.evidence import Revocation
from ccpor_checks.tls.fetch import NotFetched, fetch

QUESTION = "application/ocsp-request"


def ask_all(path: Sequence[x509.Certificate], ctx: Context, end: float) -> tuple[Revocation, ...]:
    """Return what is known of each certificate of a trusted *path* but its root, leaf first.

    end: on `ctx.monotonic`; each question gets an equal share of what is left, so that one silent
    responder does not take the time of the others.
    """
    pairs = list(pairwise(path))
    answers = []
    for position, (certificate, issuer) in enumerate(pairs):
        share = max(end - ctx.monotonic(), 0) / (len(pairs) - position)
        answers.append(_ask(certificate, issuer, ctx, ctx.monotonic() + share))
    return tuple(answers)


def _ask(
    certificate: x509.Certificate, issuer: x509.Certificate, ctx: Context, end: float
) -> Revocation:
    subject = certificate.subject.rfc4514_string()
    places: list[tuple[Literal["ocsp", "crl"], str]] = [
        *(("ocsp", url) for url in ocsp_addresses(certificate)[:1]),
        *(("crl", url) for url in crl_addresses(certificate)[:1]),
    ]
    doubt = Revocation(
        subject=subject, status="not-published", detail="the certificate names no place to ask"
    )
    for position, (source, url) in enumerate(places):
        share = (end - ctx.monotonic()) / (len(places) - position)
        ask = _by_ocsp if source == "ocsp" else _by_crl
        try:
            said = ask(url, certificate, issuer, ctx, ctx.monotonic() + share)
        except Doubt as exc:
            doubt = Revocation(
                subject=subject, status=exc.status, source=source, url=url, detail=exc.detail
            )
            continue
        return Revocation(
            subject=subject,
            status="revoked" if said.revoked_at else "good",
            source=source,
            url=url,
            this_update=said.this_update,
            next_update=said.next_update,
            revoked_at=said.revoked_at,
        )
    return doubt


def _by_ocsp(
    url: str, certificate: x509.Certificate, issuer: x509.Certificate, ctx: Context, end: float
) -> Answer:
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        certificate,
        issuer,
        hashes.SHA1(),  # noqa: S303 - an identifier, not a signature; the one all responders know
    )
    question = builder.build().public_bytes(Encoding.DER)
    raw = _fetched(url, ctx, end, body=question, kind=QUESTION)
    return read_ocsp(raw, url, certificate, issuer, ctx.now())


def _by_crl(
    url: str, certificate: x509.Certificate, issuer: x509.Certificate, ctx: Context, end: float
) -> Answer:
    return read_crl(_fetched(url, ctx, end), url, certificate, issuer, ctx.now())


def _fetched(
    url: str, ctx: Context, end: float, *, body: bytes | None = None, kind: str = ""
) -> bytes:
    try:
        return fetch(url, ctx, end, body=body, kind=kind)
    except NotFetched as exc:
        raise Doubt("unreachable", str(exc)) from exc


def ocsp_addresses(certificate: x509.Certificate) -> list[str]:
    return _access(certificate, Access.OCSP)


def issuer_addresses(certificate: x509.Certificate) -> list[str]:
    """Return where the issuer's own certificate can be had (caIssuers), http only."""
    return _access(certificate, Access.CA_ISSUERS)


def _access(certificate: x509.Certificate, method: x509.ObjectIdentifier) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except x509.ExtensionNotFound:
        return []
    return _http(
        entry.access_location for entry in extension.value if entry.access_method == method
    )


def crl_addresses(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints)
    except x509.ExtensionNotFound:
        return []
    return _http(name for point in extension.value for name in point.full_name or ())


def _http(names: Any) -> list[str]:
    return [
        str(name.value)
        for name in names
        if isinstance(name, x509.UniformResourceIdentifier) and name.value.startswith("http://")
    ]
