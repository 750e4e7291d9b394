"""HTTP against a server that breaks the protocol by path, and against a real nginx."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ccpor_checks.base import CannotObserve, Target
from ccpor_checks.dns.evidence import DnsEvidence
from ccpor_checks.http import CHECK, HttpOptions
from ccpor_checks.http.portal import leads_to_sign_in
from ccpor_checks.tls.evidence import TlsOptions
from ccpor_reporting.faults import catalogue
from ccpor_reporting.model import Status
from tests.checks.looking import Looked, looked
from tests.peers.certificates import Files, Issued, authority, leaf, write
from tests.peers.fault_http import FaultHttp, fault_http
from tests.peers.nginx import Endpoint, nginx

HOST = "ccpor.test"  # every look knows its address beforehand, as the dns check would
EARLIER = {"dns": DnsEvidence(name=HOST, source="resolvers", addresses=("127.0.0.1",))}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultHttp]:
    with fault_http() as running:
        running.elsewhere = f"http://127.0.0.1:{running.port}"
        yield running


def page(
    server: FaultHttp | int,
    path: str,
    *,
    scheme: str = "http",
    host: str = HOST,
    ca_file: Path | None = None,
    **options: Any,
) -> Looked:
    port = server if isinstance(server, int) else server.port
    target = Target(
        id="t",
        url=f"{scheme}://{host}:{port}{path}",
        scheme=scheme,
        host=host,
        port=port,
        path=path,
        options={"tls": TlsOptions(ca_file=str(ca_file) if ca_file else None)},
    )
    return looked(CHECK, target, {"timeout_s": 6, **options}, earlier=EARLIER)


# --- healthy ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/gzipped",
        "/deflated",
        "/bare-deflate",
        "/chunked",
        "/until-close",
        "/early-hints",
        "/latin",
        "/ok/für?a=b c#d",
    ],
)
def test_a_healthy_page_passes_every_rule(server: FaultHttp, path: str) -> None:
    """Every coding and framing that a browser takes must pass here too."""
    seen = page(server, path, contains="CCPOR", max_ms=[4000, 5000])

    assert seen.statuses == {Status.PASS}
    assert set(seen.findings) == {"http.answer", "http.status", "http.content", "http.latency"}
    assert seen.evidence.address == "127.0.0.1"
    assert seen.evidence.total_ms >= seen.evidence.connect_ms > 0
    assert seen.evidence.first_byte_ms >= 0


def test_the_request_is_what_the_profile_asks_for(server: FaultHttp) -> None:
    """Name, path, query and headers decide which application answers."""
    page(server, "/ok/x?y=%20z", headers={"Accept-Language": "en"}, method="HEAD")

    asked = server.asked[-1]
    assert (asked.method, asked.path) == ("HEAD", "/ok/x?y=%20z")
    assert asked.field("host") == f"{HOST}:{server.port}"
    assert asked.field("accept-language") == "en"
    assert str(asked.field("user-agent")).startswith("ccpor-check/")
    assert asked.field("content-length") is None


def test_a_proxy_of_the_environment_is_not_asked(
    server: FaultHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This is the direct path; the proxy check tells about the other one."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    assert page(server, "/").failed == set()


def test_only_the_rules_that_the_profile_asks_for_are_planned(server: FaultHttp) -> None:
    """No limit, no upload: nothing is said of them; a redirect always matters."""
    assert set(page(server, "/").findings) == {"http.answer", "http.status", "http.content"}


def test_the_page_itself_is_never_kept(server: FaultHttp) -> None:
    """A page can hold a person's name; its digest tells as much about the network."""
    kept = msgspec.json.encode(page(server, "/ok?who=somebody", contains="CCPOR").evidence)

    assert b"California" not in kept
    assert b"somebody" not in kept


def test_a_server_cannot_write_control_characters_into_the_report(server: FaultHttp) -> None:
    """They would colour or move what a terminal shows of the verdict."""
    assert page(server, "/odd-server").evidence.headers["server"] == "[31mx"


