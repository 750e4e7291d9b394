"""The part between scanimage and a scanner: the backend's library, or a saned elsewhere."""

from __future__ import annotations

import socket
from pathlib import Path

from ccpor_checks.base import Context
from ccpor_checks.kit.connect import resolve
from ccpor_checks.scanner.evidence import DriverFact

SANED_PORT = 6566  # IANA: sane-port
KNOCK_S = 2.0
FOLDERS = (
    "/usr/lib/*/sane",
    "/usr/lib/sane",
    "/usr/lib64/sane",
    "/usr/local/lib/*/sane",
    "/usr/local/lib/sane",
)
ELF_CLASS = {1: 32, 2: 64}  # ELF header, EI_CLASS


def backend_of(name: str) -> str | None:
    """Return the backend that *name* begins with, e.g. ``fujitsu``; None: it names a model."""
    backend, colon, rest = name.partition(":")
    is_one = colon and rest and backend.replace("_", "").replace("-", "").isalnum()
    return backend if is_one and backend.islower() else None


def saned_of(name: str) -> str | None:
    """Return the host of the saned that *name*, ``net:HOST:device``, goes through."""
    kind, _, rest = name.partition(":")
    if kind != "net" or not rest:
        return None
    if rest.startswith("["):
        return rest[1:].partition("]")[0] or None
    return rest.partition(":")[0] or None


def knock(host: str, ctx: Context) -> tuple[bool | None, str]:
    """Say whether a saned listens on *host*, and in words what came back; None: not told.

    An empty list of scanners does not tell a dead saned from one without scanners.
    """
    try:
        addresses = resolve(host, ctx.remaining(KNOCK_S))
        with socket.create_connection((addresses[0], SANED_PORT), ctx.remaining(KNOCK_S)):
            return True, "it answers"
    except ConnectionRefusedError:
        return False, f"nothing listens on port {SANED_PORT} there"
    except TimeoutError:
        ctx.remaining()
        return None, f"no answer from port {SANED_PORT}"
    except (OSError, UnicodeError) as exc:
        return None, f"it cannot be reached ({type(exc).__name__})"


def driver_fact(
    backend: str | None,
    version: str | None,
    *,
    service: str | None,
    is_running: bool | None,
) -> DriverFact:
    """Return what is known of the *backend*; its library's own file tells its bitness."""
    name = f"SANE backend {backend}" if backend else "SANE"
    libraries, is_anything = _libraries(backend) if backend else ((), False)
    is_missing = backend is not None and is_anything and not libraries
    return DriverFact(
        name=name,
        is_installed=not is_missing,
        version=version,
        bitness=_bitness(libraries),
        service=service,
        is_running=is_running,
        lacking=f"the SANE backend {backend} (libsane-{backend}.so)" if is_missing else None,
    )


def _libraries(backend: str) -> tuple[tuple[Path, ...], bool]:
    """Return the libraries of *backend*, and whether backends are found in the usual places."""
    folders = [folder for form in FOLDERS for folder in Path("/").glob(form.lstrip("/"))]
    found = [path for folder in folders for path in folder.glob(f"libsane-{backend}.so*")]
    any_backend = any(True for folder in folders for _ in folder.glob("libsane-*.so*"))
    return tuple(found), any_backend


def _bitness(libraries: tuple[Path, ...]) -> tuple[int, ...]:
    found = set()
    for path in libraries:
        try:
            with path.open("rb") as library:
                head = library.read(5)
        except OSError:
            continue
        if head[:4] == b"\x7fELF" and head[4] in ELF_CLASS:
            found.add(ELF_CLASS[head[4]])
    return tuple(sorted(found))
