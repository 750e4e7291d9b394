"""What the facts of a workstation mean, fact by fact, and one real look at this machine."""

from __future__ import annotations

import sys
import threading
import time
from datetime import date
from pathlib import Path

import msgspec
import pytest

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.workstation import CHECK, look
from ccpor_checks.workstation.environment import environment
from ccpor_checks.workstation.evidence import LOOKED_AT, WorkstationEvidence, WorkstationOptions
from ccpor_checks.workstation.posture import PatchFact
from ccpor_checks.workstation.system import DiskFact, OsFact, PortableSystem, ScreenFact
from ccpor_reporting.faults import catalogue
from tests.checks.workstation.conftest import GB, Assess, FakeSystem, judged

TARGET = Target(id="pc", url="workstation:", scheme="workstation")


def windows(build: str, edition: str = "Professional", patch: str = "1") -> OsFact:
    return OsFact(
        name="Windows",
        product="windows",
        version=build,
        full_version=f"{build}.{patch}",
        edition=edition,
    )


def linux(product: str, version: str) -> OsFact:
    return OsFact(name=product, product=product, version=version, full_version=version)


# The whole


def test_a_healthy_pc_passes_all_sixteen(assess: Assess) -> None:
    """Every code is looked at by default, and a PC in order has no finding."""
    findings = assess()

    assert findings.outcome == dict.fromkeys(sorted(LOOKED_AT), ("pass", None))


def test_this_machine_is_really_looked_at() -> None:
    """Real facts through the real seam; only what depends on the machine is left open."""
    options = WorkstationOptions()
    evidence = CHECK.run(TARGET, options, Context(deadline=time.monotonic() + 20))
    findings = judged(evidence, options)

    assert findings.keys() == {f"workstation.{subject}" for subject in LOOKED_AT}
    assert evidence.memory_bytes is not None
    assert evidence.memory_bytes > GB / 2
    assert evidence.disk is not None
    assert 0 < evidence.disk.free_bytes <= evidence.disk.total_bytes
    assert evidence.crypto is not None
    assert evidence.crypto.module.startswith("OpenSSL")
    assert evidence.inventory is not None
    assert "lo" in evidence.inventory.interfaces or sys.platform != "linux"
    always = {"memory", "disk", "crypto", "inventory"}
    assert {item.fact for item in evidence.unseen} & always == set()
    assert all(item.why for item in evidence.unseen)


def test_evidence_survives_its_json() -> None:
    """A stored report is judged again from its JSON; what comes back must be what was seen."""
    evidence = CHECK.run(TARGET, WorkstationOptions(), Context(deadline=time.monotonic() + 20))

    stored = msgspec.json.decode(msgspec.json.encode(evidence))

    assert msgspec.convert(stored, WorkstationEvidence) == evidence


def test_no_serial_number_and_no_hardware_address_leaves_the_machine() -> None:
    """An inventory that names a person's laptop is more than the AOC may ask."""
    fields = {field.name for field in msgspec.structs.fields(WorkstationEvidence)}
    inventory = CHECK.run(TARGET, WorkstationOptions(), Context(deadline=time.monotonic() + 20))
    text = msgspec.json.encode(inventory).decode().lower()
    net = Path("/sys/class/net")
    addresses = [p.read_text().strip() for p in net.glob("*/address")] if net.exists() else []

    assert "serial" not in "".join(fields)
    assert [mac for mac in addresses if mac.strip("0:") and mac in text] == []


# The operating system


@pytest.mark.parametrize(
    "fact",
    [
        windows("26200"),
        windows("26100", "Enterprise"),
        windows("26100", "EnterpriseS"),
        windows("26300", "Core"),
        linux("debian", "12"),
        linux("debian", "13"),
        linux("ubuntu", "24.04"),
        linux("rhel", "9.6"),
        OsFact(
            name="s",
            product="windows-server",
            version="26100",
            full_version="26100",
            edition="ServerStandard",
        ),
    ],
    ids=lambda fact: f"{fact.product} {fact.version} {fact.edition or ''}",
)
def test_a_mended_system_passes(assess: Assess, fact: OsFact) -> None:
    """The usual estate of a court in late 2026."""
    assert assess(os=fact).not_passed == {}


@pytest.mark.parametrize(
    "fact",
    [
        windows("19045"),
        windows("7601"),
        windows("26100", "Professional"),
        windows("22631", "Enterprise"),
        linux("debian", "11"),
        linux("ubuntu", "20.04"),
    ],
    ids=lambda fact: f"{fact.product} {fact.version} {fact.edition or ''}",
)
def test_a_system_past_its_last_update_blocks(assess: Assess, fact: OsFact) -> None:
    """Windows 10 left support on 14 October 2025; the same build may live on in another edition."""
    assert assess(os=fact).not_passed == {"os": ("fail", "unsupported", "blocker")}


