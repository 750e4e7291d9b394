"""systemd: a service that looks once and a timer that calls it in court hours.

The administrator's go to /etc/systemd/system, an ordinary user's to their own folder.
Source: systemd.timer(5), systemd.time(7), systemd.exec(5).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ccpor_agent.schedule import ASKED_EVERY_MIN
from ccpor_agent.schedule.timers import CannotSchedule, call
from ccpor_reporting.capacity.hours import CLOSES, OPENS

NAME = "ccpor-check"
SERVICE = """\
[Unit]
Description=Look whether this workstation is ready for CCPOR
After=network-online.target

[Service]
Type=oneshot
ExecStart={command}
Environment=CCPOR_STATE_DIR={state}
# not ready, could not tell, not acknowledged: the report says it, the service did its work
SuccessExitStatus=1 3 4
TimeoutStartSec=15min
Nice=5
"""
TIMER = """\
[Unit]
Description=Ask in court hours whether a look is due

[Timer]
OnCalendar=Mon..Fri *-*-* {first:02d}..{last:02d}:00/{every}
AccuracySec=1min

[Install]
WantedBy=timers.target
"""


def install(command: list[str]) -> str:
    """Write and start the timer; returns its file. Raises CannotSchedule."""
    from ccpor_agent.seam import state_folder

    if shutil.which("systemctl") is None:
        raise CannotSchedule("systemctl is not on this machine")
    folder = _folder()
    first, last = int(OPENS), int(CLOSES) - 1
    service = SERVICE.format(
        command=" ".join(map(quoted, command)), state=quoted(str(state_folder()))
    )
    timer = TIMER.format(first=first, last=last, every=ASKED_EVERY_MIN)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{NAME}.service").write_text(service, encoding="utf-8")
        (folder / f"{NAME}.timer").write_text(timer, encoding="utf-8")
    except OSError as exc:
        raise CannotSchedule(f"{exc.filename} cannot be written ({exc.strerror})") from exc
    call([*_systemctl(), "daemon-reload"])
    call([*_systemctl(), "enable", "--now", f"{NAME}.timer"])
    return str(folder / f"{NAME}.timer")


def remove() -> bool:
    """Stop the timer and delete both files; False where there were none."""
    files = [_folder() / f"{NAME}.{kind}" for kind in ("timer", "service")]
    if not any(file.exists() for file in files):
        return False
    call([*_systemctl(), "disable", "--now", f"{NAME}.timer"])
    for file in files:
        file.unlink(missing_ok=True)
    call([*_systemctl(), "daemon-reload"])
    return True


def is_installed() -> bool:
    return (_folder() / f"{NAME}.timer").exists()


def quoted(word: str) -> str:
    """Return *word* as one word of a unit file: quotes, and nothing of it is a specifier."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{plain}"'


def _is_administrator() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _systemctl() -> list[str]:
    return ["systemctl"] if _is_administrator() else ["systemctl", "--user"]


def _folder() -> Path:
    if _is_administrator():
        return Path("/etc/systemd/system")
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "systemd" / "user"
