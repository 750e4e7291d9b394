"""Missing updates by dpkg's and apt's own files, and the order of versions, against dpkg itself."""

from __future__ import annotations

import gzip
import random
import shutil
import subprocess
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation import lz4_frame
from ccpor_checks.workstation.debian_version import DebianVersion
from ccpor_checks.workstation.linux import LinuxSystem
from tests.checks.workstation.test_linux import lay

STATUS = """Package: openssl
Status: install ok installed
Architecture: amd64
Version: 3.0.17-1~deb12u2
Description: says
 Version: 9.9 in its own text

Package: libssl3
Status: hold ok installed
Source: openssl (3.0.17-1~deb12u2)
Architecture: amd64
Version: 3.0.17-1~deb12u2

Package: tzdata
Status: install ok installed
Architecture: all
Version: 2026f-0+deb12u1

Package: nginx
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0-1
"""
OFFER = """Package: openssl
Architecture: amd64
Version: {version}

Package: libssl3
Source: openssl
Architecture: amd64
Version: {version}

Package: openssl
Architecture: i386
Version: 99-1

Package: nginx
Architecture: amd64
Version: 1.22-9

Package: tzdata
Architecture: all
Version: 2026f-0+deb12u1
"""
FOLDER = "var/lib/apt/lists"
SITE = "deb.example.org_debian-security_dists_bookworm-security"
RELEASE = "Origin: Debian\nLabel: Debian-Security\nDate: Sat, 21 Nov 2026 09:15:30 UTC\n"


def machine(root: Path, version: str = "3.0.17-1~deb12u3", **more: str) -> LinuxSystem:
    """Lay out a Debian that openssl *version* is offered to by security lists of 21 November."""
    files = {
        "var/lib/dpkg/status": STATUS,
        f"{FOLDER}/{SITE}_InRelease": RELEASE,
        f"{FOLDER}/{SITE}_main_binary-amd64_Packages": OFFER.format(version=version),
        f"{FOLDER}/deb.example.org_debian_dists_bookworm_InRelease": "Label: Debian\n",
        f"{FOLDER}/deb.example.org_debian_dists_bookworm_main_binary-amd64_Packages": OFFER.format(
            version="99"
        ),
    }
    return lay(root, files | {name.replace("__", "/"): text for name, text in more.items()})


def test_an_offered_update_is_missing_once_per_source(tmp_path: Path) -> None:
    """Held packages count, removed ones and other architectures do not, nor lists of features."""
    fact = machine(tmp_path).patch()

    assert [each.name for each in fact.missing or ()] == ["openssl 3.0.17-1~deb12u3"]
    assert {each.released for each in fact.missing or ()} == {None}
    assert fact.known_on is not None
    assert fact.known_on >= date(2026, 11, 21)


def test_nothing_is_missing_where_all_is_newer_or_alike(tmp_path: Path) -> None:
    """A backport with ~ stands before the release that it comes from."""
    assert machine(tmp_path / "a", version="3.0.17-1~deb12u2").patch().missing == ()
    assert machine(tmp_path / "b", version="3.0.9-1").patch().missing == ()


DEBIAN = ".".join(("debian", "org"))  # of the file's name; no file names its hosts


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("Label: Debian-Security\n", "mirror_debian_dists_stable"),
        ("Suite: noble-security\n", "archive.example.org_ubuntu_dists_noble-security"),
        ("", f"security.{DEBIAN}_dists_bookworm_updates"),
    ],
)
def test_a_list_of_security_is_known_by_name_or_label(tmp_path: Path, head: str, name: str) -> None:
    files = {
        "var/lib/dpkg/status": STATUS,
        f"{FOLDER}/{name}_Release": head,
        f"{FOLDER}/{name}_main_binary-amd64_Packages": OFFER.format(version="4"),
    }

    assert [each.name for each in lay(tmp_path, files).patch().missing or ()] == ["openssl 4"]


