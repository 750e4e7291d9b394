"""Turns at measuring: one at a time, first come, first served, and nobody blocks it for long."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ccpor_reporting.capacity.protocol import (
    DOWN,
    ECHO,
    FEEDBACK,
    LEASE_S,
    LONGEST_SLOT_S,
    SLOTS,
    UP,
)
from ccpor_server.capacity.slots import MOST_WAITING
from ccpor_server.settings import Rate, Settings, SettingsInvalid
from ccpor_server.store import machines
from tests.server.rig import Rig, Workstation

WISH = {"seconds": 20, "megabytes": 100, "flows": 4}


def ask(rig: Rig, machine: Workstation, **options: Any) -> httpx.Response:
    signed = machine.signed("POST", SLOTS, rig.clock.at)
    headers = {"content-type": "application/json", **signed, **options.pop("headers", {})}
    body = options["body"] if "body" in options else json.dumps({**WISH, **options})
    return rig.ask("POST", SLOTS, content=body, headers=headers)


def turn(rig: Rig, machine: Workstation, **options: Any) -> dict[str, Any]:
    answer = ask(rig, machine, **options)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def use(rig: Rig, slot: dict[str, Any], method: str = "GET", path: str = "") -> httpx.Response:
    where = path or f"{SLOTS}/{slot['id']}"
    return rig.ask(method, where, headers={"authorization": f"Bearer {slot['token']}"})


def test_the_second_site_waits_and_is_then_granted(rig: Rig) -> None:
    """Two lines measured at once spoil each other's figures."""
    first, second, third = (turn(rig, rig.enrol()) for _ in range(3))

    assert [one["state"] for one in (first, second, third)] == ["granted", "waiting", "waiting"]
    assert [one["position"] for one in (first, second, third)] == [0, 1, 2]
    assert [one["about_s"] for one in (first, second, third)] == [0, 20, 40]
    assert second["key"] is None
    assert second["session"] is None
    assert use(rig, first, "DELETE").status_code == 204
    now = use(rig, second).json()
    assert (now["state"], now["position"], now["seconds"], now["megabytes"]) == (
        "granted",
        0,
        20.0,
        100.0,
    )
    assert len(now["key"]) == 44
    assert use(rig, third).json()["position"] == 1


@pytest.mark.parametrize("state", ["granted", "waiting"])
def test_a_client_that_dies_frees_its_turn_within_its_lease(rig: Rig, state: str) -> None:
    """A power cut says no goodbye; the next court must not wait for a time-out of minutes."""
    dies, follows = rig.enrol(), rig.enrol()
    if state == "waiting":
        turn(rig, rig.enrol(), seconds=LONGEST_SLOT_S)
    dead = turn(rig, dies)
    assert dead["state"] == state
    alive = turn(rig, follows)
    before = alive["position"]
    rig.clock.forward(seconds=LEASE_S - 1)
    assert use(rig, alive).json()["position"] == before
    rig.clock.forward(seconds=2)

    assert use(rig, alive).json()["state"] == "granted"  # the first of all died as well
    assert use(rig, dead).status_code == 401
    assert LEASE_S + 1 <= 15


def test_a_dead_client_in_the_queue_is_nobodys_predecessor(rig: Rig) -> None:
    """Its place is gone while the one before it still measures."""
    holder = turn(rig, rig.enrol(), seconds=60)
    turn(rig, rig.enrol())
    alive = turn(rig, rig.enrol())
    assert alive["position"] == 2
    for _ in range(2):
        rig.clock.forward(seconds=LEASE_S - 1)
        assert use(rig, holder).status_code == 200
        now = use(rig, alive).json()

    assert (now["state"], now["position"]) == ("waiting", 1)


def test_whatever_comes_from_the_client_renews_the_lease(rig: Rig) -> None:
    slot = turn(rig, rig.enrol(), seconds=60)
    ways = [("GET", ECHO), ("POST", UP), ("GET", f"{DOWN}?bytes=9"), ("GET", "")]
    for method, path in ways:
        rig.clock.forward(seconds=LEASE_S - 1)
        assert use(rig, slot, method, path).status_code in {200, 204}, path


def test_a_turn_ends_with_its_time_however_busy_it_is(rig: Rig) -> None:
    """One site that never stops must not starve the others."""
    slot = turn(rig, rig.enrol(), seconds=10_000)
    for _ in range(12):
        assert use(rig, slot).status_code == 200
        rig.clock.forward(seconds=10)
    rig.clock.forward(seconds=1)

    assert slot["seconds"] == LONGEST_SLOT_S
    assert use(rig, slot, path=ECHO).status_code == 401