def test_support_that_ends_before_go_live_warns(assess: Assess) -> None:
    """True today, and a surprise in the first week."""
    findings = assess(os=windows("26200"), go_live=date(2027, 11, 1))

    assert findings.not_passed == {"os": ("fail", "unsupported", "warning")}
    assert "before go-live" in findings["workstation.os"].summary


def test_an_unknown_system_is_not_assessed_and_never_passes(assess: Assess) -> None:
    """Nobody has said until when it is mended, so we do not know."""
    assert assess(os=linux("plan9", "4")).not_passed == {"os": ("error", None, "blocker")}


def test_a_version_is_not_a_prefix_of_another(assess: Assess) -> None:
    """Debian "1" is no Debian 12, and RHEL "90" no RHEL 9."""
    assert assess(os=linux("rhel", "90")).not_passed == {"os": ("error", None, "blocker")}


def test_a_court_may_bring_a_list_of_its_own(assess: Assess, tmp_path: Path) -> None:
    """A paid extension for Windows 10, and a patch level that the AOC asks for."""
    path = tmp_path / "our-list.toml"
    path.write_text(
        """
        schema = "ccpor-environment/1"
        version = 7
        dated = 2026-11-01
        [[os]]
        name = "Windows 10 under extended updates"
        product = "windows"
        version = "19045"
        until = 2028-10-10
        min_version = "19045.6000"
        """
    )
    listed = environment(path)

    patched = assess(os=windows("19045", patch="6456"), listed=listed)
    behind = assess(os=windows("19045", patch="5011"), listed=listed)
    other = assess(os=windows("26200"), listed=listed)

    assert patched.not_passed == {}
    assert behind.not_passed == {"os": ("fail", "outdated", "blocker")}
    assert other.not_passed == {"os": ("error", None, "blocker")}, "it replaces ours whole"


# Memory and disk


@pytest.mark.parametrize(
    ("memory", "not_passed"),
    [
        (4.08 * GB, {}),  # 4 GiB sold, 3.8 GiB shown
        (3.9 * GB, {"memory": ("fail", "too-small", "blocker")}),
        (0, {"memory": ("fail", "too-small", "blocker")}),
    ],
)
def test_four_gigabytes_of_memory_are_the_least(
    assess: Assess, memory: float, not_passed: object
) -> None:
    """A page of scans swapped to disk is a clerk who waits."""
    assert assess(memory=int(memory)).not_passed == not_passed


def test_a_pair_of_memory_warns_first(assess: Assess) -> None:
    """A profile may ask for the recommended eight without blocking at six."""
    options = WorkstationOptions(min_memory_gb=(8.0, 4.0))

    assert assess(options=options, memory=6 * GB).not_passed == {
        "memory": ("fail", "too-small", "warning")
    }
    assert assess(options=options, memory=3 * GB).not_passed == {
        "memory": ("fail", "too-small", "blocker")
    }
    assert assess(options=options, memory=8 * GB).not_passed == {}


def test_a_full_disk_blocks(assess: Assess) -> None:
    """Scans and the spool of reports need room; a full disk loses both."""
    full = DiskFact(path="C:\\", total_bytes=250 * GB, free_bytes=9 * GB)

    findings = assess(disk=full)

    assert findings.not_passed == {"disk": ("fail", "too-small", "blocker")}
    assert (findings["workstation.disk"].observed, findings["workstation.disk"].unit) == (9, "GB")
    assert findings["workstation.disk"].expected == "at least 10 GB"


# Screens


@pytest.mark.parametrize(
    ("sizes", "not_passed"),
    [
        ([(1280, 1024)], {}),
        ([(1024, 768), (1920, 1080)], {}),
        ([(1366, 768)], {"display": ("fail", "too-small", "warning")}),
        ([(1920, 1000)], {"display": ("fail", "too-small", "warning")}),
        ([(1200, 1920)], {"display": ("fail", "too-small", "warning")}),
        ([], {"display": ("fail", "missing", "warning")}),
    ],
    ids=["just enough", "the second is", "too low", "wide, low", "high, narrow", "none connected"],
)
def test_one_screen_must_show_a_page(
    assess: Assess, sizes: list[tuple[int, int]], not_passed: object
) -> None:
    """Width and height both count: pixels alone would let a letterbox through."""
    screens = tuple(ScreenFact(name="s", width_px=w, height_px=h) for w, h in sizes)

    assert assess(screens=screens).not_passed == not_passed


# Crypto, inventory


def test_the_crypto_module_and_mode_are_named(assess: Assess) -> None:
    """A person looks the certificate up; FIPS mode alone proves nothing since September 2026."""
    assert assess()["workstation.crypto"].observed == {
        "module": "OpenSSL 3.0.17",
        "fips_mode": False,
    }


