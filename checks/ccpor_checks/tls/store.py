"""Whom this workstation trusts, and the `ssl` contexts built on it."""

from __future__ import annotations

import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.tls.chain import Unreadable, certificates_in
from ccpor_checks.tls.evidence import SYSTEM, TlsOptions

# What a modern client offers; level 0 because weak keys are judged by a rule of ours, with words,
# instead of ending the handshake.
USUAL = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:!aNULL:!aDSS:!SHA1"
SOUND = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:AESGCM:AESCCM:!aNULL:!aDSS"
ANYTHING = "ALL:COMPLEMENTOFALL"  # anonymous and null ciphers included: to name what is offered
ANY_LEVEL = ":@SECLEVEL=0"

NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME; `ssl` has no name for it
PARTIAL_CHAIN = 0x80000  # X509_V_FLAG_PARTIAL_CHAIN: a ca_file may name an intermediate
LEGACY_SERVER_CONNECT = 0x4  # SSL_OP_LEGACY_SERVER_CONNECT: servers without RFC 5746


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What is offered to the target in one handshake."""

    ciphers: str
    is_old: bool = False  # versions and ciphers below any floor too


OFFER_USUAL = Offer(ciphers=USUAL)
OFFER_SOUND = Offer(ciphers=SOUND)
OFFER_ANYTHING = Offer(ciphers=ANYTHING, is_old=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The trusted certificates and this workstation's own certificate, read once per check."""

    name: str  # "system" or the profile's ca_file
    given: tuple[x509.Certificate, ...]  # of the ca_file; empty for the system's store
    client_files: tuple[Path, Path] | None

    def context(self, offer: Offer, *, verify: bool, dates: bool = True) -> ssl.SSLContext:
        """Return a context that offers *offer*; with *verify* an untrusted path ends it.

        dates False: verify the path as if every certificate were within its dates.
        """
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname = False  # names are compared by a rule (RFC 9525)
        tls.hostname_checks_common_name = False
        tls.set_ciphers(offer.ciphers + ANY_LEVEL)
        if offer.is_old:
            tls.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            tls.options |= LEGACY_SERVER_CONNECT
        else:
            tls.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.client_files:
            self._show_own_certificate(tls, *self.client_files)
        if not verify:
            tls.verify_mode = ssl.CERT_NONE
            return tls
        tls.verify_flags |= 0 if dates else NO_CHECK_TIME
        # Windows keeps whatever intermediate it ever met in its store CA: a help, never an anchor.
        if not (self.name == SYSTEM and sys.platform == "win32"):
            tls.verify_flags |= PARTIAL_CHAIN
        if self.name == SYSTEM:
            tls.load_default_certs(ssl.Purpose.SERVER_AUTH)
        else:
            tls.load_verify_locations(cadata=b"".join(self.roots()))
        return tls

    def _show_own_certificate(self, tls: ssl.SSLContext, certificate: Path, key: Path) -> None:
        def no_password() -> str:
            raise CannotObserve(
                f"{key}: the private key is encrypted; write it without a password, readable by "
                "this user only"
            )

        try:
            tls.load_cert_chain(certificate, key, no_password)
        except ssl.SSLError as exc:
            raise CannotObserve(
                f"client_cert_file {certificate} and client_key_file {key} do not hold a "
                f"certificate and its own private key in PEM ({exc.reason})"
            ) from exc
        except OSError as exc:
            raise CannotObserve(
                f"client_cert_file {certificate} or client_key_file {key} cannot be read "
                f"({exc.strerror}); put both where the profile says, readable by this user"
            ) from exc

    def roots(self) -> tuple[bytes, ...]:
        """Return the trusted certificates (DER) as far as they can be listed."""
        if self.name != SYSTEM:
            return tuple(one.public_bytes(Encoding.DER) for one in self.given)
        if sys.platform == "win32":
            return _windows_roots()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return tuple(tls.get_ca_certs(binary_form=True) or _hashed_folder())


def _windows_roots() -> tuple[bytes, ...]:
    """Return the certificates of the store ROOT that may vouch for a server; none elsewhere."""
    if sys.platform != "win32":
        return ()
    server = ssl.Purpose.SERVER_AUTH.oid
    return tuple(
        der
        for der, kind, usage in ssl.enum_certificates("ROOT")
        if kind == "x509_asn" and (usage is True or (usage and server in usage))
    )


def _hashed_folder() -> list[bytes]:
    """Return the certificates of OpenSSL's folder, which it reads one by one, by hash of name."""
    folder = ssl.get_default_verify_paths().capath
    found = []
    for path in sorted(Path(folder).glob("*.[0-9]")) if folder else ():
        try:
            found.append(ssl.PEM_cert_to_DER_cert(path.read_text(encoding="ascii")))
        except (OSError, ValueError):  # a dangling link or another kind of file
            continue
    return found


def read_trust(options: TlsOptions, ctx: Context) -> Trust:
    """Return whom to trust by the profile's options.

    Raises:
        CannotObserve: A file that the profile names is missing, unreadable or of another kind.
    """
    given: tuple[x509.Certificate, ...] = ()
    if options.ca_file is not None:
        given = _read_certificates(ctx.file(options.ca_file))
    client = None
    if options.client_cert_file is not None:
        key = options.client_key_file or options.client_cert_file  # both in one file is usual
        client = (ctx.file(options.client_cert_file), ctx.file(key))
    return Trust(name=options.ca_file or SYSTEM, given=given, client_files=client)


def _read_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise CannotObserve(
            f"ca_file {path} cannot be read ({exc.strerror}); put the authority's certificate there"
        ) from exc
    try:
        return certificates_in(content)
    except Unreadable as exc:
        raise CannotObserve(
            f"ca_file {path} holds no readable certificate; export the authority's certificate "
            "as PEM (Base-64 encoded X.509)"
        ) from exc
