"""What is no SSH, or stops being it: each ending by its reason, told from the bytes that came."""

from __future__ import annotations

import sys

import pytest

from ccpor_checks.ssh.greeting import read_greeting
from tests.checks.ssh.places import asked
from tests.peers.fault_ssh import SAYS, Fault, fault_ssh, kexinit

SILENT_S = 0.6  # patience with a server that will never answer


@pytest.mark.parametrize(
    ("fault", "reason", "stage"),
    [
        ("http", "not-ssh", "greeting"),
        ("smtp", "not-ssh", "greeting"),
        ("tls", "not-ssh", "greeting"),
        ("flood", "not-ssh", "greeting"),
        ("garbage-after-greeting", "not-ssh", "algorithms"),
        ("endless-line", "not-ssh", "greeting"),
        ("endless-packet", "not-ssh", "algorithms"),
        ("close", "closed", "greeting"),
        ("reset", "closed", "greeting"),
        ("turned-away", "closed", "greeting"),
        ("half-greeting", "closed", "greeting"),
        ("close-after-greeting", "closed", "algorithms"),
        ("silent", "timeout", "greeting"),
        ("silent-after-greeting", "timeout", "algorithms"),
        ("lines-before", "timeout", "algorithms"),
        ("silent-after-algorithms", "timeout", "keys"),
        ("old", "no-common-algorithm", "algorithms"),
        ("no-algorithms", "no-common-algorithm", "keys"),
    ],
)
def test_each_ending_has_its_reason_and_its_stage(fault: Fault, reason: str, stage: str) -> None:
    """The owner differs: a wrong port, a busy server, a hung one, an old one."""
    with fault_ssh(fault) as port:
        seen = asked(port, timeout_s=SILENT_S if reason in ("timeout", "not-ssh") else 10)

    assert seen.blocking == {f"ssh.session/{reason}"}
    assert seen.evidence.failed_at == stage
    assert seen.seconds < 5


def peak_kb() -> int:
    """Return the most memory this process ever had; 0 on Windows, which is asked otherwise."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_a_server_that_never_stops_talking_is_not_kept() -> None:
    """Half a gigabyte a second on loopback: what is kept of it must have an end."""
    before = peak_kb()
    with fault_ssh("endless-packet") as port:
        seen = asked(port, timeout_s=3)

    assert seen.blocking == {"ssh.session/not-ssh"}
    assert seen.seconds < 3
    assert peak_kb() - before < 30_000


def test_an_endings_own_words_are_shown_where_they_help() -> None:
    """ "Exceeded MaxStartups" tells the owner of the server which line to change."""
    with fault_ssh("turned-away") as port:
        seen = asked(port)

    assert seen.evidence.said == "Exceeded MaxStartups"
    assert "Exceeded MaxStartups" in seen.findings["ssh.session"].summary


def test_what_is_not_shared_is_named_by_kind() -> None:
    """The exact ask to the owner: which list to widen."""
    with fault_ssh("no-algorithms") as port:
        seen = asked(port)

    assert seen.evidence.not_shared == ("kex", "host_key", "cipher", "mac")
    assert "no type of host key" in seen.findings["ssh.session"].summary
    assert seen.evidence.offered.cipher == ("chacha20-poly1305@openssh.com",)


@pytest.mark.parametrize("cut", [0, 1, 3, 4, 10, 22, 23, 27, 40, 200])
def test_a_greeting_cut_anywhere_is_never_another_protocol(cut: int) -> None:
    """A connection that is cut is a cut connection, wherever that happens."""
    whole = b"SSH-2.0-OpenSSH_9.2p1\r\n" + kexinit("a", "b", "c", "d" * 200)

    greeting = read_greeting(whole[:cut])

    assert not greeting.is_other_protocol
    assert greeting.offered is None


def test_lines_before_the_identification_are_passed_over() -> None:
    """RFC 4253 section 4.2 allows them; a county's warning text is no other protocol."""
    greeting = read_greeting(b"Property of the county\r\n" + SAYS["no-algorithms"])

    assert greeting.version == "SSH-2.0-Strict_1"
    assert greeting.before == b"Property of the county\r\n"
    assert greeting.offered
    assert not greeting.is_other_protocol


def test_what_a_server_says_is_made_fit_for_a_screen() -> None:
    """Control codes of a stranger must not reach a terminal or a page."""
    said = read_greeting(b"\x1b[2J\x07 evil \xff\xfe" + b"x" * 500).said

    assert said is not None
    assert said.isprintable()
    assert len(said) < 120


def test_any_bytes_are_read_without_an_exception() -> None:
    """The greeting comes from a stranger; a parser that raises would be our bug in the report."""
    import random

    dice = random.Random(20)
    start = b"SSH-2.0-x\r\n"
    for _ in range(3000):
        body = bytearray(kexinit("a,b", "c", "d", "e"))
        for _each in range(dice.randrange(4)):
            body[dice.randrange(len(body))] = dice.randrange(256)
        heard = start + bytes(body) if dice.random() < 0.7 else dice.randbytes(60)
        greeting = read_greeting(heard)
        assert greeting.said is None or greeting.said.isprintable()
