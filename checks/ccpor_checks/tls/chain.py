"""Certificates read and put in order; no network, no verdict.

Source: RFC 5280. Signatures are checked link by link where a path is followed by hand; whether a
path is *trusted* is OpenSSL's to say (`handshake`).
"""

from __future__ import annotations

import base64
import contextlib
import threading
import warnings
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates
from cryptography.x509.oid import NameOID

from ccpor_checks.tls.evidence import Certificate
from ccpor_checks.tls.names import certificate_matches

NAMES_KEPT = 100  # certificates with 10,000 names exist; a report need not carry them all
LONGEST_PATH = 10


_ONE_AT_A_TIME = threading.Lock()  # `catch_warnings` changes what all threads share


class Unreadable(Exception):
    """What should be a certificate is none, or one that no X.509 parser takes whole."""


@contextlib.contextmanager
def tolerant() -> Iterator[None]:
    """Read what breaks RFC 5280 in small ways without a warning on stderr.

    Roots with serial number 0 are in every system's store.

    Raises:
        Unreadable: What breaks it in ways that cannot be read past.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (
            ValueError,
            TypeError,
            UnsupportedAlgorithm,
            x509.InvalidVersion,
            x509.DuplicateExtension,
            x509.UnsupportedGeneralNameType,
        ) as exc:
            raise Unreadable(str(exc)) from exc


def certificates_in(content: bytes) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a PEM, DER or PKCS #7 file, each read to its last field.

    Raises:
        Unreadable: None, or one of them cannot be read.
    """
    with tolerant():
        if b"-----BEGIN CERTIFICATE" in content:
            found = x509.load_pem_x509_certificates(content)
        else:
            try:
                found = [x509.load_der_x509_certificate(content)]
            except ValueError:
                found = load_der_pkcs7_certificates(content)
        for certificate in found:  # the parser is lazy and keeps what it parsed
            _ = (certificate.subject, certificate.issuer, certificate.extensions)
            _ = (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    if not found:
        raise Unreadable("no certificate")
    return tuple(found)


def serial(certificate: x509.Certificate) -> int:
    with tolerant():
        return certificate.serial_number


def read(ders: Iterable[bytes]) -> tuple[tuple[x509.Certificate, ...], int]:
    """Return the certificates, and how many could not be read."""
    found, unreadable = [], 0
    for der in ders:
        try:
            found.append(certificates_in(der)[0])
        except Unreadable:
            unreadable += 1
    return tuple(found), unreadable


def vouches(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Say whether *issuer*'s name and key signed *certificate*."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def is_self_signed(certificate: x509.Certificate) -> bool:
    """By name and signature; by name alone where the signature (SHA-1) is not checked here."""
    if certificate.issuer != certificate.subject:
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, UnsupportedAlgorithm):
        return True
    except (TypeError, InvalidSignature):
        return False
    return True


def follow(
    certificate: x509.Certificate, candidates: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """Return the path from *certificate* up, as far as *candidates* carry it."""
    path = [certificate]
    while len(path) < LONGEST_PATH and not is_self_signed(path[-1]):
        last = path[-1]
        issuer = next(
            (one for one in candidates if one.subject == last.issuer and vouches(one, last)), None
        ) or next((one for one in candidates if one.subject == last.issuer), None)
        if issuer is None or issuer in path:
            break
        path.append(issuer)
    return tuple(path)


def is_akin(missing: x509.Name, roots: Iterable[x509.Certificate]) -> bool:
    """Say whether a root belongs to the organisation that *missing* names."""
    organisation = _organisation(missing)
    return organisation is not None and any(
        _organisation(root.subject) == organisation for root in roots
    )


def _organisation(name: x509.Name) -> str | None:
    for attribute in name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME):
        return str(attribute.value).casefold()
    return None


def described(certificate: x509.Certificate, *, host: str, is_served: bool) -> Certificate:
    """Return what is kept of *certificate*; names that match *host* come first."""
    key_type, key_bits = _key(certificate)
    names = sorted(_names(certificate), key=lambda name: not certificate_matches((name,), host))
    return Certificate(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        serial=f"{serial(certificate):x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key_type=key_type,
        key_bits=key_bits,
        signature_hash=_signature_hash(certificate),
        spki_sha256=_pin(certificate),
        names=tuple(names[:NAMES_KEPT]),
        names_count=len(names),
        is_ca=_is_ca(certificate),
        is_self_signed=is_self_signed(certificate),
        is_served=is_served,
    )


def _key(certificate: x509.Certificate) -> tuple[str, int | None]:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "unknown", None
    match key:
        case rsa.RSAPublicKey():
            return "RSA", key.key_size
        case ec.EllipticCurvePublicKey():
            return "EC", key.key_size
        case dsa.DSAPublicKey():
            return "DSA", key.key_size
        case ed25519.Ed25519PublicKey():
            return "Ed25519", None
        case ed448.Ed448PublicKey():
            return "Ed448", None
        case _:
            return type(key).__name__, None


def _signature_hash(certificate: x509.Certificate) -> str | None:
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None
    return algorithm.name if algorithm else None


def _pin(certificate: x509.Certificate) -> str:
    """Return the pin of RFC 7469: base64 of the SHA-256 of the SubjectPublicKeyInfo."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return ""
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(sha256(spki).digest()).decode("ascii")


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    dns = extension.value.get_values_for_type(x509.DNSName)
    addresses = extension.value.get_values_for_type(x509.IPAddress)
    return (*dns, *(str(address) for address in addresses))


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return extension.value.ca
