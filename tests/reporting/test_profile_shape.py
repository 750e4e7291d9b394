"""The outline of a profile, as whoever publishes it checks it."""

from __future__ import annotations

import tomllib

from ccpor_agent.profile import shape
from ccpor_agent.profile.reader import MOST_TARGETS, TOP_TABLES
from ccpor_agent.profile.url import SCHEMES
from ccpor_checks.registry import BUILTIN
from ccpor_reporting import profile_shape
from ccpor_reporting.capacity.workload import Workload
from ccpor_reporting.profile_shape import profile_faults

GOOD = """
schema = "ccpor-profile/1"
version = 1
go_live = 2027-03-01
[location]
court = "ca-sonoma"
name = "santa-rosa"
role = "clerk"
[workload]
users = 12
[[target]]
id = "aoc"
owner = "datacenter"
url = "https://ccpor.example.org/login"
contrast = ["tcp://ccpor.example.org:22"]
[target.tls]
min_days_left = 30
[[target]]
id = "here"
url = "workstation:"
checks = ["workstation", "thirdparty"]
[target.thirdparty]
depth = 3
"""


def test_a_good_profile_has_no_faults() -> None:
    assert profile_faults(tomllib.loads(GOOD)) == []


def test_every_fault_is_named_at_once() -> None:
    """A publisher mends a file once, not once for each fault."""
    bad = (
        GOOD.replace('owner = "datacenter"', 'owner = "dc"')
        .replace('id = "here"', 'id = "aoc"')
        .replace("workstation:", "gopher://x")
        .replace("go_live =", "go_life =")
        .replace('role = "clerk"', 'role = "king"')
        .replace("users = 12", "users = 0")
        .replace("[target.tls]", "[target.tsl]")
        .replace('"tcp://ccpor.example.org:22"', '"tcp://u:secret@ccpor.example.org:22"')
    )

    found = profile_faults(tomllib.loads(bad))

    assert {fault.partition(" is ")[0].partition(": there")[0] for fault in found} == {
        "go_life",
        "location.role",
        "workload.users",
        "target 1: tsl",
        "target 1: owner",
        "target 1: contrast holds a password; secrets never stand in a profile",
        "target 2: id",
        "target 2: url",
    }
    assert "secret@" not in "".join(found)


def test_an_empty_file_lacks_all_that_must_be_there() -> None:
    assert {fault.split()[0] for fault in profile_faults({})} == {
        "schema",
        "version",
        "location",
        "target",
    }


def test_the_outline_is_the_agents_own() -> None:
    """Two lists of one format: what the agent learns, the publisher must learn."""
    assert set(profile_shape.TOP) == {*shape.TopKeys.__struct_fields__, *TOP_TABLES}
    assert shape.LocationKeys.__struct_fields__ == profile_shape.LOCATION
    assert Workload.__struct_fields__ == profile_shape.WORKLOAD
    assert set(profile_shape.TARGET) == set(shape.TargetKeys.__struct_fields__)
    assert set(profile_shape.SCHEMES) == set(SCHEMES)
    assert set(profile_shape.DEVICES) == {name for name, one in SCHEMES.items() if one.device}
    assert BUILTIN.keys() == profile_shape.CHECKS
    assert profile_shape.MOST_TARGETS == MOST_TARGETS
