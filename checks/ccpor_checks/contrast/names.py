"""The same name, asked of a name server that the target did not ask."""

from __future__ import annotations

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.contrast.asked import Question
from ccpor_reporting.contrasts import WORKS, Contrast


def look(question: Question, ctx: Context) -> Contrast:
    """Return what the resolver that `what` names says of the host.

    Raises:
        CannotObserve: The name cannot be asked for.
    """
    from dns import exception
    from dns import name as names

    from ccpor_checks.dns.query import ask
    from ccpor_checks.dns.rules import reason_of
    from ccpor_checks.dns.system import resolver_from

    resolver = resolver_from(question.what)
    try:
        name = names.from_text(question.host).to_text()
    except (exception.DNSException, ValueError) as exc:
        raise CannotObserve(f'"{question.host}" cannot be asked for') from exc
    end = ctx.monotonic() + ctx.remaining(question.seconds)
    answers = []
    for position, record in enumerate(question.records):
        left = max(0.05, end - ctx.monotonic())
        share = left / (len(question.records) - position)
        answer = ask(resolver, name, record, timeout_s=share, monotonic=ctx.monotonic)
        answers.append(answer)
        if answer.reason is None:
            break
        if answer.reason in {"timeout", "no-resolver"}:  # another record gets no other answer
            break
    found = answers[-1]
    said = ", ".join(found.addresses) if found.addresses else found.rcode or found.error or ""
    return Contrast(
        kind=question.kind,
        what=question.what,
        outcome=reason_of(tuple(answers)) or WORKS,
        detail=said,
        address=resolver.address,
        port=resolver.port,
        ms=found.ms,
    )
