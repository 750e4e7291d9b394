"""Certificates for tests: authorities and leaves, sound and faulty, and revocation lists.

Made in memory by `cryptography`; SHA-1 and MD5 signatures, which it refuses to make, come from the
``openssl`` program.
"""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from tests.peers import program

DAY = dt.timedelta(days=1)
LOOPBACK = ("localhost", "127.0.0.1")
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
OCSP_SIGNING = ExtendedKeyUsageOID.OCSP_SIGNING


@dataclass(frozen=True)
class Issued:
    """A certificate with its private key; *issuer* is None for a self-signed one."""

    certificate: x509.Certificate
    key: Any
    issuer: Issued | None = None

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    @property
    def serial(self) -> int:
        return self.certificate.serial_number


@dataclass(frozen=True)
class Files:
    """Where a certificate chain and its key lie, as servers want them."""

    certificate: Path
    key: Path


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


@functools.cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """Return one key of that size for the whole process: making them is slow."""
    return rsa.generate_private_key(65537, bits)


def authority(
    common_name: str,
    issuer: Issued | None = None,
    *,
    organization: str = "Test Courts",
    path_length: int | None = None,
    permitted: Sequence[str] = (),
    days: tuple[float, float] = (-30, 1800),
    key: Any = None,
    crl: str | None = None,
    is_ca: bool = True,
) -> Issued:
    """Return a certificate authority.

    permitted: DNS subtrees of a name constraint. days: validity, counted from now.
    is_ca False makes the classic mistake: an issuer that may not issue.
    """
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(is_ca, path_length if is_ca else None), True),
        (key_usage(certificates=is_ca), True),
    ]
    if permitted:
        trees = [x509.DNSName(tree) for tree in permitted]
        extensions.append((x509.NameConstraints(trees, None), True))
    if crl:
        extensions.append((crl_points(crl), False))
    subject = distinguished(common_name, organization)
    return sign(subject, issuer, extensions, days=days, key=key)


def leaf(
    issuer: Issued | None,
    *,
    common_name: str = "localhost",
    names: Sequence[str] = LOOPBACK,
    days: tuple[float, float] = (-30, 365),
    key: Any = None,
    usage: x509.ObjectIdentifier = SERVER,
    ocsp: str | None = None,
    ca_issuers: str | None = None,
    crl: str | None = None,
    organization: str = "Test Courts",
) -> Issued:
    """Return an end certificate; *issuer* None makes it self-signed.

    names: subject alternative names, addresses told from DNS names by their look.
    ocsp, ca_issuers, crl: URLs written into the certificate.
    """
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(False, None), True),
        (key_usage(certificates=False), True),
        (x509.ExtendedKeyUsage([usage]), False),
    ]
    if names:
        extensions.append((x509.SubjectAlternativeName([general_name(n) for n in names]), False))
    access = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
        for method, url in (
            (AuthorityInformationAccessOID.OCSP, ocsp),
            (AuthorityInformationAccessOID.CA_ISSUERS, ca_issuers),
        )
        if url
    ]
    if access:
        extensions.append((x509.AuthorityInformationAccess(access), False))
    if crl:
        extensions.append((crl_points(crl), False))
    return sign(distinguished(common_name, organization), issuer, extensions, days=days, key=key)


def sign(
    subject: x509.Name,
    issuer: Issued | None,
    extensions: Iterable[tuple[x509.ExtensionType, bool]],
    *,
    days: tuple[float, float],
    key: Any = None,
) -> Issued:
    own = key or ec.generate_private_key(ec.SECP256R1())
    signer = issuer.key if issuer else own
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc_now() + days[0] * DAY)
        .not_valid_after(utc_now() + days[1] * DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
        )
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Issued(builder.sign(signer, hashes.SHA256()), own, issuer)


def signed_with(
    digest: str, issuer: Issued, folder: Path, *, names: Sequence[str] = LOOPBACK
) -> Issued:
    """Return a leaf for *names* whose signature uses *digest* (``sha1``, ``md5``)."""
    own = rsa_key(2048)
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(distinguished("localhost", "Test Courts"))
        .sign(own, hashes.SHA256())
    )
    inputs = {
        "csr": request.public_bytes(serialization.Encoding.PEM),
        "crt": issuer.pem,
        "key": issuer.key_pem,
        "ext": f"subjectAltName={','.join(map(_openssl_name, names))}\n".encode()
        + b"extendedKeyUsage=serverAuth\n"
        b"basicConstraints=critical,CA:FALSE\n",
    }
    paths = {kind: folder / f"{digest}.{kind}" for kind in inputs}
    for kind, content in inputs.items():
        paths[kind].write_bytes(content)
    done = subprocess.run(
        [program("openssl"), "x509", "-req", f"-{digest}", "-in", paths["csr"],
         "-CA", paths["crt"], "-CAkey", paths["key"], "-extfile", paths["ext"],
         "-days", "365", "-set_serial", "4711"],
        capture_output=True, check=True, timeout=30,
    )  # fmt: skip
    return Issued(x509.load_pem_x509_certificate(done.stdout), own, issuer)


def old_root(folder: Path) -> Issued:
    """Return an authority that signed itself with SHA-1, as roots of before 2016 did."""
    key, made = rsa_key(2048), folder / "old-root.crt"
    write(folder, "old-root-key", Issued(leaf(None, key=key).certificate, key))
    subprocess.run(
        [program("openssl"), "req", "-x509", "-new", "-sha1", "-days", "3650",
         "-key", folder / "old-root-key.key", "-subj", "/CN=Old Root", "-out", made,
         "-addext", "keyUsage=critical,keyCertSign"],
        capture_output=True, check=True, timeout=30,
    )  # fmt: skip
    return Issued(x509.load_pem_x509_certificate(made.read_bytes()), key)


def write(folder: Path, name: str, end: Issued, *others: Issued) -> Files:
    """Write *end* followed by *others* as one chain, and *end*'s key (0600)."""
    files = Files(folder / f"{name}.crt", folder / f"{name}.key")
    files.certificate.write_bytes(b"".join(one.pem for one in (end, *others)))
    files.key.touch(mode=0o600)
    files.key.write_bytes(end.key_pem)
    return files


def crl(
    issuer: Issued,
    revoked: Iterable[Issued] = (),
    *,
    days: tuple[float, float] = (-1, 7),
    signer: Issued | None = None,
) -> bytes:
    """Return a revocation list (DER) in *issuer*'s name; another *signer* makes it a forgery."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(utc_now() + days[0] * DAY)
        .next_update(utc_now() + days[1] * DAY)
    )
    for one in revoked:
        entry = x509.RevokedCertificateBuilder(
            serial_number=one.serial, revocation_date=utc_now() - DAY
        )
        builder = builder.add_revoked_certificate(entry.build())
    made = builder.sign((signer or issuer).key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


def distinguished(common_name: str, organization: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _openssl_name(name: str) -> str:
    return f"IP:{name}" if isinstance(general_name(name), x509.IPAddress) else f"DNS:{name}"


def crl_points(url: str) -> x509.CRLDistributionPoints:
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
    return x509.CRLDistributionPoints([point])


def key_usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )
