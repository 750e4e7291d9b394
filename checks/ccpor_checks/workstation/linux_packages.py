"""Debian's packages: what is installed, and what the security lists of apt offer.

Source: dpkg's status file and apt's lists in deb822 form (deb822(5), sources.list(5)); compressed
lists are those that ``Acquire::GzipIndexes`` keeps.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import msgspec

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation import lz4_frame
from ccpor_checks.workstation.debian_version import DebianVersion

STATUS = "var/lib/dpkg/status"
LISTS = "var/lib/apt/lists"
STAMP = "var/lib/apt/periodic/update-success-stamp"
MOST_BYTES = 200_000_000  # of one list, unpacked; all of Debian's packages are 50 MB
SECURITY_NAME = re.compile(r"_dists_[^/]*-security_|security\.debian\.org_")
SECURITY_LABEL = re.compile(r"^(?:Label|Suite|Codename): .*security", re.MULTILINE | re.IGNORECASE)
DATE = re.compile(r"^Date: (.+)$", re.MULTILINE)
FIELDS = re.compile(r"^(Package|Version|Architecture|Status|Source): *(.*)$", re.MULTILINE)


class Package(msgspec.Struct, frozen=True):
    """One package, as installed or as offered. source: what it is built from."""

    name: str
    version: str
    architecture: str
    source: str


def installed(root: Path) -> tuple[Package, ...]:
    """Return the installed packages.

    Raises:
        FileNotFoundError: This is no system of dpkg's. OSError: its status does not read.
    """
    text = _unpacked(root / STATUS)
    return tuple(
        package for package, status in _packages(text) if status.split()[-1:] == ["installed"]
    )


class SecurityLists(msgspec.Struct, frozen=True):
    """What apt's security lists offer, and the day they are of."""

    offered: tuple[Package, ...]
    known_on: date


def security_lists(root: Path) -> SecurityLists:
    """Return the security lists of apt.

    Raises:
        CannotObserve: apt keeps none, or none of them reads.
    """
    folder = root / LISTS
    try:
        heads = [each for each in folder.iterdir() if each.name.endswith("Release")]
    except OSError:
        heads = []
    days, offered = [], []
    for head in sorted(heads):
        text = _text(head)
        if not (SECURITY_NAME.search(head.name) or SECURITY_LABEL.search(text[:2000])):
            continue
        prefix = head.name.removesuffix("InRelease").removesuffix("Release")
        days.append(_day_of(text, head))
        for path in sorted(folder.glob(f"{_escaped(prefix)}*_Packages*")):
            offered += [package for package, _ in _packages(_unpacked(path))]
    if not offered:
        raise CannotObserve(
            "apt keeps no list of security updates; let it fetch them (apt update) from a source "
            "with security updates"
        )
    return SecurityLists(tuple(offered), max(*days, _fetched_on(folder, root / STAMP)))


def _escaped(prefix: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", prefix)


def _packages(text: str) -> Iterator[tuple[Package, str]]:
    """Yield each package with its status, "" in a list."""
    for stanza in text.split("\n\n"):
        told = dict(FIELDS.findall(stanza))
        if "Package" in told and "Version" in told:
            name, source = told["Package"].strip(), told.get("Source", "").split()
            yield (
                Package(
                    name,
                    told["Version"].strip(),
                    told.get("Architecture", "").strip(),
                    source[0] if source else name,
                ),
                told.get("Status", ""),
            )


def _day_of(text: str, head: Path) -> date:
    """Return the day that a Release file says of itself, or on which it was written."""
    if told := DATE.search(text[:4000]):
        try:
            return parsedate_to_datetime(told[1]).astimezone(UTC).date()
        except ValueError:
            pass
    return written_on(head)


def _fetched_on(folder: Path, stamp: Path) -> date:
    """Return the day apt last fetched: its stamp, or when a list was last put in place."""
    return max(written_on(each) for each in (folder, stamp) if each is folder or each.exists())


def written_on(path: Path) -> date:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()


def missing_updates(have: tuple[Package, ...], offered: tuple[Package, ...]) -> tuple[str, ...]:
    """Return ``source version`` of each offered update that is newer than what is installed."""
    newest: dict[tuple[str, str], Package] = {}
    for package in offered:
        key = (package.name, package.architecture)
        known = newest.get(key)
        if known is None or DebianVersion(known.version) < DebianVersion(package.version):
            newest[key] = package
    missing = set()
    for package in have:
        for architecture in {package.architecture, "all"}:
            update = newest.get((package.name, architecture))
            if update and DebianVersion(package.version) < DebianVersion(update.version):
                missing.add(f"{update.source} {update.version}")
    return tuple(sorted(missing))


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as opened:
            return opened.read(100_000)
    except OSError:
        return ""


def _unpacked(path: Path) -> str:
    """Return a list as text, whichever way it is packed.

    Raises:
        CannotObserve: It is damaged, or too large to be a list.
    """
    content = path.read_bytes()
    try:
        match path.suffix:
            case ".lz4":
                content = lz4_frame.unpacked(content, MOST_BYTES)
            case ".gz":
                content = gzip.decompress(content)
            case ".xz":
                content = lzma.decompress(content)
            case ".bz2":
                content = bz2.decompress(content)
            case ".zst":
                raise CannotObserve(f"{path.name} is packed with zstd, which is not read here")
            case _:
                pass
    except (ValueError, EOFError, OSError, lzma.LZMAError, zlib.error) as exc:
        raise CannotObserve(f"{path.name} is damaged; fetch it again (apt update)") from exc
    return content.decode("utf-8", errors="replace")
