"""DNS: which addresses does a target's name have for this workstation?

Does:    asks each resolver for each record type by UDP, again once where nothing comes back, by TCP
         where the answer is truncated. Names are absolute: no search domain is added.
Needs:   the `proxy` check to have passed for the same target, where it is planned.
Source:  RFC 1035 (messages, rcodes), RFC 6761 section 6.3 (localhost), RFC 7766 (TCP).
"""

from __future__ import annotations

import ipaddress
import threading

import msgspec

from ccpor_checks.base import CannotObserve, Check, Context, Target
from ccpor_checks.dns.evidence import (
    DnsEvidence,
    DnsOptions,
    Record,
    RecordAnswer,
    ResolverAnswer,
)
from ccpor_checks.dns.rules import RULES, reason_of
from ccpor_checks.dns.system import Machine, Resolver, resolver_from
from ccpor_checks.kit.tunnel import leave_to_proxy

__all__ = ["CHECK", "DnsEvidence", "DnsOptions", "look", "run"]

LOOP_S = 1.0  # for telling a loop of aliases from a resolver that cannot find out


def run(target: Target, options: DnsOptions, ctx: Context) -> DnsEvidence:
    """Return the addresses of *target*'s name.

    Raises:
        CannotObserve: The name cannot be put into a query.
        NotApplicable, TargetFailed: A proxy looks the name up; see `leave_to_proxy`.
    """
    return look(target, options, ctx, Machine())


def look(target: Target, options: DnsOptions, ctx: Context, machine: Machine) -> DnsEvidence:
    """As `run`, on a given *machine*: its hosts file and resolvers count where none are named."""
    leave_to_proxy(target, ctx, "dns")
    name = target.host
    try:
        literal = str(ipaddress.ip_address(name))
    except ValueError:
        pass
    else:
        return DnsEvidence(name=name, source="literal", addresses=(literal,))
    if not options.resolvers and (own := machine.own_answer(name)):
        source, addresses = own
        return DnsEvidence(name=name, source=source, addresses=addresses)
    resolvers = tuple(map(resolver_from, options.resolvers)) or machine.resolvers()
    answers = _ask_all(_askable(name), resolvers, options, ctx)
    ctx.attempts = max((r.attempts for a in answers for r in a.records), default=1)
    return DnsEvidence(name=name, source="resolvers", addresses=_ordered(answers), answers=answers)


def _askable(name: str) -> str:
    """Return *name* as it goes into a query: absolute."""
    from dns import exception
    from dns import name as names

    try:
        return names.from_text(name).to_text()
    except (exception.DNSException, ValueError) as exc:
        raise CannotObserve(
            f'"{name}" cannot be asked for ({type(exc).__name__}); mend the host in the url'
        ) from exc


def _ask_all(
    name: str, resolvers: tuple[Resolver, ...], options: DnsOptions, ctx: Context
) -> tuple[ResolverAnswer, ...]:
    """Ask every resolver for every record at once: the slowest costs its own time only."""
    from ccpor_checks.dns.query import ask, loop

    timeout_s = ctx.remaining(options.timeout_s)
    got: dict[tuple[int, Record], RecordAnswer] = {}

    def one(position: int, record: Record) -> None:
        got[position, record] = ask(
            resolvers[position], name, record, timeout_s=timeout_s, monotonic=ctx.monotonic
        )

    asked = [(position, record) for position in range(len(resolvers)) for record in options.records]
    threads = [threading.Thread(target=one, args=each, daemon=True) for each in asked[1:]]
    for thread in threads:
        thread.start()
    for each in asked[:1]:
        one(*each)
    for thread in threads:
        thread.join()  # each query ends by its own deadline
    answers = []
    for position, resolver in enumerate(resolvers):
        records = tuple(got[position, record] for record in options.records)
        if {record.reason for record in records} == {"servfail"}:
            aliases = loop(resolver, name, timeout_s=ctx.remaining(LOOP_S), monotonic=ctx.monotonic)
            if aliases:
                records = tuple(
                    msgspec.structs.replace(record, reason="no-address", aliases=aliases)
                    for record in records
                )
        answers.append(_answer(resolver, records))
    return tuple(answers)


def _answer(resolver: Resolver, records: tuple[RecordAnswer, ...]) -> ResolverAnswer:
    good = [record for record in records if record.reason is None]
    return ResolverAnswer(
        resolver=resolver.name,
        reason=reason_of(records),
        addresses=tuple(address for record in good for address in record.addresses),
        ms=good[0].ms if good else None,
        records=records,
    )


def _ordered(answers: tuple[ResolverAnswer, ...]) -> tuple[str, ...]:
    """Return all addresses once, IPv4 first: an IPv6 answer without a route must not cost a try."""
    every = dict.fromkeys(address for answer in answers for address in answer.addresses)
    return tuple(sorted(every, key=lambda address: ":" in address))


CHECK: Check[DnsEvidence, DnsOptions] = Check(
    id="dns",
    version=1,
    title="Name resolution",
    does="asks each resolver for the target's A and AAAA records over UDP, and over TCP where the "
    "answer is truncated; writes nothing",
    needs=("proxy",),
    options=DnsOptions,
    evidence=DnsEvidence,
    run=run,
    rules=RULES,
    budget_s=lambda options: options.timeout_s + LOOP_S * max(2, len(options.resolvers)) + 1,
)
