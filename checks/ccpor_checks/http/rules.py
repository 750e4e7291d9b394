"""What the answer means: pure comparisons over `HttpEvidence`.

One fault makes one failed finding: where a redirect, a sign-in page or a cut upload stands in the
way, the codes that could not be judged are skipped because of it.
"""

from __future__ import annotations

from ccpor_checks.http.evidence import HttpEvidence, HttpOptions
from ccpor_reporting.rules import (
    Judgement,
    Rule,
    Setting,
    at_most,
    met,
    skipped_by,
    unassessed,
    unmet,
)

TOO_LARGE = 413
REDIRECTS = frozenset({301, 302, 303, 307, 308})
WHEN = {
    "connection": "while connecting",
    "tls": "during the TLS handshake",
    "request": "while the request was sent",
    "head": "before an answer came",
    "body": "in the middle of the answer",
}
WORDS = {
    "timeout": "no full answer in time",
    "closed": "the connection was closed",
    "reset": "the connection was reset",
    "malformed": "the answer is no proper HTTP",
}
REFUSED = {
    "loop": "goes round in circles",
    "downgrade": "leaves HTTPS for unprotected HTTP",
    "unreachable": "leads to where no page came: no answer, or no TLS that is trusted here",
}
SIGNS = {
    "status-511": "status 511, network authentication required",
    "wispr": "a WISPr sign-in message",
    "portal-form": "an access point's sign-in form",
    "refresh-to-sign-in": "a page that leads to another host's sign-in page",
    "redirect-to-sign-in": "a redirect to another host's sign-in page",
}
STATUS, CONTENT, UPLOAD = "http.status", "http.content", "http.upload"


def upload_failed(seen: HttpEvidence) -> bool:
    """Whether the upload itself is what went wrong; then nothing else can be said."""
    return seen.upload is not None and (seen.upload.cut is not None or seen.status == TOO_LARGE)


def unexpected_redirect(seen: HttpEvidence, options: HttpOptions) -> bool:
    return seen.status in REDIRECTS and seen.status not in options.status


def portal(seen: HttpEvidence, options: HttpOptions) -> str | None:
    """Return what shows that a sign-in page stands in the way, or None.

    The wanted text on the page clears it of everything: it is the page that was asked for.
    """
    asked = options.contains is not None
    if seen.status is None or (asked and seen.text_found and seen.text_asked == options.contains):
        return None
    if seen.portal_signs:
        return SIGNS.get(seen.portal_signs[0], seen.portal_signs[0])
    if not seen.sign_in_page or seen.status not in options.status:
        return None
    if seen.left_host:
        return "another host's sign-in page"
    return "a sign-in page in place of the wanted text" if asked else None


def judge_answer(seen: HttpEvidence, options: HttpOptions, _setting: Setting) -> Judgement:
    expected = f"a whole answer within {options.timeout_s:g} s"
    if seen.failure is None:
        return met(f"answered with status {seen.status}", observed=seen.status, expected=expected)
    if upload_failed(seen):
        return skipped_by(UPLOAD, "the upload did not come to an end")
    error = f" ({seen.error})" if seen.error else ""
    words = f"{WORDS[seen.failure]}, {WHEN[seen.failed_at or 'head']}{error}"
    if seen.failure == "malformed":
        words = f"{WORDS[seen.failure]}: {seen.detail}"
    return unmet(
        seen.failure,
        words,
        observed=seen.status,
        expected=expected,
    )


def judge_status(seen: HttpEvidence, options: HttpOptions, _setting: Setting) -> Judgement:
    if upload_failed(seen):
        return skipped_by(UPLOAD, "the upload did not come to an end")
    if unexpected_redirect(seen, options) or portal(seen, options):
        return skipped_by(CONTENT, "another page stands in the way")
    expected = "status " + " or ".join(map(str, options.status))
    if seen.status in options.status:
        return met(f"status {seen.status}", observed=seen.status, expected=expected)
    return unmet(
        "unexpected-status", f"status {seen.status}", observed=seen.status, expected=expected
    )


