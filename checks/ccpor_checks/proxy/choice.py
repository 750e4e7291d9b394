"""Which proxy is in effect for a target, and who says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.kit.tunnel import Proxy, read_proxy
from ccpor_checks.proxy import pac
from ccpor_checks.proxy.evidence import PacReason, ProxyOptions, Source
from ccpor_checks.proxy.settings import Settings, System

LOOPBACK_RULE = "loopback"  # an exemption that no entry spells out


@dataclass(frozen=True, slots=True, kw_only=True)
class Pac:
    """What became of a PAC file. `failure` None: it was read and asked."""

    url: str
    failure: PacReason | None = None
    detail: str | None = None
    answer: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """proxies: in the order in which to try them; None among them stands for "directly"."""

    source: Source
    proxies: tuple[Proxy | None, ...]
    bypassed_by: str | None = None
    passed_over: tuple[str, ...] = ()
    pac: Pac | None = None


def decide(target: Target, options: ProxyOptions, ctx: Context, system: System) -> Decision:
    """Return what the profile, or in its mode ``system`` this workstation, says for *target*.

    Raises:
        CannotObserve: A proxy is set that this program cannot talk to (SOCKS, TLS to the proxy).
    """
    match options.mode:
        case "direct":
            return Decision(source="none", proxies=(None,))
        case "url":
            return Decision(source="profile", proxies=(_usable(options.url or ""),))
        case "pac":
            return _by_pac(target, options, ctx, system)
        case "system":
            return _by_system(target, ctx, system)


def _by_pac(target: Target, options: ProxyOptions, ctx: Context, system: System) -> Decision:
    """Return what the named PAC file says; without a name, the one this workstation would find."""
    named = [options.pac_url] if options.pac_url else _set_pac_urls(system)
    found = None
    for url in named or pac.wpad_urls(system.suffixes(), ctx):
        found = _asked(url, target, ctx)
        if found.pac is None or found.pac.failure is None:
            return found
    if found is not None:
        return found
    why = "no PAC file is set on this workstation, and none is offered under the name wpad"
    return _failed("", pac.PacFault("unavailable", why))


def _set_pac_urls(system: System) -> list[str]:
    return [each.pac_url for each in _settings(system) if each.pac_url]


def _settings(system: System) -> tuple[Settings, ...]:
    try:
        return system.settings()
    except OSError as exc:
        raise CannotObserve(
            f"the proxy settings of this workstation cannot be read ({type(exc).__name__}); run as "
            'the user who works here, or name the proxy in the profile (mode = "url")'
        ) from exc


def _by_system(target: Target, ctx: Context, system: System) -> Decision:
    """Return what this workstation's own programs do: the file that chooses, then what is set.

    A file that cannot be had or understood is passed over, as browsers do; it stays in the
    evidence. That nobody offers one under the name ``wpad`` is the rule, not a fault.
    """
    broken: Pac | None = None
    for settings in _settings(system):
        for url, is_set in _pac_urls(settings, system, ctx):
            found = _asked(url, target, ctx)
            if found.pac is None or found.pac.failure is None:
                return found
            if is_set or found.pac.failure == "invalid":
                broken = broken or found.pac
        if (static := _static(settings, target, system)) is not None:
            source, proxy, entry = static
            return Decision(source=source, proxies=(proxy,), bypassed_by=entry, pac=broken)
    return Decision(source="none", proxies=(None,), pac=broken)


def _pac_urls(settings: Settings, system: System, ctx: Context) -> Iterator[tuple[str, bool]]:
    """Yield where PAC files may be, and whether somebody set the place."""
    if settings.detect:
        yield from ((url, False) for url in pac.wpad_urls(system.suffixes(), ctx))
    if settings.pac_url:
        yield settings.pac_url, True


def _static(
    settings: Settings, target: Target, system: System
) -> tuple[Source, Proxy | None, str | None] | None:
    """Return source, proxy and the exemption; None where nothing is set for this scheme."""
    text = settings.proxy_for(target.scheme)
    if text is None:
        return None
    for entry in (*settings.bypass, ""):
        if system.exempts(entry, target.host, target.port or 0):
            return settings.source, None, entry or LOOPBACK_RULE
    return settings.source, _usable(text), None


def _usable(text: str) -> Proxy:
    try:
        return read_proxy(text)
    except ValueError as exc:
        raise CannotObserve(
            "the proxy that is set is no http://HOST:PORT address (SOCKS, and TLS to the proxy "
            "itself, cannot be looked at); name an http proxy in [target.proxy]"
        ) from exc


def _asked(url: str, target: Target, ctx: Context) -> Decision:
    """Return what the PAC file at *url* says for *target*, or how it failed."""
    script = answer = None
    try:
        script = pac.fetch(url, target, ctx)
        answer = pac.run(script, target, ctx)
        choice = pac.read_answer(answer)
    except pac.PacFault as exc:
        return _failed(url, exc, script, answer)
    if not choice.proxies:
        raise CannotObserve(
            f"the PAC file {pac.shown(url)} names {', '.join(choice.passed_over)} alone; proxies "
            "of that kind cannot be looked at"
        )
    read = Pac(url=pac.shown(url), answer=pac.without_accounts(answer), sha256=pac.digest(script))
    return Decision(source="pac", proxies=choice.proxies, passed_over=choice.passed_over, pac=read)


def _failed(
    url: str, fault: pac.PacFault, script: bytes | None = None, answer: str | None = None
) -> Decision:
    broken = Pac(
        url=pac.shown(url),
        failure=fault.reason,
        detail=fault.detail,
        answer=pac.without_accounts(answer) if answer is not None else None,
        sha256=pac.digest(script) if script is not None else None,
    )
    return Decision(source="pac", proxies=(), pac=broken)
