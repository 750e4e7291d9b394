"""A machine's request without a body: who asks, for what, and when."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ccpor_reporting.envelope import KeySigner
from ccpor_reporting.request_signature import (
    RequestSignatureInvalid,
    sign_request,
    verify_request,
)

SIGNER = KeySigner(ec.generate_private_key(ec.SECP256R1()))
OTHER = KeySigner(ec.generate_private_key(ec.SECP256R1()))
KEYS = {SIGNER.key_id: SIGNER.public, OTHER.key_id: OTHER.public}
NOW = 1_795_000_000
PATH = "/api/v1/profile"
SIGNED = sign_request("GET", PATH, NOW, "n0nce", SIGNER)


def asked(headers: dict[str, str], method: str = "GET", path: str = PATH, now: int = NOW) -> str:
    return verify_request(method, path, headers, KEYS.get, now)


def refusal(headers: dict[str, str], **request: object) -> str:
    with pytest.raises(RequestSignatureInvalid) as caught:
        asked(headers, **request)  # type: ignore[arg-type]
    return caught.value.code


def altered(old: str, new: str) -> dict[str, str]:
    text = SIGNED["Signature-Input"]
    for name, signer in (("SIGNER", SIGNER), ("OTHER", OTHER)):
        old, new = old.replace(name, signer.key_id), new.replace(name, signer.key_id)
    assert old in text
    return {**SIGNED, "Signature-Input": text.replace(old, new)}


def test_a_signed_request_names_its_key() -> None:
    """The negative control of all below; header names come in any case."""
    assert asked({name.upper(): value for name, value in SIGNED.items()}) == SIGNER.key_id


def test_the_signed_bytes_are_those_of_rfc_9421() -> None:
    """Another implementation must be able to make them: base of section 2.5, r || s of 3.3.4."""
    parameters = SIGNED["Signature-Input"].removeprefix("sig1=")
    base = f'"@method": GET\n"@path": {PATH}\n"@signature-params": {parameters}'
    raw = base64.b64decode(SIGNED["Signature"].removeprefix("sig1=:").removesuffix(":"))
    signature = encode_dss_signature(
        int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    )

    assert parameters == (
        f'("@method" "@path");created={NOW};nonce="n0nce";keyid="{SIGNER.key_id}"'
        ';alg="ecdsa-p256-sha256"'
    )
    SIGNER.public.verify(signature, base.encode(), ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(
    "request_",
    [{"method": "POST"}, {"path": "/api/v1/requests"}, {"path": PATH + "/"}],
    ids=str,
)
def test_a_signature_is_for_one_method_and_path(request_: dict[str, str]) -> None:
    """Caught on the way, it opens no other door."""
    assert refusal(SIGNED, **request_) == "bad-signature"


@pytest.mark.parametrize(
    ("at", "code"), [(301, "too-old"), (-301, "too-new"), (10**6, "too-old")], ids=str
)
def test_a_signature_ages(at: int, code: str) -> None:
    """What was recorded once is worth nothing later."""
    assert refusal(SIGNED, now=NOW + at) == code


@pytest.mark.parametrize("at", [-300, 0, 300])
def test_a_small_difference_of_clocks_is_forgiven(at: int) -> None:
    """Court clocks are not exact."""
    assert asked(SIGNED, now=NOW + at) == SIGNER.key_id


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (f"created={NOW}", f"created={NOW + 1}", "bad-signature"),
        ("n0nce", "other", "bad-signature"),
        ("SIGNER", "OTHER", "bad-signature"),
        ("SIGNER", "f" * 64, "unknown-key"),
        ('"@method" "@path"', '"@method"', "malformed"),
        ('"@method" "@path"', '"@path" "@method"', "malformed"),
        ("ecdsa-p256-sha256", "hmac-sha256", "malformed"),
        (f"created={NOW}", f'created="{NOW}"', "malformed"),
        (';nonce="n0nce"', "", "malformed"),
        (';nonce="n0nce"', ';nonce="n0nce";nonce="n0nce"', "malformed"),
        (';nonce="n0nce"', ';nonce="n0nce";expires=1', "malformed"),
        ("sig1=", "sig2=", "malformed"),
        ("sig1=", "x=y, sig1=", "malformed"),
    ],
)
def test_changed_parameters_do_not_pass(old: str, new: str, code: str) -> None:
    """They are under the signature, and strictly read."""
    assert refusal(altered(old, new)) == code


@pytest.mark.parametrize(
    "signature",
    ["", "sig1=", "sig1=::", "sig1=:AAAA:", "sig1=:" + "A" * 88 + ":", "sig1=:" + "!" * 86 + "==:"],
)
def test_what_is_not_64_bytes_is_malformed(signature: str) -> None:
    """Before any arithmetic."""
    assert refusal({**SIGNED, "Signature": signature}) == "malformed"


def test_zeros_are_no_signature() -> None:
    """r = s = 0 must not verify."""
    zeros = base64.b64encode(bytes(64)).decode()

    assert refusal({**SIGNED, "Signature": f"sig1=:{zeros}:"}) == "bad-signature"


@pytest.mark.parametrize("name", SIGNED)
def test_a_request_without_both_headers_is_unsigned(name: str) -> None:
    """Missing is its own answer: the caller may say how to sign."""
    assert refusal({key: value for key, value in SIGNED.items() if key != name}) == "missing"
