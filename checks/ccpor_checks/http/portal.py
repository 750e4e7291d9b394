"""Signs that a network wants a person to sign in before anything else works (a captive portal).

Signs are in the structure of an answer: its status, its forms, where it sends the browser; never
in the wording of a page, which is somebody's language.

Source: RFC 6585 section 6 (511), WISPr 1.0 appendix D (WISPAccessGatewayParam).
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

NETWORK_AUTHENTICATION_REQUIRED = 511
MOST_PAGE = 300_000  # characters; a sign-in page is small
# Names of the fields that portals of access points hide in their forms.
PORTAL_FIELDS = frozenset(
    {"4tredir", "buttonclicked", "uamip", "uamport", "switchip", "ap_mac", "apmac", "client_mac"}
)
SIGN_IN_WORDS = frozenset(
    {"login", "logon", "signin", "sign-in", "sign_in", "authenticate", "captive", "captiveportal"}
    | {"captive-portal", "portal", "hotspot", "guest", "splash", "wifi", "wlan"}
)

TAG = re.compile(r"<(form|input|meta)\b([^<>]*)>", re.I)
ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")


@dataclass(slots=True)
class Page:
    """What of a page's structure matters here."""

    password_form: bool = False
    actions: list[str] = field(default_factory=list)  # of its forms, as written
    fields: set[str] = field(default_factory=set)  # names of its inputs, lower case
    refresh: str | None = None  # where a meta refresh leads


def read_page(text: str) -> Page:
    """Return the structure of *text*; a page that is no HTML has none.

    Tags are found one by one, in one pass: a full parser can be made to take minutes by a page
    that is written for it.
    """
    page = Page()
    for tag in TAG.finditer(text[:MOST_PAGE]):
        given = {
            name.lower(): html.unescape(double or single or bare)
            for name, double, single, bare in ATTRIBUTE.findall(tag[2])
        }
        match tag[1].lower():
            case "form":
                page.actions.append(given.get("action", ""))
            case "input":
                page.fields.add(given.get("name", "").lower())
                page.password_form |= given.get("type", "").strip().lower() == "password"
            case "meta" if given.get("http-equiv", "").strip().lower() == "refresh":
                _, _, url = given.get("content", "").partition("=")
                page.refresh = url.strip().strip("'\"") or None
    return page


def signs_in(status: int, text: str, page: Page, url: str) -> tuple[str, ...]:
    """Return the signs that cannot be an ordinary server's: one suffices."""
    found = []
    if status == NETWORK_AUTHENTICATION_REQUIRED:
        found.append("status-511")
    if "<wispaccessgatewayparam" in text[:MOST_PAGE].lower():
        found.append("wispr")
    if page.fields & PORTAL_FIELDS:
        found.append("portal-form")
    if page.refresh and leads_to_sign_in(url, joined(url, page.refresh)):
        found.append("refresh-to-sign-in")
    return tuple(found)


def joined(url: str, reference: str) -> str:
    """Return *reference* as an absolute URL; as it stands where it is none."""
    try:
        return urljoin(url, reference)
    except ValueError:
        return reference


def host_of(url: str) -> str:
    """Return the host in lower case; "" where *url* is none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return ""


def is_elsewhere(url: str, other: str) -> bool:
    """Say whether *other* is on another host than *url*; ``www.`` makes none."""
    host = host_of(other).removeprefix("www.")
    return host not in {"", host_of(url).removeprefix("www.")}


def leads_to_sign_in(url: str, location: str) -> bool:
    """Say whether *location* is, by its form, another host's sign-in page for who asked *url*."""
    if not is_elsewhere(url, location):
        return False
    split = urlsplit(location)
    words = set(host_of(location).split("."))
    for part in unquote(split.path).lower().split("/"):
        words |= {part, part.partition(".")[0]}
    asked = host_of(url)
    carried = {host_of(value) or value.lower() for _, value in parse_qsl(split.query)}
    return bool(words & SIGN_IN_WORDS) or asked in carried


def is_own_sign_in(url: str, page: Page) -> bool:
    """Say whether a page asked for at *url* over TLS is that server's own sign-in page.

    Who holds the certificate's key sends it, its form goes back there, and its address says what
    it is: no network in between made it up.
    """
    split = urlsplit(url)
    named = {part.partition(".")[0] for part in split.path.lower().split("/")} & SIGN_IN_WORDS
    stays = not any(is_elsewhere(url, joined(url, action)) for action in page.actions)
    return split.scheme == "https" and bool(named) and stays
