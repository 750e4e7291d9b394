"""Requests with a body of one's own, over the wire of the http check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ccpor_checks.http.exchange import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting(Request):
    """A request whose `upload_bytes` bytes of body are what `content` yields."""

    content: Callable[[], Iterator[bytes]]

    def parts(self) -> Iterator[bytes]:
        return self.content()
