"""One spooled report as a file: self-contained, already signed, and it tells when it has rotted.

The file is JSON: ``{"sha256":"…","item":{…}}`` where the digest is over the exact bytes of the
item. Any other byte anywhere in the file, one flipped bit included, makes it rotten.
"""

from __future__ import annotations

import enum
import re
from hashlib import sha256
from pathlib import Path

import msgspec

from ccpor_reporting.model import UtcTime

SCHEMA = "ccpor-spool-item/1"
FILE_NAME = re.compile(r"(\d{10})-([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})\.json")
RUN_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
HEAD, MIDDLE, TAIL = b'{"sha256":"', b'","item":', b"}\n"
BODY_AT = len(HEAD) + 64 + len(MIDDLE)


class Place(enum.StrEnum):
    """Where an item lies; the value is the folder under the spool."""

    WAITING = ""
    ACKNOWLEDGED = "acknowledged"
    PARKED = "parked"
    QUARANTINE = "quarantine"


class ItemRotten(ValueError):
    """The file is not what was written."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One report on its way. `envelope` are the exact bytes to send (a DSSE envelope is ASCII)."""

    run_id: str
    sequence: int  # order of saving on this workstation: clocks may jump
    saved_at: UtcTime
    profile: str  # which profile was asked; the newest full report of each is never dropped
    full: bool  # nothing was excluded, and the run was not interrupted
    digest: str  # SHA-256 of the envelope's bytes, hex
    envelope: str
    receipt: str | None = None  # acknowledged: the collector's signed receipt, an envelope
    log_index: int | None = None  # acknowledged: the report's place in the collector's log
    parked: str | None = None  # parked: why, for a person
    schema: str = SCHEMA

    @property
    def file_name(self) -> str:
        return f"{self.sequence:010d}-{self.run_id}.json"

    @property
    def envelope_bytes(self) -> bytes:
        return self.envelope.encode()


def written(item: Item) -> bytes:
    """Return the bytes of *item*'s file."""
    body = msgspec.json.encode(item)
    return b"%b%b%b%b%b" % (HEAD, sha256(body).hexdigest().encode(), MIDDLE, body, TAIL)


def read(path: Path) -> Item:
    """Return the item in the file *path*.

    Raises:
        ItemRotten: One byte or more is not as it was written.
        OSError: The file cannot be read.
    """
    content = path.read_bytes()
    body = content[BODY_AT : -len(TAIL)]
    digest = sha256(body).hexdigest().encode()
    if content != b"%b%b%b%b%b" % (HEAD, digest, MIDDLE, body, TAIL):
        raise ItemRotten(f"{path.name}: the digest does not fit the bytes")
    try:
        item = msgspec.json.decode(body, type=Item)
    except msgspec.DecodeError as exc:
        raise ItemRotten(f"{path.name}: not a spool item of this program") from exc
    if item.schema != SCHEMA or item.file_name != path.name:
        raise ItemRotten(f"{path.name}: holds another item than its name says")
    if sha256(item.envelope_bytes).hexdigest() != item.digest:
        raise ItemRotten(f"{path.name}: the digest does not fit the envelope")
    return item
