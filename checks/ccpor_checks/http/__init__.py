"""HTTP: does the target's web application answer as it should?

Does:    one request over a connection of its own, straight to the target or through the proxy that
         the `proxy` check found in effect; with `follow` those that redirects lead to; with
         `upload_kb` a POST of that many synthetic kB (1000 bytes each) instead. A redirect to
         another host that was not asked for is fetched once, to tell a sign-in page from a moved
         one. Writes nothing here; page text is not kept.
Needs:   the `proxy`, `tls` and `tcp` checks to have passed for the same target.
Source:  RFC 9110, RFC 9112; RFC 6585 section 6 (511).
"""

from __future__ import annotations

from ccpor_checks.base import Check
from ccpor_checks.http.browsing import run
from ccpor_checks.http.evidence import HttpEvidence, HttpOptions
from ccpor_checks.http.rules import RULES

__all__ = ["CHECK", "HttpEvidence", "HttpOptions", "run"]

CHECK: Check[HttpEvidence, HttpOptions] = Check(
    id="http",
    version=1,
    title="Web application",
    does="sends one HTTP request to the target, through the proxy in effect where there is one, or "
    "a POST of synthetic bytes where the profile asks for an upload, and reads the answer; follows "
    "redirects where asked, else looks once at where one to another host leads",
    needs=("tls", "tcp", "proxy"),
    options=HttpOptions,
    evidence=HttpEvidence,
    run=run,
    rules=RULES,
    budget_s=lambda options: options.timeout_s + 1,
)
