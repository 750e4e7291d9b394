r"""Installed browsers and PDF programs: their version is that of the program's own file.

A browser's updater and beacon, and the list of installed programs, are asked only where the file
is not found by ``App Paths``. Which one is the default is a setting of the person who signs in.

Source: Microsoft, "Application Registration", "Uninstall Registry Key"; Google and Microsoft,
clients of Omaha and EdgeUpdate (``pv``); Mozilla, the key ``Mozilla Firefox``; Adobe, "Acrobat
deployment: Application identifiers".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from ccpor_checks.workstation.posture import ProgramFact
from ccpor_checks.workstation.windows_doors import Calls, Hive
from ccpor_checks.workstation.windows_values import Values

APP_PATHS = r"SOFTWARE\Microsoft\Windows\CurrentVersion\App Paths"
UNINSTALL = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
UNINSTALL_32 = r"SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall"
HTTPS = r"Software\Microsoft\Windows\Shell\Associations\UrlAssociations\https"
PDF_FILES = r"Software\Microsoft\Windows\CurrentVersion\Explorer\FileExts\.pdf"
PACKAGE_LEVEL = (  # of the program that is Reader and Acrobat in one; 1 is Reader
    r"SOFTWARE\Adobe\Adobe Acrobat\DC\Installer",
    "SCAPackageLevel",
)
READER_LEVEL = 1
VERSION = re.compile(r"\d+(?:\.\d+)+")
HIVES: tuple[Hive, Hive] = ("machine", "user")


class Known(NamedTuple):
    """A program and its traces. versions: hive, key, name; ids: of its file types."""

    product: str
    name: str
    program: str
    ids: tuple[str, ...]
    listed: str  # pattern of the start of its name in the list of installed programs
    versions: tuple[tuple[Hive, str, str], ...] = ()


def _omaha(vendor: str, client: str) -> tuple[tuple[Hive, str, str], ...]:
    return (
        ("machine", rf"SOFTWARE\WOW6432Node\{vendor}\Clients\{client}", "pv"),
        ("machine", rf"SOFTWARE\{vendor}\Clients\{client}", "pv"),
        ("user", rf"Software\{vendor}\Clients\{client}", "pv"),
    )


EDGE = Known(
    "edge",
    "Microsoft Edge",
    "msedge.exe",
    ("MSEdge",),
    r"Microsoft Edge$",
    (
        *_omaha(r"Microsoft\EdgeUpdate", "{56EB18F8-B008-4CBD-B6D2-8C97FE7D9062}"),
        ("user", r"Software\Microsoft\Edge\BLBeacon", "version"),
    ),
)
CHROME = Known(
    "chrome",
    "Google Chrome",
    "chrome.exe",
    ("ChromeHTML", "ChromePDF"),
    r"Google Chrome$",
    (
        *_omaha(r"Google\Update", "{8A69D345-D564-463C-AFF1-A69D9E530F96}"),
        ("user", r"Software\Google\Chrome\BLBeacon", "version"),
    ),
)
FIREFOX = Known(
    "firefox",
    "Mozilla Firefox",
    "firefox.exe",
    ("Firefox",),
    r"Mozilla Firefox",
    (
        ("machine", r"SOFTWARE\Mozilla\Mozilla Firefox", "CurrentVersion"),
        ("machine", r"SOFTWARE\WOW6432Node\Mozilla\Mozilla Firefox", "CurrentVersion"),
        ("user", r"Software\Mozilla\Mozilla Firefox", "CurrentVersion"),
    ),
)
ACROBAT = Known(
    "acrobat",
    "Adobe Acrobat",
    "Acrobat.exe",
    ("Acrobat.", "AcroExch."),
    r"Adobe Acrobat(?! Reader)",
)
READER = Known(
    "acrobat-reader",
    "Adobe Acrobat Reader",
    "AcroRd32.exe",
    ("AcroExch.",),
    r"Adobe (Acrobat )?Reader",
)
BROWSERS = (EDGE, CHROME, FIREFOX)


def browser_facts(values: Values, calls: Calls) -> tuple[ProgramFact, ...]:
    """Return the browsers that are installed, and which one opens web addresses."""
    chosen = _chosen(values, calls, HTTPS)
    found = ((known, version_of(known, values, calls)) for known in BROWSERS)
    return tuple(_fact(known, version, chosen, values) for known, version in found if version)


def pdf_facts(values: Values, calls: Calls) -> tuple[ProgramFact, ...]:
    """Return Adobe's programs, Edge, and another browser where it opens PDF files."""
    chosen = _chosen(values, calls, PDF_FILES)
    facts = []
    for known in (ACROBAT, READER, *BROWSERS):
        version = version_of(known, values, calls)
        if version is None:
            continue
        fact = _fact(known, version, chosen, values)
        if known in {CHROME, FIREFOX} and not fact.is_default:
            continue
        facts.append(fact)
    return tuple(facts)


def _fact(known: Known, version: str, chosen: str | None, values: Values) -> ProgramFact:
    product, name = known.product, known.name
    if known is ACROBAT and values.number(*PACKAGE_LEVEL) == READER_LEVEL:
        product, name = READER.product, READER.name
    if known is FIREFOX and is_long_term(values):
        product, name = "firefox-esr", "Mozilla Firefox ESR"
    is_default = (
        None
        if chosen is None
        else chosen.lower().startswith(tuple(each.lower() for each in known.ids))
    )
    return ProgramFact(product=product, name=name, version=version, is_default=is_default)


def is_long_term(values: Values) -> bool:
    """Say whether the Firefox here is of the slow channel; its program's file does not tell."""
    return any(name.startswith(f"{FIREFOX.name} ESR") for name, _ in _installed(values))


def _chosen(values: Values, calls: Calls, key: str) -> str | None:
    """Return the id of the program that the person chose; None where nobody can tell."""
    try:
        if calls.is_service_account():
            return None
    except OSError:
        return None
    # 2025's Windows 11 keeps the newer choice beside the older one.
    return values.text(rf"{key}\UserChoiceLatest\ProgId", "ProgId", "user") or values.text(
        rf"{key}\UserChoice", "ProgId", "user"
    )


def version_of(known: Known, values: Values, calls: Calls) -> str | None:
    """Return the installed version; None: it is not installed.

    Raises:
        CannotObserve: A key is not this user's to read.
    """
    for hive in HIVES:
        path = values.text(rf"{APP_PATHS}\{known.program}", "", hive)
        if path is None:
            continue
        try:
            return calls.file_version(os.path.expandvars(path.strip('"')))
        except OSError:
            continue  # left over from a program that was removed
    for hive, key, name in known.versions:
        if found := VERSION.search(values.text(key, name, hive) or ""):
            return found[0]
    for name, text in _installed(values):
        if re.match(known.listed, name) and (found := VERSION.search(text)):
            return found[0]
    return None


def _installed(values: Values) -> Iterator[tuple[str, str]]:
    """Yield name and version of everything in the list of installed programs."""
    places: tuple[tuple[str, Hive], ...] = (
        (UNINSTALL, "machine"),
        (UNINSTALL_32, "machine"),
        (UNINSTALL, "user"),
    )
    for key, hive in places:
        for entry in values.subkeys(key, hive):
            name = values.text(rf"{key}\{entry}", "DisplayName", hive)
            version = values.text(rf"{key}\{entry}", "DisplayVersion", hive)
            if name and version:
                yield name, version