def test_a_short_turn_lasts_from_when_its_client_hears_of_it(rig: Rig) -> None:
    """Who waits asks once a second: a turn of one second would be over before its first byte."""
    first, second = turn(rig, rig.enrol()), turn(rig, rig.enrol(), seconds=1)
    use(rig, first, "DELETE")
    rig.clock.forward(seconds=3)

    told = use(rig, second).json()
    assert (told["state"], told["seconds"]) == ("granted", 1)
    rig.clock.forward(seconds=1.1)
    assert use(rig, second).status_code == 401


def test_what_is_wished_is_cut_to_what_a_turn_may_be(rig: Rig) -> None:
    """The body is not signed: a wish, no more."""
    slot = turn(rig, rig.enrol(), seconds=-5, megabytes=1e12, flows=-1)

    assert (slot["seconds"], slot["megabytes"]) == (1.0, 1000.0)


def test_asking_again_replaces_the_own_turn_and_keeps_its_place(rig: Rig) -> None:
    """A workstation that was restarted waits for nobody but the others."""
    ours, other = rig.enrol(), rig.enrol()
    holder = turn(rig, rig.enrol())
    waiting = turn(rig, ours)
    behind = turn(rig, other)
    anew = turn(rig, ours)

    assert (anew["position"], behind["position"]) == (1, 2)
    assert anew["token"] != waiting["token"]
    assert use(rig, waiting).status_code == 401
    assert use(rig, behind).json()["position"] == 2
    use(rig, holder, "DELETE")
    assert use(rig, anew).json()["state"] == "granted"
    third = turn(rig, ours)  # its granted one ends; those who wait come first
    assert (third["state"], third["position"]) == ("waiting", 1)
    assert use(rig, behind).json()["state"] == "granted"


def test_more_at_once_where_the_operator_says_so(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(capacity_at_once=2)
    slots = [turn(rig, rig.enrol()) for _ in range(3)]

    assert [one["state"] for one in slots] == ["granted", "granted", "waiting"]
    assert slots[2]["position"] == 1
    assert slots[0]["session"] != slots[1]["session"]


def test_a_full_queue_says_when_to_come_back(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_WAITING == 64
    monkeypatch.setattr("ccpor_server.capacity.slots.MOST_WAITING", 2)
    asked = [ask(rig, rig.enrol()) for _ in range(4)]

    assert [one.status_code for one in asked] == [201, 201, 201, 503]
    assert int(asked[3].headers["retry-after"]) > 0
    assert "wait to measure" in asked[3].json()["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "{own}"),
        ("DELETE", "{own}"),
        ("POST", UP),
        ("GET", DOWN),
        ("GET", ECHO),
        ("GET", FEEDBACK),
    ],
)
def test_only_the_token_of_a_turn_uses_it(rig: Rig, method: str, path: str) -> None:
    """Each route of a turn x each wrong holder; a waiting turn measures nothing."""
    own, waiting = turn(rig, rig.enrol()), turn(rig, rig.enrol())
    where = path.format(own=f"{SLOTS}/{own['id']}")
    wrong = [
        {},
        {"authorization": "Bearer"},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Bearer {own['token']}x"},
        {"authorization": f"Basic {own['token']}"},
        {"authorization": f"Bearer {own['id']}"},
        rig.enrol().signed(method, where, rig.clock.at),
    ]
    answers = [rig.ask(method, where, headers=headers) for headers in wrong]
    others = use(rig, waiting, method, where)

    assert [one.status_code for one in answers] == [401] * len(wrong)
    assert all(one.headers["www-authenticate"].startswith("Bearer") for one in answers)
    assert others.status_code == (404 if own["id"] in where else 409)
    assert use(rig, own).status_code == 200, "nobody took it away"


def test_a_turn_is_for_enrolled_workstations(rig: Rig) -> None:
    unsigned = rig.ask("POST", SLOTS, json=WISH)
    stranger = ask(rig, Workstation("ca-sonoma", "santa-rosa", "clerk"))
    machine = rig.enrol()
    signed = machine.signed("POST", "/api/v1/reports", rig.clock.at)
    elsewhere = rig.ask("POST", SLOTS, json=WISH, headers=signed)

    assert [one.status_code for one in (unsigned, stranger, elsewhere)] == [401, 401, 401]


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", UP), ("GET", DOWN)])
def test_the_turn_of_a_revoked_workstation_ends_at_its_next_use(
    rig: Rig, method: str, path: str
) -> None:
    machine, follows = rig.enrol(), rig.enrol()
    slot, behind = turn(rig, machine), turn(rig, follows)
    rig.store.write(lambda tx: machines.revoke(tx, machine.id, who="test", note="stolen"))

    assert use(rig, slot, method, path).status_code == 403
    assert use(rig, slot, method, path).status_code == 401
    assert use(rig, behind).json()["state"] == "granted"
    assert ask(rig, machine).status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{}", 400),
        (b'{"seconds": "x", "megabytes": 1}', 400),
        (b'{"seconds": NaN, "megabytes": 1}', 400),
        (b'{"seconds": 1e999, "megabytes": 1}', 400),
        (b"\xff\xfe", 400),
        (b"[" * 2000, 400),
        (b" " * 3000, 413),
        (b'{"seconds": 5, "megabytes": 5, "more": 1}', 201),
    ],
)
def test_a_body_that_is_no_wish_is_refused(rig: Rig, body: bytes, status: int) -> None:
    assert ask(rig, rig.enrol(), body=body).status_code == status


