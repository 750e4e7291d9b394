"""What the facts of a workstation mean, fact by fact, and one real look at this machine."""

from __future__ import annotations

import sys
import time
from datetime import date
from pathlib import Path

import msgspec
import pytest

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.workstation import CHECK
from ccpor_checks.workstation.environment import environment
from ccpor_checks.workstation.evidence import LOOKED_AT, WorkstationEvidence, WorkstationOptions
from ccpor_checks.workstation.system import DiskFact, OsFact, ScreenFact, WirelessFact
from ccpor_reporting.faults import catalogue
from tests.checks.workstation.conftest import GB, Assess, judged

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


def test_a_healthy_pc_passes_all_seven(assess: Assess) -> None:
    """Exactly the seven that this version looks at, and nothing else is planned."""
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
    assert {item.fact for item in evidence.unseen} <= {"display", "wireless", "os"}


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read"),
        ("schema = ", "Invalid value"),
        ('schema = "x"\nversion = 1\ndated = 2026-01-01\nos = []', 'schema is "x"'),
        (
            'schema = "ccpor-environment/1"\nversion = 1\ndated = 2026-01-01\n'
            '[[os]]\nname = "a"\nproduct = "b"\nversion = "1"\nuntil = "soon"',
            "until",
        ),
    ],
    ids=["not there", "not TOML", "another schema", "not a date"],
)
def test_a_list_that_does_not_read_is_said(tmp_path: Path, text: str | None, message: str) -> None:
    """A wrong list must not fall back to ours in silence."""
    path = tmp_path / "list.toml"
    if text is not None:
        path.write_text(text)
    options = WorkstationOptions(environment_file="list.toml")

    with pytest.raises(CannotObserve, match=message):
        CHECK.run(TARGET, options, Context(deadline=time.monotonic() + 5, base_dir=tmp_path))


def test_every_line_of_our_list_reads_and_none_hides_another() -> None:
    """The list is edited by hand; a line that can never fit is a mistake."""
    listed = environment()

    hidden = [
        later.name
        for place, later in enumerate(listed.os)
        for earlier in listed.os[:place]
        if (earlier.product, earlier.version) == (later.product, later.version)
        and (not earlier.editions or set(earlier.editions) & set(later.editions))
    ]

    assert len(listed.os) > 30
    assert hidden == []


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


# Wireless, crypto, inventory


def test_wireless_in_use_is_never_a_pass_while_its_cipher_is_unseen(assess: Assess) -> None:
    """WEP and WPA are banned for this data; we cannot see which it is."""
    findings = assess(wireless=(WirelessFact(name="wlan0", up=True),))

    assert findings.not_passed == {"wireless": ("fail", "not-visible", "warning")}
    assert findings["workstation.wireless"].observed == ["wlan0"]


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
        ("wireless", {"wireless": ("fail", "not-visible", "warning")}),
        ("crypto", {"crypto": ("fail", "not-visible", "info")}),
        ("inventory", {"inventory": ("fail", "not-visible", "info")}),
    ],
)
@pytest.mark.parametrize("how", [PermissionError(13, "no"), CannotObserve("no such thing here")])
def test_a_fact_that_cannot_be_seen_never_passes_and_stops_no_other(
    assess: Assess, fact: str, not_passed: object, how: Exception
) -> None:
    """One locked registry key must not cost the other six findings."""
    assert assess(**{fact: how}).not_passed == not_passed


def test_asking_for_what_this_version_cannot_see_is_not_assessed(assess: Assess) -> None:
    """A profile that asks for anti-malware must not read as if it were on."""
    findings = assess(options=WorkstationOptions(assess=("os", "antimalware", "pdf")))

    assert findings.outcome == {
        "os": ("pass", None),
        "antimalware": ("error", None),
        "pdf": ("error", None),
    }
    assert (
        findings["workstation.antimalware"].summary == "this version cannot look at antimalware yet"
    )


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
