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
    "link": "ccpor_checks.link:CHECK",
    "proxy": "ccpor_checks.proxy:CHECK",
    "dns": "ccpor_checks.dns:CHECK",
    "tcp": "ccpor_checks.tcp:CHECK",
    "tls": "ccpor_checks.tls:CHECK",
    "http": "ccpor_checks.http:CHECK",
    "clock": "ccpor_checks.clock:CHECK",
    "path": "ccpor_checks.path:CHECK",
    "ssh": "ccpor_checks.ssh:CHECK",
    "sftp": "ccpor_checks.sftp:CHECK",
    "gateway": "ccpor_checks.gateway:CHECK",
    "order": "ccpor_checks.order:CHECK",
    "capacity": "ccpor_checks.capacity:CHECK",
    "snmp": "ccpor_checks.snmp:CHECK",
    "scanner": "ccpor_checks.scanner:CHECK",
    "workstation": "ccpor_checks.workstation:CHECK",
}

ENTRY_POINT_GROUP = "ccpor_check.checks"


class UnknownCheck(LookupError):
    """No check of that id is built in or installed."""


class BrokenCheck(ImportError):
    """An installed package offers the check, and it cannot be used; the message says why."""


@cache
def load(check_id: str) -> Check[Any, Any]:
    """Return the check *check_id*.

    Raises:
        UnknownCheck: Neither built in nor offered by an installed package.
        BrokenCheck: Offered by a package whose code does not load or is no check of that id.
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
        try:
            check = point.load()
        except Exception as exc:  # other people's code may raise anything
            said = " ".join(f"{type(exc).__name__}: {exc}".split())
            raise BrokenCheck(f"{point.value} does not load ({said})") from exc
        if not isinstance(check, Check) or check.id != check_id:
            raise BrokenCheck(f'{point.value} is not a Check whose id is "{check_id}"')
        if strange := [code for code in check.codes if not code.startswith(f"{check_id}.")]:
            raise BrokenCheck(f'{point.value}: the code {strange[0]} must start with "{check_id}."')
        return check
    raise UnknownCheck(check_id)


def origin(check_id: str) -> str | None:
    """Return the installed package that brings *check_id*, with its version; None: it is ours."""
    if check_id in BUILTIN:
        return None
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINT_GROUP, name=check_id):
        return f"{point.dist.name} {point.dist.version}" if point.dist else "an installed package"
    return None
