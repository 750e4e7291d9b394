"""The two ways to put a line to the test, in one direction each.

`planned` offers what the court needs, and a little more; `saturated` all that the line takes.
"""

from __future__ import annotations

from ccpor_checks.capacity.planned import planned
from ccpor_checks.capacity.saturated import saturated

__all__ = ["planned", "saturated"]
