"""What the `order` check may be asked, and what it saw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from ccpor_checks.base import Evidence, Options, Refusal
from ccpor_checks.http.evidence import Failure, Stage
from ccpor_reporting.rules import Limit

MOST_KB = 100_000  # beyond it this would be a load test


class OrderOptions(Options, frozen=True, kw_only=True):
    """`[target.order]`: a staged order of synthetic pages."""

    pages: Annotated[
        int, msgspec.Meta(ge=1, le=1000, description="pages of the order, e.g. 12")
    ] = 12
    kb_per_page: Annotated[float, msgspec.Meta(gt=0, le=100_000, description="e.g. 52")] = 52.0
    max_s: Annotated[
        Limit, msgspec.Meta(description="seconds until it has arrived, e.g. [10, 20]")
    ] = (10.0, 20.0)
    readback: Annotated[bool, msgspec.Meta(description="whether to fetch and compare it")] = True

    @property
    def size_bytes(self) -> int:
        return max(1, round(self.pages * self.kb_per_page * 1000))

    def refusals(self) -> Iterator[Refusal]:
        """Yield an order that is larger than any real one."""
        if self.pages * self.kb_per_page > MOST_KB:
            wanted = f"write less, an order may have {MOST_KB // 1000} MB in all"
            yield Refusal(("pages",), wanted, beside="kb_per_page")


class Readback(msgspec.Struct, frozen=True, kw_only=True):
    """What the server showed of the order it had taken.

    by: where it showed; ``location`` is the body fetched from the answer's Location (or, without
        one, from the target's own address), ``body`` the answer itself, ``digest`` a header field,
        ``text`` a hash within the answer's text.
    """

    same: bool
    by: Literal["location", "body", "digest", "text"]
    sha256: str  # hex, of what arrived or as the server says


class OrderEvidence(Evidence, frozen=True, kw_only=True):
    """One upload as far as it came. `failure` None: the answer was read to its end."""

    url: str  # without query
    address: str | None  # None: no connection
    size_bytes: int
    sha256: str  # hex, of what was sent
    sent_bytes: int  # taken by this workstation's network stack, not proven to have arrived
    status: int | None = None  # None: no answer was read
    failure: Failure | None = None
    failed_at: Stage | None = None
    error: str | None = None  # errno or exception class by name
    cut: bool = False  # the connection ended, or time was over, while bytes were still to arrive
    moving: bool = False  # … and bytes still left this workstation: slow rather than stuck
    redirect: str | None = None  # where the answer redirects to, without query
    took_s: float | None = None  # from the start of the connection to the end of the answer
    waited_s: float = 0.0  # how long we were ready to wait
    readback: Readback | None = None  # None: not asked for, or the server showed nothing
    location: str | None = None  # where the server put it, without query
    location_elsewhere: bool = False  # on another server: not asked
    location_status: int | None = None  # None: not asked, or no answer
    deleted_status: int | None = None  # of our DELETE there; None: not sent, or no answer
