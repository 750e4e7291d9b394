"""Print the part of requirements.lock that the Windows lane installs: exact versions, with hashes.

Markers are read for that lane and then dropped: pip would read them for the machine it runs on.

usage: locked.py requirements.lock NAME ...
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from packaging.markers import Marker

PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?: *; *(?P<marker>[^\\]+?))?[ \\]*$"
)
LANE = {
    "implementation_name": "cpython",
    "os_name": "nt",
    "platform_machine": "AMD64",
    "platform_python_implementation": "CPython",
    "platform_system": "Windows",
    "python_full_version": "3.11.9",
    "python_version": "3.11",
    "sys_platform": "win32",
}


def subset(lock: str, wanted: list[str]) -> list[str]:
    """Return one requirement line with its hashes for each of *wanted*.

    Raises:
        LookupError: A wanted name is not in the lock.
    """
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in lock.splitlines():
        if (pin := PIN.match(line)) and pin["marker"] and not Marker(pin["marker"]).evaluate(LANE):
            current = None
        elif pin:
            current = found[pin["name"].lower()] = [f"{pin['name']}=={pin['version']}"]
        elif current is not None and (digest := line.strip(" \\")).startswith("--hash="):
            current.append(digest)
        else:
            current = current if line.startswith(" ") else None
    if missing := sorted({name.lower() for name in wanted} - found.keys()):
        raise LookupError(f"not in the lock file: {', '.join(missing)}")
    return [" ".join(found[name.lower()]) for name in wanted]


if __name__ == "__main__":
    print("\n".join(subset(Path(sys.argv[1]).read_text(encoding="utf-8"), sys.argv[2:])))
