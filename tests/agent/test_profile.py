"""The profile reader: strict, all faults at once, and no text in the world crashes it."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ccpor_agent.plan import make_plan
from ccpor_agent.profile import ProfileInvalid, parse_profile, read_profile
from ccpor_agent.profile.hidden import holds_secret
from ccpor_agent.profile.lines import locate
from ccpor_agent.profile.reference import reference
from ccpor_checks import registry
from ccpor_checks.base import Check
from ccpor_checks.capacity.evidence import CapacityOptions
from ccpor_checks.http.evidence import HttpOptions
from ccpor_reporting.capacity.workload import Workload
from tests.agent import fake_checks as fake
from tests.agent.bad_profiles import BAD, message
from tests.agent.program import ccpor, listening

GOOD = Path(__file__).parent.parent / "profiles" / "good"
HEAD = fake.profile_text({})


@pytest.mark.parametrize("name", sorted(path.stem for path in BAD.glob("*.toml")))
def test_a_bad_profile_gets_its_exact_message(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is all that the person at the court has; a changed word is a reviewed change."""
    monkeypatch.chdir(BAD)

    wanted = (BAD / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n")
    assert message(name) == wanted
    assert "hunter2" not in wanted


def test_the_corpus_is_large_and_every_profile_has_its_message() -> None:
    """A profile without its message, or the other way round, would test nothing."""
    profiles = {path.stem for path in BAD.glob("*.toml")}

    assert profiles == {path.stem for path in BAD.glob("*.txt")}
    assert len(profiles) >= 45


@pytest.mark.parametrize("name", sorted(path.stem for path in GOOD.glob("*.toml")))
def test_a_good_profile_is_read_whole(name: str) -> None:
    """Each scheme and each table of the format, as people will write them."""
    profile = read_profile(GOOD / f"{name}.toml")

    written = tomllib.loads((GOOD / f"{name}.toml").read_text(encoding="utf-8"))
    assert [target.id for target in profile.targets] == [each["id"] for each in written["target"]]
    assert profile.sha256 == sha256((GOOD / f"{name}.toml").read_bytes()).hexdigest()


def test_every_fault_of_a_file_is_told_at_once_in_the_order_of_its_lines() -> None:
    """Nobody should have to run the program nine times to learn of nine mistakes."""
    text = (
        'schema = "ccpor-profile/1"\nversion = 0\n[location]\ncourt = "x y"\nname = "a"\n'
        'role = "cook"\n[[target]]\nid = "a b"\nurl = "gopher:"\n'
    )

    with pytest.raises(ProfileInvalid) as caught:
        parse_profile(text, "p.toml", Path.cwd())

    assert [(fault.line, fault.key) for fault in caught.value.faults] == [
        (2, "version"),
        (4, "location.court"),
        (6, "location.role"),
        (8, "target.id"),
        (9, "target.url"),
    ]


SCHEMES = {
    "tcp://h:1": "dns tcp",
    "tcp://10.0.0.1:1": "tcp",
    "tcp://[2001:db8::1]:1": "tcp",
    "tls://h:1": "dns tcp tls",
    "https://h": "dns tcp tls http",
    "http://h/x?y=1": "dns tcp http",
    "ssh://h": "dns tcp ssh",
    "sftp://me@h/in": "dns tcp ssh sftp",
    "ntp://h": "dns clock",
    "ntp://10.0.0.1": "clock",
    "snmp://h": "dns snmp",
    "stamp://h:862": "dns path",
    "icmp://h": "dns path",
    "capacity://h:1": "dns tcp capacity",
    "iperf3://h": "dns tcp capacity",
    "iperf3://10.0.0.1:5202": "tcp capacity",
    "sane:fujitsu fi-7160": "scanner",
    "twain:X": "scanner",
    "wia:X": "scanner",
    "isis:X": "scanner",
    "escl://h/eSCL": "scanner",
    "workstation:": "workstation",
}
FAKES = fake.loader(
    *(fake.check(name) for name in ("dns", "tcp", "tls", "http", "clock", "workstation"))
)


def chain(url: str, extra: str = "") -> str:
    profile = fake.read(f'{HEAD}[[target]]\nid = "t"\nurl = "{url}"\n{extra}', registry.load)
    return " ".join(profile.chains["t"])


@pytest.mark.parametrize("url", SCHEMES)
def test_the_scheme_picks_the_chain(url: str) -> None:
    """The chains are the contract; an address needs no name service."""
    assert chain(url) == SCHEMES[url]


def test_branches_are_taken_only_where_their_table_stands() -> None:
    """A path walk or an order upload is never done to somebody who did not ask for it."""
    assert chain("tcp://h:1", "[target.path]\nsamples = 3\n") == "dns tcp path"
    assert chain("https://h", '[target.proxy]\nmode = "system"\n') == "proxy dns tcp tls http"
    assert chain("capacity://h:1", '[target.proxy]\nmode = "system"\n') == (
        "proxy dns tcp capacity"
    )
    assert chain("https://h", "[target.order]\npages = 12\n") == "dns tcp tls http order"


@pytest.mark.parametrize(
    ("rest", "last"),
    [
        ("[target.order]\n", "order"),
        ('owner = "doj"\n[target.order]\n', "order"),
        ('owner = "gateway"\n[target.order]\npages = 1\n', "gateway"),
        ("[target.gateway]\nechoes = 30\n", "gateway"),
        ('owner = "gateway"\n[target.gateway]\n', "gateway"),
        ('owner = "gateway"\n[target.gateway]\n[target.order]\n', "gateway order"),
        ("[target.order]\n[target.gateway]\n", "gateway order"),
    ],
)
def test_an_order_for_a_gateway_is_an_echo(rest: str, last: str) -> None:
    """A gateway passes orders on to the state's systems; what it is sent must never be one."""
    assert chain("https://h", rest) == f"dns tcp tls http {last}"
    assert chain("http://h", rest) == f"dns tcp http {last}"


@pytest.mark.parametrize(
    ("rest", "taken"),
    [
        ("", (200,)),
        ("[target.order]\n", (200, 404, 405, 501)),
        ("[target.gateway]\n[target.http]\ntimeout_s = 5\n", (200, 404, 405, 501)),
        ("[target.order]\n[target.http]\nstatus = [204]\n", (204,)),
        ('[target.order]\n[target.http]\ncontains = "CCPOR"\n', (200,)),
        ("[target.order]\n[target.http]\nupload_kb = 1\n", (200,)),
    ],
)
def test_an_address_for_posts_may_decline_a_get(rest: str, taken: tuple[int, ...]) -> None:
    """Else a healthy service that takes orders, and has no page to show, would read as broken."""
    profile = fake.read(f'{HEAD}[[target]]\nid = "t"\nurl = "https://h"\n{rest}', registry.load)

    options = profile.targets[0].options["http"]
    assert isinstance(options, HttpOptions)
    assert options.status == taken


def test_named_checks_decide_between_order_and_echo() -> None:
    """`checks` overrides the owner, too."""
    rest = 'owner = "gateway"\nchecks = ["tcp", "order"]\n[target.order]\npages = 2\n'
    assert chain("https://h", rest) == "tcp order"


def test_named_checks_take_the_place_of_the_chain() -> None:
    """`checks` is the way to ask one question only."""
    assert chain("https://h", 'checks = ["dns"]\n') == "dns"


def test_a_profile_is_taken_apart() -> None:
    """What the rest of the agent reads from it."""
    profile = fake.read(
        '\ufeffschema = "ccpor-profile/1"\r\nversion = 3\r\ntitle = "T"\r\n'
        "go_live = 2027-03-01\r\n"
        '[location]\r\ncourt = "ca-x"\r\nname = "main"\r\nrole = "judge"\r\n'
        "[workload]\r\nusers = 4\r\n"
        '[[target]]\r\nid = "t"\r\nurl = "https://me@[2001:db8::1]:8443/a?b=c"\r\n'
        'owner = "doj"\r\nrequired = false\r\n',
        FAKES,
    )

    (target,) = profile.targets
    assert (profile.id, profile.version, profile.go_live) == (
        "ca-x/main/judge",
        3,
        date(2027, 3, 1),
    )
    assert profile.workload is not None
    assert profile.workload.users == 4
    assert (target.host, target.port, target.path, target.username) == (
        "2001:db8::1",
        8443,
        "/a?b=c",
        "me",
    )
    assert (target.owner.value, target.required) == ("doj", False)


def test_an_installed_check_that_does_not_load_is_named_and_not_our_bug() -> None:
    """A third party's broken package costs its check, with words about whose it is."""

    def load(name: str) -> Check[Any, Any]:
        if name == "court-badge":
            raise registry.BrokenCheck("badge:CHECK does not load (ImportError: no module)")
        return FAKES(name)

    text = f'{HEAD}[[target]]\nid = "t"\nurl = "tcp://h:1"\nchecks = ["court-badge"]\n'
    with pytest.raises(ProfileInvalid, match=r"mend the package .*ImportError"):
        fake.read(text, load)


def test_a_least_amount_warns_above_where_it_blocks() -> None:
    """min_memory_gb = [8, 4]: below 8 a warning, below 4 a blocker."""
    from ccpor_checks.registry import load

    text = HEAD + '[[target]]\nid = "w"\nurl = "workstation:"\n[target.workstation]\n'

    assert fake.read(text + "min_memory_gb = [8, 4]\n", load).targets
    web = HEAD + '[[target]]\nid = "w"\nurl = "tls://h:1"\n[target.tls]\n'
    assert fake.read(web + "min_days_left = [30, 7]\nmin_rsa_bits = [3072, 2048]\n", load).targets
    with pytest.raises(ProfileInvalid, match="the larger number in front"):
        fake.read(text + "min_memory_gb = [4, 8]\n", load)


def test_every_table_is_sound_when_it_stands_empty() -> None:
    """A default that its own range refuses would refuse every profile."""
    from ccpor_checks.registry import BUILTIN, load

    for name in BUILTIN:
        msgspec.convert({}, load(name).options)


def faults_of(text: str) -> dict[str, int]:
    from ccpor_checks.registry import load

    with pytest.raises(ProfileInvalid) as caught:
        fake.read(text, load)
    return {fault.key: fault.line for fault in caught.value.faults}


TARGET = HEAD + '[[target]]\nid = "t"\nurl = '


@pytest.mark.parametrize(
    ("rest", "keys"),
    [
        ('"https://"\n[target.tls]\nmin_version = "SSLv3"\nfoo = 1', "url tls.min_version tls.foo"),
        ('"tls://h:1"\nchecks = ["tpc"]\n[target.tls]\nfoo = 1', "checks[0] tls.foo"),
        ('"tcp://h:1"\n[target.clock]\nfoo = 1', "clock clock.foo"),
        ('"tcp://h"\n[target.zip]\nfoo = 1\n[target.snmp]\nfoo = 1', "url zip snmp.foo"),
        ('"tcp://h:1"\n[target.dns]\nresolvers = ["x", "::1", "y"]\nfoo = 1',
         "dns.resolvers[0] dns.resolvers[2] dns.foo"),
        ('"tls://h:1"\n[target.tls]\nserver_name = ".x"\nclient_key_file = "gone.key"\n'
         "client_cert_file = 7",
         "tls.server_name tls.client_key_file tls.client_cert_file"),
    ],
    ids=["url", "checks", "misplaced", "unknown-table", "refused-and-unknown", "beside"],
)  # fmt: skip
def test_one_fault_does_not_hide_another_in_the_tables_below(rest: str, keys: str) -> None:
    """A wrong URL must not postpone the news of a wrong limit to the next try."""
    assert set(faults_of(TARGET + rest)) == {f"target.{key}" for key in keys.split()}


def test_a_shared_table_is_taken_where_its_check_is_of_no_use() -> None:
    """Generated profiles write the same tables for each target; an address is one of them."""
    from ccpor_checks.registry import load

    shared = "[target.dns]\ntimeout_s = 2\n"
    address = fake.read(f'{TARGET}"tcp://10.0.0.1:1"\n{shared}', load)
    asked = fake.read(f'{TARGET}"tcp://10.0.0.1:1"\nchecks = ["dns", "tcp"]\n{shared}', load)
    web = parse_profile(
        f'{TARGET}"http://h"\n[target.tls]\nca_file = "smallest.toml"\n', "p.toml", GOOD
    )

    assert (address.chains["t"], asked.chains["t"]) == (("tcp",), ("tcp",))
    assert web.chains["t"] == ("dns", "tcp", "http")
    assert web.targets[0].options["tls"].ca_file == "smallest.toml"  # type: ignore[attr-defined]
    assert [node.check_id for node in make_plan(asked, load).nodes] == ["tcp"]


def test_only_the_schema_the_id_and_the_url_must_be_written() -> None:
    """A technician's first profile is three lines; it claims no court."""
    profile = parse_profile(
        'schema = "ccpor-profile/1"\n[[target]]\nid = "web"\nurl = "tcp://h:1"\n'
        '[[target]]\nid = "here"\nurl = "workstation:"\n'
        '[[target]]\nid = "feeder"\nurl = "sane:x"\n',
        "folder/first.toml",
        Path.cwd(),
    )

    assert (profile.title, profile.version) == ("first", 1)
    assert (profile.id, profile.names_location) == ("unassigned/unassigned/clerk", False)
    assert [(each.title, each.why, each.owner.value) for each in profile.targets] == [
        ("web", "", "datacenter"),
        ("here", "", "court-it"),
        ("feeder", "", "court-it"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        'url = "u:hunter2@h:1"',
        'url = "gopher://u:hun@hunter2@h"',
        'contrast = ["tcp://u:hunter2@h:1"]',
        'title = "see http://u:hunter2@h"',
        'why = """-----BEGIN EC PRIVATE KEY-----\nhunter2"""',
        'proxy.url = "http://u:hunter2@p:1"',
        'proxy.pac_url = "http://p/x?api_key=hunter2"',
        'proxy.password = "hunter2"',
        'tls.auth_keys = "hunter2"',
        'tls.ca_file = "-----BEGIN PRIVATE KEY-----hunter2"',
        'http.headers = { X-Api-Key = "hunter2" }',
        'snmp.priv = "hunter2"',
        'ssh.password_env = "hunter2!"',
        'foo = [["x", "http://u:hunter2@h"]]',
    ],
)
def test_a_secret_is_refused_and_never_shown(line: str) -> None:
    """Messages end up in tickets and mails; the secret must not travel with them."""
    extra = "" if line.startswith("url") else 'url = "https://h"\n'
    with pytest.raises(ProfileInvalid) as caught:
        parse_profile(f'{HEAD}[[target]]\nid = "t"\n{extra}{line}\n', "p.toml", GOOD)

    assert "hunter2" not in str(caught.value)
    assert "(not shown)" in str(caught.value)


@pytest.mark.parametrize("text", ["https://h:8443/a@b", "https://[::1]:8443/a@b", "see a: b@c"])
def test_a_port_before_an_at_sign_is_no_password(text: str) -> None:
    """A refusal of an honest value would be as bad as a leak is dangerous."""
    assert not holds_secret(text)


def test_a_file_that_cannot_be_read_is_a_fault_like_any_other(tmp_path: Path) -> None:
    """A missing file, a folder, and bytes that are no text: one line each."""
    (tmp_path / "latin.toml").write_bytes('title = "Año"\n'.encode("latin-1"))
    (tmp_path / "huge.toml").write_bytes(b"#" * (1024 * 1024 + 1))
    said = {}
    for name in ("gone.toml", ".", "latin.toml", "huge.toml"):
        with pytest.raises(ProfileInvalid) as caught:
            read_profile(tmp_path / name)
        said[name] = str(caught.value).partition(":1: ")[2]

    assert said == {
        "gone.toml": "cannot be read (No such file or directory); "
        "name a profile that this user may read",
        ".": "cannot be read (Is a directory); name a profile that this user may read",
        "latin.toml": "not UTF-8 at byte 10; save the file as UTF-8",
        "huge.toml": "1048577 bytes long; write at most 1048576 bytes",
    }


def test_lines_are_found_past_everything_toml_allows() -> None:
    """A wrong line number sends a person to the wrong target."""
    text = '''# [[target]]
a = """
b = 1
"""  # three lines
"c d".e = 'x # y'
list = [
  1, # one
  { k = "]" },
]
[[target]]
id = "one"
[target.tls]
x = { y = 1, z = [2] }
[[target]]
"id" = "two"
tls.x = """a\\""" """
last = 1
'''
    lines = locate(text)

    assert tomllib.loads(text), "the scanner is for valid TOML"
    assert {
        path: lines.of(path)
        for path in [
            ("a",),
            ("c d", "e"),
            ("list", 0),
            ("list", 1, "k"),
            ("target", 0, "id"),
            ("target", 0, "tls", "x", "z", 0),
            ("target", 1, "id"),
            ("target", 1, "tls", "x"),
            ("target", 1, "last"),
            ("target", 0, "nowhere"),
        ]
    } == {
        ("a",): 2,
        ("c d", "e"): 5,
        ("list", 0): 7,
        ("list", 1, "k"): 8,
        ("target", 0, "id"): 11,
        ("target", 0, "tls", "x", "z", 0): 13,
        ("target", 1, "id"): 15,
        ("target", 1, "tls", "x"): 16,
        ("target", 1, "last"): 17,
        ("target", 0, "nowhere"): 10,
    }


SAMPLES = [path.read_text(encoding="utf-8") for path in sorted(GOOD.glob("*.toml"))]
PIECES = st.sampled_from(
    (
        *('"', "'", '"""', "[", "]", "[[", "{", "}", "=", "\n", "#", ".", "\\", "\0", "é", "-1"),
        *("inf", "true", "1979-05-27", "[[target]]\n", "9" * 20, '"\\ud800"', "\ud800"),
    )
)


@settings(max_examples=400, deadline=None)
@given(text=st.sampled_from(SAMPLES), data=st.data())
def test_one_random_mutation_never_gives_a_traceback(text: str, data: st.DataObject) -> None:
    """Whatever a slip of the hand does, the answer is a profile or a list of faults."""
    start = data.draw(st.integers(0, len(text)))
    end = min(len(text), start + data.draw(st.integers(0, 12)))
    mutant = text[:start] + data.draw(PIECES) + text[end:]

    try:
        said: object = parse_profile(mutant, "m.toml", GOOD).targets
    except ProfileInvalid as exc:
        said = exc.faults
    assert said, "refused without a word, or a profile that looks at nothing"


@settings(max_examples=200, deadline=None)
@given(text=st.text())
@example(text="\ud800")
@example(text="a = " + "[" * 5000)
@example(text="target = 1")
@example(text="target = [1]")
@example(text='target = [{ id = "a" }]')
@example(text="[target.tls]")
@example(text="location = []")
def test_any_text_is_a_profile_or_a_list_of_faults(text: str) -> None:
    """The reader is the first to see a file that anyone may have written."""
    with pytest.raises(ProfileInvalid):
        parse_profile(text, "m.toml", GOOD)


def test_the_key_reference_says_what_the_reader_reads(root: Path) -> None:
    """A page that drifts from the program is worse than none."""
    page = (root / "docs" / "profile.md").read_text(encoding="utf-8")

    assert page == reference(), "run python -m ccpor_agent.profile.reference > docs/profile.md"


def test_a_run_says_that_its_profile_names_no_location(tmp_path: Path) -> None:
    """A report of no court must not be taken for proof that one is ready."""
    path = tmp_path / "first.toml"
    with listening() as port:
        head = 'schema = "ccpor-profile/1"\n[[target]]\nid = "t"\nurl = "tcp://127.0.0.1:'
        path.write_text(f'{head}{port}"\n', encoding="utf-8")
        ran = ccpor("run", "--no-upload", "--json", "--profile", path)

    said = [line for line in ran.stderr.splitlines() if "[location]" in line]
    assert said == ["the profile names no [location]: no collector takes this report for a court's"]
    assert (ran.returncode, json.loads(ran.stdout)["location"]["court"]) == (0, "unassigned")


WORKLOAD = "[workload]\nusers = 15\nkb_per_page = 60\n"
LINE = '[[target]]\nid = "t"\nurl = "capacity://h:1"\n'


def asked_of_the_line(text: str) -> CapacityOptions:
    options = fake.read(HEAD + text, registry.load).targets[0].options["capacity"]
    assert isinstance(options, CapacityOptions)
    return options


def test_a_line_is_measured_for_the_profiles_workload() -> None:
    """Written once for the court, it holds for each of its lines."""
    found = asked_of_the_line(WORKLOAD + LINE)

    assert found.workload == Workload(users=15, kb_per_page=60)
    assert found.needed_mbit == found.load.required_mbit


def test_a_line_of_its_own_workload_keeps_it() -> None:
    """A branch office sends less than the whole court; nothing of the two is mixed."""
    own = "[target.capacity.workload]\nusers = 2\n"

    found = asked_of_the_line(WORKLOAD + LINE + own)

    assert found.workload == Workload(users=2)
    assert found.load.kb_per_page == 52


def test_without_a_workload_a_line_is_held_against_the_floor() -> None:
    """Nobody said what this court sends."""
    found = asked_of_the_line(LINE)

    assert found.workload is None
    assert found.needed_mbit == 1.5


def test_a_measured_line_may_have_its_own_authority() -> None:
    """The collector that measures is asked over TLS."""
    text = LINE + '[target.tls]\nmin_version = "TLSv1.3"\n'

    assert "tls" in fake.read(HEAD + text, registry.load).targets[0].options
