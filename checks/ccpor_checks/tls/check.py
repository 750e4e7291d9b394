"""TLS: which protocol, cipher and certificates does a target show to this workstation?

Does:    one TCP connection and one TLS handshake, no application data; up to four more where
         the first is not trusted or shares nothing, and up to three past a proxy in effect, to
         compare; one small plain HTTP request for each
         certificate of a trusted chain to the place its issuer names for revocation (OCSP or CRL),
         and for a missing issuer where one is named. Writes nothing.
Needs:   the tcp and proxy checks to have passed for the same target, where they are planned.
Source:  RFC 8446 and RFC 5246 (handshake), RFC 5280 (path, CRL), RFC 9525 (names),
         RFC 6960 (OCSP), RFC 7469 (pins), NIST SP 800-52r2 (versions and ciphers).
"""

from __future__ import annotations

from ccpor_checks.base import Check, Context, Target
from ccpor_checks.tls.evidence import TlsEvidence, TlsOptions
from ccpor_checks.tls.rules import RULES

WAITS = 3  # handshakes, or rounds of fetching, that may each take the whole timeout


def run(target: Target, options: TlsOptions, ctx: Context) -> TlsEvidence:
    """Return what *target* shows; see `ccpor_checks.tls.look.look` for how and what it raises."""
    from ccpor_checks.tls.look import look

    return look(target, options, ctx)


def budget_s(options: TlsOptions) -> float:
    return WAITS * options.timeout_s


CHECK: Check[TlsEvidence, TlsOptions] = Check(
    id="tls",
    version=1,
    title="TLS version, cipher and certificate",
    does="shakes hands with the target without sending application data, up to five times (past a "
    "proxy in effect up to three times more, to compare), and asks the certificate issuers' "
    "addresses over http whether the chain was revoked",
    options=TlsOptions,
    evidence=TlsEvidence,
    run=run,
    rules=RULES,
    needs=("tcp", "proxy"),
    budget_s=budget_s,
)
