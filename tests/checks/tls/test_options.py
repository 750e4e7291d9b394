"""What a profile may ask of TLS, and files it names that cannot be used."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import msgspec.inspect
import pytest

from ccpor_checks.tls import CHECK, TlsEvidence, TlsOptions
from ccpor_reporting.judging import judge
from ccpor_reporting.rules import Setting
from tests.checks.tls.conftest import Pki
from tests.checks.tls.looking import REF, Outcome, judged, look
from tests.peers import fault_tls, free_port, program
from tests.peers.certificates import leaf, old_root

At = Callable[..., Outcome]
WRONG_PIN = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def test_days_are_counted_from_go_live(at: At) -> None:
    """A certificate that ends two weeks after go-live fails the court when it is busiest."""
    today = datetime.now(UTC).date()

    assert at("hundred-days", go_live=today + timedelta(days=60)).faults == set()
    too_late = at("hundred-days", go_live=today + timedelta(days=80))
    assert too_late.faults == {"tls.validity/expires-too-soon"}
    assert "after go-live" in too_late.findings["tls.validity"].summary


def test_a_certificate_that_ends_before_go_live_ends_too_soon(at: At) -> None:
    """It is valid today, so it is not `expired`; the days are counted backwards."""
    go_live = datetime.now(UTC).date() + timedelta(days=200)
    outcome = at("hundred-days", go_live=go_live)

    assert outcome.faults == {"tls.validity/expires-too-soon"}
    assert outcome.findings["tls.validity"].observed in {-100, -99}  # by the hour of the day
    assert "days before go-live" in outcome.findings["tls.validity"].summary


def test_a_go_live_in_the_past_counts_from_now(at: At) -> None:
    """Scheduled runs after go-live look at today."""
    assert at("expiring", go_live=date(2020, 1, 1)).faults == {"tls.validity/expires-too-soon"}
    assert at("hundred-days", go_live=date(2020, 1, 1)).faults == set()


def test_the_days_are_the_profiles_choice(at: At) -> None:
    """Five and a half days left are enough where five are asked."""
    assert at("expiring", min_days_left=5).faults == set()
    assert at("expiring", min_days_left=6).faults == {"tls.validity/expires-too-soon"}


@pytest.mark.parametrize(
    ("days", "severity"),
    [((30, 6), "blocker"), ((30, 5), "warning"), ((5, 2), None), (30, "blocker")],
    ids=str,
)
def test_a_pair_of_days_warns_before_it_blocks(
    at: At, days: int | tuple[int, int], severity: str | None
) -> None:
    """[30, 7]: a month for the order form, a week until nobody may go live on it."""
    found = at("expiring", min_days_left=days).findings["tls.validity"]

    assert (found.severity.value if found.fault else None) == severity


def test_a_certificate_that_only_warns_does_not_stop_the_page(at: At) -> None:
    """The login page of a server whose certificate ends in five days is looked at all the same."""
    want = TlsOptions(ca_file="root.crt", min_days_left=(30, 5))
    found = judge(
        check="tls",
        rules=CHECK.rules,
        staged=CHECK.staged,
        target=REF,
        options=want,
        evidence=at("expiring").seen,
        ending=None,
        setting=Setting(observed_at=datetime.now(UTC)),
    )

    assert found.gate is None
    assert [each.fault for each in found.findings if each.fault] == [
        "tls.validity/expires-too-soon"
    ]


def test_a_pair_of_key_lengths_warns_before_it_blocks(at: At) -> None:
    """A court may ask for longer keys without closing the door on today's."""
    assert at("rsa-2048", min_rsa_bits=(3072, 2048)).findings["tls.key"].severity.value == "warning"
    assert at("rsa-2048", min_rsa_bits=(4096, 3072)).findings["tls.key"].severity.value == "blocker"


def test_a_pin_of_any_certificate_in_the_chain_suffices(at: At) -> None:
    """Leaf, intermediate or the root that only this workstation's store holds."""
    chain = at("good").seen.chain

    assert [one.is_served for one in chain] == [True, True, False]
    for one in chain:
        assert at("good", pins=(WRONG_PIN, one.spki_sha256)).faults == set()


def test_a_trusted_chain_without_a_pinned_key_is_intercepted(at: At) -> None:
    """The inspecting proxy's authority is installed here: only the pin tells."""
    assert at("good", pins=(WRONG_PIN,)).faults == {"tls.trust/intercepted"}
    rogue = at("unknown-issuer", ca_file="rogue.crt", pins=(WRONG_PIN,))
    assert rogue.faults == {"tls.trust/intercepted"}


def test_a_pin_overrules_the_look_of_the_issuer(at: At) -> None:
    """Whoever pins an inspecting authority's key has decided to accept it."""
    pin = at("inspected").seen.chain[0].spki_sha256

    assert at("inspected", pins=(pin,)).faults == set()


