"""The way to one target over the wire of the http check: its trust, its proxy's account."""

from __future__ import annotations

from typing import Any

from ccpor_checks.base import Context, Target
from ccpor_checks.http.exchange import Exchange, Request, TlsWanted, converse
from ccpor_checks.http.wire import ExchangeEnded
from ccpor_checks.kit.proxy_auth import account_for
from ccpor_checks.kit.tunnel import Reply, answer_to, proxy_in_effect

SECURE = frozenset({"https", "tls"})


class Line:
    """The way to one target: each request goes over a connection of its own, all trust alike."""

    def __init__(self, target: Target, ctx: Context) -> None:
        """Read what TLS needs at once, where it is needed: that is our time, not the target's.

        Raises:
            CannotObserve: A certificate file of the profile cannot be used.
        """
        self._target, self._ctx = target, ctx
        self._tls = verified_tls(target, ctx) if target.scheme in SECURE else None

    def ask(self, request: Request, end: float) -> Exchange:
        """Return the whole exchange, ended before *end* (on `ctx.monotonic`).

        Raises:
            Broken: It came to no good end.
            CannotObserve: TLS does not come about.
        """
        exchange = self._once(Exchange(request=request), end)
        if (answer := self._answer_to_proxy(exchange)) is not None:  # a request it never passed on
            return self._once(Exchange(request=request, proxy_authorization=answer), end)
        return exchange

    def _once(self, exchange: Exchange, end: float) -> Exchange:
        try:
            converse(exchange, target=self._target, tls=self._wanted, ctx=self._ctx, end=end)
        except ExchangeEnded as exc:
            raise Broken(exchange, exc) from exc
        return exchange

    def _answer_to_proxy(self, exchange: Exchange) -> str | None:
        """Return what signs in at a proxy that passes requests on and asks for an account."""
        proxy = proxy_in_effect(self._ctx) if exchange.by_proxy else None
        if proxy is None or exchange.head is None:
            return None
        account = account_for(self._target, self._ctx, proxy.host, proxy.port)
        fields = {name: tuple(values) for name, values in exchange.head.fields.items()}
        request = exchange.request
        answered = answer_to(
            Reply(exchange.head.status, fields),
            account,
            request.method,
            request.wanted(by_proxy=True),
        )
        return answered[1] if answered else None

    def _wanted(self) -> TlsWanted:
        if self._tls is None:
            self._tls = verified_tls(self._target, self._ctx)
        return self._tls


class Broken(Exception):
    """An exchange that came to no good end; `exchange` says how far it came."""

    def __init__(self, exchange: Exchange, cause: ExchangeEnded) -> None:
        super().__init__(str(cause))
        self.exchange, self.cause = exchange, cause


def verified_tls(target: Target, ctx: Context) -> TlsWanted:
    """Return a context that trusts what the tls check trusts and verifies the name."""
    from ccpor_checks.tls.evidence import TlsOptions
    from ccpor_checks.tls.store import OFFER_USUAL, read_trust

    options: Any = target.options.get("tls") or TlsOptions()
    context = read_trust(options, ctx).context(OFFER_USUAL, verify=True)
    context.check_hostname = True
    context.hostname_checks_common_name = False
    return context, options.server_name
