"""Small readers of Linux' own files, all below a root that a test may lay out itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

Sections = Mapping[str, Mapping[str, str]]
MOST_BYTES = 1_000_000


def text_of(path: Path) -> str | None:
    """Return a file's text; None where it is not there.

    Raises:
        PermissionError: It is there and not ours to read; OSError: it does not read.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as opened:
            return opened.read(MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except ValueError:  # a name from another file, with a zero byte in it
        return None


def assignments(text: str) -> dict[str, str]:
    """Return ``key = value`` lines, keys in lower case; ``#`` and ``;`` begin a comment."""
    found = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith(("#", ";")):
            found[key.strip().lower()] = value.strip()
    return found


def sections(text: str) -> dict[str, dict[str, str]]:
    """Return the sections of an .ini file, names and keys in lower case; "" is what comes first."""
    found: dict[str, dict[str, str]] = {"": {}}
    name, lines = "", []
    for line in [*text.splitlines(), "[end]"]:
        stripped = line.strip()
        if not stripped.startswith("["):
            lines.append(line)
            continue
        found.setdefault(name, {}).update(assignments("\n".join(lines)))
        name, lines = stripped.partition("]")[0].lstrip("[").strip().lower(), []
    return found


def process_names(root: Path) -> frozenset[str] | None:
    """Return the names of the processes, at most 15 letters each; None: others' are hidden.

    Source: proc(5), ``/proc/PID/comm``; the mount option ``hidepid`` hides other users' processes.
    """
    proc = root / "proc"
    if not (proc / "1/comm").exists():
        return None
    return frozenset(_names(proc))


def _names(proc: Path) -> Iterator[str]:
    for folder in proc.iterdir():
        if folder.name.isdecimal():
            try:
                yield (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
            except OSError:  # it ended meanwhile
                continue


def is_enabled(root: Path, unit: str) -> bool:
    """Say whether systemd starts *unit* by itself: a link in a folder of wants or requires."""
    system = root / "etc/systemd/system"
    return any(
        each.name == unit
        for form in ("*.wants", "*.requires")
        for folder in system.glob(form)
        for each in folder.iterdir()
    )
