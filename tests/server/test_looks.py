"""Looks from the collector's side: only what the profile published for a workstation names."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ccpor_server.looks import Looks, profile_of
from ccpor_server.problems import NotFound, Unprocessable
from tests.peers import free_port
from tests.server.rig import Rig, Workstation

PROFILE = """schema = "ccpor-profile/1"
version = 3
[location]
court = "ca-sonoma"
name = "santa-rosa"
role = "clerk"
[[target]]
id = "open"
url = "tcp://127.0.0.1:{open}"
contrast = ["tcp://127.0.0.1:22"]
[[target]]
id = "closed"
url = "tcp://127.0.0.1:{closed}"
[[target]]
id = "web"
url = "https://127.0.0.1:{closed}/login"
[target.tls]
ca_file = "court-ca.pem"
client_cert_file = "agent.crt"
server_name = "ccpor.example.org"
[target.order]
pages = 12
[[target]]
id = "drop"
url = "sftp://upload@127.0.0.1:{closed}/in"
[target.ssh]
password_file = "password.txt"
[[target]]
id = "here"
url = "workstation:"
"""


@pytest.fixture
def ports() -> Iterator[dict[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield {"open": listener.getsockname()[1], "closed": free_port()}


@pytest.fixture
def machine(rig: Rig, ports: dict[str, int]) -> Workstation:
    enrolled = rig.enrol()
    rig.publish(enrolled, toml=PROFILE.format(**ports))
    return enrolled


def asked(rig: Rig, machine: Workstation, target: str, check: str = "tcp") -> httpx.Response:
    path = f"/api/v1/looks/{target}/{check}"
    return rig.ask("POST", path, headers=machine.signed("POST", path, rig.clock.at))


def test_this_side_reaches_what_the_workstation_may_not(rig: Rig, machine: Workstation) -> None:
    """It works from here: then the service is up, and the way to it is what is cut."""
    answer = asked(rig, machine, "open")

    assert answer.status_code == 200, answer.text
    assert answer.json() | {"detail": "", "looked_at": ""} == {
        "target": "open",
        "check": "tcp",
        "outcome": "works",
        "fault": None,
        "detail": "",
        "address": "127.0.0.1",
        "looked_at": "",
    }
    assert rig.events()[-1] == ("look", "works")


@pytest.mark.parametrize(
    ("target", "check"), [("closed", "tcp"), ("web", "tls"), ("web", "http"), ("drop", "ssh")]
)
def test_this_side_meets_the_same_fault(
    rig: Rig, machine: Workstation, target: str, check: str
) -> None:
    """It fails from here too, whichever check is asked for: the service itself is down."""
    told = asked(rig, machine, target, check).json()

    assert (told["outcome"], told["fault"]) == ("refused", "tcp.reach/refused")


@pytest.mark.parametrize(
    ("target", "check", "status"),
    [
        ("elsewhere", "tcp", 404),
        ("127.0.0.1", "tcp", 404),
        ("here", "workstation", 422),
        ("here", "tcp", 422),
        ("open", "tls", 422),
        ("drop", "sftp", 422),
        ("web", "order", 422),
        ("web", "proxy", 422),
    ],
)
def test_nothing_beyond_the_published_profile_is_looked_at(
    rig: Rig, machine: Workstation, target: str, check: str, status: int
) -> None:
    """A stolen key must not turn the collector into a scanner of the datacenter."""
    assert asked(rig, machine, target, check).status_code == status


def test_a_request_that_nobody_signed_is_refused(rig: Rig, machine: Workstation) -> None:
    assert rig.ask("POST", "/api/v1/looks/open/tcp").status_code == 401


def test_a_signature_for_one_target_is_none_for_another(rig: Rig, machine: Workstation) -> None:
    headers = machine.signed("POST", "/api/v1/looks/open/tcp", rig.clock.at)

    assert rig.ask("POST", "/api/v1/looks/closed/tcp", headers=headers).status_code == 401


def test_a_workstation_without_a_published_profile_gets_no_look(rig: Rig) -> None:
    assert asked(rig, rig.enrol(), "open").status_code == 404


def test_an_operator_can_switch_looks_off(make_rig: Any, ports: dict[str, int]) -> None:
    """A collector in a network that must not be looked from."""
    rig = make_rig(looks=False)
    machine = rig.enrol()
    rig.publish(machine, toml=PROFILE.format(**ports))

    assert asked(rig, machine, "open").status_code == 404


def test_looks_are_rationed(make_rig: Any, ports: dict[str, int]) -> None:
    """Each costs a process and a packet or two: a few at once, then a few a minute."""
    from ccpor_server.settings import Rate

    rig = make_rig(rate_looks=Rate(2, 0.1))
    machine = rig.enrol()
    rig.publish(machine, toml=PROFILE.format(**ports))
    statuses = [asked(rig, machine, "elsewhere").status_code for _ in range(3)]

    assert statuses == [404, 404, 429]


def test_a_child_that_makes_no_report_is_unknown_and_not_left_behind(rig: Rig) -> None:
    """Unknown never becomes works."""
    looks = Looks(command=(sys.executable, "-c", "print('no report')"))
    seen = rig.run(looks.look(PROFILE.format(open=1, closed=2), "open", "tcp", rig.clock.at))

    assert (seen.outcome, seen.fault) == ("unknown", None)


def test_files_and_secrets_of_the_profile_stay_out() -> None:
    """This side has none of the court's files, and needs none to see whether a service answers."""
    made = profile_of(PROFILE.format(open=1, closed=2), "web", "http")

    assert "court-ca.pem" not in made
    assert "agent.crt" not in made
    assert "order" not in made
    assert 'server_name = "ccpor.example.org"' in made


@pytest.mark.parametrize("text", ['a"b', "a\nb", "ä", "\\", "]"])
def test_odd_ids_are_not_found_and_never_written_into_a_profile(text: str) -> None:
    with pytest.raises(NotFound):
        profile_of(PROFILE.format(open=1, closed=2), text, "tcp")
    with pytest.raises(Unprocessable):
        profile_of(PROFILE.format(open=1, closed=2), "web", text)
