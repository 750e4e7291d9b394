"""The order of Debian's package versions.

Source: Debian Policy 5.6.12, deb-version(7).
"""

from __future__ import annotations

import re
from functools import total_ordering

END = ((0,), 0)
PARTS = re.compile(r"([^0-9]*)([0-9]*)")


@total_ordering
class DebianVersion:
    """One version; two compare as ``dpkg --compare-versions`` compares them."""

    __slots__ = ("_key", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        epoch, colon, rest = text.strip().partition(":")
        if not colon:
            epoch, rest = "0", text.strip()
        upstream, hyphen, revision = rest.rpartition("-")
        if not hyphen:
            upstream, revision = rest, ""
        number = int(epoch) if epoch.isdecimal() else 0
        self._key = (number, _key(upstream), _key(revision))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DebianVersion) and self._key == other._key

    def __lt__(self, other: DebianVersion) -> bool:
        return self._key < other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def upstream(self) -> str:
        """The maker's own version, without epoch and revision: ``43.1`` of ``1:43.1-2+deb12u1``."""
        text = self.text.strip()
        rest = text.partition(":")[2] or text
        return rest.rpartition("-")[0] or rest


def _key(text: str) -> tuple[tuple[tuple[int, ...], int], ...]:
    """Return non-digits and numbers in turn; the end of a part stands after ~ and before all."""
    found: list[tuple[tuple[int, ...], int]] = []
    for letters, digits in PARTS.findall(text):
        if letters or digits:
            found.append(((*map(_order, letters), 0), int(digits or "0")))
    while found and found[-1] == END:
        found.pop()
    return (*found, END, END)  # two: a first part "0" is like the end, and "0~" stands before it


def _order(letter: str) -> int:
    """Letters before everything else, a tilde before even the end (which is 0)."""
    if letter == "~":
        return -1
    return ord(letter) if letter.isalpha() and letter.isascii() else ord(letter) + 256