# --- http.answer -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/hang", "timeout"),
        ("/hang-in-body", "timeout"),
        ("/drip-head", "timeout"),
        ("/drip-body", "timeout"),
        ("/drip-hints", "timeout"),
        ("/close", "closed"),
        ("/close-in-head", "closed"),
        ("/short", "closed"),
        ("/cut-chunk", "closed"),
        ("/no-last-chunk", "closed"),
        ("/reset-now", "reset"),
        ("/reset-in-body", "reset"),
        ("/garbage", "malformed"),
        ("/bad-status", "malformed"),
        ("/http2", "malformed"),
        ("/bad-field", "malformed"),
        ("/long-field", "malformed"),
        ("/many-fields", "malformed"),
        ("/endless-line", "malformed"),
        ("/bad-length", "malformed"),
        ("/two-lengths", "malformed"),
        ("/bad-chunk", "malformed"),
        ("/long-chunk", "malformed"),
        ("/bad-gzip", "malformed"),
        ("/cut-gzip", "malformed"),
        ("/unknown-coding", "malformed"),
    ],
)
def test_an_answer_that_does_not_come_whole_says_why(
    server: FaultHttp, path: str, reason: str
) -> None:
    """A dripping server must end with the budget; a broken one must not read as a network fault."""
    timeout_s = 0.6 if reason == "timeout" else 5
    seen = page(server, path, contains="CCPOR", timeout_s=timeout_s)

    assert seen.failed == seen.blocking == {f"http.answer/{reason}"}
    assert seen.gate == "t/http.answer"
    assert seen.seconds < timeout_s + 2


def test_a_port_that_closed_meanwhile_is_reset() -> None:
    """The tcp check got through a moment ago; the server is going up and down."""
    with fault_http() as server:
        port = server.port

    assert page(port, "/").failed == {"http.answer/reset"}


# --- http.status, http.content, http.latency ---------------------------------------------------


@pytest.mark.parametrize("code", [204, 401, 403, 404, 407, 500, 503])
def test_another_status_is_one_finding_with_its_number(server: FaultHttp, code: int) -> None:
    """An error page lacks the text, too, but that is no second fault."""
    seen = page(server, f"/status/{code}", contains="not there")

    assert seen.failed == {"http.status/unexpected-status"}
    assert seen.findings["http.status"].observed == code


def test_every_listed_status_is_accepted(server: FaultHttp) -> None:
    """A page behind a sign-in answers 401 and is alive."""
    assert page(server, "/status/401", status=[200, 401]).failed == set()


def test_a_page_without_the_text_is_missing_text(server: FaultHttp) -> None:
    """The web server's own start page: reachable, yet not the application."""
    assert page(server, "/bare", contains="CCPOR").failed == {"http.content/missing-text"}


@pytest.mark.parametrize("path", ["/long", "/inflating"])
def test_a_page_longer_than_we_read_is_not_judged_by_its_part(server: FaultHttp, path: str) -> None:
    """Unknown is neither a pass nor a fail; a bomb must not fill the memory."""
    seen = page(server, path, contains="CCPOR", timeout_s=10)

    assert seen.failed == set()
    assert seen.findings["http.content"].status is Status.ERROR
    assert seen.evidence.body_bytes == 5_000_000


@pytest.mark.parametrize(("limit", "blocks"), [([100, 5000], False), (100, True)])
def test_a_slow_page_costs_what_the_limit_says(server: FaultHttp, limit: Any, blocks: bool) -> None:
    """A pair warns first; one number blocks."""
    seen = page(server, "/slow/200", max_ms=limit)

    assert seen.failed == {"http.latency/slow"}
    assert bool(seen.blocking) is blocks


# --- redirects -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/to/bare", "/loop", "/to-elsewhere/bare", "/to-nonsense", "/to-nobody"])  # fmt: skip
def test_a_redirect_that_nobody_listed_is_unexpected(server: FaultHttp, path: str) -> None:
    """The page has moved; the profile or the server must be mended."""
    assert page(server, path, contains="CCPOR").failed == {"http.content/unexpected-redirect"}


def test_a_listed_redirect_passes(server: FaultHttp) -> None:
    """Some applications redirect to their start page: the profile says so."""
    assert page(server, "/to/ok", status=[302]).failed == set()


@pytest.mark.parametrize("path", ["/to/ok", "/to/to/ok", "/until-cookie", "/to-elsewhere/ok"])
def test_a_redirect_is_followed_where_asked(server: FaultHttp, path: str) -> None:
    """A cookie on the way is ordinary: without it such an application goes round for ever."""
    seen = page(server, path, follow=True, contains="CCPOR")

    assert seen.statuses == {Status.PASS}
    assert seen.evidence.hops


@pytest.mark.parametrize("path", ["/loop", "/endless", "/to-nonsense", "/to-nobody"])
def test_a_redirect_that_leads_nowhere_is_unexpected(server: FaultHttp, path: str) -> None:
    """Followed as asked, and no page at the end."""
    assert page(server, path, follow=True).failed == {"http.content/unexpected-redirect"}


