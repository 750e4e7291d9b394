"""Only a receipt for exactly these bytes, signed by our collector, ends a report's wait."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from ccpor_reporting.envelope import RECEIPT_TYPE, REPORT_TYPE, KeySigner, seal
from ccpor_reporting.receipt import (
    Receipt,
    ReceiptInvalid,
    receipt_in,
    seal_receipt,
    verify_receipt,
)

COLLECTOR = KeySigner(generate_private_key(SECP256R1()))
STRANGER = KeySigner(generate_private_key(SECP256R1()))
RECEIPT = Receipt(
    run_id="r1",
    machine_id="m1",
    digest="ab" * 32,
    log_index=4,
    tree_size=5,
    root="cd" * 32,
    received_at=datetime(2026, 11, 23, 15, 0, tzinfo=UTC),
)
SEALED = seal_receipt(RECEIPT, COLLECTOR)


def refusal(body: bytes) -> str:
    with pytest.raises(ReceiptInvalid) as caught:
        verify_receipt(body, COLLECTOR.public, RECEIPT.digest, "r1", "m1")
    return caught.value.reason


def with_(**changes: Any) -> bytes:
    return seal_receipt(msgspec.structs.replace(RECEIPT, **changes), COLLECTOR)


def test_a_receipt_for_this_report_is_accepted() -> None:
    """The negative control of all below."""
    assert verify_receipt(SEALED, COLLECTOR.public, RECEIPT.digest, "r1", "m1") == RECEIPT


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "malformed"),
        (b"<html>Please sign in</html>", "malformed"),
        (b'{"digest":"' + b"ab" * 32 + b'"}', "malformed"),
        (seal_receipt(RECEIPT, STRANGER), "unknown-key"),
        (
            seal_receipt(RECEIPT, STRANGER).replace(
                STRANGER.key_id.encode(), COLLECTOR.key_id.encode()
            ),
            "bad-signature",
        ),
        (seal(msgspec.json.encode(RECEIPT), REPORT_TYPE, COLLECTOR), "wrong-type"),
        (seal(b"{}", RECEIPT_TYPE, COLLECTOR), "not-a-receipt"),
        (with_(schema="ccpor-receipt/2"), "not-a-receipt"),
        (with_(log_index=5), "not-a-receipt"),
        (with_(log_index=-1), "not-a-receipt"),
        (with_(digest="00" * 32), "other-report"),
        (with_(run_id="r2"), "other-run"),
        (with_(machine_id="m2"), "other-machine"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_anything_else_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    """A page that is not a valid receipt is never success."""
    assert refusal(body) == reason


def test_a_receipt_is_found_in_the_answer_and_bare() -> None:
    """The collector's answer shows its facts in the clear beside the receipt."""
    assert receipt_in(b'{"run_id":"r1","receipt":' + SEALED + b"}") == SEALED
    assert receipt_in(SEALED) == SEALED


def test_words_beside_the_receipt_prove_nothing() -> None:
    """Only the signed part counts, whatever the answer says around it."""
    answer = b'{"run_id":"r1","digest":"' + RECEIPT.digest.encode() + b'","receipt":{}}'

    assert refusal(receipt_in(answer)) == "malformed"
