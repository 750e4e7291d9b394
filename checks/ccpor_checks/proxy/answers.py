"""What a proxy's answer means: our permission, or how the target looked from where it stands.

Source: RFC 9209 section 2.3 (error types); Squid's ``X-Squid-Error``: a name and, for connections,
the errno of the proxy's own system.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ccpor_checks.kit.tunnel import AUTHENTICATION_REQUIRED, Reply

FORBIDDEN, NOT_IMPLEMENTED, GATEWAY_TIMEOUT = 403, 501, 504
REACH, ANSWER = "tcp.reach", "dns.answer"


class Unreached(NamedTuple):
    """The target's fault, as the proxy tells it."""

    code: str
    reason: str
    words: str


# Errno of the systems that proxies run on: Linux, then the BSDs and their kin.
SQUID_ERRNO = {
    **dict.fromkeys((111, 61), Unreached(REACH, "refused", "is refused by it")),
    **dict.fromkeys((110, 60), Unreached(REACH, "dropped", "gets no answer from it")),
    **dict.fromkeys((113, 65), Unreached(REACH, "host-unreachable", "cannot reach its host")),
    **dict.fromkeys((101, 51), Unreached(REACH, "network-unreachable", "has no route to it")),
    **dict.fromkeys((104, 54), Unreached(REACH, "reset", "is cut off by it")),
}
SQUID_ERRORS = {
    "ERR_DNS_FAIL": Unreached(ANSWER, "servfail", "does not find its name"),
    "ERR_CANNOT_FORWARD": Unreached(
        REACH, "host-unreachable", "finds no way to it: no address for its name, or no route"
    ),
    "ERR_CONNECT_FAIL": Unreached(REACH, "host-unreachable", "cannot connect to it"),
    "ERR_READ_TIMEOUT": Unreached(REACH, "dropped", "gets no answer from it"),
    "ERR_LIFETIME_EXP": Unreached(REACH, "dropped", "gets no answer from it"),
}
SQUID_DENIALS = frozenset({"ERR_ACCESS_DENIED", "ERR_CACHE_ACCESS_DENIED", "ERR_TOO_BIG"})
STATUS_ERRORS = {
    "dns_timeout": Unreached(ANSWER, "timeout", "gets no answer from its name server"),
    "dns_error": Unreached(ANSWER, "servfail", "does not find its name"),
    "destination_not_found": Unreached(REACH, "host-unreachable", "finds no way to it"),
    "destination_unavailable": Unreached(REACH, "host-unreachable", "finds it unavailable"),
    "destination_ip_unroutable": Unreached(REACH, "network-unreachable", "has no route to it"),
    "connection_refused": Unreached(REACH, "refused", "is refused by it"),
    "connection_terminated": Unreached(REACH, "reset", "is cut off by it"),
    "connection_timeout": Unreached(REACH, "dropped", "gets no answer from it"),
    "connection_read_timeout": Unreached(REACH, "dropped", "gets no answer from it"),
}
STATUS_DENIALS = frozenset({"destination_ip_prohibited", "http_request_denied"})
RCODES = {"NXDOMAIN": "nxdomain", "SERVFAIL": "servfail", "REFUSED": "refused"}
ERROR_TYPE = re.compile(r";\s*error\s*=\s*([a-z_]+)")
RCODE = re.compile(r';\s*rcode\s*=\s*"([A-Z]+)"')


def sign(reply: Reply) -> str | None:
    """Return what the proxy says of its own error, printable and short; None: nothing."""
    text = reply.value("x-squid-error") or reply.value("proxy-status")
    return "".join(filter(str.isprintable, text))[:200] if text else None


def is_denial(reply: Reply, method: str) -> bool:
    """Say whether *reply* is the proxy's own "no".

    To CONNECT nobody but the proxy answers: anything that is neither a way through, nor a wish for
    a password, nor a word about the target is a no. To HEAD the target may have answered.
    """
    if reply.is_open or reply.status == AUTHENTICATION_REQUIRED:
        return False
    squid, status = _squid(reply)[0], _status_error(reply)
    if squid in SQUID_DENIALS or status in STATUS_DENIALS:
        return True
    if method != "CONNECT":
        return False
    return reply.status < 500 or reply.status == NOT_IMPLEMENTED


def unreached(reply: Reply, method: str) -> Unreached | None:
    """Return what *reply* says went wrong between proxy and target; None: nothing of that kind."""
    if reply.status < 500 or reply.status == NOT_IMPLEMENTED or is_denial(reply, method):
        return None
    error, number = _squid(reply)
    if error in SQUID_ERRORS:
        return SQUID_ERRNO.get(number or 0, SQUID_ERRORS[error])
    status = _status_error(reply)
    if status in STATUS_ERRORS:
        found = STATUS_ERRORS[status]
        rcode = RCODE.search(reply.value("proxy-status") or "")
        return found._replace(reason=RCODES.get(rcode[1], found.reason)) if rcode else found
    if method != "CONNECT":
        return None  # a web server may say 503 of itself
    if reply.status == GATEWAY_TIMEOUT:
        return Unreached(REACH, "dropped", "gets no answer from it")
    return Unreached(REACH, "host-unreachable", f"does not reach it (answer {reply.status})")


def _squid(reply: Reply) -> tuple[str, int | None]:
    name, _, number = (reply.value("x-squid-error") or "").partition(" ")
    return name, int(number) if number.isascii() and number.isdecimal() else None


def _status_error(reply: Reply) -> str:
    found = ERROR_TYPE.findall(reply.value("proxy-status") or "")
    return found[-1] if found else ""
