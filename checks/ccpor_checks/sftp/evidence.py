"""What the `sftp` check may be asked, and what it saw."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ccpor_checks.base import Evidence, Options

Ended = Literal["refused", "closed", "timeout", "not-sftp"]
Stage = Literal["start", "directory", "create", "write", "read", "remove"]


class SftpOptions(Options, frozen=True, kw_only=True):
    """``[target.sftp]``; the directory is the URL's path."""

    size_kb: Annotated[
        int, Meta(ge=1, le=1_000_000, description="kB written and read back, e.g. 624")
    ] = 624


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """What the server said no with, and the room it had; None: it does not tell."""

    status: int  # SFTP status code
    free_bytes: int | None = None  # for this user
    free_files: int | None = None
    is_read_only: bool | None = None


class SftpEvidence(Evidence, frozen=True, kw_only=True):
    """One file written, read back and removed, as far as it came.

    ended: what stopped it; None: it went the whole way.
    """

    address: str
    port: int
    directory: str  # as asked for; "." is where the login lands
    is_folder: bool | None = None  # None: not told, or `ended` says why
    file: str | None = None  # the path of our file; None: it did not come to making one
    size_bytes: int
    written_bytes: int = 0  # that the server confirmed
    read_bytes: int = 0
    sha256_written: str | None = None  # None: not written to its end
    sha256_read: str | None = None  # None: not read to its end
    write_ms: float | None = None
    read_ms: float | None = None
    write_mbit_s: float | None = None
    read_mbit_s: float | None = None
    ended: Ended | None = None
    failed_at: Stage | None = None
    refusal: Refusal | None = None
    left_behind: bool | None = None  # True: `file` may still lie there; None: none was made
