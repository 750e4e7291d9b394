"""What comes out of any bytes that a kernel could send."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from ccpor_checks.link.netlink import attributes


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_apart_without_end_or_crash(blob: bytes) -> None:
    """A length of zero must not turn round and round."""
    found: Mapping[int, bytes] = attributes(blob)

    assert sum(map(len, found.values())) <= len(blob)