def judge_content(seen: HttpEvidence, options: HttpOptions, _setting: Setting) -> Judgement:
    if upload_failed(seen):
        return skipped_by(UPLOAD, "the upload did not come to an end")
    if sign := portal(seen, options):
        return unmet("captive-portal", f"{sign}, at {seen.redirect or seen.url}")
    if unexpected_redirect(seen, options):
        words = REFUSED.get(seen.redirect_refused or "", "is not expected")
        return unmet(
            "unexpected-redirect",
            f"status {seen.status}: the redirect to {seen.redirect or 'no address at all'} {words}",
            observed=seen.redirect,
            expected="status " + " or ".join(map(str, options.status)),
        )
    if seen.status not in options.status:
        return skipped_by(STATUS, "an error page is not read")
    return _judge_text(seen, options)


def _judge_text(seen: HttpEvidence, options: HttpOptions) -> Judgement:
    if options.contains is None:
        return met("no text was asked for")
    expected = f'the text "{options.contains}"'
    if seen.text_asked != options.contains or seen.text_found is None:
        return unassessed("the page was not searched for this text; look again")
    if seen.text_found:
        return met("the page holds the wanted text", observed=True, expected=expected)
    if seen.body_cut:
        return unassessed("the part of the page that was read does not hold the wanted text")
    return unmet(
        "missing-text",
        f"the page ({seen.body_bytes} bytes) does not hold the wanted text",
        observed=False,
        expected=expected,
    )


def judge_latency(seen: HttpEvidence, options: HttpOptions, _setting: Setting) -> Judgement:
    if upload_failed(seen):
        return skipped_by(UPLOAD, "the upload did not come to an end")
    if seen.total_ms is None:
        return unassessed("the exchange was not timed")
    first = f" (first byte after {seen.first_byte_ms:.4g} ms)" if seen.first_byte_ms else ""
    return at_most(
        value=seen.total_ms,
        limit=options.max_ms,
        unit="ms",
        reason="slow",
        what=f"the whole answer{first} took",
    )


def judge_upload(seen: HttpEvidence, options: HttpOptions, _setting: Setting) -> Judgement:
    if seen.upload is None:
        return unassessed("nothing was uploaded; look again")
    asked = seen.upload.asked_bytes / 1000
    sent = seen.upload.sent_bytes / 1000
    expected = f"{options.upload_kb} kB taken"
    if seen.status == TOO_LARGE:
        return unmet(
            "too-large",
            f"an upload of {asked:g} kB is refused with status 413",
            observed=seen.status,
            expected=expected,
        )
    if seen.upload.cut is not None:
        words = "stalled" if seen.upload.cut == "timeout" else f"was cut ({seen.upload.cut})"
        return unmet(
            "cut",
            f"the upload of {asked:g} kB {words}; {sent:g} kB had left this workstation",
            observed=sent,
            expected=expected,
            unit="kB",
        )
    if unexpected_redirect(seen, options) or portal(seen, options):
        return skipped_by(CONTENT, "another page stands in the way")
    if seen.status not in options.status:
        return skipped_by(STATUS, "the server did not want it")
    return met(f"{asked:g} kB were taken", observed=sent, expected=expected, unit="kB")


def _uploads(options: HttpOptions) -> bool:
    return options.upload_kb is not None


RULES: tuple[Rule[HttpEvidence, HttpOptions], ...] = (
    Rule(
        code="http.answer",
        reasons=("timeout", "closed", "reset", "malformed"),
        judge=judge_answer,
    ),
    Rule(code=STATUS, reasons=("unexpected-status",), judge=judge_status),
    Rule(
        code=CONTENT,
        reasons=("captive-portal", "unexpected-redirect", "missing-text"),
        judge=judge_content,
    ),
    Rule(
        code="http.latency",
        reasons=("slow",),
        judge=judge_latency,
        planned=lambda options: options.max_ms is not None,
    ),
    Rule(
        code=UPLOAD,
        reasons=("too-large", "cut"),
        judge=judge_upload,
        planned=_uploads,
    ),
)
