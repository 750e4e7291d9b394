"""A machine's signature on a request without a body, such as GET /profile.

A subset of HTTP Message Signatures: one signature ``sig1`` over ``@method`` and ``@path``, with
created, nonce, keyid and alg. Nothing else is signed, so a server must not act on a query or body
of such a request. `verify_request` proves who and when; refusing a nonce seen before is the
caller's part, who keeps them for *max_skew_s* at least.

Source: RFC 9421 sections 2.2, 2.5 and 3.3.4 (ecdsa-p256-sha256, r || s).

    ValueError
    └── RequestSignatureInvalid   unproven; `code` says why
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from ccpor_reporting.envelope import PublicKey, Signer, verifies

ALGORITHM = "ecdsa-p256-sha256"
COMPONENTS = '("@method" "@path")'
COORDINATE = 32  # bytes of r and of s on P-256
LONGEST_HEADER = 1024
_PARAMETER = re.compile(
    r';(created|nonce|keyid|alg)=(?:"([\x20\x21\x23-\x5b\x5d-\x7e]*)"|(\d{1,12}))'
)

Code = Literal["missing", "malformed", "unknown-key", "bad-signature", "too-old", "too-new"]


class RequestSignatureInvalid(ValueError):
    """The request proves nothing about its sender."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class SignedBy:
    """What the headers of a request claim; unproven until `verify_request` returns."""

    key_id: str
    created: int  # Unix time, seconds
    nonce: str
    parameters: str  # as received: the last line of the signature base
    signature: bytes  # r || s


def sign_request(
    method: str, path: str, created: int, nonce: str, signer: Signer
) -> dict[str, str]:
    """Return the two headers that prove *signer* asks for *path* (as on the wire, no query).

    created: Unix time in whole seconds. nonce: printable ASCII without quote or backslash.
    """
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    parameters = (
        f'{COMPONENTS};created={created};nonce="{nonce}";keyid="{signer.key_id}";alg="{ALGORITHM}"'
    )
    r, s = decode_dss_signature(signer.sign(_base(method, path, parameters)))
    raw = r.to_bytes(COORDINATE, "big") + s.to_bytes(COORDINATE, "big")
    return {
        "Signature-Input": f"sig1={parameters}",
        "Signature": f"sig1=:{base64.b64encode(raw).decode()}:",
    }


def verify_request(
    method: str,
    path: str,
    headers: Mapping[str, str],
    key_lookup: Callable[[str], PublicKey | None],
    now: int,
    *,
    max_skew_s: int = 300,
) -> str:
    """Return the key id of the machine that signed this request.

    Raises:
        RequestSignatureInvalid: No signature, malformed, by nobody enrolled, or not of now.
    """
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    claim = read_signature(headers)
    public = key_lookup(claim.key_id)
    if public is None:
        raise RequestSignatureInvalid("unknown-key", "signed by a key that is not enrolled")
    r = int.from_bytes(claim.signature[:COORDINATE], "big")
    s = int.from_bytes(claim.signature[COORDINATE:], "big")
    base = _base(method, path, claim.parameters)
    if not verifies(public, base, encode_dss_signature(r, s)):
        raise RequestSignatureInvalid("bad-signature", "the signature does not fit this request")
    if claim.created < now - max_skew_s:
        raise RequestSignatureInvalid("too-old", f"signed {now - claim.created} s ago")
    if claim.created > now + max_skew_s:
        raise RequestSignatureInvalid("too-new", f"signed {claim.created - now} s in the future")
    return claim.key_id


def read_signature(headers: Mapping[str, str]) -> SignedBy:
    """Return what *headers* (names in any case) claim; nothing of it is proven.

    Raises:
        RequestSignatureInvalid: "missing" or "malformed".
    """
    lower = {name.lower(): value for name, value in headers.items()}
    given, signature = lower.get("signature-input"), lower.get("signature")
    if given is None or signature is None:
        raise RequestSignatureInvalid("missing", "the request is not signed")
    start = f"sig1={COMPONENTS}"
    if len(given) > LONGEST_HEADER or not given.startswith(start):
        raise RequestSignatureInvalid("malformed", f"Signature-Input must begin with {start}")
    found = _parameters(given.removeprefix(start))
    match = re.fullmatch(r"sig1=:([A-Za-z0-9+/]{86}==):", signature)
    if match is None:
        raise RequestSignatureInvalid("malformed", "Signature must be sig1=: and 64 bytes base64")
    try:
        raw = base64.b64decode(match[1], validate=True)
    except binascii.Error as exc:
        raise RequestSignatureInvalid("malformed", "Signature is not base64") from exc
    if base64.b64encode(raw).decode() != match[1]:
        raise RequestSignatureInvalid("malformed", "Signature is not canonical base64")
    return SignedBy(
        key_id=found["keyid"],
        created=int(found["created"]),
        nonce=found["nonce"],
        parameters=given.removeprefix("sig1="),
        signature=raw,
    )


def _parameters(text: str) -> dict[str, str]:
    """Return the four parameters of a Signature-Input, each exactly once, in any order."""
    found: dict[str, str] = {}
    end = 0
    while match := _PARAMETER.match(text, end):
        name, end = match[1], match.end()
        is_number = match[3] is not None
        if name in found or is_number != (name == "created"):
            raise RequestSignatureInvalid("malformed", f"{name} stands twice or has a wrong type")
        found[name] = match[3] if is_number else match[2]
    if end != len(text) or found.keys() != {"created", "nonce", "keyid", "alg"}:
        raise RequestSignatureInvalid("malformed", "expected created, nonce, keyid and alg, once")
    if found["alg"] != ALGORITHM:  # told, not believed: the key record decides
        raise RequestSignatureInvalid("malformed", f"alg must be {ALGORITHM}")
    return found


def _base(method: str, path: str, parameters: str) -> bytes:
    """Return the signature base (RFC 9421 section 2.5)."""
    return f'"@method": {method}\n"@path": {path}\n"@signature-params": {parameters}'.encode()
