"""The table of `make faults` is a promise: every fault by its name, nothing on the healthy twins."""

from __future__ import annotations

from pathlib import Path

from tests.faults.__main__ import Outcome, outcomes


def test_every_fault_is_named_and_healthy_twins_only_pass(tmp_path: Path) -> None:
    """A checker that misses a fault sleeps; one that invents a fault cries wolf."""
    found = outcomes(tmp_path)

    assert [one for one in found if not one.right] == []
    assert sum(one.wanted is not None for one in found) >= 30
    assert sum(one.wanted is None for one in found) >= 8


def test_a_wrong_name_would_be_seen() -> None:
    """Negative control of the comparison itself."""
    named = ("tls.validity/expired",)

    assert Outcome("a", "tls.validity/expired", named, ()).right
    assert not Outcome("a", "tls.name/name-mismatch", named, ()).right
    assert not Outcome("a", None, named, ()).right
    assert not Outcome("a", None, (), ("tls.trust",)).right
    assert not Outcome("a", "tls.validity/expired", (*named, "tls.trust/revoked"), ()).right
