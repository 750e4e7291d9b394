"""Not a byte of a report over a line that cannot be trusted, and no switch to do it all the same."""

from __future__ import annotations

import datetime
import re
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ccpor_agent.enroll import EnrolmentFailed, enroll
from ccpor_agent.identity import load_identity, save_identity
from ccpor_agent.transport import Collector, Unreachable
from ccpor_agent.upload import send_report
from tests.conftest import ROOT
from tests.peers.fake_collector import CODE, FakeCollector, new_report, started_collector

CA = trustme.CA()
OTHER_CA = trustme.CA()
PAST = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=2)


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(str(path))
    return path


def context(leaf: trustme.LeafCert) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(made)
    return made


def self_signed(folder: Path, bits: int = 2048) -> ssl.SSLContext:
    key = rsa.generate_private_key(65537, bits)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=9))
        .sign(key, hashes.SHA256())
    )
    path = folder / "self.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(cert.public_bytes(Encoding.PEM) + pem)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(path)
    return made


def old_protocol() -> ssl.SSLContext:
    made = context(CA.issue_cert("127.0.0.1"))
    made.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version = ssl.TLSVersion.TLSv1
        made.maximum_version = ssl.TLSVersion.TLSv1_1
    return made


BAD = {
    "expired": lambda _: context(CA.issue_cert("127.0.0.1", not_after=PAST)),
    "another name": lambda _: context(CA.issue_cert("ccpor.example.org")),
    "unknown CA": lambda _: context(OTHER_CA.issue_cert("127.0.0.1")),
    "self-signed": self_signed,
    "TLS 1.1": lambda _: old_protocol(),
}


@pytest.fixture
def good(tmp_path: Path, ca_file: Path) -> Iterator[FakeCollector]:
    with started_collector(FakeCollector(), context(CA.issue_cert("127.0.0.1"))) as running:
        yield running


def test_a_trusted_collector_gets_the_report(
    good: FakeCollector, tmp_path: Path, ca_file: Path
) -> None:
    """Negative control of all below; the CA file is kept, so that the original may go."""
    enroll(tmp_path / "state", f"https://127.0.0.1:{good.port}", CODE, ca_file=ca_file)
    ca_file.unlink()

    assert send_report(new_report(), tmp_path / "state").acknowledged
    assert good.posts == 1


@pytest.mark.parametrize("name", BAD)
def test_a_collector_that_cannot_be_trusted_gets_nothing(
    name: str, good: FakeCollector, tmp_path: Path, ca_file: Path
) -> None:
    """Neither the code at enrolment nor the report later."""
    state = tmp_path / "state"
    enroll(state, f"https://127.0.0.1:{good.port}", CODE, ca_file=ca_file)
    bad = FakeCollector()
    with started_collector(bad, BAD[name](tmp_path)):
        url = f"https://127.0.0.1:{bad.port}"
        identity = load_identity(state)
        assert identity is not None
        save_identity(state, msgspec.structs.replace(identity, collector=url))

        outcome = send_report(new_report(), state, seconds=1.0)
        with pytest.raises(EnrolmentFailed):
            enroll(tmp_path / "other", url, CODE, ca_file=ca_file)

    assert not outcome.acknowledged
    assert bad.requests == []


def test_with_a_ca_file_nobody_else_is_trusted(tmp_path: Path, ca_file: Path) -> None:
    """Instead of the system's store, not beside it."""
    trusted = Collector("https://127.0.0.1", ca_file)._trust().get_ca_certs()

    assert len(trusted) == 1


def test_the_reason_names_what_is_wrong(tmp_path: Path, ca_file: Path) -> None:
    """`untrusted` is mended elsewhere than `timeout`."""
    stranger = context(OTHER_CA.issue_cert("127.0.0.1"))
    with started_collector(FakeCollector(), stranger) as bad, pytest.raises(Unreachable) as caught:
        Collector(f"https://127.0.0.1:{bad.port}", ca_file).ask("GET", "/healthz", seconds=5)

    assert caught.value.reason == "untrusted"


