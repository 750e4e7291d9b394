"""Which comparisons explain which failure of one target; pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from ccpor_agent.contrasts.facts import Facts
from ccpor_agent.profile.url import Url, UrlInvalid, is_address, read_url
from ccpor_checks.base import Target
from ccpor_checks.contrast import Protocol, Question
from ccpor_checks.contrast.segments import WHAT as SMALL
from ccpor_checks.dns.system import Resolver, resolver_from
from ccpor_reporting.contrasts import WORKS, Contrast
from ccpor_reporting.model import Finding

CONNECT_S = 2.0
RESOLVER_S = 1.5
WALK_S = 2.4
REPEAT_S = 3.0
COLLECTOR_S = 5.5
PROXY_S = 3.0
MOST_RESOLVERS = 3
MOST_EXPECTED = 2
TCP_SCHEMES = frozenset({"tcp", "tls", "http", "https", "ssh", "sftp", "capacity", "escl"})
WEB = frozenset({"http", "https"})
WALKED = frozenset({"dropped", "host-unreachable", "prohibited", "reset"})
HALF_OPEN = frozenset({"timeout", "closed", "reset"})
REPEATED = {  # fault -> the check whose exchange is made again
    **{f"tls.handshake/{reason}": "tls" for reason in HALF_OPEN},
    "http.answer/timeout": "http",
    "http.upload/cut": "http",
    "ssh.session/timeout": "ssh",
    "ssh.session/closed": "ssh",
    "order.upload/failed": "order",
}
# Faults whose target's `contrast` URLs say more: something there answered too little or nothing.
COMPARED = ("tcp.reach/", "tls.handshake/", "http.answer/", "ssh.session/", "clock.server/timeout")
FROM_THE_OTHER_SIDE = {"tcp.reach": "tcp", "tls": "tls", "http": "http"}  # up to which check

Asked = Question | Contrast


class Questions:
    """Makes the questions about one failure after another; known answers come as contrasts."""

    def __init__(
        self, facts: Facts, resolvers: tuple[Resolver, ...], *, asks_collector: bool
    ) -> None:
        """*resolvers*: this workstation's own."""
        self._facts, self._own = facts, resolvers
        self._asks_collector = asks_collector

    def about(self, target: Target, finding: Finding) -> Iterator[Asked]:
        """Yield what *target* is compared with because of *finding*, the most telling first."""
        fault = str(finding.fault)
        yield from self._walks(target, finding)
        if self._asks_collector:
            yield from _other_side(target, finding)
        if fault in REPEATED and self._facts.proxy(target) is None:
            yield self._small(target, REPEATED[fault])
        if finding.code == "tcp.reach":
            yield from self._other_family(target)
            if target.scheme in WEB and "proxy" not in target.options:
                yield Question(
                    kind="through-proxy", what=target.url, target=target, seconds=PROXY_S
                )
        if finding.code == "dns.answer":
            yield from self._by_address(target)
            yield from self._other_resolvers(target)
        if finding.code.startswith("proxy.") or self._is_spoilt_by_proxy(target, finding):
            yield from self._direct(target)
        if fault.startswith(COMPARED):
            for url in target.contrast:
                yield from self._contrast(url)

    def _walks(self, target: Target, finding: Finding) -> Iterator[Question]:
        """Yield a walk by the packets that got no answer, and one by echoes, which may get one."""
        silent = self._silent(target, finding)
        if silent is None:
            return
        protocol, host, port = silent
        known = self._facts.addresses_of(host)
        if any(ipaddress.ip_address(each).is_loopback for each in known):
            return  # there is no way to walk
        if not self._facts.walked(target, protocol, host, port):
            yield _walk(protocol, host, port, known)
        yield _walk("icmp", host, None, known)

    def _silent(self, target: Target, finding: Finding) -> tuple[Protocol, str, int | None] | None:
        """Return protocol, host and port of what gave no answer; None: something answered."""
        fault, facts = str(finding.fault), self._facts
        address = next(iter(facts.addresses(target)), None)
        if finding.code == "tcp.reach" and finding.reason in WALKED and address:
            return "tcp", address, target.port
        if fault == "clock.server/timeout" and address:
            return "udp", address, target.port
        if fault == "dns.answer/timeout":
            for name in facts.silent_resolvers(target)[:1]:
                resolver = resolver_from(name)
                return "udp", resolver.address, resolver.port
        if fault == "proxy.reach/dropped" and (proxy := _proxy_of(target, facts)):
            return "tcp", proxy.host, proxy.port
        return None

    def _small(self, target: Target, check: str) -> Question:
        reached = self._facts.reached(target)
        return Question(
            kind="small-segments",
            what=SMALL,
            host=target.host,
            addresses=(reached,) if reached else self._facts.named_addresses(target),
            port=target.port,
            target=target,
            check=check,
            seconds=REPEAT_S,
        )

    def _other_family(self, target: Target) -> Iterator[Asked]:
        """Yield the first address of the version of IP that the tcp check left out, or saw work."""
        tried = dict(self._facts.tries(target))
        failed = self._facts.addresses(target)
        if not failed:
            return
        version = _version(failed[0])
        for address in self._facts.named_addresses(target):
            if _version(address) == version:
                continue
            what = _tcp_url(address, target.port)
            if address in tried:
                outcome = tried[address] or WORKS
                detail = "seen by the tcp check"
                yield Contrast(
                    kind="other-family",
                    what=what,
                    outcome=outcome,
                    detail=detail,
                    address=address,
                    port=target.port,
                )
            else:
                yield _connection("other-family", what, address, (address,), port=target.port)
            return

    def _by_address(self, target: Target) -> Iterator[Question]:
        expected = getattr(target.options.get("dns"), "expected", ())
        single = [text for text in expected if is_address(text)][:MOST_EXPECTED]
        for address in single:
            if target.scheme in TCP_SCHEMES and target.port:
                what = _tcp_url(address, target.port)
                yield _connection("by-address", what, address, (address,), port=target.port)
            elif target.scheme == "ntp":
                what = f"ntp://{_bracketed(address)}"
                yield _connection(
                    "by-address", what, address, (address,), port=target.port, protocol="ntp"
                )

    def _other_resolvers(self, target: Target) -> Iterator[Question]:
        """Yield this workstation's own resolvers and the profile's others, but those just asked."""
        options = target.options.get("dns")
        named: tuple[str, ...] = getattr(options, "resolvers", ())
        others = [each.name for each in self._own] if named else []
        for each in self._facts.targets:
            others += getattr(each.options.get("dns"), "resolvers", ())
        asked = {_place(name) for name in (*named, *self._facts.resolvers_asked(target))}
        places = {_place(name): name for name in dict.fromkeys(others)}
        left = [name for place, name in places.items() if place not in asked]
        for name in left[:MOST_RESOLVERS]:
            yield Question(
                kind="other-resolver",
                what=name,
                host=target.host,
                records=getattr(options, "records", ("A", "AAAA")),
                seconds=RESOLVER_S,
            )

    def _is_spoilt_by_proxy(self, target: Target, finding: Finding) -> bool:
        half_way = finding.code in {"tls.handshake", "http.answer"} and finding.reason in HALF_OPEN
        return half_way and self._facts.proxy(target) is not None

    def _direct(self, target: Target) -> Iterator[Asked]:
        """Yield the connection past the proxy, as far as the proxy check has not made it."""
        if not target.port or target.scheme not in TCP_SCHEMES:
            return
        what = _tcp_url(target.host, target.port)
        seen = self._facts.evidence(target, "proxy")
        if isinstance(outcome := seen.get("direct"), str):
            yield Contrast(
                kind="direct",
                what=what,
                outcome=outcome,
                detail="seen by the proxy check",
                address=seen.get("direct_address"),
                port=target.port,
            )
        else:
            known = self._facts.named_addresses(target)
            yield _connection("direct", what, target.host, known, port=target.port)

    def _contrast(self, text: str) -> Iterator[Asked]:
        """Yield the look at one of the profile's `contrast` URLs, or what this run saw of it."""
        try:
            url = read_url(text)
        except UrlInvalid:  # the profile's reader has refused it already
            return
        known = self._facts.addresses_of(url.host)
        if url.scheme in TCP_SCHEMES:
            if seen := self._facts.outcome(url.host, url.port):
                target, reason = seen
                yield Contrast(
                    kind="tcp",
                    what=text,
                    outcome=reason or WORKS,
                    detail=f"seen in this run at {target.id}",
                    address=self._facts.reached(target) or next(iter(known), None),
                    port=url.port,
                )
            else:
                yield _connection("tcp", text, url.host, known, port=url.port)
        elif url.scheme in {"icmp", "ntp"}:
            protocol: Any = url.scheme
            yield _connection("tcp", text, url.host, known, port=url.port, protocol=protocol)


