"""The corpus of bad profiles; ``python -m tests.agent.bad_profiles`` rewrites their messages.

Add NAME.toml with one mistake, rewrite, and review the difference of the .txt files.
"""

from __future__ import annotations

import os
from pathlib import Path

from ccpor_agent.profile import ProfileInvalid, read_profile

BAD = Path(__file__).parent.parent / "profiles" / "bad"


def message(name: str) -> str:
    """Return what is said of the profile *name*; the current folder must be the corpus."""
    try:
        read_profile(Path(f"{name}.toml"))
    except ProfileInvalid as exc:
        return str(exc)
    raise AssertionError(f"{name}.toml was read without a fault")


def rewrite() -> None:
    os.chdir(BAD)
    for path in sorted(Path().glob("*.toml")):
        Path(f"{path.stem}.txt").write_text(message(path.stem) + "\n", encoding="utf-8")


if __name__ == "__main__":
    rewrite()
