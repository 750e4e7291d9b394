"""The checks there are, in the order of a run: the one explicit list.

A value is ``module:attribute``; the module is imported when the check is planned, never before, so
that ``--help`` and ``--version`` stay fast. Checks of third parties come by the entry-point group
``ccpor_check.checks`` and are looked up only when a profile names an id that is not listed here.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from ccpor_checks.base import Check

BUILTIN: dict[str, str] = {
    "dns": "ccpor_checks.dns:CHECK",
    "tcp": "ccpor_checks.tcp:CHECK",
    "tls": "ccpor_checks.tls:CHECK",
    "http": "ccpor_checks.http:CHECK",
    "clock": "ccpor_checks.clock:CHECK",
    "workstation": "ccpor_checks.workstation:CHECK",
}

ENTRY_POINT_GROUP = "ccpor_check.checks"

# Named by the profile's format, not looked at by this version: planned as errors, so that a verdict
# never says "ready" about them.
UNAVAILABLE: frozenset[str] = frozenset(
    {
        "link",
        "path",
        "proxy",
        "ssh",
        "sftp",
        "snmp",
        "gateway",
        "order",
        "capacity",
        "scanner",
    }
)


class UnknownCheck(LookupError):
    """No check of that id is built in or installed."""


@cache
def load(check_id: str) -> Check[Any, Any]:
    """Return the check *check_id*.

    Raises:
        UnknownCheck: Neither built in nor offered by an installed package.
    """
    where = BUILTIN.get(check_id)
    if where is None:
        return _installed(check_id)
    module, _, attribute = where.partition(":")
    check: Check[Any, Any] = getattr(import_module(module), attribute)
    return check


def _installed(check_id: str) -> Check[Any, Any]:
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINT_GROUP, name=check_id):
        check = point.load()
        if isinstance(check, Check) and check.id == check_id:
            return check
    raise UnknownCheck(check_id)