# What cannot be seen


@pytest.mark.parametrize(
    ("fact", "not_passed"),
    [
        ("os", {"os": ("error", None, "blocker")}),
        ("memory", {"memory": ("error", None, "blocker")}),
        ("disk", {"disk": ("error", None, "blocker")}),
        ("screens", {"display": ("error", None, "warning")}),
        ("browser", {"browser": ("error", None, "warning")}),
        ("pdf", {"pdf": ("error", None, "warning")}),
        ("patch", {"patch": ("error", "not-visible", "blocker")}),
        ("antimalware", {"antimalware": ("error", "not-visible", "blocker")}),
        ("lock", {"lock": ("error", "not-visible", "warning")}),
        ("lockout", {"lockout": ("error", "not-visible", "warning")}),
        ("banner", {"banner": ("error", "not-visible", "warning")}),
        ("firewall", {"firewall": ("error", "not-visible", "warning")}),
        ("encryption", {"encryption": ("error", "not-visible", "warning")}),
        ("wireless", {"wireless": ("error", "not-visible", "warning")}),
        ("crypto", {"crypto": ("error", "not-visible", "info")}),
        ("inventory", {"inventory": ("error", "not-visible", "info")}),
    ],
)
@pytest.mark.parametrize("how", [PermissionError(13, "no"), CannotObserve("no such thing here")])
def test_a_fact_that_cannot_be_seen_never_passes_and_stops_no_other(
    assess: Assess, fact: str, not_passed: object, how: Exception
) -> None:
    """One locked registry key must not cost the other fifteen findings, nor count as a failure."""
    findings = assess(**{fact: how})

    assert findings.not_passed == not_passed
    (code,) = not_passed
    assert (type(how).__name__ if isinstance(how, OSError) else str(how)) in findings[
        f"workstation.{code}"
    ].summary


def test_a_missing_right_is_named(assess: Assess) -> None:
    """The clerk cannot do anything with an exception's name; whoever installs the agent can."""
    no = PermissionError(13, "no", "/etc/pam.d/login")
    summary = assess(lockout=no)["workstation.lockout"].summary

    assert "/etc/pam.d/login" in summary
    assert summary.endswith("run the agent as an administrator")


def test_a_system_that_nobody_taught_says_so_for_each_fact() -> None:
    """macOS gets an honest "not looked at here" and no guess."""
    evidence = look(PortableSystem(), WorkstationOptions(), environment())
    findings = judged(evidence, WorkstationOptions())

    told = {"memory", "disk", "inventory"}
    taught = {code for code, outcome in findings.outcome.items() if outcome[0] != "error"}
    assert taught == told
    assert all("not looked at on" in item.why for item in evidence.unseen)


def test_who_does_not_answer_in_time_is_left_behind() -> None:
    """A hung provider of the system costs its own finding, not the other fifteen."""
    awake = threading.Event()

    class Hung(FakeSystem):
        def patch(self) -> PatchFact:
            awake.wait(20)
            raise AssertionError("nobody waits for this")

    started = time.monotonic()
    evidence = look(Hung(), WorkstationOptions(), environment(), seconds=1.5)
    took = time.monotonic() - started
    awake.set()

    assert took < 10
    assert [(item.fact, "did not answer" in item.why) for item in evidence.unseen] == [
        ("patch", True)
    ]


def test_a_fault_of_our_own_is_not_hidden() -> None:
    """A bug in one reader is an internal error of the run, never "not visible"."""
    with pytest.raises(ZeroDivisionError):
        look(FakeSystem(lock_=ZeroDivisionError()), WorkstationOptions(), environment())


def test_only_what_is_asked_for_is_looked_at() -> None:
    """A location may refuse its inventory; then it is not even read."""
    options = WorkstationOptions(assess=("memory",))

    evidence = CHECK.run(TARGET, options, Context(deadline=time.monotonic() + 5))

    told = {name for name, fact in msgspec.structs.asdict(evidence).items() if fact}
    assert told == {"memory_bytes"}


def test_the_rules_are_the_catalogues() -> None:
    """Sixteen codes, each with exactly the reasons that the contract lists."""
    listed = {
        code: set(entry.reasons)
        for code, entry in catalogue().items()
        if code.startswith("workstation.")
    }

    assert {rule.code: set(rule.reasons) for rule in CHECK.rules} == listed
    assert len(listed) == 16


@pytest.mark.parametrize("text", ["1280", "1280x", "x1024", "1280*1024", "-1x4", "0x0"])
def test_a_resolution_is_width_x_height(text: str) -> None:
    """Refused where the profile is read, with its key, and not somewhere in a rule."""
    with pytest.raises(msgspec.ValidationError, match="min_display"):
        msgspec.convert({"min_display": text}, WorkstationOptions)
