"""Turns at a collector that is served: got, waited for, given back on every way out."""

from __future__ import annotations

import threading
import time

import pytest

from ccpor_checks.base import CannotObserve, Target
from ccpor_checks.capacity.turn import ServerBusy, Turn
from ccpor_checks.tls.evidence import TlsOptions
from ccpor_reporting.capacity.protocol import Wish
from tests.checks.capacity.office import HOST, WISH, Office


def is_free(office: Office) -> bool:
    """Say whether the other workstation gets its turn at once."""
    ctx = office.context(3, machine=1)
    try:
        with office.turn(ctx, Wish(seconds=1, megabytes=1)) as turn:
            return turn.waited_s < 1.0
    except ServerBusy:
        return False


def test_a_turn_is_granted_and_given_back(office: Office) -> None:
    """The next court waits for nothing but our end."""
    with office.turn(office.context()) as turn:
        assert turn.slot.state == "granted"
        assert turn.address == HOST
        assert turn.slot.session is not None
        assert not is_free(office)

    assert is_free(office)


def test_who_waits_is_told_how_many_are_before(office: Office) -> None:
    """A live line that says nothing for a minute looks like a hang."""
    office.told.clear()
    first = office.turn(office.context())
    first.__enter__()
    threading.Timer(1.5, first.give_back).start()
    with office.turn(office.context(machine=1)) as turn:
        assert turn.waited_s > 0.5

    assert any(words.startswith("waiting for our turn: 1 before us") for words in office.told)


def test_patience_ends_in_words_and_leaves_the_line(office: Office) -> None:
    """A busy server is no failure of the line; and who gave up must not hold its place."""
    with office.turn(office.context()):
        begun = time.monotonic()
        with pytest.raises(ServerBusy, match="1 measure before us"):
            office.turn(office.context(WISH.seconds + 3, machine=1)).__enter__()
        assert time.monotonic() - begun < 10

    assert is_free(office)


def test_a_check_that_is_given_up_gives_its_turn_back(office: Office) -> None:
    """The engine leaves a hanging check behind; other courts must not wait for it."""
    ctx = office.context()
    turn = office.turn(ctx)
    turn.__enter__()
    ctx.abandon()
    end = time.monotonic() + 8
    while not (free := is_free(office)) and time.monotonic() < end:
        time.sleep(0.1)

    assert free


def test_an_exception_within_gives_the_turn_back(office: Office) -> None:
    with pytest.raises(ZeroDivisionError), office.turn(office.context()):
        raise ZeroDivisionError

    assert is_free(office)


def test_without_a_key_it_says_what_to_run(office: Office) -> None:
    ctx = office.context()
    ctx.sign = lambda _method, _path: None

    with pytest.raises(CannotObserve, match=r"not enrolled .* run ccpor-check enroll"):
        office.turn(ctx).__enter__()


def test_a_stranger_is_told_to_enroll(office: Office) -> None:
    ctx = office.context()
    ctx.sign = lambda _method, _path: {"Authorization": "Bearer nobody"}

    with pytest.raises(CannotObserve, match="does not accept this workstation"):
        office.turn(ctx).__enter__()


def test_a_certificate_of_a_stranger_is_never_trusted(office: Office) -> None:
    """The token of a turn and a signed request are for the measuring server alone."""
    stranger = Target(
        id="line",
        url=f"capacity://{HOST}:{office.port}",
        scheme="capacity",
        host=HOST,
        port=office.port,
        options={"tls": TlsOptions()},
    )

    with pytest.raises(CannotObserve, match="is not trusted"):
        Turn(stranger, WISH, office.context()).__enter__()


def test_a_collector_that_measures_nothing_is_said_so(office: Office) -> None:
    """An older collector knows no such address."""
    ctx = office.context()
    turn = office.turn(ctx)
    turn._prepare_tls()
    with pytest.raises(CannotObserve, match="does not measure lines"):
        turn._question("GET", "/api/v1/nothing-here", {})