# --- captive portals -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/login-required", {}),
        ("/wispr", {}),
        ("/access-point", {"contains": "CCPOR"}),
        ("/refresh", {"contains": "CCPOR"}),
        ("/sign-in", {"contains": "CCPOR"}),
        ("/to-elsewhere/login", {}),
        ("/to-elsewhere/sign-in", {}),
        ("/to-elsewhere/ok/x.html", {"_path": "/to-elsewhere/wispr"}),
        ("/to-elsewhere/sign-in", {"follow": True}),
        ("/to-elsewhere/sign-in", {"follow": True, "contains": "CCPOR"}),
    ],
)
def test_a_sign_in_page_in_the_way_is_a_captive_portal(
    server: FaultHttp, path: str, options: dict[str, Any]
) -> None:
    """The network wants a person first: nothing is wrong with the application."""
    asked = dict(options)
    path = asked.pop("_path", path)

    assert page(server, path, **asked).failed == {"http.content/captive-portal"}


def test_the_wanted_text_clears_a_sign_in_page(server: FaultHttp) -> None:
    """An application that signs in elsewhere is followed there on purpose."""
    seen = page(server, "/to-elsewhere/sign-in", follow=True, contains="<form method=post")

    assert seen.failed == set()


def test_a_sign_in_page_where_no_text_was_asked_for_is_the_page(server: FaultHttp) -> None:
    """CCPOR's own first page asks for a password."""
    assert page(server, "/sign-in").failed == set()


@pytest.mark.parametrize(
    ("location", "is_one"),
    [
        ("http://portal.example.net/", True),
        ("http://wifi.example.net/x", True),
        ("https://example.net/login.php?x", True),
        ("http://example.net/?url=http%3A%2F%2Fccpor.example.org%2F", True),
        ("http://example.net/?orig=ccpor.example.org", True),
        ("http://example.net/moved", False),
        ("http://ccpor.example.org/login", False),
        ("https://www.ccpor.example.org/login", False),
        ("http://[nonsense", False),
    ],
)
def test_a_sign_in_address_is_known_by_its_form(location: str, is_one: bool) -> None:
    """Its host, its path, or that it carries the page asked for."""
    assert leads_to_sign_in("http://ccpor.example.org/", location) is is_one


# --- uploads ---------------------------------------------------------------------------------


def test_an_upload_that_is_taken_passes(server: FaultHttp) -> None:
    """Twelve pages of 52 kB, an ordinary order."""
    seen = page(server, "/ok", upload_kb=624, contains="CCPOR", max_ms=5000)

    assert seen.statuses == {Status.PASS}
    assert seen.evidence.upload.sent_bytes == 624_000
    assert server.asked[-1].field("content-length") == "624000"
    assert server.asked[-1].method == "POST"


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/too-large", "http.upload/too-large"),
        ("/too-large-early", "http.upload/too-large"),
        ("/cut-upload", "http.upload/cut"),
        ("/close-upload", "http.upload/cut"),
        ("/stall-upload", "http.upload/cut"),
        ("/reset-now", "http.upload/cut"),
        ("/swallow-upload", "http.answer/timeout"),
        ("/refuse-upload", "http.status/unexpected-status"),
        ("/status/500", "http.status/unexpected-status"),
        ("/to/ok", "http.content/unexpected-redirect"),
        ("/bare", "http.content/missing-text"),
    ],
)
@pytest.mark.parametrize("kb", [300, 6000])
def test_a_failed_upload_says_who_ended_it(
    server: FaultHttp, path: str, fault: str, kb: int
) -> None:
    """A limit of the server, a device that cuts, or the application: three owners."""
    timeout_s = 1.5 if path in {"/stall-upload", "/swallow-upload"} else 6
    seen = page(server, path, upload_kb=kb, contains="CCPOR", timeout_s=timeout_s)

    assert seen.failed == {fault}
    assert seen.seconds < timeout_s + 2


# --- real servers, TLS -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ca() -> Issued:
    return authority("Test Root")


@pytest.fixture(scope="module")
def files(ca: Issued, tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "ca.pem").write_bytes(ca.pem)
    return write(folder, "server", leaf(ca, names=(HOST, "localhost", "127.0.0.1")))


@pytest.fixture(scope="module")
def secure(files: Files) -> Iterator[FaultHttp]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    with fault_http(tls=context) as running:
        yield running


