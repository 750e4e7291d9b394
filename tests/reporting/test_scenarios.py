"""Every scenario has exactly the causes that its file expects, and every rule is proven by one."""

from __future__ import annotations

from functools import cache

import msgspec
import pytest

from ccpor_reporting.diagnosis import causes
from ccpor_reporting.diagnosis.rulebook import Rules, rules
from ccpor_reporting.model import Cause, Machine
from tests.reporting.reports import LOCATION, PACIFIC, RETEST
from tests.reporting.scenario import (
    Scenario,
    ScenarioInvalid,
    differences,
    read_scenario,
    scenario,
    scenario_files,
)

FILES = scenario_files()
NAMES = [f"{path.parent.name}/{path.stem}" for path in FILES]
read = cache(read_scenario)


def causes_of(case: Scenario, by: Rules | None = None) -> tuple[Cause, ...]:
    return causes(
        case.findings,
        case.targets,
        at=case.at,
        local=PACIFIC,
        machine=Machine(name="SR-SCAN-03", os=case.system),
        location=LOCATION,
        retest=RETEST,
        observations=case.observations,
        networks=case.networks,
        by=by,
    )


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_the_causes_are_those_that_the_scenario_expects(path: object) -> None:
    """Named exactly, placed and owned, and nothing else: a wrong letter costs a court a day."""
    case = read(path)
    wrong = differences(case, causes_of(case))

    assert not wrong, "\n".join([f"{case.name}: {case.about}", *wrong])


def test_there_are_many_and_no_two_are_the_same() -> None:
    """A copy proves nothing twice."""
    told = {
        msgspec.json.encode((c.targets, c.findings, c.observations, c.networks, c.system)): c.name
        for c in map(read, FILES)
    }

    assert len(FILES) >= 120
    assert len(told) == len(FILES)


LISTS = ("group", "conclude", "crowd", "explains", "tells")
EVERY_RULE = [(part, rule.name) for part in LISTS for rule in getattr(rules(), part)]


@pytest.mark.parametrize(("part", "name"), EVERY_RULE, ids=[name for _, name in EVERY_RULE])
def test_without_this_rule_a_scenario_fails(part: str, name: str) -> None:
    """Negative control: a rule that nothing misses is not known to work."""
    kept = tuple(rule for rule in getattr(rules(), part) if rule.name != name)
    without = msgspec.structs.replace(rules(), **{part: kept})

    assert any(differences(case, causes_of(case, without)) for case in map(read, FILES))


GOOD = """about = "x"
failed = ["web tcp.reach/refused"]
[[target]]
id = "web"
url = "https://h.example.org"
[[expect]]
fault = "tcp.reach/refused"
target = "web"
owner = "datacenter"
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('about = "x"', "", "Object missing required field `about`"),
        ('about = "x"', 'about = "x', "this is no TOML"),
        ('about = "x"', 'about = "x"\nfaild = []', "unknown field `faild`"),
        ("web tcp.reach/refused", "web tcp.reach/refuse", "tcp.reach has no reason"),
        ("web tcp.reach/refused", "web tcp.rech/refused", 'there is no code "tcp.rech"'),
        ("web tcp.reach/refused", "wbe tcp.reach/refused", 'there is no target "wbe"'),
        ("web tcp.reach/refused", "web", "write TARGET CODE/REASON"),
        ("web tcp.reach/refused", "web tcp.reach/refused with 1", 'failed: "with" in'),
        ('fault = "tcp.reach/refused"', 'fault = "tcp.reach/no"', "expect 1: there is no fault"),
        ('target = "web"', "", "expect 1: write target"),
        ('owner = "datacenter"', 'owner = "me"', "Invalid enum value 'me'"),
        ("[[target]]", 'walks = ["web tcp 443"]\n[[target]]', "write TARGET tcp PORT: HOP"),
        ("[[target]]", 'walks = ["web tcp 443: gone"]\n[[target]]', "end it with one of open"),
        ("[[target]]", 'contrasts = ["web tcp"]\n[[target]]', "write TARGET KIND WHAT OUTCOME"),
        ("[[target]]", 'contrasts = ["web x works"]\n[[target]]', "Invalid enum value 'x'"),
        ("[[target]]", 'contrasts = ["web tcp fine"]\n[[target]]', 'the outcome "fine"'),
        ("[[target]]", 'tries = ["web 10.1.1.1"]\n[[target]]', "write TARGET ADDRESS REASON"),
        ("[[target]]", 'skipped = ["web tls.name"]\n[[target]]', "write TARGET CODE because"),
    ],
)
def test_a_mistake_in_a_scenario_is_told_with_what_to_write(old: str, new: str, said: str) -> None:
    """Whoever writes one may never have seen Python."""
    assert old in GOOD
    with pytest.raises(ScenarioInvalid) as caught:
        scenario("area/name", GOOD.replace(old, new, 1))

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('owner = "datacenter"\n', 'owner = "vendor"\n'),
        ('fault = "tcp.reach/refused"', 'fault = "tcp.reach/reset"'),
        ('owner = "datacenter"\n', 'owner = "datacenter"\nplace = "10.1.1.1"\n'),
        ('owner = "datacenter"\n', 'owner = "datacenter"\nconfidence = "low"\n'),
        ('owner = "datacenter"\n', 'owner = "datacenter"\nevidence = ["port 22"]\n'),
        ('owner = "datacenter"\n', 'owner = "datacenter"\nexplains = ["web/dns.answer"]\n'),
        ('owner = "datacenter"\n', 'owner = "datacenter"\nnever = ["retest", "Subject"]\n'),
        (GOOD[GOOD.index("[[expect]]") :], ""),
    ],
)
def test_a_wrong_expectation_is_seen(old: str, new: str) -> None:
    """Negative control of the comparison itself."""
    right, wrong = scenario("a/b", GOOD), scenario("a/b", GOOD.replace(old, new, 1))

    assert differences(right, causes_of(right)) == []
    assert differences(wrong, causes_of(wrong)) != []
