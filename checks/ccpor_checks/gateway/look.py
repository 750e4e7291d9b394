"""The look: test messages one after the other, until all are sent, some failed, or time is over."""

from __future__ import annotations

import json

from ccpor_checks.base import Context, Target
from ccpor_checks.gateway.evidence import Echo, GatewayEvidence, GatewayOptions
from ccpor_checks.gateway.rules import LEAST_SAMPLES, came_back
from ccpor_checks.http.body import text_of
from ccpor_checks.http.browsing import shown, url_of
from ccpor_checks.http.exchange import Exchange
from ccpor_checks.http.line import Broken, Line
from ccpor_checks.http.posting import Posting
from ccpor_checks.kit.quantile import nearest_rank

MOST_FAILURES = 3  # then it is no accident, and more would only wait
LONGEST_S = 170.0  # no message starts later; twenty that are just quick enough take 160


def most_s(options: GatewayOptions) -> float:
    """Return the seconds that the messages can take at most."""
    return min(LONGEST_S, options.echoes * options.timeout_s) + options.timeout_s


def run(target: Target, options: GatewayOptions, ctx: Context) -> GatewayEvidence:
    """Send the test messages and return what became of each.

    Raises:
        CannotObserve: No TLS session comes about, or the profile's url cannot be asked.
    """
    line = Line(target, ctx)
    begun = ctx.monotonic()
    echoes: list[Echo] = []
    address: str | None = None
    while len(echoes) < options.echoes:
        failures = sum(not came_back(each) for each in echoes)
        if failures >= MOST_FAILURES or ctx.monotonic() - begun > LONGEST_S:
            break
        echo, exchange = _echo(line, target, options, ctx)
        echoes.append(echo)
        address = exchange.address or address
    ctx.attempts = len(echoes)
    times = [each.ms / 1000 for each in echoes if came_back(each)]
    enough = len(times) >= LEAST_SAMPLES
    return GatewayEvidence(
        url=shown(url_of(target)),
        address=address,
        asked=options.echoes,
        echoes=tuple(echoes),
        p50_s=nearest_rank(times, 50),
        p95_s=nearest_rank(times, 95) if enough else None,
    )


def _echo(
    line: Line, target: Target, options: GatewayOptions, ctx: Context
) -> tuple[Echo, Exchange]:
    word = f"{ctx.dice.getrandbits(128):032x}"
    message = json.dumps({"ccpor_check_echo": word}).encode()
    request = Posting(
        method="POST",
        url=url_of(target),
        headers={"Content-Type": "application/json", "Accept": "application/json, */*"},
        upload_bytes=len(message),
        content=lambda: iter([message]),
    )
    begun = ctx.monotonic()
    broken: Broken | None = None
    try:
        exchange = line.ask(request, begun + ctx.remaining(options.timeout_s))
    except Broken as exc:
        broken, exchange = exc, exc.exchange
    ms = round((ctx.monotonic() - begun) * 1000, 3)
    status = exchange.head.status if exchange.head else None
    if broken is not None:
        return Echo(
            ms=ms,
            status=status,
            failure=broken.cause.failure,
            failed_at=exchange.stage,
            error=broken.cause.error,
        ), exchange
    assert exchange.head is not None
    answer = text_of(exchange.body or b"", exchange.head.value("content-type"))
    return Echo(ms=ms, status=status, returned=word in answer), exchange