def test_lists_may_be_packed(tmp_path: Path) -> None:
    """`Acquire::GzipIndexes` keeps them packed, in containers for instance."""
    system = machine(tmp_path)
    plain = tmp_path / FOLDER / f"{SITE}_main_binary-amd64_Packages"
    text = plain.read_bytes()
    plain.unlink()
    plain.with_name(f"{plain.name}.gz").write_bytes(gzip.compress(text))

    assert len(system.patch().missing or ()) == 1


def test_a_damaged_list_is_not_an_empty_one(tmp_path: Path) -> None:
    system = machine(tmp_path)
    path = tmp_path / FOLDER / f"{SITE}_extra_Packages.lz4"
    path.write_bytes(b"\x04\x22\x4d\x18rubbish")

    with pytest.raises(CannotObserve, match="apt update"):
        system.patch()


def test_without_security_lists_nothing_is_said(tmp_path: Path) -> None:
    """A PC whose sources lack the security archive is "up to date" for ever."""
    with pytest.raises(CannotObserve, match="apt update"):
        lay(tmp_path, {"var/lib/dpkg/status": STATUS}).patch()


@pytest.mark.parametrize(
    ("path", "said"),
    [("usr/bin/dnf", "dnf updateinfo"), ("usr/bin/zypper", "zypper"), ("etc/x", "neither")],
)
def test_other_systems_say_what_to_run_instead(tmp_path: Path, path: str, said: str) -> None:
    with pytest.raises(CannotObserve, match=said):
        lay(tmp_path, {path: ""}).patch()


def test_a_restart_is_pending_by_its_mark(tmp_path: Path) -> None:
    """No mark means "none pending" only where something would have made it."""
    makes = {"etc__kernel__postinst.d__unattended-upgrades": ""}

    assert machine(tmp_path / "a").patch().is_pending_reboot is None
    assert machine(tmp_path / "b", **makes).patch().is_pending_reboot is False
    assert machine(tmp_path / "c", run__reboot_required="").patch().is_pending_reboot is None
    marked = machine(tmp_path / "d", **makes)
    (tmp_path / "d/run").mkdir()
    (tmp_path / "d/run/reboot-required").touch()
    assert marked.patch().is_pending_reboot is True
    assert marked.is_pending_reboot() is True


def test_the_last_update_is_the_logs(tmp_path: Path) -> None:
    log = "2026-11-01 10:00:00 upgrade a 1 2\n2026-11-20 10:00:00 upgrade b 1 2\n2026-11-23 x status\n"

    assert machine(tmp_path, **{"var__log__dpkg.log": log}).patch().last_installed == date(
        2026, 11, 20
    )


# The order of versions

FIXED = [
    "1.0",
    "1.0~",
    "1.0~~",
    "1.0~a",
    "1.0-1",
    "1.0-1~deb12u1",
    "1.0-1+deb12u1",
    "1:0.1",
    "0:1.0",
    "1.0.0",
    "1.",
    "1a",
    "1a0",
    "a",
    "01",
    "1",
    "0",
    "1.2-3-4",
    "2.0+git",
    "2.0.git",
    "1.0-0",
    "1.10",
    "1.9",
    "43.1-2+deb12u1",
    "4:22.12.3-1",
    "1z",
    "1+",
    "1-",
    "~",
]


def dpkg_says(pairs: list[tuple[str, str]]) -> list[bool]:
    """Return of each pair whether dpkg puts the first before the second."""
    script = "".join(
        f"dpkg --compare-versions '{a}' lt '{b}' 2>/dev/null && echo 1 || echo 0\n"
        for a, b in pairs
    )
    done = subprocess.run(
        ["sh"], input=script, capture_output=True, text=True, timeout=60, check=True
    )
    return [line == "1" for line in done.stdout.split()]


