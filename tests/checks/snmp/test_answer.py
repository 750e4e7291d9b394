"""Who does not answer, and which causes remain; secrets; teardown; many devices at once."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from ccpor_checks.base import CannotObserve, Context, OptionsRefused
from ccpor_checks.snmp import CHECK, SnmpOptions
from ccpor_reporting.model import Status
from tests.checks.looking import Looked, looked
from tests.checks.snmp.places import V2C, V3, asked, target
from tests.peers import free_port
from tests.peers.odd_snmp import odd_snmp
from tests.peers.snmpd import SECRETS, Snmpd, snmpd

WRONG = "canary-wrong-9"
WAYS = {
    "wrong community": V2C | {"community_file": "wrong"},
    "wrong password": V3 | {"auth_file": "wrong"},
    "wrong method": V3 | {"auth": "SHA-512"},
    "wrong privacy key": V3 | {"priv_file": "wrong"},
    "unknown user": V3 | {"user": "nobody"},
    "no encryption": {"user": "monitor", "auth_file": "auth"},
    "silent": V2C,
    "silent to v3": V3,
    "closed": V2C,
}


@pytest.fixture(scope="module")
def refused(device: Snmpd, secrets: Path) -> Iterator[dict[str, Looked]]:
    """Ask in every wrong way at once, with less patience than usual: silence takes its time."""
    from ccpor_checks.snmp import look

    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with silent, pytest.MonkeyPatch.context() as patched:
        patched.setattr(look, "FIRST_WAITS_S", (1.0, 1.5))
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        ports = {"silent": port, "silent to v3": port, "closed": free_port(socket.SOCK_DGRAM)}
        with ThreadPoolExecutor(len(WAYS)) as pool:
            looks = {
                way: pool.submit(asked, ports.get(way, device), secrets, **options)
                for way, options in WAYS.items()
            }
            yield {way: found.result() for way, found in looks.items()}


@pytest.mark.parametrize(
    ("way", "reason", "words"),
    [
        ("wrong community", "timeout", "the community is another"),
        ("wrong password", "authentication", "the password of monitor"),
        ("wrong method", "authentication", "SHA-512"),
        ("wrong privacy key", "timeout", "the privacy password"),
        ("unknown user", "unknown-user", "the user nobody"),
        ("silent", "timeout", "a firewall drops UDP port"),
        ("silent to v3", "timeout", "the device is off"),
        ("closed", "timeout", "is closed"),
    ],
)
def test_each_silence_and_refusal_says_what_remains(
    refused: dict[str, Looked], way: str, reason: str, words: str
) -> None:
    """SNMP answers most mistakes with silence: the causes that remain are named, not guessed."""
    seen = refused[way]

    assert seen.blocking == {f"snmp.answer/{reason}"}
    assert words in seen.findings["snmp.answer"].summary
    assert {seen.findings[code].status for code in seen.findings if code != "snmp.answer"} == {
        Status.SKIP
    }


def test_an_encryption_that_is_lacking_is_told(refused: dict[str, Looked]) -> None:
    """The device wants privacy; net-snmp says authorizationError, others say it of the level."""
    seen = refused["no encryption"]

    assert seen.blocking == {"snmp.answer/no-such-object"}
    assert "authorizationError" in seen.findings["snmp.answer"].summary


def test_a_closed_port_does_not_take_the_whole_wait(refused: dict[str, Looked]) -> None:
    """ICMP says so at once; silence takes seconds."""
    assert refused["closed"].seconds < refused["silent"].seconds
    assert refused["closed"].evidence.closed


def test_no_secret_is_in_evidence_findings_or_log(
    device: Snmpd, secrets: Path, refused: dict[str, Looked], caplog: pytest.LogCaptureFixture
) -> None:
    """A report goes to many hands."""
    with caplog.at_level(logging.DEBUG):
        seen = [asked(device, secrets, **V3), asked(device, secrets), *refused.values()]
    written = caplog.text + "".join(
        msgspec.json.encode((each.evidence, list(each.findings.values()))).decode() for each in seen
    )

    assert [secret for secret in (*SECRETS, WRONG) if secret in written] == []


@pytest.mark.parametrize(
    ("fault", "failed", "why"),
    [
        ("circle", set(), "not-increasing"),
        ("backwards", set(), "not-increasing"),
        ("empty", set(), "malformed"),
        ("one-answer", set(), "no-answer"),
        ("error", {"snmp.answer/no-such-object"}, None),
        ("garbage", {"snmp.answer/timeout"}, None),
        ("wrong-request", {"snmp.answer/timeout"}, None),
    ],
)
def test_an_agent_that_breaks_the_rules_is_stopped(
    secrets: Path,
    fault: str,
    failed: set[str],
    why: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Old firmware and hostile devices: never a hang, never a pass of what was not seen."""
    from ccpor_checks.snmp import look, session

    monkeypatch.setattr(look, "FIRST_WAITS_S", (0.3, 0.3))
    monkeypatch.setattr(session, "WAITS_S", (0.3, 0.3))
    with odd_snmp(fault) as port:  # type: ignore[arg-type]
        seen = asked(port, secrets)

    assert seen.failed == failed
    if why is not None:
        assert {stop.why for stop in seen.evidence.stops} == {why}
        assert seen.findings["snmp.errors"].status is Status.ERROR


