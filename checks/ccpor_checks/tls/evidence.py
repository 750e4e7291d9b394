"""What a profile may ask of TLS, and what the check brings back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ccpor_checks.base import Evidence, Options, Refusal
from ccpor_checks.tls.names import ascii_name

SYSTEM = "system"  # the trust store of a profile without ca_file

Version = Literal["TLSv1.2", "TLSv1.3"]
FileName = Annotated[str, Meta(min_length=1, max_length=4096)]
Name = Annotated[str, Meta(min_length=1, max_length=253)]
Pin = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9+/]{43}=\Z",
        description="44 characters of base64: the SHA-256 of a SubjectPublicKeyInfo",
    ),
]
# A least amount is one number (below it: blocker) or a pair, the warning larger than the blocker.
# The pair is a list of exactly two: a fixed tuple beside a bounded number makes msgspec 0.22 read
# its length from the wrong place.
Days = Annotated[int, Meta(ge=0, le=3650)]
LeastDays = Days | Annotated[tuple[Days, ...], Meta(min_length=2, max_length=2)]
Bits = Annotated[int, Meta(ge=512, le=16384)]
LeastBits = Bits | Annotated[tuple[Bits, ...], Meta(min_length=2, max_length=2)]


class TlsOptions(Options, frozen=True, kw_only=True):
    """``[target.tls]``. Files are relative to the profile."""

    min_version: Annotated[Version, Meta(description="the oldest version to accept")] = "TLSv1.2"
    min_days_left: Annotated[
        LeastDays,
        Meta(
            description="days a certificate must last past go-live: one number, e.g. 30, or a "
            "pair [warning, blocker], e.g. [30, 7]"
        ),
    ] = 30
    ca_file: Annotated[
        FileName | None,
        Meta(
            description="a file of certificates to trust instead of the system's, "
            'e.g. "court-ca.pem"'
        ),
    ] = None
    pins: Annotated[
        tuple[Pin, ...],
        Meta(
            description="SHA-256 of public keys in base64, one of which must be in the chain, "
            'e.g. ["x4QzPSC810K5/cMjb05Qm4k3Bw5zBn4lTdO/nEW/Td4="]'
        ),
    ] = ()
    server_name: Annotated[
        Name | None,
        Meta(description='the name to ask for and to expect, e.g. "ccpor.example.org"'),
    ] = None
    client_cert_file: Annotated[
        FileName | None,
        Meta(description='a PEM file with this machine\'s certificate, e.g. "agent.crt"'),
    ] = None
    client_key_file: Annotated[
        FileName | None,
        Meta(
            description="a PEM file with that certificate's private key, without a password, "
            'e.g. "agent.key"'
        ),
    ] = None
    revocation: Annotated[
        Literal["soft", "hard", "off"],
        Meta(description="soft: a responder out of reach is told, not failed"),
    ] = "soft"
    min_rsa_bits: Annotated[
        LeastBits,
        Meta(
            description="bits of the shortest RSA key to accept: one number, e.g. 2048, or a pair "
            "[warning, blocker], e.g. [3072, 2048]"
        ),
    ] = 2048
    timeout_s: Annotated[
        float, Meta(gt=0, le=60, description="seconds each handshake may take, e.g. 5")
    ] = 5.0

    def refusals(self) -> Iterator[Refusal]:
        """Yield a server name that is none, and a key without its certificate."""
        if self.server_name is not None:
            try:
                ascii_name(self.server_name)
            except ValueError:
                wanted = 'write a host name or address, e.g. "ccpor.example.org"'
                yield Refusal(("server_name",), wanted)
        if self.client_key_file is not None and self.client_cert_file is None:
            wanted = "write the client_cert_file that belongs to it too"
            yield Refusal(("client_key_file",), wanted, beside="client_cert_file")


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate, as far as it is judged."""

    subject: str  # RFC 4514
    issuer: str
    serial: str  # hexadecimal
    not_before: datetime  # UTC
    not_after: datetime
    key_type: str  # RSA, EC, DSA, Ed25519, Ed448, or the class of a key we do not know
    key_bits: int | None  # None: not a quantity for this type
    signature_hash: str | None  # None: part of the algorithm (Ed25519) or unknown to us
    spki_sha256: str  # base64, as in RFC 7469
    names: tuple[str, ...]  # DNS names and addresses; names that match come first
    names_count: int  # more than len(names) where the list was cut
    is_ca: bool
    is_self_signed: bool
    is_served: bool  # False: came from this workstation's store


class Revocation(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned about one certificate.

    status: ``good``, ``revoked``; not known because ``not-published`` (the certificate names no
    place to ask), ``unreachable``, ``refused`` (the responder said it will not), ``unknown``
    (it does not know the certificate), ``stale`` (answer out of date), ``invalid`` (bad
    signature or not readable).
    """

    subject: str
    status: str
    source: Literal["ocsp", "crl"] | None = None
    url: str | None = None
    this_update: datetime | None = None
    next_update: datetime | None = None
    revoked_at: datetime | None = None
    detail: str | None = None


class TlsEvidence(Evidence, frozen=True, kw_only=True):
    """What the target showed; enough to judge every rule again without looking."""

    address: str
    port: int
    server_name: str  # asked for (SNI) and judged
    version: str  # as OpenSSL names it: TLSv1 TLSv1.1 TLSv1.2 TLSv1.3 SSLv3
    cipher: str  # as OpenSSL names it
    cipher_bits: int | None
    dh_bits: int | None = None  # of a Diffie-Hellman prime; None: another exchange, or not seen
    best_cipher: str | None = None  # asked again for sound ciphers alone; None: not asked or none
    needed_old_offer: bool = False  # nothing shared until versions and ciphers below any floor
    alpn: str | None = None
    handshake_ms: float | None = None
    client_certificate_requested: bool | None = None  # None: this Python cannot see it
    client_certificate_sent: bool = False
    trust_store: str = SYSTEM  # or the profile's ca_file
    trusted_roots: int | None = None
    path_verify_code: int | None = None  # OpenSSL's, dates and name left aside; 0: path found
    path_verify_words: str = ""
    missing_issuer: str | None = None  # RFC 4514; where the served chain ends too early
    missing_issuer_found: Literal["completes", "untrusted"] | None = None  # by caIssuers
    missing_issuer_akin: bool = False  # a trusted root belongs to the same organisation
    missing_issuer_namesake: bool = False  # a trusted root has its very name, but another key
    chain: tuple[Certificate, ...] = ()  # leaf first; the verified path, else the served one
    also_served: tuple[Certificate, ...] = ()  # not part of that path
    unreadable_count: int = 0  # served certificates that no X.509 parser takes
    revocation: tuple[Revocation, ...] = ()  # empty: switched off or the path is not trusted
    via: str | None = None  # the proxy through which all this was seen; None: seen directly
    direct_chain: tuple[Certificate, ...] = ()  # seen past that proxy; empty: not seen
    direct_verify_code: int | None = None  # of that chain, as `path_verify_code`