def test_a_pin_matches_as_openssl_computes_it(at: At, pki: Pki) -> None:
    """People make pins with openssl; ours must be the same."""
    openssl = program("openssl")
    command = (
        f"{openssl} x509 -in {pki.good.certificate} -pubkey -noout"
        f" | {openssl} pkey -pubin -outform der"
        f" | {openssl} dgst -sha256 -binary | {openssl} base64"
    )
    made = subprocess.run(command, shell=True, capture_output=True, check=True, timeout=30)

    assert at("good").seen.chain[0].spki_sha256 == made.stdout.decode().strip()


def bad_files(folder: Path, pki: Pki) -> dict[str, dict[str, str]]:
    (folder / "text.pem").write_text("not a certificate")
    (folder / "empty.pem").write_text("")
    (folder / "folder.pem").mkdir()
    encrypted = folder / "encrypted.key"
    subprocess.run(
        [program("openssl"), "pkey", "-in", pki.folder / "agent.key", "-aes128",
         "-passout", "pass:secret", "-out", encrypted],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    agent, own = str(pki.folder / "agent.crt"), str(pki.folder / "agent.key")
    return {
        "ca missing": {"ca_file": "none.pem"},
        "ca is text": {"ca_file": "text.pem"},
        "ca is empty": {"ca_file": "empty.pem"},
        "ca is a folder": {"ca_file": "folder.pem"},
        "client certificate missing": {"client_cert_file": "none.crt", "client_key_file": own},
        "key missing": {"client_cert_file": agent, "client_key_file": "none.key"},
        "key of another": {
            "client_cert_file": agent,
            "client_key_file": str(pki.folder / "good.key"),
        },
        "key is text": {"client_cert_file": agent, "client_key_file": "text.pem"},
        "key has a password": {"client_cert_file": agent, "client_key_file": "encrypted.key"},
        "certificate without key": {"client_cert_file": agent},
    }


def test_a_file_that_cannot_be_used_is_said_and_never_a_fault_of_the_target(
    pki: Pki, ports: dict[str, int], tmp_path: Path
) -> None:
    """It is this profile that is wrong; no password is ever asked for on a terminal."""
    for name, options in bad_files(tmp_path, pki).items():
        outcome = look(ports["good"], folder=tmp_path, **options)
        assert outcome.faults == {"tls.handshake:error"}, name
        assert outcome.ending is not None
        assert any(value in outcome.ending.detail for value in options.values()), name


def test_a_ca_file_in_der_is_read_too(at: At, pki: Pki) -> None:
    """Windows exports certificates so unless told otherwise."""
    from cryptography.hazmat.primitives.serialization import Encoding

    (pki.folder / "root.cer").write_bytes(pki.root.certificate.public_bytes(Encoding.DER))

    assert at("good", ca_file="root.cer").faults == set()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps its store elsewhere")
def test_the_systems_store_is_trusted_as_a_file_or_a_folder(
    ports: dict[str, int], pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL reads a folder of hashed names one by one and never lists it."""
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.folder / "root.crt"))
    by_file = look(ports["good"])

    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    (tmp_path / "root.pem").write_bytes(pki.root.pem)
    subprocess.run(
        [program("openssl"), "rehash", tmp_path], check=True, capture_output=True, timeout=30
    )
    by_folder, stranger = look(ports["good"]), look(ports["unknown-issuer"])

    assert (by_file.faults, by_folder.faults) == (set(), set())
    assert stranger.faults == {"tls.trust/unknown-issuer"}
    assert by_folder.seen.trust_store == "system"
    assert by_folder.seen.trusted_roots == 1


def test_a_self_signed_certificate_that_the_profile_trusts_is_trusted(pki: Pki) -> None:
    """A small collector may have one; nobody could revoke it, so even "hard" has no doubt."""
    own = leaf(None)
    files = pki.file("own", own)
    with fault_tls.serving(fault_tls.tls(files)) as port:
        outcome = look(port, folder=pki.folder, ca_file="own.crt", revocation="hard")

    assert outcome.faults == set()


def test_how_a_root_signed_itself_does_not_matter(pki: Pki) -> None:
    """It is trusted by being in the store; many sound roots of before 2016 used SHA-1."""
    old = old_root(pki.folder)
    files = pki.file("under-old-root", leaf(old), old)
    with fault_tls.serving(fault_tls.tls(files)) as port:
        outcome = look(port, folder=pki.folder, ca_file="old-root.crt")

    assert outcome.seen.chain[-1].signature_hash == "sha1"
    assert outcome.faults == set()


def test_an_empty_store_is_said_rather_than_blamed_on_the_target(at: At) -> None:
    """A fresh workstation without any root certificate trusts nobody: unknown, not a fault."""
    seen = msgspec.structs.replace(at("unknown-issuer").seen, trusted_roots=0)
    want = TlsOptions(ca_file="root.crt")
    found = judged(want, seen, None, Setting(observed_at=datetime.now(UTC)))

    assert {one.code for one in found if one.status == "error"} == {"tls.trust"}


def test_certificates_that_cannot_be_read_prove_nothing(at: At) -> None:
    """Evidence without a chain is unknown in all that a certificate would show."""
    seen = msgspec.structs.replace(at("good").seen, chain=(), unreadable_count=1)
    want = TlsOptions(ca_file="root.crt")
    found = judged(want, seen, None, Setting(observed_at=datetime.now(UTC)))

    assert {one.code for one in found if one.status == "error"} == {
        "tls.trust",
        "tls.name",
        "tls.validity",
        "tls.key",
    }


def test_importing_the_check_is_light() -> None:
    """`list` and `--help` import every check; TLS libraries wait until one runs."""
    heavy = "print(sorted({'ssl', 'cryptography', 'http.client'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; import ccpor_checks.tls; {heavy}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert done.stdout.strip() == "[]"


def test_stored_evidence_is_judged_again_without_a_look(at: At) -> None:
    """`judge` answers a changed profile from the report's JSON alone, name and trust included."""
    stored = msgspec.json.encode(at("hundred-days").seen)
    seen = msgspec.json.decode(stored, type=TlsEvidence)
    setting = Setting(observed_at=datetime.now(UTC))

    def faults(**options: object) -> set[str]:
        want = TlsOptions(**{"ca_file": "root.crt", **options})  # type: ignore[arg-type]
        found = judged(want, seen, None, setting)
        return {one.fault or f"{one.code}:{one.status}" for one in found if one.status != "pass"}

    assert faults() == set()
    assert faults(min_days_left=120, min_rsa_bits=4096, min_version="TLSv1.3") == {
        "tls.validity/expires-too-soon"
    }
    assert faults(pins=(WRONG_PIN,)) == {"tls.trust/intercepted"}
    assert faults(ca_file="rogue.crt", server_name="court.test") == {
        "tls.trust:error",  # what another store or name would have shown, nobody saw
        "tls.name:error",
    }


BAD_OPTIONS = [
    {"min_version": "TLSv1.1"},
    {"min_days_left": -1},
    {"min_days_left": "soon"},
    {"pins": ["sha256/AAAA"]},
    {"revocation": "maybe"},
    {"timeout_s": 0},
    {"min_rsa_bits": 12},
    {"server_name": ""},
    {"server_name": ".court.test"},
    {"server_name": "a" * 64 + ".test"},
    {"client_key_file": "agent.key"},
    {"verify": False},
]


@pytest.mark.parametrize("options", BAD_OPTIONS, ids=str)
def test_options_that_mean_nothing_are_refused(options: dict[str, object]) -> None:
    """No key switches verification off, and no wrong value is taken for a default."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(options, TlsOptions)


def test_every_option_says_what_to_write() -> None:
    """The profile reader derives its messages from these words."""
    silent = []
    for field in msgspec.inspect.type_info(TlsOptions).fields:  # type: ignore[attr-defined]
        schema = getattr(field.type, "extra_json_schema", None) or {}
        if not schema.get("description"):
            silent.append(field.name)

    assert silent == []


def test_the_reasons_are_those_of_the_catalogue() -> None:
    """A reason without words would reach a court as a bare code."""
    from ccpor_reporting.faults import catalogue

    ours = {rule.code: set(rule.reasons) for rule in CHECK.rules}

    assert ours == {code: set(catalogue()[code].reasons) for code in ours}


class Reached(msgspec.Struct):
    address: str | None = None


class Found(msgspec.Struct):
    addresses: tuple[str, ...] = ()


def test_the_address_that_tcp_reached_is_the_one_looked_at(ports: dict[str, int]) -> None:
    """Behind one name stand several servers: the chain of checks stays on one."""
    earlier = {"dns": Found(("127.0.0.9",)), "tcp": Reached("127.0.0.1")}
    outcome = look(ports["good"], host="ccpor.invalid", earlier=earlier)

    assert outcome.seen.address == "127.0.0.1"


def test_the_next_address_is_tried_where_one_does_not_answer(ports: dict[str, int]) -> None:
    """Without tcp evidence the addresses of dns are tried in order."""
    earlier = {"dns": Found(("127.0.0.9", "127.0.0.1"))}
    outcome = look(ports["good"], host="ccpor.invalid", earlier=earlier)

    assert outcome.seen.address == "127.0.0.1"


def test_a_host_without_earlier_evidence_is_looked_up(ports: dict[str, int]) -> None:
    """``checks = ["tls"]`` is allowed; what is no name is then said plainly."""
    assert look(ports["good"], host="localhost").seen.address == "127.0.0.1"
    assert look(free_port(), host="ccpor..invalid").faults == {"tls.handshake:error"}


def test_the_name_asked_for_goes_onto_the_wire() -> None:
    """Many names on one address: without SNI another court's certificate comes back."""
    heard: list[bytes] = []

    def listen(connection: socket.socket) -> None:
        heard.append(connection.recv(65536))

    with fault_tls.serving(listen) as port:
        look(port, server_name="Ccpor.Court.Test.")

    assert b"ccpor.court.test" in heard[0]