def test_turns_are_rationed(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(rate_slots=Rate(2, 0.01))
    machine = rig.enrol()
    answers = [ask(rig, machine) for _ in range(3)]

    assert [one.status_code for one in answers] == [201, 201, 429]
    assert int(answers[2].headers["retry-after"]) == 100


def test_an_operator_can_switch_it_off(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(capacity=False)
    answer = ask(rig, rig.enrol())

    assert answer.status_code == 404
    assert answer.json()["detail"] == "this collector measures no lines"


@pytest.mark.parametrize(
    ("peer_is_trusted", "headers", "via"),
    [
        (False, {}, None),
        (False, {"via": "1.1 squid.court.example"}, "Via: 1.1 squid.court.example"),
        (False, {"forwarded": "for=10.1.2.3"}, "Forwarded: for=10.1.2.3"),
        (False, {"x-forwarded-for": "10.1.2.3"}, "X-Forwarded-For: 10.1.2.3"),
        (True, {"x-forwarded-for": "203.0.113.5"}, None),
        (True, {"x-forwarded-for": "10.1.2.3, 203.0.113.5"}, "X-Forwarded-For: 10.1.2.3"),
        (True, {"via": "1.1 our-own"}, None),
        (False, {"via": "x" * 5000}, "Via: " + "x" * 120),
    ],
)
def test_a_proxy_that_names_itself_is_told(
    make_rig: Callable[..., Rig], peer_is_trusted: bool, headers: dict[str, str], via: str | None
) -> None:
    """Behind a proxy, round trip and loss are those up to the proxy: the client must know."""
    proxies = Settings.from_environment({"CCPOR_COLLECTOR_TRUSTED_PROXIES": "127.0.0.0/8"})
    trusted = proxies.trusted_proxies if peer_is_trusted else ()
    rig = make_rig(trusted_proxies=trusted)

    assert turn(rig, rig.enrol(), headers=headers)["via"] == via


def test_the_settings_are_read_and_their_faults_named() -> None:
    given = {
        "CCPOR_COLLECTOR_CAPACITY": "0",
        "CCPOR_COLLECTOR_CAPACITY_AT_ONCE": "3",
        "CCPOR_COLLECTOR_CAPACITY_MEGABYTES": "250",
        "CCPOR_COLLECTOR_RATE_SLOTS": "5:0.5",
        "CCPOR_COLLECTOR_REFLECTOR_OPEN_TO": "10.0.0.0/8, 2001:db8::/32",
    }
    read = Settings.from_environment(given)

    assert (read.capacity, read.capacity_at_once, read.capacity_megabytes) == (False, 3, 250.0)
    assert read.rate_slots == Rate(5, 0.5)
    assert [str(one) for one in read.reflector_open_to] == ["10.0.0.0/8", "2001:db8::/32"]
    for name, value in (("CAPACITY_AT_ONCE", "0"), ("CAPACITY_MEGABYTES", "nan")):
        with pytest.raises(SettingsInvalid, match=name):
            Settings.from_environment({f"CCPOR_COLLECTOR_{name}": value})


def test_the_metrics_show_who_measures_and_what_it_moved(rig: Rig) -> None:
    slot = turn(rig, rig.enrol())
    turn(rig, rig.enrol())
    rig.ask("POST", UP, content=b"x" * 5000, headers={"authorization": f"Bearer {slot['token']}"})
    text = rig.ask("GET", "/metrics").text

    assert 'ccpor_collector_capacity_turns_now{state="granted"} 1.0' in text
    assert 'ccpor_collector_capacity_turns_now{state="waiting"} 1.0' in text
    assert 'ccpor_collector_capacity_bytes_total{way="up"} 5000.0' in text
    use(rig, slot, "DELETE")
    text = rig.ask("GET", "/metrics").text
    assert 'ccpor_collector_capacity_turns_total{end="given-back"} 1.0' in text
