"""Linux: browsers and PDF programs with their versions; needs no right.

Source: dpkg's status, snap's ``meta/snap.yaml``, Mozilla's ``application.ini``; mimeapps.list for
the default (XDG "Association between MIME types and applications").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.debian_version import DebianVersion
from ccpor_checks.workstation.linux_files import sections, text_of
from ccpor_checks.workstation.linux_lock import home_of, is_session
from ccpor_checks.workstation.linux_packages import installed
from ccpor_checks.workstation.posture import ProgramFact

BROWSERS = {  # package or snap to product and name
    "google-chrome-stable": ("chrome", "Google Chrome"),
    "chromium": ("chromium", "Chromium"),
    "chromium-browser": ("chromium", "Chromium"),
    "microsoft-edge-stable": ("edge", "Microsoft Edge"),
    "firefox": ("firefox", "Mozilla Firefox"),
    "firefox-esr": ("firefox-esr", "Mozilla Firefox ESR"),
    "brave-browser": ("brave", "Brave"),
    "brave": ("brave", "Brave"),
    "opera-stable": ("opera", "Opera"),
    "epiphany-browser": ("epiphany", "GNOME Web"),
    "konqueror": ("konqueror", "Konqueror"),
    "falkon": ("falkon", "Falkon"),
}
PDF_PROGRAMS = {
    "evince": ("evince", "Evince"),
    "papers": ("papers", "Papers"),
    "okular": ("okular", "Okular"),
    "atril": ("atril", "Atril"),
    "xreader": ("xreader", "Xreader"),
    "qpdfview": ("qpdfview", "qpdfview"),
    "mupdf": ("mupdf", "MuPDF"),
    "zathura": ("zathura", "Zathura"),
    "xpdf": ("xpdf", "Xpdf"),
    "acroread": ("acrobat-reader", "Adobe Reader"),
}
MOZILLA_FOLDERS = ("usr/lib", "usr/lib64", "opt", "usr/local")
DESKTOP_FILES = {
    "google-chrome": "chrome",
    "chromium": "chromium",
    "chromium-browser": "chromium",
    "chromium_chromium": "chromium",
    "microsoft-edge": "edge",
    "firefox": "firefox",
    "firefox_firefox": "firefox",
    "org.mozilla.firefox": "firefox",
    "firefox-esr": "firefox-esr",
    "org.gnome.evince": "evince",
    "evince": "evince",
    "org.gnome.papers": "papers",
    "org.kde.okular": "okular",
    "okularapplication_pdf": "okular",
    "atril": "atril",
    "xreader": "xreader",
}
SNAP_VERSION = re.compile(r"^version:\s*['\"]?([^'\"\s]+)", re.MULTILINE)
Known = Mapping[str, tuple[str, str]]


def browsers(root: Path, environ: Mapping[str, str]) -> tuple[ProgramFact, ...]:
    """Return the browsers; () where there is none.

    Raises:
        CannotObserve: None was seen, and the list of packages is one that is not read here.
    """
    default = _default(root, environ, "x-scheme-handler/https")
    found = [*_programs(root, BROWSERS, default), *_mozilla(root, default)]
    return _told(root, found, "browsers")


def pdf_programs(root: Path, environ: Mapping[str, str]) -> tuple[ProgramFact, ...]:
    """Return the programs that show PDF files; where there is none, the browsers: they do, too.

    Raises:
        CannotObserve: None was seen, and the list of packages is one that is not read here.
    """
    default = _default(root, environ, "application/pdf")
    found = [*_programs(root, PDF_PROGRAMS, default)]
    if not found or (default and default not in {each.product for each in found}):
        found += [*_programs(root, BROWSERS, default), *_mozilla(root, default)]
    return _told(root, found, "PDF programs")


def _told(root: Path, found: list[ProgramFact], what: str) -> tuple[ProgramFact, ...]:
    if not found and not (root / "var/lib/dpkg/status").exists():
        raise CannotObserve(f"{what} stand in a list of packages that is not read here (rpm)")
    best: dict[str, ProgramFact] = {}
    for each in found:  # an .ini file beside a package of the same program
        best.setdefault(each.product, each)
    return tuple(best.values())


def _programs(root: Path, known: Known, default: str | None) -> Iterator[ProgramFact]:
    try:
        packages = {each.name: each.version for each in installed(root)}
    except FileNotFoundError:
        packages = {}
    for name, (product, title) in known.items():
        version = packages.get(name)
        if version is not None and "snap" not in version:  # else a package that stands for a snap
            yield _fact(product, title, DebianVersion(version).upstream, default)
        snap = SNAP_VERSION.search(text_of(root / "snap" / name / "current/meta/snap.yaml") or "")
        if snap:
            yield _fact(product, title, snap[1], default)


def _mozilla(root: Path, default: str | None) -> Iterator[ProgramFact]:
    for folder in MOZILLA_FOLDERS:
        for path in sorted((root / folder).glob("firefox*/application.ini")):
            told = sections(text_of(path) or "").get("app", {})
            if version := told.get("version"):
                marks = (
                    f"{told.get('sourcerepository', '')} {told.get('remotingname', '')} {version}"
                )
                key = "firefox-esr" if "esr" in marks.lower() else "firefox"
                yield _fact(*BROWSERS[key], version, default)


def _fact(product: str, name: str, version: str, default: str | None) -> ProgramFact:
    told = None if default is None else default == product
    return ProgramFact(product=product, name=name, version=version, is_default=told)


def _default(root: Path, environ: Mapping[str, str], kind: str) -> str | None:
    """Return the product that opens *kind* for this user; None: not told, or none that we know."""
    places = [root / "etc/xdg/mimeapps.list", root / "usr/share/applications/mimeapps.list"]
    if is_session(environ):
        places.insert(0, home_of(root, environ) / "mimeapps.list")
    for place in places:
        told = sections(text_of(place) or "").get("default applications", {}).get(kind, "")
        if first := told.partition(";")[0].strip():
            return DESKTOP_FILES.get(first.removesuffix(".desktop").lower())
    return None
