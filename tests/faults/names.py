"""Faulty DNS names: some on a real BIND, the rest on a server that chooses its fault by the name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class NameCase:
    """One name, the resolvers to ask, and what it must be called; no fault: a healthy twin."""

    id: str
    host: str
    resolvers: Sequence[str]
    fault: str | None
    options: Sequence[str] = ()


def cases(*, bind: str, faulty: str, silent_over_tcp: str, nobody: str) -> list[NameCase]:
    """Return all cases; each argument is a resolver as ``address:port``."""

    def on(resolver: str, name: str, host: str, fault: str | None, *options: str) -> NameCase:
        return NameCase(id=name, host=host, resolvers=[resolver], fault=fault, options=options)

    return [
        on(bind, "no-such-name", "nobody.ok.test", "dns.answer/nxdomain"),
        on(bind, "no-record", "text.ok.test", "dns.answer/no-address"),
        on(bind, "alias-loop", "loop1.ok.test", "dns.answer/no-address"),
        on(bind, "broken-zone", "www.broken.test", "dns.answer/servfail"),
        on(bind, "not-our-zone", "www.elsewhere.test", "dns.answer/refused"),
        on(bind, "other-address", "www.ok.test", "dns.address/unexpected-address",
           'expected = ["192.0.2.0/24"]'),
        on(faulty, "silence", "drop.fault.test", "dns.answer/timeout"),
        on(faulty, "garbage", "garbage.fault.test", "dns.answer/timeout"),
        on(faulty, "wrong-id", "badid.fault.test", "dns.answer/timeout"),
        on(silent_over_tcp, "cut-short", "trunc.fault.test", "dns.answer/timeout"),
        on(faulty, "slow-name", "slow700.fault.test", "dns.latency/slow"),
        on(nobody, "nobody-listens", "www.ok.test", "dns.answer/no-resolver"),
        NameCase(id="one-dead-of-two", host="www.ok.test", resolvers=[bind, nobody],
                 fault="dns.answer/no-resolver"),
        NameCase(id="disagree", host="www.ok.test", resolvers=[bind, faulty],
                 fault="dns.agreement/resolvers-disagree", options=('records = ["A"]',)),
        on(bind, "healthy-name", "www.ok.test", None, 'expected = ["127.0.0.0/8", "::1"]'),
        on(bind, "healthy-alias", "far.ok.test", None),
        on(bind, "healthy-six", "six.ok.test", None),
        on(faulty, "healthy-long", "trunc.fault.test", None),
    ]  # fmt: skip