def test_a_collector_that_never_answers_is_given_up_in_time() -> None:
    """One byte now and then must not hold a run for ever."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def dribble() -> None:
        client, _ = listener.accept()
        with client:
            client.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not stop.wait(0.05):
                try:
                    client.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=dribble, daemon=True)
    thread.start()
    started = time.monotonic()
    try:
        with pytest.raises(Unreachable) as caught:
            Collector(f"http://127.0.0.1:{listener.getsockname()[1]}").ask("GET", "/", seconds=0.5)
    finally:
        stop.set()
        thread.join(5)
        listener.close()

    assert caught.value.reason == "timeout"
    assert time.monotonic() - started < 3


def test_a_name_that_does_not_exist_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the class of the error; no resolver is asked here."""

    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable) as caught:
        Collector("https://ccpor.example.org").ask("GET", "/", seconds=5)

    assert caught.value.reason == "name"


def test_a_name_lookup_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's resolver takes no deadline; the run has one."""
    stop = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        stop.wait(20)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.monotonic()
    try:
        with pytest.raises(Unreachable) as caught:
            Collector("https://ccpor.example.org").ask("GET", "/", seconds=0.3)
        waited = time.monotonic() - started
    finally:
        stop.set()

    assert caught.value.reason == "timeout"
    assert waited < 3


def test_no_code_of_ours_turns_verification_off() -> None:
    """There is no insecure mode in the agent's way to its collector."""
    folder = ROOT / "agent" / "ccpor_agent"
    files = ["transport.py", "upload.py", "enroll.py", "doctor.py", "commands/enroll.py"]
    text = "\n".join((folder / name).read_text(encoding="utf-8") for name in files)

    assert re.findall(r"verify\s*=\s*False|CERT_NONE|_create_unverified|--insecure", text) == []


class Proxy:
    """Speaks CONNECT, or refuses; remembers what it was asked."""

    def __init__(self, answer: bytes) -> None:
        self.answer, self.asked = answer, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self) -> None:
        client, _ = self.listener.accept()
        with client:
            while b"\r\n\r\n" not in self.asked:
                self.asked += client.recv(4096)
            client.sendall(self.answer)


@pytest.mark.parametrize("status", [b"407 Proxy Authentication Required", b"403 Forbidden"])
def test_a_proxy_that_gives_no_way_is_named(status: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's proxy is used, with its password, and its refusal is not the collector's."""
    proxy = Proxy(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
    proxy.thread.start()
    monkeypatch.setenv("https_proxy", f"http://court:p%40ss@127.0.0.1:{proxy.port}")

    with pytest.raises(Unreachable) as caught:
        Collector("https://ccpor.example.org").ask("GET", "/", seconds=5)
    proxy.thread.join(5)
    proxy.listener.close()

    assert caught.value.reason == "proxy"
    assert proxy.asked.startswith(b"CONNECT ccpor.example.org:443 ")
    assert b"Proxy-Authorization: Basic Y291cnQ6cEBzcw==\r\n" in proxy.asked


def test_this_machine_is_never_asked_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """http to a loopback collector in the clear stays on this machine."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with started_collector(FakeCollector()) as running:
        answer = Collector(running.url).ask("GET", "/healthz", seconds=5)

    assert answer.status == 200


def test_netrc_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password kept there for another program must not go to whoever answers here."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login court password hidden\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    seen: list[dict[str, str]] = []
    collector = FakeCollector()
    real = collector.answer
    collector.answer = lambda m, p, h, b: (seen.append(h), real(m, p, h, b))[1]  # type: ignore[method-assign]
    with started_collector(collector):
        Collector(collector.url).ask("GET", "/healthz", seconds=5)

    assert [headers.keys() & {"authorization", "cookie"} for headers in seen] == [set()]
