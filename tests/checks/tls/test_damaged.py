"""Damaged bytes from the network: never believed, never a crash."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from ccpor_checks.tls import answers, chain, hello
from tests.checks.tls.conftest import Pki
from tests.peers.certificates import OCSP_SIGNING, crl, leaf, utc_now
from tests.peers.ocsp import Responder

TIMES = 600


def damaged(whole: bytes, dice: random.Random) -> Iterator[bytes]:
    """Yield *whole* with one to three bytes changed, and cut short."""
    for _ in range(TIMES):
        broken = bytearray(whole)
        for _ in range(dice.choice((1, 1, 2, 3))):
            broken[dice.randrange(len(broken))] ^= dice.randrange(1, 256)
        yield bytes(broken)
        yield whole[: dice.randrange(len(whole))]


def test_a_damaged_certificate_is_read_or_counted(pki: Pki) -> None:
    """A broken certificate at one target must not end the check of it as our own bug."""
    whole = leaf(pki.intermediate, ocsp="http://o.test/", crl="http://c.test/")
    der = whole.certificate.public_bytes(Encoding.DER)
    readable = 0
    for broken in damaged(der, random.Random(1)):
        found, unreadable = chain.read([broken])
        assert len(found) + unreadable == 1
        for certificate in found:
            readable += 1
            chain.described(certificate, host="localhost", is_served=True)
            assert not chain.vouches(pki.intermediate.certificate, certificate)

    assert readable > 50  # else the damage was too great to try anything


def test_random_bytes_are_no_server_hello() -> None:
    """The bare hello is answered by whatever listens there."""
    dice = random.Random(2)
    for _ in range(TIMES * 4):
        noise = dice.randbytes(dice.randrange(150))
        for received in (
            noise,
            b"\x16\x03\x01" + noise,
            b"\x16\x03\x01\x00\x60\x02\x00\x00" + noise,
        ):
            assert hello.read_answer(received) is None


def test_a_damaged_answer_never_clears_a_certificate(pki: Pki) -> None:
    """Whoever can flip a byte on the way must not be able to hide a revocation."""
    end = leaf(pki.intermediate)
    responder = Responder(delegated=True)
    responder.knows(end)
    responder.signer = leaf(pki.intermediate, common_name="OCSP", names=(), usage=OCSP_SIGNING)
    pair = (end.certificate, pki.intermediate.certificate)
    asked = ocsp.OCSPRequestBuilder().add_certificate(*pair, hashes.SHA256()).build()
    answer = responder.reply(asked.public_bytes(Encoding.DER))
    revoked = crl(pki.intermediate, [end])

    assert answers.read_ocsp(answer, "url", *pair, utc_now()).revoked_at is None
    assert answers.read_crl(revoked, "url", *pair, utc_now()).revoked_at is not None
    for broken in damaged(answer, random.Random(3)):
        with pytest.raises(answers.Doubt):
            answers.read_ocsp(broken, "url", *pair, utc_now())
    for broken in damaged(revoked, random.Random(4)):
        with pytest.raises(answers.Doubt):
            answers.read_crl(broken, "url", *pair, utc_now())