@pytest.mark.skipif(not shutil.which("dpkg"), reason="dpkg itself is the judge")
def test_versions_stand_in_dpkgs_order() -> None:
    """An update taken for older is a hole nobody reports."""
    dice = random.Random(20261124)
    made = ["".join(dice.choices("019a.+~-", k=dice.randint(1, 6))) for _ in range(160)]
    made = [f"1{text}" for text in made if not text.endswith("-")]
    pairs = [tuple(dice.sample(FIXED[:-2], 2)) for _ in range(120)]
    pairs += list(pairwise(made))
    pairs += [(text, text.replace("~", "") + "0") for text in made[:40]]

    said = dpkg_says(pairs)  # type: ignore[arg-type]
    ours = [DebianVersion(a) < DebianVersion(b) for a, b in pairs]

    assert [pair for pair, we, it in zip(pairs, ours, said, strict=True) if we != it] == []


def test_order_is_total_and_equal_versions_are_equal() -> None:
    versions = [DebianVersion(text) for text in FIXED]

    versions += [DebianVersion(text) for text in ("0", "0~", "0a", "", "1.0-0~")]
    assert all((a < b) + (b < a) + (a == b) == 1 for a in versions for b in versions)
    assert len({DebianVersion(text) for text in ("1.0", "0:1.0", "1.0-0", "1.00-00")}) == 1


@pytest.mark.parametrize(
    ("text", "upstream"),
    [("43.1-2+deb12u1", "43.1"), ("4:22.12.3-1", "22.12.3"), ("9", "9"), ("1:2:3-4-5", "2:3-4")],
)
def test_the_makers_version_is_told_from_the_distributions(text: str, upstream: str) -> None:
    assert DebianVersion(text).upstream == upstream


# LZ4

LINE = b"Package: openssl\nVersion: 3.0.17-1~deb12u3\n\n"


def frame(*blocks: bytes, flags: int = 0x60) -> bytes:
    head = (0x184D2204).to_bytes(4, "little") + bytes([flags, 0x40, 0])
    sized = b"".join(len(block).to_bytes(4, "little") + block for block in blocks)
    return head + sized + bytes(4)


def test_lz4_copies_overlap_themselves() -> None:
    """A run of one letter is one letter and a copy of it from one letter before."""
    block = bytes([0x1F]) + b"a" + bytes([1, 0, 255, 10]) + bytes([0x30]) + b"end"

    assert lz4_frame.unpacked(frame(block), 1000) == b"a" * (1 + 15 + 255 + 10 + 4) + b"end"


def test_lz4_stored_blocks_and_several_blocks_are_joined() -> None:
    stored = (0x8000_0003).to_bytes(4, "little") + b"abc"
    content = frame(bytes([0x30]) + b"xyz")[:-4] + stored + bytes(4)

    assert lz4_frame.unpacked(content, 1000) == b"xyzabc"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no frame at all",
        frame(bytes([0x10]))[:12],
        frame(bytes([0x40]) + b"ab"),
        frame(bytes([0x10]) + b"a" + bytes([9, 0])),
        frame(bytes([0x1F]) + b"a" + bytes([1, 0]) + b"\xff" * 50 + b"\x00" + b"\x00"),
        frame(bytes([0x30]) + b"xyz", flags=0x61),
        frame(bytes([0x30]) + b"xyz")[:-2],
    ],
)
def test_broken_lz4_is_refused_in_bounds(content: bytes) -> None:
    """The lists come over the network: nothing of them may eat the memory or crash the agent."""
    with pytest.raises(ValueError):
        lz4_frame.unpacked(content, 1000)


@pytest.mark.skipif(not shutil.which("lz4"), reason="the lz4 program is the independent writer")
def test_what_lz4_itself_packed_is_unpacked() -> None:
    text = LINE * 4000
    packed = subprocess.run(
        ["lz4", "-9", "-c"], input=text, capture_output=True, timeout=30, check=True
    ).stdout

    assert lz4_frame.unpacked(packed, 10_000_000) == text
