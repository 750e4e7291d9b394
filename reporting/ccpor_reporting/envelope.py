"""Signed bytes: a DSSE envelope around a report, a receipt or a profile.

What is signed is the payload's exact bytes and its type, never JSON that is written again: the
verified bytes are the only bytes parsed. The algorithm is bound to the enrolled key (ECDSA P-256,
SHA-256) and never read from the message; the key id is a hint, looked up among enrolled keys.

Source: DSSE v1.0.2 (protocol.md, envelope.md); FIPS 186-5 section 6 (ECDSA).

    ValueError
    ├── EnvelopeInvalid   the envelope proves nothing; `code` says why
    └── KeyInvalid        not a P-256 public key
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

    from ccpor_reporting.model import Json

ENVELOPE_MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json"
REPORT_TYPE = "application/vnd.ccpor.report+json"
RECEIPT_TYPE = "application/vnd.ccpor.receipt+json"
PROFILE_TYPE = "application/vnd.ccpor.profile+json"

PublicKey: TypeAlias = "EllipticCurvePublicKey"
PrivateKey: TypeAlias = "EllipticCurvePrivateKey"
Code = Literal["malformed", "unknown-key", "bad-signature", "wrong-type"]

CURVE = "secp256r1"
# The order n of the P-256 group (SP 800-186, section 3.2.1.3); r and s lie in 1..n-1.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
LONGEST_KEY_ID = 256  # characters; ours have 64


class EnvelopeInvalid(ValueError):
    """The envelope proves nothing. `code`: malformed, unknown-key, bad-signature or wrong-type."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class KeyInvalid(ValueError):
    """Not a P-256 public key in PEM."""


class Signer(Protocol):
    """Whoever holds a private key. `sign` returns an ECDSA signature in DER over SHA-256."""

    @property
    def key_id(self) -> str: ...

    def sign(self, message: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """What a verified envelope holds: parse these bytes and no others."""

    payload: bytes
    key_id: str


class KeySigner:
    """Signs with a private key in memory."""

    __slots__ = ("_key", "key_id", "public")

    def __init__(self, key: PrivateKey) -> None:
        self._key = key
        self.public: PublicKey = key.public_key()
        self.key_id: str = key_id(self.public)

    def sign(self, message: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256

        return self._key.sign(message, ECDSA(SHA256()))


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed: type and payload with their lengths (DSSE, PAE)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, payload_type: str, signer: Signer) -> bytes:
    """Return the JSON bytes of an envelope with one signature over *payload*."""
    signature = signer.sign(pae(payload_type, payload))
    return json.dumps(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": payload_type,
            "signatures": [
                {"keyid": signer.key_id, "sig": base64.b64encode(signature).decode()},
            ],
        },
        separators=(",", ":"),
    ).encode()


def open_envelope(
    body: bytes, *, payload_type: str, key: Callable[[str], PublicKey | None]
) -> Opened:
    """Return the payload of *body* once its signature fits the key that *key* finds for its id.

    Raises:
        EnvelopeInvalid: Anything is out of order; nothing of the payload was parsed.
    """
    kind, payload, hint, signature = _parts(body)
    if kind != payload_type:
        raise EnvelopeInvalid("wrong-type", f"holds another type than {payload_type}")
    public = key(hint)
    if public is None:
        raise EnvelopeInvalid("unknown-key", "signed by a key that is not enrolled")
    if not verifies(public, pae(kind, payload), signature):
        raise EnvelopeInvalid("bad-signature", "the signature does not fit these bytes and key")
    return Opened(payload, hint)


def peek_key_id(body: bytes) -> str:
    """Return the key id that *body* claims; unproven until `open_envelope` returns.

    Raises:
        EnvelopeInvalid: *body* is not an envelope ("malformed").
    """
    return _parts(body)[2]


def verifies(public: PublicKey, message: bytes, signature: bytes) -> bool:
    """Return whether *signature* (DER) over *message* is by *public*, a P-256 key.

    A key of another kind or curve verifies nothing: the algorithm belongs to the key record.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.utils import (
        decode_dss_signature,
        encode_dss_signature,
    )
    from cryptography.hazmat.primitives.hashes import SHA256

    if not is_p256(public):
        return False
    try:
        r, s = decode_dss_signature(signature)
    except ValueError:
        return False
    # One signature has one encoding: a variant would pass as other bytes of the same report.
    if not (0 < r < ORDER and 0 < s < ORDER) or encode_dss_signature(r, s) != signature:
        return False
    try:
        public.verify(signature, message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def is_p256(key: object) -> bool:
    """Return whether *key* is a public key on P-256, the only kind that we enroll."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    return isinstance(key, EllipticCurvePublicKey) and key.curve.name == CURVE


def key_id(public: PublicKey) -> str:
    """Return the id of *public*: SHA-256, in hex, of its SubjectPublicKeyInfo in DER."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return sha256(der).hexdigest()


def public_key_from_pem(pem: str | bytes) -> PublicKey:
    """Return the P-256 public key that *pem* holds.

    Raises:
        KeyInvalid: Not PEM, not a public key, or another kind or curve.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        public = load_pem_public_key(pem.encode() if isinstance(pem, str) else pem)
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise KeyInvalid("not a public key in PEM") from exc
    if not isinstance(public, EllipticCurvePublicKey) or not is_p256(public):
        raise KeyInvalid("not a key on the curve P-256; make one with ECDSA P-256")
    return public


def public_key_pem(public: PublicKey) -> str:
    """Return *public* as PEM (SubjectPublicKeyInfo)."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def unique_keys(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """Return *pairs* as a dict; for `json.loads`, which would keep the last of two keys.

    Raises:
        ValueError: A key stands twice: two readers could see two different reports.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _parts(body: bytes) -> tuple[str, bytes, str, bytes]:
    """Return type, payload, key id and signature of the envelope *body*, strictly read."""
    try:
        outer = json.loads(body.decode("utf-8"), object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as exc:
        raise EnvelopeInvalid("malformed", "not an envelope: not JSON with unique keys") from exc
    envelope = _fields(outer, {"payload", "payloadType", "signatures"})
    signatures = envelope["signatures"]
    # Exactly one: a second, unverified signature would ride along in the bytes that we keep.
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise EnvelopeInvalid("malformed", "an envelope has exactly one signature")
    signature = _fields(signatures[0], {"keyid", "sig"})
    kind, hint = envelope["payloadType"], signature["keyid"]
    if not isinstance(kind, str) or not isinstance(hint, str) or len(hint) > LONGEST_KEY_ID:
        raise EnvelopeInvalid("malformed", "payloadType and keyid are short texts")
    return kind, _bytes(envelope["payload"]), hint, _bytes(signature["sig"])


def _fields(value: Json, names: set[str]) -> dict[str, Json]:
    if not isinstance(value, dict) or value.keys() != names:
        raise EnvelopeInvalid("malformed", f"expected exactly the fields {', '.join(names)}")
    return value


def _bytes(text: Json) -> bytes:
    """Return the bytes of canonical standard base64; other spellings of the same are refused."""
    if not isinstance(text, str):
        raise EnvelopeInvalid("malformed", "payload and sig are base64 texts")
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise EnvelopeInvalid("malformed", "payload or sig is not standard base64") from exc
    if base64.b64encode(raw).decode() != text:
        raise EnvelopeInvalid("malformed", "payload or sig is not canonical base64")
    return raw
