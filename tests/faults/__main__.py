"""Start the faulty servers, run ``ccpor-check run`` once over all, print the table, exit 0 or 1."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults import endpoints, names
from tests.peers import free_port
from tests.peers.bind import bind
from tests.peers.fault_dns import fault_dns
from tests.peers.nginx import nginx

AGENT = [sys.executable, "-c", "import sys; from ccpor_agent.cli import main; sys.exit(main())"]
HEAD = """schema = "ccpor-profile/1"
title = "faults"
version = 1
[location]
court = "ca-test"
name = "lab"
role = "clerk"
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    target: str
    wanted: str | None
    named: tuple[str, ...]
    unclear: tuple[str, ...]  # errors: looked at, but could not tell

    @property
    def right(self) -> bool:
        wanted = (self.wanted,) if self.wanted else ()
        return self.named == wanted and not self.unclear


def outcomes(folder: Path) -> list[Outcome]:
    """Return what one run of the agent says of every case."""
    with ExitStack() as stack:
        ca_file, pages = endpoints.cases(folder)
        (folder / "nginx").mkdir()
        (folder / "bind").mkdir()
        ports = stack.enter_context(nginx([case.endpoint for case in pages], folder / "nginx"))
        named = stack.enter_context(bind(folder / "bind"))
        faulty = stack.enter_context(fault_dns(address="127.0.0.9"))
        silent = stack.enter_context(fault_dns(over_tcp="silent"))
        found = names.cases(
            bind=named.resolver,
            faulty=faulty.resolver,
            silent_over_tcp=silent.resolver,
            nobody=f"127.0.0.1:{free_port()}",
        )
        profile = folder / "profile.toml"
        tables = [HEAD, *page_targets(pages, ports, ca_file), *name_targets(found)]
        profile.write_text("\n".join(tables), encoding="utf-8")
        report = run(profile, folder)
    return [outcome(report, case.id, case.fault) for case in (*pages, *found)]


def page_targets(
    pages: Sequence[endpoints.Case], ports: dict[str, int], ca_file: Path
) -> Iterator[str]:
    for case in pages:
        url = f"{case.scheme}://localhost:{ports[case.id]}"
        yield target(case.id, url + ("/" if case.scheme.startswith("http") else ""))
        if case.scheme != "http":
            yield f'[target.tls]\nca_file = "{ca_file.as_posix()}"'
        if case.options:
            yield "[target.http]\n" + "\n".join(case.options)


def name_targets(found: Sequence[names.NameCase]) -> Iterator[str]:
    for case in found:
        yield target(case.id, f"tcp://{case.host}:443") + '\nchecks = ["dns"]'
        lines = [f"resolvers = {json.dumps(list(case.resolvers))}", "timeout_s = 1.5"]
        yield "\n".join(["[target.dns]", *lines, *case.options])


def target(name: str, url: str) -> str:
    words = f'title = "{name}"\nwhy = "a fault to be named"\nowner = "datacenter"'
    return f'[[target]]\nid = "{name}"\n{words}\nurl = "{url}"'


def run(profile: Path, folder: Path) -> dict[str, Any]:
    out = folder / "report.json"
    done = subprocess.run(
        [
            *AGENT,
            "run",
            "--profile",
            str(profile),
            "--format",
            "json",
            "-o",
            str(out),
            "--no-upload",
        ],
        env=os.environ | {"CCPOR_STATE_DIR": str(folder / "state")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 1:
        raise SystemExit(f"the run ended with {done.returncode}, not 1:\n{done.stderr}")
    report: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return report


def outcome(report: dict[str, Any], name: str, wanted: str | None) -> Outcome:
    findings = [one for one in report["findings"] if one["target"] == name]
    named = tuple(f"{one['code']}/{one['reason']}" for one in findings if one["status"] == "fail")
    unclear = tuple(one["code"] for one in findings if one["status"] == "error")
    if not wanted:
        unclear += tuple(one["code"] for one in findings if one["status"] == "skip")
    return Outcome(name, wanted, named, unclear or (() if findings else ("nothing looked at",)))


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="ccpor-faults-") as place:
        found = outcomes(Path(place))
    print(f"{'target':17} {'must be called':36} named")
    for one in found:
        said = ", ".join((*one.named, *(f"? {code}" for code in one.unclear))) or "passes only"
        print(
            f"{one.target:17} {one.wanted or 'healthy':36} {said}{'' if one.right else '  WRONG'}"
        )
    wrong = sum(not one.right for one in found)
    faulty = sum(one.wanted is not None for one in found)
    print(f"{faulty} faulty, {len(found) - faulty} healthy, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
