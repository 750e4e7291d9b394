"""The lab itself: its arithmetic, its files, that it leaves nothing behind, and a part of its faults."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import healthy
from tests.lab.__main__ import labs
from tests.lab.namespaces import refused
from tests.lab.network import DNS, ROOT, WEB, network
from tests.lab.reading import Fault, FaultsWrong, faults, profile_text, without_users
from tests.lab.running import Named, Said, said
from tests.lab.scoring import Marks, marks, names_hop, score, table
from tests.peers import lacking, need

PART = (
    "link/no-route",
    "dns/resolver-silent",
    "tcp/dropped-at-county-edge",
    "tcp/prohibited-at-court-router",
    "tcp/reset-at-county-edge",
    "tcp/forty-behind-one-cut",
    "mtu/black-hole-1400",
    "tls/expired",
    "clock/clock-behind",
    "both/clock-behind-hides-certificate",
    "gateway/refuses",
)
SEEDS = (2, 3, 5, 6, 7)


def cause(fault: str, owner: str = "county-network", place: str = "") -> Named:
    return Named(fault=fault, owner=owner, place=place, severity="blocker", target="web")


def looked(*causes: Named) -> Said:
    return Said(id="tcp/x", exit_code=1, seconds=1.0, causes=causes, verdict="not-ready")


DROPPED = Fault(
    name="x",
    area="tcp",
    about="",
    expect="tcp.reach/dropped",
    owner="county-network",
    place="10.77.2.2",
)
TWO = Fault(
    name="y", area="both", about="", expect=("tls.validity/expired", "clock.server/refused"),
    owner=("datacenter", "datacenter"),
)  # fmt: skip


def test_a_fault_named_owned_and_placed_rightly_is_good() -> None:
    """The one outcome that the lab is there to count."""
    one = marks(DROPPED, looked(cause("tcp.reach/dropped", place="at or past 10.77.2.2")))

    assert (one.exact, one.owner, one.place, one.extra, one.good) == (True, True, True, 0, True)


@pytest.mark.parametrize(
    ("causes", "expected"),
    [
        ((), (False, None, None, 0)),
        ((cause("tcp.reach/refused"),), (False, None, None, 1)),
        ((cause("tcp.reach/dropped", "court-it"),), (True, False, False, 0)),
        ((cause("tcp.reach/dropped", place="10.77.2.22"),), (True, True, False, 0)),
        ((cause("clock.server/timeout"), cause("tcp.reach/dropped")), (False, True, False, 1)),
        ((cause("tcp.reach/dropped"), cause("tcp.reach/dropped")), (True, True, False, 1)),
    ],
)
def test_what_is_not_right_costs_its_mark(
    causes: tuple[Named, ...], expected: tuple[bool, bool | None, bool | None, int]
) -> None:
    """A score that forgives is worth nothing."""
    one = marks(DROPPED, looked(*causes))

    assert (one.exact, one.owner, one.place, one.extra) == expected
    assert not one.good


def test_of_two_faults_both_must_be_named() -> None:
    """The second one is what a tool misses that stops at the first."""
    first, second = (
        cause("tls.validity/expired", "datacenter"),
        cause("clock.server/refused", "datacenter"),
    )

    assert marks(TWO, looked(first, second)).good
    assert marks(TWO, looked(second, first)).good
    assert not marks(TWO, looked(first)).exact
    assert not marks(TWO, looked(cause("path.loss/lossy"), first, second)).exact


def test_the_bar() -> None:
    """Shares are of what could be right: an owner of what was named, a hop where one is to be named."""
    good = marks(DROPPED, looked(cause("tcp.reach/dropped", place="at or past 10.77.2.2")))
    missed = marks(DROPPED, looked())
    unowned = marks(DROPPED, looked(cause("tcp.reach/dropped", "court-it", "10.77.2.2")))

    def bar(*all_marks: Marks) -> bool:
        return score(all_marks).enough

    assert bar(*[good] * 99, missed)
    assert not bar(*[good] * 96, *[missed] * 4)
    assert not bar(*[good] * 99, unowned)
    assert not bar()
    extra = marks(DROPPED, looked(*[cause("tcp.reach/dropped", place="10.77.2.2")] * 3))
    assert bar(*[good] * 95, *[extra] * 5)
    assert not bar(*[good] * 94, *[extra] * 6)
    assert score([good, missed]).exact_share == 0.5
    assert score([good, missed]).owner_share == 1.0


@pytest.mark.parametrize(
    ("place", "right"),
    [
        ("10.77.2.2", True),
        ("at or past 10.77.2.2", True),
        ("at or past 10.77.2.2.", True),
        ("10.77.2.21", False),
        ("110.77.2.2", False),
        ("10.77.2.2.1", False),
        ("", False),
    ],
)
def test_a_hop_is_named_by_its_whole_address(place: str, right: bool) -> None:
    """10.77.2.2 and 10.77.2.22 are two routers of two owners."""
    assert names_hop(place, "10.77.2.2") is right


def test_the_table_tells_what_was_said_instead() -> None:
    """Who mends the tool needs no second run."""
    words = table([marks(DROPPED, looked(cause("tcp.reach/refused", "datacenter")))])

    assert "MISS tcp/x" in words
    assert "wanted tcp.reach/dropped (county-network, at 10.77.2.2)" in words
    assert "said   tcp.reach/refused (datacenter) of web" in words


def test_every_fault_can_be_read_and_run() -> None:
    """At least eighty faults over eleven areas, and each profile is whole."""
    found = faults()
    values = dict.fromkeys(("made", "pin", "host_key", "drop", "folder"), "/x")

    assert len(found) >= 80
    assert len({fault.area for fault in found}) >= 11
    assert sum(len(fault.wanted) > 1 or fault.area == "both" for fault in found) >= 8
    assert all("$" not in profile_text(fault.profile, fault.more, values) for fault in found)
    assert set(PART) <= {fault.id for fault in found}


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('expect = "tcp.reach/droped"', "tcp.reach/droped is no fault of the catalogue"),
        ('expect = "tcp.reach/dropped"\nplcae = "x"', "plcae"),
        (
            'expect = ["tls.validity/expired", "path.loss/lossy"]\nowner = "datacenter"',
            "one owner for each",
        ),
        ('expect = "tcp.reach/dropped"\nbreaks = [{ do = "unplug" }]', "unplug"),
        (
            'expect = "tcp.reach/dropped"\nbreaks = [{ do = "nft", at = "moon", rule = "drop" }]',
            "moon",
        ),
    ],
)
def test_a_mistake_in_a_fault_is_told(tmp_path: Path, lines: str, words: str) -> None:
    """A fault that is silently skipped is a hole in the score."""
    (tmp_path / "odd.toml").write_text(f'[[fault]]\nname = "x"\nabout = "y"\n{lines}\n')

    with pytest.raises(FaultsWrong, match=words) as told:
        faults(tmp_path)

    assert "odd.toml" in str(told.value)


def test_healthy_lines_are_varied_and_within_their_bounds() -> None:
    """1 to 120 ms, a little jitter, at most 0.2 % lost there and back; the same again for the same seed."""
    lines = [healthy.line_of(seed) for seed in range(1, 301)]

    assert all(1 <= 2 * line["delay_ms"] <= 120 and 2 * line["loss_pct"] <= 0.2 for line in lines)
    assert max(2 * line["delay_ms"] for line in lines) > 100
    assert any(line["loss_pct"] for line in lines)
    assert healthy.line_of(7) == healthy.line_of(7)


def test_where_one_user_exists_only_targets_that_need_more_are_left_out() -> None:
    """OpenSSH and squid give up root for users of their own."""
    head = 'schema = "ccpor-profile/1"\n'
    web = '[[target]]\nid = "a"\nurl = "https://ccpor.lab.test"\n'
    drop = '[[target]]\nid = "b"\nurl = "sftp://nobody@sftp.lab.test/in"\n'

    assert without_users(head + web + drop) == head + web


def test_a_report_is_read_with_its_failed_findings() -> None:
    report = {
        "causes": [
            {"fault": "tcp.reach/dropped", "owner": "datacenter", "place": "10.0.0.1", "severity": "blocker",
             "target": "web", "summary": "s"}
        ],
        "findings": [
            {"target": "web", "code": "tcp.reach", "reason": "dropped", "status": "fail", "severity": "blocker"},
            {"target": "web", "code": "tls.trust", "status": "skip", "severity": "blocker"},
        ],
        "verdict": "not-ready",
    }  # fmt: skip

    got = said("tcp/x", 1, 2.0, report)

    assert got.failed == ("web/tcp.reach/dropped fail blocker",)
    assert got.causes[0].place == "10.0.0.1"
    assert not healthy.clean(got)


# ---- networks -------------------------------------------------------------------------------------


@pytest.fixture
def _allowed() -> None:
    if why := refused():
        lacking(why)


@pytest.mark.netns
@pytest.mark.usefixtures("_allowed")
def test_the_network_carries_both_versions_of_ip_and_leaves_nothing_behind() -> None:
    """Descriptors, processes and folders are gone when the block ends."""
    before = _descriptors()
    with network(delay_ms=5) as net:
        folder = net.folder
        pings = [
            net.run("court", "ping", "-c", "2", "-i", "0.2", "-W", "2", host)
            for host in (WEB, "fd77:4::10")
        ]
        assert net.run("court", "cat", "/etc/resolv.conf").stdout == f"nameserver {DNS}\n"
        assert net.run("court", "ls", "/sys/class/net").stdout.split() == ["eth0", "lo"]
        process = net.start("datacenter", ["sleep", "60"])

    assert all("0% packet loss" in ping.stdout for ping in pings)
    assert process.poll() is not None
    assert not folder.exists()
    assert _descriptors() == before


@pytest.mark.netns
@pytest.mark.usefixtures("_allowed")
def test_a_rule_and_the_line_change_while_the_network_runs() -> None:
    """A fault is put in and taken out again in the same network."""

    def connects() -> str:
        with socket.socket() as wire:
            wire.settimeout(0.5)
            try:
                wire.connect((WEB, 443))
            except OSError as exc:
                return type(exc).__name__
        return "open"

    with network(tun=True) as net:
        assert net.inside("court", connects) == "ConnectionRefusedError"
        net.nft("county_edge", "tcp dport 443 drop")
        assert net.inside("court", connects) == "TimeoutError"
        net.clear("county_edge")
        net.line(delay_ms=100)
        begun = time.monotonic()
        assert net.inside("court", connects) == "ConnectionRefusedError"
        assert time.monotonic() - begun >= 0.2


@pytest.mark.netns
@pytest.mark.slow
@pytest.mark.usefixtures("_allowed")
def test_an_interrupted_lab_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    """Ctrl-C in the middle of everything."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    words = [
        sys.executable,
        "-m",
        "tests.lab",
        "--labs",
        "2",
        "--only",
        "tls/*",
        "--json",
        str(tmp_path / "s" / "s.json"),
    ]
    lab = subprocess.Popen(
        words,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # what a shell starts in the background inherits an ignored SIGINT
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    try:
        _until(lambda: len(_processes(tmp_path)) > 6)
        lab.send_signal(signal.SIGINT)
        assert lab.wait(60) == 130
    finally:
        lab.kill()
        lab.wait()

    _until(lambda: not _processes(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def part() -> Iterator[dict[str, Said]]:
    """Run a part of the faults and some healthy networks; what was said of each by its id."""
    need("nginx", "named", "chronyd", "sshd", "squid", "setpriv")
    if why := refused():
        lacking(why)
    tasks: list[dict[str, object]] = [{"fault": name} for name in PART]
    tasks += [{"healthy": seed} for seed in SEEDS]
    # Not in pytest's own folder: the servers' users, and the court's, could not get in.
    with tempfile.TemporaryDirectory(prefix="ccpor-labs-") as place, labs(Path(place), 3) as crew:
        yield {one.id: one for one in crew.work(tasks)}


@pytest.mark.netns
@pytest.mark.slow
@pytest.mark.parametrize("name", PART)
def test_a_fault_is_named_placed_and_owned_by_an_ordinary_user(
    part: dict[str, Said], name: str
) -> None:
    """The reason to exist, in the small; `make lab` has the whole."""
    known = {fault.id: fault for fault in faults()}
    one = marks(known[name], part[name])

    assert one.good, table([one])


@pytest.mark.netns
@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_healthy_network_is_called_ready(part: dict[str, Said], seed: int) -> None:
    """Whoever cries wolf is not read."""
    one = part[f"healthy/{seed}"]

    assert healthy.clean(one), f"{healthy.words(seed)}: {one}"


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _processes(folder: Path) -> list[int]:
    """Return the processes that name *folder* in their command line or environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in text:
            found.append(int(entry.name))
    return found


def _until(ready: object, seconds: float = 30.0) -> None:
    assert callable(ready)
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)
