"""Proxy: which proxy is in effect for the target, is it there, and does it let the target pass?

Does:    fetches and runs the file that chooses the proxy (PAC) where one is set; looks the proxy's
         name up; one to three short connections to it, with one CONNECT for the target (for plain
         http one HEAD of its address), again with the profile's account where it asks for one; one
         connection to the target past the proxy, over which nothing is sent. Writes nothing.
Needs:   nothing.
Source:  RFC 9110 sections 9.3.6 and 11.7 (CONNECT, 407), RFC 9209 (Proxy-Status); curl(1) for the
         environment's variables; Windows' Internet settings and WinHTTP.
"""

from __future__ import annotations

from ccpor_checks.base import Check, Context, Target
from ccpor_checks.proxy.evidence import ProxyEvidence, ProxyOptions
from ccpor_checks.proxy.rules import RULES

__all__ = ["CHECK", "ProxyEvidence", "ProxyOptions", "run"]

BUDGET_S = 60.0  # PAC files looked for, fetched and run, three dead proxies, one silent answer


def run(target: Target, options: ProxyOptions, ctx: Context) -> ProxyEvidence:
    """Return which proxy stands before *target*; see `ccpor_checks.proxy.look.look`."""
    from ccpor_checks.proxy.look import look
    from ccpor_checks.proxy.settings import this_system

    return look(target, options, ctx, this_system())


CHECK: Check[ProxyEvidence, ProxyOptions] = Check(
    id="proxy",
    version=1,
    title="Proxy",
    does="finds the proxy in effect (fetching and running a PAC file where one is set), asks it "
    "for a way to the target, signing in where the profile gives an account, and for comparison "
    "opens one connection past it",
    options=ProxyOptions,
    evidence=ProxyEvidence,
    run=run,
    rules=RULES,
    budget_s=lambda _options: BUDGET_S,
)
