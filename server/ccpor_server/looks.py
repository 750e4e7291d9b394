"""A second look at a target from this collector's side: is the service down, or the way to it?

Does:    runs this very agent program as a child, on a profile of one target and the checks up to
         the one that is named, with a deadline; nothing is uploaded, nothing is kept.
Allowed: targets of the profile that is published for the workstation that asks, by their id; no
         address comes from the request. Files, secrets and uploads of a profile are left out.

The agent is run, not imported: this program imports no check (docs/decisions/0001).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from ccpor_reporting.codec import ReportInvalid, decode_report
from ccpor_reporting.contrasts import UNKNOWN, WORKS
from ccpor_reporting.model import Finding, Report, Status
from ccpor_server.problems import NotFound, Unavailable, Unprocessable

log = logging.getLogger(__name__)

# What needs neither a secret nor a file, and changes nothing at the target; in order.
CHAINS: dict[str, tuple[str, ...]] = {
    "tcp": ("dns", "tcp"),
    "tls": ("dns", "tcp", "tls"),
    "http": ("dns", "tcp", "http"),
    "https": ("dns", "tcp", "tls", "http"),
    "ssh": ("dns", "tcp", "ssh"),
    "sftp": ("dns", "tcp", "ssh"),
    "ntp": ("dns", "clock"),
}
# The finding that says whether a check got through at all.
STAGES = {
    "dns": "dns.answer",
    "tcp": "tcp.reach",
    "tls": "tls.handshake",
    "http": "http.answer",
    "ssh": "ssh.session",
    "clock": "clock.server",
}
LOOK_S = 10.0  # of the child, from its start to its end
AT_ONCE = 4
FOR_A_PLACE_S = 1.0
TRIES, TRY_S = 2, 1.0  # the services are near this side, and a workstation waits for the answer
ENVIRONMENT = ("PATH", "SYSTEMROOT", "LANG", "LC_ALL", "TEMP", "TMP")


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What this side saw. outcome: ``works``, ``unknown``, or the reason it failed with."""

    target: str
    check: str  # as asked for
    outcome: str
    fault: str | None  # code/reason of the first check that did not get through
    detail: str
    address: str | None  # that the target's name has here
    looked_at: datetime


class Looks:
    """Runs looks, a few at a time."""

    def __init__(self, command: tuple[str, ...] = (sys.executable, "-m", "ccpor_agent")) -> None:
        self._command = command
        self._places = asyncio.Semaphore(AT_ONCE)

    async def look(self, toml: str, target: str, check: str, now: datetime) -> Look:
        """Return what this side sees of *target* in the profile *toml*, up to *check*.

        Raises:
            NotFound: The profile has no such target. Unprocessable: Not looked at from here.
            Unavailable: Too many looks at this moment.
        """
        reduced = profile_of(toml, target, check)
        try:
            await asyncio.wait_for(self._places.acquire(), FOR_A_PLACE_S)
        except TimeoutError:
            raise Unavailable("too many looks at this moment") from None
        try:
            report = await self._run(reduced)
        finally:
            self._places.release()
        return judged(report, target, check, now)

    async def _run(self, profile: str) -> Report | None:
        """Return the child's report; None where it made none in time."""
        with tempfile.TemporaryDirectory(prefix="ccpor-look-") as name:
            folder = Path(name)
            file = folder / "look.toml"
            file.write_text(profile, encoding="utf-8")
            asked = (
                "run",
                "--profile",
                str(file),
                "--json",
                "--no-upload",
                "--no-contrasts",
                "--plain",
            )
            child = await asyncio.create_subprocess_exec(
                *self._command,
                *asked,
                env=_environment(folder),
                cwd=folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                printed, _ = await asyncio.wait_for(child.communicate(), LOOK_S)
                return decode_report(printed)
            except (TimeoutError, ReportInvalid) as exc:
                log.warning("look.failed", extra={"error": type(exc).__name__})
                return None
            finally:
                if child.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        child.kill()
                    await child.wait()


def profile_of(toml: str, target: str, check: str) -> str:
    """Return a profile of *target* alone and its checks up to *check*.

    Raises:
        NotFound: No such target. Unprocessable: That check needs what stays at the workstation.
    """
    entries = tomllib.loads(toml).get("target", [])
    entry = next((e for e in entries if isinstance(e, dict) and e.get("id") == target), None)
    if entry is None:
        raise NotFound(f"the profile published for this workstation has no target {target[:63]}")
    chain = CHAINS.get(str(entry.get("url", "")).partition(":")[0], ())
    if check not in chain:
        known = f"ask for {', '.join(chain)}" if chain else "ask for targets on the network"
        raise Unprocessable(f"{check[:30]} is not looked at from here; {known}", title="no look")
    kept = chain[: chain.index(check) + 1]
    lines = ['schema = "ccpor-profile/1"', "[[target]]", f"id = {_text(target)}"]
    lines += [f"url = {_text(entry['url'])}", f"checks = {json.dumps(list(kept))}"]
    lines += ["[target.tcp]", f"tries = {TRIES}", f"timeout_s = {TRY_S}"] if "tcp" in kept else []
    if "tls" in kept:
        lines += ["[target.tls]", 'revocation = "off"', f"timeout_s = {TRY_S}"]
        lines += _kept(entry.get("tls"), ("server_name",))
    lines += ["[target.http]", f"timeout_s = {TRY_S}"] if "http" in kept else []
    return "\n".join([*lines, ""])


def _kept(table: Any, keys: tuple[str, ...]) -> list[str]:
    held = table if isinstance(table, Mapping) else {}
    return [f"{key} = {_text(held[key])}" for key in keys if key in held]


def _text(value: Any) -> str:
    """Return *value* as TOML: what JSON writes of texts, numbers and lists, TOML reads alike."""
    return json.dumps(value)


def _environment(folder: Path) -> dict[str, str]:
    """Return what the child needs, and no setting or secret of this collector."""
    kept = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    return {**kept, "CCPOR_STATE_DIR": str(folder / "state"), "NO_COLOR": "1"}


def judged(report: Report | None, target: str, check: str, now: datetime) -> Look:
    """Return what *report* says of *target* up to *check*."""
    stages = _stages(report) if report else []
    down = next((f for f in stages if f.status is not Status.PASS), None)
    if down is None and stages and stages[-1].code == STAGES[check]:
        outcome, detail = WORKS, stages[-1].summary
    elif down is not None and down.status is Status.FAIL:
        outcome, detail = down.reason or UNKNOWN, down.summary
    else:
        outcome, detail = UNKNOWN, down.summary if down else "this side could not look in time"
    return Look(
        target=target,
        check=check,
        outcome=outcome,
        fault=down.fault if down else None,
        detail=detail,
        address=_address(report),
        looked_at=now,
    )


def _stages(report: Report) -> list[Finding]:
    """Return the stages that were looked at, in order; a warning does not stand in the way.

    The child ran no check but those up to the one asked for, so no other stage is in its report.
    """
    by_code = {finding.code: finding for finding in report.findings}
    found = [by_code[code] for code in STAGES.values() if code in by_code]
    return [f for f in found if not (f.status is Status.FAIL and f.severity == "warning")] or found


def _address(report: Report | None) -> str | None:
    for seen in report.observations if report else ():
        if seen.check == "tcp" and seen.evidence.get("address"):
            return str(seen.evidence["address"])
    return None
