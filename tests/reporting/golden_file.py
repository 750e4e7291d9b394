"""Comparison with a kept file; ``CCPOR_GOLD=1`` (``make gold``) rewrites the files instead."""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"
REWRITE = os.environ.get("CCPOR_GOLD") == "1"  # read at import: a fixture clears CCPOR_* later


def matches_golden(name: str, text: str) -> bool:
    """Say whether *text* is byte for byte the kept file *name*; on request, keep it first."""
    return matches_file(GOLDEN / name, text)


def matches_file(kept: Path, text: str) -> bool:
    """Say the same of any generated file of the repository."""
    if REWRITE:
        kept.write_bytes(text.encode())
    return kept.exists() and kept.read_bytes() == text.encode()
