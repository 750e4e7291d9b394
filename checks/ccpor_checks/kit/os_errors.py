"""The operating system's error numbers by one name on every system."""

from __future__ import annotations

import errno


def error_name(number: int | None) -> str | None:
    """Return *number*'s name as POSIX has it, e.g. ``ECONNREFUSED``; the number where it has none.

    Windows calls its own ``WSAECONNREFUSED``: the same event must read the same in every report.
    """
    if number is None:
        return None
    return errno.errorcode.get(number, str(number)).removeprefix("WSA")
