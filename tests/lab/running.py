"""One run of the agent in the court of a lab, and what it said."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from tests.lab.actions import Bench
from tests.lab.network import only_one_user
from tests.lab.reading import Fault, profile_text, without_users
from tests.lab.services import NOBODY

LONGEST_S = 90.0
AS_USER = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """One cause of a report."""

    fault: str
    owner: str
    place: str
    severity: str
    target: str
    summary: str = ""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What one run said. failed: findings as `target/code/reason status severity`. trouble: the run itself failed."""

    id: str
    exit_code: int
    seconds: float
    causes: tuple[Named, ...] = ()
    failed: tuple[str, ...] = ()
    verdict: str = ""
    trouble: str = ""


def open_interpreter(bench: Bench) -> None:
    """Let an ordinary user of the court start this Python where it lies in a folder that only root may enter.

    In the court's own view a folder with nothing but the interpreter stands in that folder's place.
    """
    home = Path(sys.base_prefix)
    closed = next((p for p in reversed(home.parents) if not p.stat().st_mode & 0o001), None)
    if closed is None or only_one_user():
        return
    aside = bench.net.folder / "python"
    script = "mkdir -p $1 && mount --bind $2 $1 && mount -t tmpfs -o mode=755 none $3 && mkdir -p $2 && mount --bind $1 $2"
    bench.net.run("court", "sh", "-ec", script, "sh", str(aside), str(home), str(closed))


def look(bench: Bench, fault: Fault, *, as_user: bool, keep: Path | None = None) -> Said:
    """Break what *fault* breaks, run the agent, mend it again, and return what was said.

    `bench.spent` is set where a break is not mended: this lab is then of no further use.
    """
    with ExitStack() as mending:
        for action in fault.breaks:
            undo = action.apply(bench)
            if undo is None:
                bench.spent = True
            else:
                mending.callback(undo)
        return run(
            bench,
            fault.id,
            profile_text(fault.profile, fault.more, bench.services.values),
            as_user=as_user,
            keep=keep,
        )


def run(bench: Bench, name: str, profile: str, *, as_user: bool, keep: Path | None = None) -> Said:
    """Run the agent with *profile* in the court."""
    folder = bench.net.folder / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    if only_one_user() and name.partition("/")[0] != "proxy":
        profile = without_users(profile)
    (folder / "profile.toml").write_text(profile, encoding="utf-8")
    report = folder / "report.json"
    agent = [sys.executable, "-m", "ccpor_agent", "run", "--profile", str(folder / "profile.toml")]
    agent += ["--format", "json", "-o", str(report), "--no-upload"]
    if as_user:
        os.chown(folder, *((0, 0) if only_one_user() else (NOBODY, NOBODY)))
        # Where there is only one user, root without any right is the ordinary one.
        who = (
            ["--securebits=+noroot"]
            if only_one_user()
            else [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        )
        agent = [*AS_USER, *who, "--", *agent]
    kept_out = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"}
    environment = {
        k: v
        for k, v in os.environ.items()
        if k.upper() not in kept_out and not k.startswith("CCPOR_")
    }
    environment |= {
        "CCPOR_STATE_DIR": str(folder / "state"),
        "HOME": str(folder),
        **bench.environment,
    }
    started = time.monotonic()
    try:
        done = subprocess.run(
            bench.net.command("court", *agent),
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Said(
            id=name, exit_code=-1, seconds=LONGEST_S, trouble=f"no end within {LONGEST_S:g} s"
        )
    seconds = time.monotonic() - started
    if keep is not None:
        target = keep / name.replace("/", "-")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder, target)
        (target / "stderr").write_text(done.stderr)
    if not report.exists():
        return Said(
            id=name, exit_code=done.returncode, seconds=seconds, trouble=done.stderr.strip()[-600:]
        )
    return said(name, done.returncode, seconds, json.loads(report.read_text(encoding="utf-8")))


def said(name: str, exit_code: int, seconds: float, report: dict[str, Any]) -> Said:
    """Return what a report says, as the lab compares it."""
    causes = tuple(
        Named(
            fault=cause["fault"],
            owner=cause["owner"],
            place=cause.get("place", ""),
            severity=cause["severity"],
            target=cause["target"],
            summary=cause["summary"],
        )
        for cause in report["causes"]
    )
    failed = tuple(
        f"{one['target']}/{one['code']}/{one.get('reason') or ''} {one['status']} {one['severity']}"
        for one in report["findings"]
        if one["status"] in ("fail", "error")
    )
    return Said(
        id=name,
        exit_code=exit_code,
        seconds=round(seconds, 2),
        causes=causes,
        failed=failed,
        verdict=report["verdict"],
    )
