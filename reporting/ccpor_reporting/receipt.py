"""The collector's signed word that it keeps a report: what clears the spool, and makes a witness.

A receipt carries the log's size and root at that moment. Whoever holds one can show later whether
the collector's log still begins with the tree that the receipt names.

    ValueError
    └── ReceiptInvalid   not a receipt for these bytes; `reason` says why
"""

from __future__ import annotations

from typing import Literal

import msgspec

from ccpor_reporting.envelope import (
    RECEIPT_TYPE,
    EnvelopeInvalid,
    PublicKey,
    Signer,
    key_id,
    open_envelope,
    seal,
)
from ccpor_reporting.model import UtcTime

SCHEMA = "ccpor-receipt/1"
Reason = Literal[
    "malformed",
    "unknown-key",
    "bad-signature",
    "wrong-type",
    "not-a-receipt",
    "other-report",
    "other-run",
    "other-machine",
]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """One report, kept. Hashes are lower-case hex."""

    run_id: str
    machine_id: str
    digest: str  # SHA-256 of the report envelope's bytes as received
    log_index: int  # of the report's entry, from 0
    tree_size: int  # entries in the log when the receipt was made; more than log_index
    root: str  # Merkle root over those entries
    received_at: UtcTime  # the collector's clock
    schema: str = SCHEMA


class ReceiptInvalid(ValueError):
    """Not a receipt for these bytes. `reason`: a code of EnvelopeInvalid, or what differs."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def seal_receipt(receipt: Receipt, signer: Signer) -> bytes:
    """Return *receipt* as a signed envelope: the body that the collector answers with."""
    return seal(msgspec.json.encode(receipt), RECEIPT_TYPE, signer)


class _Answer(msgspec.Struct, frozen=True):
    receipt: msgspec.Raw


def receipt_in(answer: bytes) -> bytes:
    """Return the receipt's envelope in the collector's *answer* to a report; nothing is proven.

    The answer is an object that holds it as ``receipt``, or the envelope itself.
    """
    try:
        return bytes(msgspec.json.decode(answer, type=_Answer).receipt)
    except (msgspec.DecodeError, RecursionError):
        return answer


def open_receipt(envelope_bytes: bytes, collector_key: PublicKey) -> Receipt:
    """Return the receipt in *envelope_bytes*, signed by *collector_key*, whatever it is for.

    Raises:
        ReceiptInvalid: Not signed by that key, or not a receipt of a schema we read.
    """
    known = key_id(collector_key)
    try:
        opened = open_envelope(
            envelope_bytes,
            payload_type=RECEIPT_TYPE,
            key=lambda hint: collector_key if hint == known else None,
        )
    except EnvelopeInvalid as exc:
        raise ReceiptInvalid(exc.code, f"receipt: {exc}") from exc
    try:
        receipt = msgspec.json.decode(opened.payload, type=Receipt)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise ReceiptInvalid("not-a-receipt", "signed, but not a receipt that we can read") from exc
    if receipt.schema != SCHEMA or not 0 <= receipt.log_index < receipt.tree_size:
        raise ReceiptInvalid("not-a-receipt", f"signed, but not a whole {SCHEMA}")
    return receipt


def verify_receipt(
    envelope_bytes: bytes,
    collector_key: PublicKey,
    expected_digest: str,
    run_id: str,
    machine_id: str,
) -> Receipt:
    """Return the receipt once it is signed by the collector and is for exactly this report.

    Raises:
        ReceiptInvalid: Forged, malformed, or for another report, run or machine.
    """
    receipt = open_receipt(envelope_bytes, collector_key)
    if receipt.digest != expected_digest:
        raise ReceiptInvalid("other-report", "the receipt is for other bytes than were sent")
    if receipt.run_id != run_id:
        raise ReceiptInvalid("other-run", f"the receipt is for run {receipt.run_id}, not {run_id}")
    if receipt.machine_id != machine_id:
        raise ReceiptInvalid("other-machine", "the receipt is for another machine")
    return receipt
