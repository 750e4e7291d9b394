"""net-snmp's pass_persist protocol: lines ``OID<TAB>TYPE<TAB>VALUE`` of a file, read again on change.

Runs as a program of its own, started by snmpd. A line ``!endless OID`` makes what is under OID
never end.
"""

from __future__ import annotations

import bisect
import sys
from pathlib import Path

Name = tuple[int, ...]


def name_of(text: str) -> Name:
    return tuple(int(part) for part in text.strip().strip(".").split("."))


class Tables:
    """The file as it is now."""

    def __init__(self, file: Path) -> None:
        self.file, self.stamp = file, -1
        self.values: dict[Name, tuple[str, str]] = {}
        self.names: list[Name] = []
        self.endless: list[Name] = []

    def read(self) -> None:
        stamp = self.file.stat().st_mtime_ns
        if stamp == self.stamp:
            return
        self.stamp, self.values, self.endless = stamp, {}, []
        for line in self.file.read_text(encoding="utf-8").splitlines():
            if line.startswith("!endless "):
                self.endless.append(name_of(line.split()[1]))
            elif line.strip():
                name, kind, value = line.split("\t")
                self.values[name_of(name)] = (kind, value)
        self.names = sorted(self.values)

    def after(self, name: Name) -> tuple[Name, str, str] | None:
        for root in self.endless:
            if name[: len(root)] == root:
                last = name[-1] if len(name) > len(root) else 0
                return (*root, last + 1), "string", "more"
        position = bisect.bisect_right(self.names, name)
        return None if position == len(self.names) else self.at(self.names[position])

    def at(self, name: Name) -> tuple[Name, str, str] | None:
        return (name, *self.values[name]) if name in self.values else None


def serve(tables: Tables) -> None:
    while command := sys.stdin.readline().strip():
        if command == "PING":
            print("PONG", flush=True)
            continue
        name = name_of(sys.stdin.readline())
        tables.read()
        found = tables.at(name) if command == "get" else tables.after(name)
        if found is None or command not in {"get", "getnext"}:
            print("NONE", flush=True)
        else:
            print("." + ".".join(map(str, found[0])), found[1], found[2], sep="\n", flush=True)


if __name__ == "__main__":
    serve(Tables(Path(sys.argv[1])))
