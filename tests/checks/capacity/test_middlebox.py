"""What stands between is found: a proxy that keeps uploads, packs them, or cuts them short."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest

from ccpor_checks.base import Target
from ccpor_checks.capacity import middlebox
from ccpor_checks.capacity.turn import Turn
from ccpor_checks.tls.evidence import TlsOptions
from ccpor_reporting.capacity.protocol import Slot
from tests.checks.capacity.office import HOST, WISH, Office
from tests.peers import certificates
from tests.peers.nginx import Endpoint, nginx

RTT_MS = 2.0


def seen(office: Office, target: Target, *, forget_names: bool = True) -> str | None:
    """Return what is found on the way to *target*; names that proxies give themselves left out."""
    ctx = office.context()
    with Turn(target, WISH, ctx) as turn:
        if forget_names:
            turn.slot = msgspec.structs.replace(turn.slot, via=None)
        return middlebox.look(turn, RTT_MS, ctx)


def behind(office: Office, folder: Path, *lines: str) -> tuple[Endpoint, certificates.Authority]:
    root = certificates.authority("Proxy CA")
    files = certificates.write(folder, "proxy", certificates.leaf(root, names=[HOST]), root)
    body = [
        "location / {",
        f"  proxy_pass https://{HOST}:{office.port};",
        "  proxy_http_version 1.1;",
        "  proxy_ssl_verify off;",
        *lines,
        "}",
    ]
    return Endpoint(name="proxy", files=files, body=body), root


def through(office: Office, folder: Path, *lines: str, forget_names: bool = True) -> str | None:
    endpoint, root = behind(office, folder, *lines)
    ca = folder / "proxy-ca.pem"
    ca.write_bytes(root.pem)
    serving = folder / "nginx"
    serving.mkdir()
    with nginx([endpoint], serving) as ports:
        port = ports["proxy"]
        target = dataclasses.replace(
            office.target,
            url=f"capacity://{HOST}:{port}",
            port=port,
            options={"tls": TlsOptions(ca_file=str(ca))},
        )
        return seen(office, target, forget_names=forget_names)


def test_a_free_way_shows_nothing(office: Office) -> None:
    """No false alarm."""
    assert seen(office, office.target, forget_names=False) is None


def test_a_proxy_that_keeps_the_upload_is_found(office: Office, tmp_path: Path) -> None:
    """It would measure the line to itself."""
    lines = ("  proxy_request_buffering on;", "  proxy_buffering off;")
    found = through(office, tmp_path, *lines, "  client_body_buffer_size 1m;")

    assert found == middlebox.KEEPS


def test_a_proxy_that_passes_on_at_once_does_no_harm(office: Office, tmp_path: Path) -> None:
    """The same proxy, told to pass everything on."""
    lines = ("  proxy_request_buffering off;", "  proxy_buffering off;")

    assert through(office, tmp_path, *lines) is None


def test_a_proxy_that_names_itself_is_named(office: Office, tmp_path: Path) -> None:
    """Whose line is measured, must be known."""
    lines = ("  proxy_set_header Via '1.1 court-proxy';", "  proxy_request_buffering off;")
    found = through(office, tmp_path, *lines, forget_names=False)

    assert found is not None
    assert "1.1 court-proxy" in found


def test_a_proxy_that_packs_is_found(office: Office, tmp_path: Path) -> None:
    """Bytes that are packed on the way are no measure of it."""
    lines = (
        "  set $coding '';",
        f"  if ($uri = {middlebox.UP}) {{ set $coding gzip; }}",
        "  proxy_set_header Content-Encoding $coding;",
        "  proxy_request_buffering off;",
        "  proxy_buffering off;",
    )
    found = through(office, tmp_path, *lines)

    assert found == "a proxy on the way packs what is sent (gzip)"


def test_a_download_of_another_length_is_found(office: Office, tmp_path: Path) -> None:
    """What is read is not what the collector sent."""
    lines = (
        "  proxy_request_buffering off;",
        "  proxy_buffering off;",
        f"  if ($uri = {middlebox.DOWN}) {{ return 200 'short'; }}",
    )
    found = through(office, tmp_path, *lines)

    assert found == f"a device on the way changes what is read: 5 of {middlebox.HALF} bytes"


@pytest.mark.parametrize(
    ("via", "said"), [(None, None), ("Via: 1.1 squid", "a proxy is on the way (Via: 1.1 squid)")]
)
def test_who_names_itself_is_quoted(via: str | None, said: str | None) -> None:
    """As the collector saw it."""
    assert middlebox.named(Slot(id="a", state="granted", token="t", via=via)) == said