def test_a_look_that_is_given_up_ends_at_once(secrets: Path) -> None:
    """The engine does not wait for a sample of minutes, and nothing stays behind."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        context = Context(deadline=time.monotonic() + 30, base_dir=secrets)
        options = msgspec.convert(V2C, SnmpOptions)
        threading.Timer(0.3, context.abandon).start()
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            CHECK.run(target(silent.getsockname()[1]), options, context)

    assert time.monotonic() - began < 5
    assert [thread.name for thread in threading.enumerate() if thread.name == "snmp"] == []


def test_twenty_devices_take_three_seconds_at_most(secrets: Path, tmp_path: Path) -> None:
    """A court's switches and printers, all asked in one run. Bounded by CPU seconds: the machine
    may be busy with other tests."""
    with ExitStack() as running:
        devices = []
        for number in range(20):
            folder = tmp_path / str(number)
            folder.mkdir()
            devices.append(running.enter_context(snmpd(folder, own_tables=False)))
        asked(devices[0], secrets, **V3)  # imports
        begun, cpu = time.monotonic(), time.process_time()
        with ThreadPoolExecutor(20) as pool:
            looks = list(pool.map(lambda each: asked(each, secrets, **V3), devices))
        took, worked = time.monotonic() - begun, time.process_time() - cpu

    print(
        f"20 devices: {took:.2f} s, {worked:.2f} s of CPU, {looks[0].evidence.objects} values each"
    )
    assert {look.findings["snmp.answer"].status for look in looks} == {Status.PASS}
    assert worked <= 3.0


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ({"version": "v2c"}, "community_file"),
        ({"version": "v2c", "community_file": "c", "user": "x"}, "user"),
        ({"auth_file": "a"}, "user"),
        ({"interfaces": ("eth0",)}, "user"),
        ({"user": "x", "priv_file": "p"}, "priv_file"),
        ({"user": "x", "community_file": "c"}, "community_file"),
        ({"user": "x" * 33}, "user"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_the_profile(
    written: dict[str, object], key: str
) -> None:
    """Told with file and line when the profile is read, not on the day of the run."""
    with pytest.raises(OptionsRefused) as caught:
        SnmpOptions(**written)  # type: ignore[arg-type]

    assert [each.key[0] for each in caught.value.refusals] == [key]


@pytest.mark.parametrize(
    ("options", "content", "words"),
    [
        ({}, None, "the profile names nobody who asks"),
        (V2C, None, "cannot be read"),
        (V2C, b"", "is empty"),
        (V2C, b"\xff\xfe\x00", "is no text"),
        ({"user": "x", "auth_file": "community"}, b"short", "shorter than 8"),
    ],
)
def test_a_secret_that_cannot_be_used_is_our_inability(
    tmp_path: Path, options: dict[str, str], content: bytes | None, words: str
) -> None:
    """Nothing was asked, so nothing is said of the device."""
    if content is not None:
        (tmp_path / "community").write_bytes(content)
    context = Context(deadline=time.monotonic() + 5, base_dir=tmp_path)

    with pytest.raises(CannotObserve, match=words):
        CHECK.run(target(9), msgspec.convert(options, SnmpOptions), context)


def test_a_device_is_asked_by_ipv6_too(secrets: Path, tmp_path: Path) -> None:
    """Its address is of another shape everywhere inside the library."""
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists():
        pytest.skip("no IPv6 here")
    with snmpd(tmp_path, own_tables=False, ipv6=True) as device:
        options = V3 | {"sample_s": 0.1}
        seen = looked(CHECK, target(device.port, "::1"), options, base_dir=secrets)

    assert seen.findings["snmp.answer"].status is Status.PASS, seen.findings["snmp.answer"].summary


def test_every_reason_is_one_of_the_catalogue() -> None:
    """A reason outside the closed list has no words."""
    from ccpor_reporting.faults import catalogue

    for rule in CHECK.rules:
        assert set(rule.reasons) == set(catalogue()[rule.code].reasons)
