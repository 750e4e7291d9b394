"""An envelope proves its bytes, or nothing at all."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ccpor_reporting import envelope as dsse
from ccpor_reporting.envelope import (
    ORDER,
    REPORT_TYPE,
    EnvelopeInvalid,
    KeyInvalid,
    KeySigner,
    key_id,
    open_envelope,
    pae,
    peek_key_id,
    public_key_from_pem,
    public_key_pem,
    seal,
    verifies,
)

MINE = KeySigner(ec.generate_private_key(ec.SECP256R1()))
OTHER = KeySigner(ec.generate_private_key(ec.SECP256R1()))
KEYS = {MINE.key_id: MINE.public, OTHER.key_id: OTHER.public}
PAYLOAD = json.dumps({"run_id": "0", "court_id": "ca-sonoma", "status": "fail", "é": 1}).encode()
SEALED = seal(PAYLOAD, REPORT_TYPE, MINE)


def opened(body: bytes, keys: dict[str, Any] = KEYS) -> bytes:
    return open_envelope(body, payload_type=REPORT_TYPE, key=keys.get).payload


def refusal(body: bytes, keys: dict[str, Any] = KEYS) -> str:
    with pytest.raises(EnvelopeInvalid) as caught:
        opened(body, keys)
    return caught.value.code


def changed(change: Callable[[dict[str, Any]], Any]) -> bytes:
    envelope = json.loads(SEALED)
    change(envelope)
    return json.dumps(envelope).encode()


def test_what_was_sealed_comes_back_byte_for_byte() -> None:
    """The verified bytes are the parsed bytes."""
    result = open_envelope(SEALED, payload_type=REPORT_TYPE, key=KEYS.get)

    assert (result.payload, result.key_id) == (PAYLOAD, MINE.key_id)


def test_pae_is_that_of_the_specification() -> None:
    """The vector of DSSE's protocol.md."""
    assert (
        pae("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_lengths_are_bytes_and_not_characters() -> None:
    """Otherwise a type with an accent and the next field could trade bytes."""
    assert pae("é", "ü".encode()) == b"DSSEv1 2 \xc3\xa9 2 \xc3\xbc"


def test_the_signature_of_the_specification_fits() -> None:
    """The ECDSA vector of DSSE's protocol.md, there as r || s."""
    number = 97358161215184420915383655311931858321456579547487070936769975997791359926199
    raw = base64.b64decode(
        "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="
    )
    signature = encode_dss_signature(
        int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    )
    public = ec.derive_private_key(number, ec.SECP256R1()).public_key()

    assert verifies(public, pae("http://example.com/HelloWorld", b"hello world"), signature)
    assert not verifies(public, pae("http://example.com/HelloWorld", b"hello worlD"), signature)


def test_the_key_id_is_the_digest_of_the_key() -> None:
    """Two programs must name one key alike: SHA-256 of SubjectPublicKeyInfo."""
    number = 97358161215184420915383655311931858321456579547487070936769975997791359926199
    public = ec.derive_private_key(number, ec.SECP256R1()).public_key()

    assert key_id(public) == "f793580060562d6ff075d814ea698c282fcc779b0cde64d79ffc6301df00d14b"


MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "not JSON": b"PK\x03\x04",
    "not UTF-8": SEALED.replace(b"payloadType", b"payload\xffype"),
    "UTF-16": SEALED.decode().encode("utf-16"),
    "a list": b"[]",
    "deep": b"[" * 200_000,
    "a second payload": SEALED[:-1] + b',"payload":"e30="}',
    "a second payload in front": b'{"payload":"e30=",' + SEALED[1:],
    "a field more": changed(lambda e: e.update(note="x")),
    "no payload": changed(lambda e: e.pop("payload")),
    "no type": changed(lambda e: e.pop("payloadType")),
    "no signatures": changed(lambda e: e.pop("signatures")),
    "an empty list of signatures": changed(lambda e: e.update(signatures=[])),
    "one signature twice": changed(lambda e: e["signatures"].append(e["signatures"][0])),
    "signatures as an object": changed(lambda e: e.update(signatures=e["signatures"][0])),
    "a signature as text": changed(lambda e: e.update(signatures=["x"])),
    "a signature with more": changed(lambda e: e["signatures"][0].update(alg="none")),
    "no key id": changed(lambda e: e["signatures"][0].pop("keyid")),
    "a number as key id": changed(lambda e: e["signatures"][0].update(keyid=7)),
    "a huge key id": changed(lambda e: e["signatures"][0].update(keyid="a" * 257)),
    "a number as type": changed(lambda e: e.update(payloadType=1)),
    "a payload that is an object": changed(lambda e: e.update(payload={"a": 1})),
    "padding left out": changed(lambda e: e.update(payload=e["payload"].rstrip("="))),
    "a line break in base64": changed(lambda e: e.update(payload=e["payload"] + "\n")),
    "a blank in base64": changed(lambda e: e.update(payload=" " + e["payload"])),
    "the URL alphabet": changed(lambda e: e.update(payload="-_-_")),
    "spare bits set": changed(lambda e: e.update(payload="YR==")),
    "NaN beside": SEALED[:-1] + b',"x":NaN}',
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_not_exactly_an_envelope_is_malformed(name: str) -> None:
    """Two readers must never see two reports in the same bytes."""
    assert refusal(MALFORMED[name]) == "malformed"


def test_spaces_between_fields_change_nothing() -> None:
    """Negative control for the corpus above: other programs write JSON with blanks."""
    assert opened(changed(lambda e: None)) == PAYLOAD


def test_a_key_that_is_not_enrolled_is_unknown() -> None:
    """A stranger's good signature is a stranger's."""
    assert refusal(SEALED, {}) == "unknown-key"


def test_the_key_id_of_another_court_does_not_fit() -> None:
    """The hint chooses the key, it proves nothing."""
    body = changed(lambda e: e["signatures"][0].update(keyid=OTHER.key_id))

    assert refusal(body) == "bad-signature"


def test_a_receipt_does_not_pass_for_a_report() -> None:
    """The type is signed and asked for."""
    assert refusal(seal(PAYLOAD, dsse.RECEIPT_TYPE, MINE)) == "wrong-type"


def test_a_type_changed_afterwards_does_not_fit() -> None:
    """The type is under the signature."""
    body = seal(PAYLOAD, dsse.PROFILE_TYPE, MINE).replace(
        dsse.PROFILE_TYPE.encode(), REPORT_TYPE.encode()
    )

    assert refusal(body) == "bad-signature"


@pytest.mark.parametrize(
    ("r", "s"),
    [(0, 1), (1, 0), (0, 0), (ORDER, 1), (1, ORDER), (ORDER + 1, 1), (1 << 400, 1)],
)
def test_numbers_outside_the_group_are_no_signature(r: int, s: int) -> None:
    """r = s = 0 passed in a famous implementation."""
    sig = base64.b64encode(encode_dss_signature(r, s)).decode()

    assert refusal(changed(lambda e: e["signatures"][0].update(sig=sig))) == "bad-signature"


def test_a_signature_has_one_encoding() -> None:
    """Trailing bytes and long lengths would make other bytes of the same report."""
    raw = base64.b64decode(json.loads(SEALED)["signatures"][0]["sig"])
    variants = [raw + b"\x00", b"\x30\x81" + raw[1:], raw[:-1], b""]
    refused = [
        refusal(changed(lambda e, v=v: e["signatures"][0].update(sig=base64.b64encode(v).decode())))
        for v in variants
    ]

    assert refused == ["bad-signature"] * 4


@pytest.mark.parametrize("curve", [ec.SECP256K1(), ec.SECP384R1()], ids=lambda c: c.name)
def test_another_curve_verifies_nothing(curve: ec.EllipticCurve) -> None:
    """The algorithm belongs to the key record; a record of another kind is not trusted."""
    signer = KeySigner(ec.generate_private_key(curve))
    body = seal(PAYLOAD, REPORT_TYPE, signer)

    assert refusal(body, {signer.key_id: signer.public}) == "bad-signature"


def test_another_hash_does_not_fit() -> None:
    """SHA-256 only, whatever the signer chose."""
    private = ec.generate_private_key(ec.SECP256R1())

    class Sha384(KeySigner):
        def sign(self, message: bytes) -> bytes:
            return private.sign(message, ec.ECDSA(hashes.SHA384()))

    signer = Sha384(private)

    assert refusal(seal(PAYLOAD, REPORT_TYPE, signer), {signer.key_id: signer.public}) == (
        "bad-signature"
    )


def mutated(seed: int) -> bytes:
    """Return SEALED with one to three changes that a liar or a bad disk makes."""
    chance = random.Random(seed)
    body = bytearray(SEALED)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(body))
        match chance.randrange(5):
            case 0:
                body[at] ^= 1 << chance.randrange(8)
            case 1:
                body[at] = chance.randrange(256)
            case 2:
                del body[at : at + chance.randint(1, 8)]
            case 3:
                body[at:at] = chance.randbytes(chance.randint(1, 8))
            case 4:
                other = chance.randrange(len(body))
                body[at : at + 4], body[other : other + 4] = (
                    body[other : other + 4],
                    body[at : at + 4],
                )
    return bytes(body)


def forged(seed: int) -> bytes:
    """Return SEALED with whole parts exchanged, still a good envelope in form."""
    chance = random.Random(seed)
    envelope = json.loads(SEALED)
    signature = envelope["signatures"][0]
    r, s = decode_dss_signature(base64.b64decode(signature["sig"]))
    match chance.randrange(5):
        case 0:
            payload = bytearray(PAYLOAD)
            payload[chance.randrange(len(payload))] ^= 1 << chance.randrange(8)
            envelope["payload"] = base64.b64encode(payload).decode()
        case 1:
            signature["keyid"] = OTHER.key_id
        case 2:
            envelope["payloadType"] += chance.choice("x /+")
        case 3:
            r, s = chance.choice([(s, r), (r ^ (1 << chance.randrange(250)), s), (r, r), (0, s)])
            signature["sig"] = base64.b64encode(encode_dss_signature(r, s)).decode()
        case 4:
            body = seal(PAYLOAD + b" " * chance.randint(1, 9), REPORT_TYPE, OTHER)
            signature["sig"] = json.loads(body)["signatures"][0]["sig"]
    return json.dumps(envelope).encode()


def test_of_two_thousand_changed_envelopes_none_is_accepted() -> None:
    """A forged report must not reach the checklist; the unchanged one is the negative control."""
    accepted = []
    for seed in range(1000):
        for make in (mutated, forged):
            body = make(seed)
            try:
                payload = opened(body)
            except EnvelopeInvalid:
                continue
            # A blank between fields and a change undone by the next one are no forgery.
            if payload != PAYLOAD or json.loads(body) != json.loads(SEALED):
                accepted.append((make.__name__, seed))

    assert accepted == []
    assert opened(SEALED) == PAYLOAD


def test_peeking_tells_the_claimed_key_and_nothing_more() -> None:
    """For finding a record quickly; malformed bytes have no id."""
    assert peek_key_id(SEALED) == MINE.key_id
    with pytest.raises(EnvelopeInvalid):
        peek_key_id(b"{}")


def test_a_public_key_survives_its_pem() -> None:
    """Enrolment sends it so."""
    assert key_id(public_key_from_pem(public_key_pem(MINE.public))) == MINE.key_id


BAD_KEYS = {
    "nothing": b"",
    "text": b"not a key",
    "a private key's armour": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    **{
        name: public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        for name, public in {
            "P-384": ec.generate_private_key(ec.SECP384R1()).public_key(),
            "Ed25519": ed25519.Ed25519PrivateKey.generate().public_key(),
            "RSA": rsa.generate_private_key(65537, 2048).public_key(),
        }.items()
    },
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_only_p256_keys_are_enrolled(name: str) -> None:
    """One algorithm, so that nothing can be negotiated down."""
    with pytest.raises(KeyInvalid):
        public_key_from_pem(BAD_KEYS[name])
