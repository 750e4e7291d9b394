"""Looking at a target's TLS: which handshakes are made, in which order, and why.

1. The usual offer, path verified. A sound target needs no more than this one.
2. Only dates in the way: once more without dates, to learn whether the path itself holds.
3. Path in the way: once more without verification, to read what is served.
4. Nothing shared: 1 to 3 with an offer of everything OpenSSL speaks, then a bare ClientHello with
   what it does not speak.
5. A weak cipher chosen: once more with sound ciphers alone, to learn whether there is a better one.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypedDict

from cryptography import x509

from ccpor_checks.base import CannotObserve, Context, Target, TargetFailed
from ccpor_checks.kit.connect import connect_any, open_connection
from ccpor_checks.kit.tunnel import NoReply, TunnelRefused, proxy_in_effect
from ccpor_checks.tls import chain, revocation
from ccpor_checks.tls.evidence import Certificate, Revocation, TlsEvidence, TlsOptions
from ccpor_checks.tls.fetch import NotFetched, fetch
from ccpor_checks.tls.handshake import HandshakeEnded, NotTrusted, Session, shake
from ccpor_checks.tls.hello import OldAnswer, ask_old
from ccpor_checks.tls.names import ascii_name
from ccpor_checks.tls.rules import is_sound_cipher
from ccpor_checks.tls.store import (
    OFFER_ANYTHING,
    OFFER_SOUND,
    OFFER_USUAL,
    Offer,
    Trust,
    read_trust,
)
from ccpor_checks.tls.trust import NO_ISSUER
from ccpor_reporting.contrasts import WORKS

DATE_CODES = frozenset({9, 10, 13, 14})  # OpenSSL: not yet valid, expired, unreadable dates
# Old servers close or reset where they should have sent an alert, so these too are asked again.
WORTH_AN_OLD_OFFER = frozenset({"no-common-version", "no-common-cipher", "closed", "reset"})
NOTHING_SHARED = frozenset({"no-common-version", "no-common-cipher"})
MOST_ISSUERS_FETCHED = 3
RESERVE_S = 0.2  # kept back from the check's deadline for judging what was seen


class Seen(NamedTuple):
    """One target's session and OpenSSL's word on its path, dates and name left aside."""

    session: Session
    verify_code: int
    verify_words: str
    needed_old_offer: bool = False


@dataclass(slots=True)
class Look:
    """One look at one target."""

    target: Target
    options: TlsOptions
    ctx: Context
    trust: Trust
    name: str
    address: str = ""
    past_proxy: str | None = None  # the address to connect to directly; None: as the target needs

    def sessions(self) -> Seen | OldAnswer:
        """Return what the target and this workstation agree on, by whatever offer.

        Raises:
            TargetFailed: No handshake of any kind finishes.
        """
        try:
            return self._with(OFFER_USUAL)
        except HandshakeEnded as first:
            if first.reason not in WORTH_AN_OLD_OFFER:
                raise self._failed(first) from first
            return self._with_old_offers(first)

    def _with_old_offers(self, first: HandshakeEnded) -> Seen | OldAnswer:
        self.ctx.attempts += 1
        told = first
        try:
            return self._with(OFFER_ANYTHING)._replace(needed_old_offer=True)
        except HandshakeEnded as second:
            if second.reason in NOTHING_SHARED or second.reason.startswith("client-"):
                told = second
        if told.reason in NOTHING_SHARED and (old := self._old_answer()) is not None:
            return old
        raise self._failed(told)

    def _old_answer(self) -> OldAnswer | None:
        try:
            with self._connected() as sock:
                return ask_old(sock, self.name, self._patience())
        except HandshakeEnded:
            return None

    def _with(self, offer: Offer) -> Seen:
        code, words = 0, ""
        try:
            return Seen(self._shake(offer, verify=True), 0, "")
        except NotTrusted as exc:
            code, words = exc.code, exc.words
        if code in DATE_CODES:
            try:
                return Seen(self._shake(offer, verify=True, dates=False), 0, "")
            except NotTrusted as exc:
                code, words = exc.code, exc.words
        return Seen(self._shake(offer, verify=False), code, words)

    def _shake(self, offer: Offer, *, verify: bool, dates: bool = True) -> Session:
        tls = self.trust.context(offer, verify=verify, dates=dates)
        if self.target.scheme == "https":
            tls.set_alpn_protocols(["h2", "http/1.1"])
        with self._connected() as sock:
            return shake(
                sock,
                tls,
                server_name=self.name,
                timeout_s=self._patience(),
                shows_certificate=self.trust.client_files is not None,
            )

    def best_cipher(self) -> str | None:
        """Return the sound cipher that the target takes when offered nothing else, or None."""
        try:
            return self._shake(OFFER_SOUND, verify=False).cipher
        except (HandshakeEnded, CannotObserve):
            return None

    def _connected(self) -> socket.socket:
        try:
            sock = self._opened()
        except TimeoutError as exc:
            raise HandshakeEnded("timeout", "no TCP connection in time") from exc
        except (ConnectionResetError, ConnectionAbortedError) as exc:
            raise HandshakeEnded("reset", "the target reset the TCP connection") from exc
        except (TunnelRefused, NoReply) as exc:
            raise CannotObserve(
                f"{exc} when it was asked for a tunnel; the proxy check of this target says why"
            ) from exc
        except (OSError, UnicodeError) as exc:
            raise CannotObserve(
                f"no TCP connection to {self.target.host} port {self.target.port} "
                f"({type(exc).__name__}); the tcp check of this target says why"
            ) from exc
        if self.past_proxy is None:
            self.address = str(sock.getpeername()[0])
        return sock

    def _opened(self) -> socket.socket:
        if self.past_proxy is None:
            return open_connection(self.target, self.ctx, self._patience())
        end = self.ctx.monotonic() + self._patience()
        return connect_any((self.past_proxy,), self.target.port or 0, self.ctx, end)

    def seen_past_proxy(self) -> Seen | None:
        """Return what the target shows past the proxy in effect; None where it shows nothing.

        Nobody but the target is asked there: it is a comparison, not what the target is judged by.
        """
        proxied = self.ctx.earlier.get("proxy")
        if not getattr(proxied, "via", None) or getattr(proxied, "direct", None) != WORKS:
            return None
        self.past_proxy = getattr(proxied, "direct_address", None)
        if self.past_proxy is None:
            return None
        try:
            return self._with(OFFER_USUAL)
        except (HandshakeEnded, CannotObserve):
            return None
        finally:
            self.past_proxy = None

    def fetching_ends(self) -> float:
        """Return until when documents about certificates may be fetched, on `ctx.monotonic`."""
        now = self.ctx.monotonic()
        return min(now + self.options.timeout_s, self.ctx.deadline - RESERVE_S)

    def _patience(self) -> float:
        """Return the seconds that the next wait may take."""
        try:
            return self.ctx.remaining(self.options.timeout_s)
        except TimeoutError as exc:
            raise HandshakeEnded("timeout", "no handshake finished in time") from exc

    def _failed(self, ended: HandshakeEnded) -> TargetFailed:
        return TargetFailed(
            "tls.handshake",
            ended.reason,
            ended.detail,
            {
                "address": self.address or None,
                "port": self.target.port,
                "server_name": self.name,
                "openssl_reason": ended.symbol,
            },
        )


def look(target: Target, options: TlsOptions, ctx: Context) -> TlsEvidence:
    """Return what *target* shows. An untrusted certificate is evidence, not an end.

    Raises:
        TargetFailed: No handshake finished; always of ``tls.handshake``.
        CannotObserve: A file of the profile cannot be used, or there is no TCP connection.
    """
    trust = read_trust(options, ctx)
    try:
        name = ascii_name(options.server_name or target.host)
    except ValueError as exc:
        raise CannotObserve(f"{options.server_name or target.host} is no name to ask for") from exc
    looking = Look(target=target, options=options, ctx=ctx, trust=trust, name=name)
    seen = looking.sessions()
    if isinstance(seen, OldAnswer):
        return _old_evidence(seen, looking)
    session = seen.session
    best = session.cipher
    if not is_sound_cipher(session.cipher, session.cipher_bits):
        best = looking.best_cipher() or ""
    return TlsEvidence(
        address=looking.address,
        port=target.port or 0,
        server_name=name,
        version=session.version,
        cipher=session.cipher,
        cipher_bits=session.cipher_bits,
        dh_bits=session.dh_bits,
        best_cipher=best or None,
        needed_old_offer=seen.needed_old_offer,
        alpn=session.alpn,
        handshake_ms=session.handshake_ms,
        client_certificate_requested=session.asked_for_certificate,
        client_certificate_sent=trust.client_files is not None
        and session.asked_for_certificate is not False,
        trust_store=trust.name,
        path_verify_code=seen.verify_code,
        path_verify_words=seen.verify_words,
        **_certificates(seen, looking),
        **_past_proxy(looking),
    )


class _PastProxy(TypedDict, total=False):
    """The part of the evidence that the comparison past a proxy fills."""

    via: str | None
    direct_chain: tuple[Certificate, ...]
    direct_verify_code: int | None


def _past_proxy(looking: Look) -> _PastProxy:
    proxy = proxy_in_effect(looking.ctx)
    if proxy is None:
        return _PastProxy()
    seen = looking.seen_past_proxy()
    if seen is None:
        return _PastProxy(via=proxy.url)
    served, _ = chain.read(seen.session.served)
    path = chain.read(seen.session.verified)[0] or served
    return _PastProxy(
        via=proxy.url,
        direct_chain=_all_described(path, served, looking.name),
        direct_verify_code=seen.verify_code,
    )


def _old_evidence(old: OldAnswer, looking: Look) -> TlsEvidence:
    served, unreadable = chain.read(old.certificates)
    path = chain.follow(served[0], served) if served else ()
    return TlsEvidence(
        address=looking.address,
        port=looking.target.port or 0,
        server_name=looking.name,
        version=old.version,
        cipher=old.cipher,
        cipher_bits=old.cipher_bits,
        needed_old_offer=True,
        trust_store=looking.trust.name,
        path_verify_words="the handshake was given up before the path could be verified",
        chain=_all_described(path, served, looking.name),
        also_served=_others(served, path, looking.name),
        unreadable_count=unreadable,
    )


class _Certificates(TypedDict, total=False):
    """The part of the evidence that certificates fill."""

    chain: tuple[Certificate, ...]
    also_served: tuple[Certificate, ...]
    unreadable_count: int
    trusted_roots: int
    missing_issuer: str | None
    missing_issuer_found: Literal["completes", "untrusted"] | None
    missing_issuer_akin: bool
    missing_issuer_namesake: bool
    revocation: tuple[Revocation, ...]


def _certificates(seen: Seen, looking: Look) -> _Certificates:
    served, unreadable = chain.read(seen.session.served)
    verified, _ = chain.read(seen.session.verified)
    roots = looking.trust.roots()
    path = verified
    if not path and served and _is_leaf_readable(seen.session):
        known = (*served, *chain.read(roots)[0]) if seen.verify_code == 0 else served
        path = chain.follow(served[0], known)
    found = _Certificates(
        chain=_all_described(path, served, looking.name),
        also_served=_others(served, path, looking.name),
        unreadable_count=unreadable,
        trusted_roots=len(roots),
    )
    if path and seen.verify_code in NO_ISSUER and not chain.is_self_signed(path[-1]):
        found |= _missing_issuer(path[-1], chain.read(roots)[0], looking)
    if seen.verify_code == 0 and looking.options.revocation != "off":
        found["revocation"] = revocation.ask_all(path, looking.ctx, looking.fetching_ends())
    return found


def _missing_issuer(
    top: x509.Certificate, roots: tuple[x509.Certificate, ...], looking: Look
) -> _Certificates:
    return _Certificates(
        missing_issuer=top.issuer.rfc4514_string(),
        missing_issuer_akin=chain.is_akin(top.issuer, roots),
        missing_issuer_namesake=any(root.subject == top.issuer for root in roots),
        missing_issuer_found=_found_issuer(top, roots, looking),
    )


def _is_leaf_readable(session: Session) -> bool:
    return not chain.read(session.served[:1])[1]


def _found_issuer(
    top: x509.Certificate, roots: tuple[x509.Certificate, ...], looking: Look
) -> Literal["completes", "untrusted"] | None:
    """Return what fetching the missing issuers shows; None where that shows nothing."""
    end = looking.fetching_ends()
    for _ in range(MOST_ISSUERS_FETCHED):
        if any(chain.vouches(root, top) for root in roots):
            return "completes"
        if chain.is_self_signed(top):
            return "untrusted"
        addresses = revocation.issuer_addresses(top)
        if not addresses:
            return None
        try:
            issuer = chain.certificates_in(fetch(addresses[0], looking.ctx, end))[0]
        except (NotFetched, chain.Unreadable):
            return None
        if not chain.vouches(issuer, top):
            return None
        top = issuer
    return None


def _all_described(
    path: tuple[x509.Certificate, ...], served: tuple[x509.Certificate, ...], host: str
) -> tuple[Certificate, ...]:
    return tuple(chain.described(one, host=host, is_served=one in served) for one in path)


def _others(
    served: tuple[x509.Certificate, ...], path: tuple[x509.Certificate, ...], host: str
) -> tuple[Certificate, ...]:
    apart = dict.fromkeys(one for one in served if one not in path)
    return tuple(chain.described(one, host=host, is_served=True) for one in apart)
