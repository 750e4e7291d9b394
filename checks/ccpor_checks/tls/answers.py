"""What an issuer says about one certificate: OCSP answers and revocation lists, no network.

Every answer is verified before it is believed: signature of the issuer or of a responder that the
issuer named for it, the certificate in question, and the answer's own dates.
Source: RFC 6960 (OCSP), RFC 5280 section 5 (CRL).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from ccpor_checks.tls.chain import Unreadable, tolerant, vouches

SKEW = timedelta(minutes=5)  # between this clock and the responder's


class Doubt(Exception):
    """An answer that says nothing; *status* is one of `Revocation`."""

    def __init__(self, status: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class Answer(NamedTuple):
    revoked_at: datetime | None  # None: good
    this_update: datetime
    next_update: datetime | None


def read_ocsp(
    raw: bytes, url: str, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
) -> Answer:
    """Return what the OCSP answer *raw* says of *certificate*; *url* is for words.

    Raises:
        Doubt: Nothing that can be believed.
    """
    try:
        with tolerant():
            response = ocsp.load_der_ocsp_response(raw)
            status = response.response_status
    except Unreadable as exc:
        raise Doubt("invalid", f"{url} answered with what is no OCSP") from exc
    if status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise Doubt("refused", f"{url} answered {status.name.lower()}")
    try:
        with tolerant():
            is_signed = _is_signed_for(response, issuer, now)
            entry = _entry(response, certificate)
    except Unreadable as exc:
        raise Doubt("invalid", f"the answer of {url} cannot be read") from exc
    if not is_signed:
        raise Doubt("invalid", f"the answer of {url} is not signed by the issuer")
    if entry is None:
        raise Doubt("invalid", f"the answer of {url} is about another certificate")
    if entry.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        raise Doubt("unknown", f"{url} does not know the certificate")
    _check_dates(url, entry.this_update_utc, entry.next_update_utc, now)
    return Answer(entry.revocation_time_utc, entry.this_update_utc, entry.next_update_utc)


def _entry(
    response: ocsp.OCSPResponse, certificate: x509.Certificate
) -> ocsp.OCSPSingleResponse | None:
    number = certificate.serial_number
    return next((one for one in response.responses if one.serial_number == number), None)


def _is_signed_for(response: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> bool:
    """Say whether the issuer signed, or a responder it named for OCSP (RFC 6960, 4.2.2.2)."""
    digest = response.signature_hash_algorithm
    for signer in (issuer, *response.certificates):
        if not _is_responder(response, signer):
            continue
        if signer != issuer and not _is_delegate(signer, issuer, now):
            continue
        if _verifies(signer.public_key(), response.signature, response.tbs_response_bytes, digest):
            return True
    return False


def _is_responder(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    if response.responder_name is not None:
        return response.responder_name == signer.subject
    return (
        response.responder_key_hash
        == x509.SubjectKeyIdentifier.from_public_key(signer.public_key()).digest
    )


def _is_delegate(signer: x509.Certificate, issuer: x509.Certificate, now: datetime) -> bool:
    try:
        usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    in_time = signer.not_valid_before_utc - SKEW <= now <= signer.not_valid_after_utc + SKEW
    return ExtendedKeyUsageOID.OCSP_SIGNING in usage and in_time and vouches(issuer, signer)


def _verifies(
    key: Any, signature: bytes, signed: bytes, digest: hashes.HashAlgorithm | None
) -> bool:
    try:
        match key:
            case rsa.RSAPublicKey() if digest:
                key.verify(signature, signed, padding.PKCS1v15(), digest)
            case ec.EllipticCurvePublicKey() if digest:
                key.verify(signature, signed, ec.ECDSA(digest))
            case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
                key.verify(signature, signed)
            case _:
                return False
    except InvalidSignature:
        return False
    return True


def read_crl(
    raw: bytes, url: str, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
) -> Answer:
    """Return what the revocation list *raw*, DER or PEM, says of *certificate*.

    Raises:
        Doubt: Nothing that can be believed.
    """
    try:
        with tolerant():
            is_pem = raw.lstrip().startswith(b"-----BEGIN")
            crl = x509.load_pem_x509_crl(raw) if is_pem else x509.load_der_x509_crl(raw)
            is_signed = crl.issuer == certificate.issuer and crl.is_signature_valid(_key_of(issuer))
            covers = _covers(crl, certificate)
            entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
    except Unreadable as exc:
        raise Doubt("invalid", f"the list at {url} cannot be read") from exc
    if not is_signed:
        raise Doubt("invalid", f"the list at {url} is not signed by the issuer")
    _check_dates(url, crl.last_update_utc, crl.next_update_utc, now)
    if not covers:
        raise Doubt("invalid", f"the list at {url} does not cover this certificate")
    revoked_at = entry.revocation_date_utc if entry else None
    return Answer(revoked_at, crl.last_update_utc, crl.next_update_utc)


def _key_of(issuer: x509.Certificate) -> Any:
    return issuer.public_key()


def _covers(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    """Say whether the list speaks of this kind of certificate and is whole (RFC 5280, 5.2.5)."""
    try:
        crl.extensions.get_extension_for_class(x509.DeltaCRLIndicator)
    except x509.ExtensionNotFound:
        pass
    else:
        return False
    try:
        scope = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    except x509.ExtensionNotFound:
        return True
    try:
        is_ca = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_ca = False
    wrong_kind = scope.only_contains_user_certs if is_ca else scope.only_contains_ca_certs
    return not (
        wrong_kind
        or scope.only_contains_attribute_certs
        or scope.indirect_crl
        or scope.only_some_reasons
    )


def _check_dates(
    url: str, this_update: datetime, next_update: datetime | None, now: datetime
) -> None:
    if this_update > now + SKEW:
        raise Doubt("stale", f"the answer of {url} is dated {this_update:%Y-%m-%d %H:%M} UTC")
    if next_update is not None and next_update < now - SKEW:
        raise Doubt("stale", f"the answer of {url} ended on {next_update:%Y-%m-%d %H:%M} UTC")