def _other_side(target: Target, finding: Finding) -> Iterator[Question]:
    for code, check in FROM_THE_OTHER_SIDE.items():
        if finding.code.startswith(code):
            what = f"{check} of {target.id}, from the collector"
            yield Question(
                kind="other-side", what=what, target=target, check=check, seconds=COLLECTOR_S
            )


def _walk(protocol: Protocol, host: str, port: int | None, known: tuple[str, ...] = ()) -> Question:
    to = f"{_bracketed(host)}:{port}" if port else host
    return Question(
        kind="walk",
        what=f"a walk by {protocol} to {to}",
        host=host,
        addresses=known or ((host,) if is_address(host) else ()),
        port=port,
        protocol=protocol,
        seconds=WALK_S,
    )


def _connection(
    kind: Any,
    what: str,
    host: str,
    addresses: tuple[str, ...],
    *,
    port: int | None,
    protocol: Protocol = "tcp",
) -> Question:
    return Question(
        kind=kind,
        what=what,
        host=host,
        addresses=addresses,
        port=port,
        protocol=protocol,
        seconds=CONNECT_S,
    )


def _proxy_of(target: Target, facts: Facts) -> Url | None:
    """Return the proxy in effect, or the one that the profile names."""
    text = facts.proxy(target) or getattr(target.options.get("proxy"), "url", None)
    try:
        return read_url(text) if text else None
    except UrlInvalid:
        return None


def _tcp_url(host: str, port: int | None) -> str:
    return f"tcp://{_bracketed(host)}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _version(address: str) -> int:
    return ipaddress.ip_address(address).version


def _place(resolver: str) -> tuple[str, int]:
    found = resolver_from(resolver)
    return found.address, found.port