@pytest.fixture(scope="module")
def real(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    folder = tmp_path_factory.mktemp("nginx")
    body = [
        "client_body_buffer_size 200k;",
        f"location / {{ gzip on; default_type text/html; return 200 '{'CCPOR ' * 500}'; }}",
        "location /small { client_max_body_size 100k; proxy_pass http://127.0.0.1:1; }",
        "location /moved { return 301 /; }",
        "location /none { return 404; }",
    ]
    endpoints = [Endpoint(name="plain", body=body), Endpoint(name="tls", files=files, body=body)]
    with nginx(endpoints, folder) as ports:
        yield ports


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("path", "options", "failed"),
    [
        ("/index.html", {"contains": "CCPOR", "max_ms": 5000}, set()),
        ("/index.html", {"method": "HEAD"}, set()),
        ("/moved", {"follow": True, "contains": "CCPOR"}, set()),
        ("/moved", {}, {"http.content/unexpected-redirect"}),
        ("/none", {}, {"http.status/unexpected-status"}),
        ("/small", {"upload_kb": 624}, {"http.upload/too-large"}),
        ("/small", {"upload_kb": 6000}, {"http.upload/too-large"}),
        ("/small", {"upload_kb": 50, "status": [502]}, set()),
    ],
)
def test_a_real_nginx_is_read_rightly(
    real: dict[str, int],
    files: Files,
    scheme: str,
    path: str,
    options: dict[str, Any],
    failed: set[str],
) -> None:
    """The healthy twin and its faults, as the most common web server shows them."""
    port = real["plain" if scheme == "http" else "tls"]
    seen = page(port, path, scheme=scheme, ca_file=files.certificate.parent / "ca.pem", **options)

    assert seen.failed == failed
    assert Status.ERROR not in seen.statuses
    assert (seen.evidence.tls_ms is not None) is (scheme == "https")


@pytest.mark.parametrize(
    ("path", "options", "failed"),
    [
        ("/", {"contains": "CCPOR"}, set()),
        ("/hang", {"timeout_s": 1}, {"http.answer/timeout"}),
        ("/drip-body", {"timeout_s": 1}, {"http.answer/timeout"}),
        ("/close", {}, {"http.answer/closed"}),
        ("/short", {}, {"http.answer/closed"}),
        ("/reset-now", {}, {"http.answer/reset"}),
        ("/wall", {"contains": "CCPOR"}, {"http.content/captive-portal"}),
        ("/ok", {"upload_kb": 6000}, set()),
        ("/cut-upload", {"upload_kb": 6000}, {"http.upload/cut"}),
        ("/too-large-early", {"upload_kb": 6000}, {"http.upload/too-large"}),
    ],
)
def test_faults_within_tls_are_the_same_faults(
    secure: FaultHttp, files: Files, path: str, options: dict[str, Any], failed: set[str]
) -> None:
    """Encryption must hide none of them."""
    seen = page(
        secure,
        path,
        scheme="https",
        ca_file=files.certificate.parent / "ca.pem",
        **options,
    )

    assert seen.failed == failed


def test_a_redirect_out_of_https_is_unexpected(
    secure: FaultHttp, server: FaultHttp, files: Files
) -> None:
    """An order must not travel in the clear because a server says so."""
    secure.elsewhere = f"http://{HOST}:{server.port}"
    seen = page(
        secure,
        "/to-elsewhere/ok",
        scheme="https",
        follow=True,
        ca_file=files.certificate.parent / "ca.pem",
    )

    assert seen.failed == {"http.content/unexpected-redirect"}
    assert seen.evidence.redirect_refused == "downgrade"


def test_the_servers_own_sign_in_page_over_tls_is_no_portal(
    secure: FaultHttp, files: Files
) -> None:
    """Its address says sign-in and its key is proven: then the text in the profile is wrong."""
    secure.__dict__["login"] = secure.sign_in
    seen = page(
        secure,
        "/login",
        scheme="https",
        contains="CCPOR",
        ca_file=files.certificate.parent / "ca.pem",
    )

    assert seen.failed == {"http.content/missing-text"}


def test_a_certificate_that_is_not_trusted_is_for_the_tls_check_to_tell(secure: FaultHttp) -> None:
    """Without the tls check before it, this one could not look: an error, never a pass."""
    with pytest.raises(CannotObserve):
        page(secure, "/", scheme="https")


# --- options ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"Authorization": "Basic x"}},
        {"headers": {"cookie": "x"}},
        {"headers": {"Proxy-Authorization": "x"}},
        {"headers": {"Host": "x"}},
        {"headers": {"X": "a\r\nB: c"}},
        {"headers": {"X y": "z"}},
        {"headers": {"X": 1}},
        {"method": "DELETE"},
        {"method": "HEAD", "contains": "x"},
        {"status": []},
        {"status": [99]},
        {"contains": ""},
        {"upload_kb": 0},
        {"timeout_s": 0},
        {"verify": False},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    """A secret in a profile would be published with it; a mistake would be passed over."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(options, HttpOptions)


def test_the_reasons_are_those_of_the_catalogue() -> None:
    """A reason without words would reach people as a bare code."""
    assert {rule.code: set(rule.reasons) for rule in CHECK.rules} == {
        rule.code: set(catalogue()[rule.code].reasons) for rule in CHECK.rules
    }
