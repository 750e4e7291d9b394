"""Windows Task Scheduler: one task that calls us in court hours.

It is described in the Scheduler's own XML and handed to `schtasks`, which is part of Windows.
Source: Task Scheduler Schema 1.2 (MS-TSCH section 2.5).
"""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from xml.sax.saxutils import escape

from ccpor_agent.schedule import ASKED_EVERY_MIN
from ccpor_agent.schedule.timers import CannotSchedule, call
from ccpor_reporting.capacity.hours import CLOSES, OPENS

NAME = r"\CCPOR\ccpor-check"
TASK = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>Ask in court hours whether this workstation is to be looked at for CCPOR</Description>
  </RegistrationInfo>
  <Triggers>
    <CalendarTrigger>
      <StartBoundary>2026-01-05T{opens:02d}:00:00</StartBoundary>
      <Repetition>
        <Interval>PT{every}M</Interval>
        <Duration>PT{hours}H</Duration>
      </Repetition>
      <ScheduleByWeek>
        <WeeksInterval>1</WeeksInterval>
        <DaysOfWeek><Monday /><Tuesday /><Wednesday /><Thursday /><Friday /></DaysOfWeek>
      </ScheduleByWeek>
    </CalendarTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT15M</ExecutionTimeLimit>
    <Priority>7</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{program}</Command>
      <Arguments>{arguments}</Arguments>
    </Exec>
  </Actions>
</Task>
"""  # noqa: E501


def install(command: list[str], state: Path) -> str:
    """Hand the task to the Scheduler; returns its name. Raises CannotSchedule."""
    file = state / "schedule.xml"
    try:
        file.write_text(described(command), encoding="utf-16")
        call(["schtasks", "/Create", "/TN", NAME, "/XML", str(file), "/F"])
    except OSError as exc:
        raise CannotSchedule(f"{file} cannot be written ({exc.strerror})") from exc
    finally:
        with contextlib.suppress(OSError):
            file.unlink()
    return f"Task Scheduler: {NAME}"


def described(command: list[str]) -> str:
    """Return the task as the Scheduler reads it."""
    return TASK.format(
        opens=int(OPENS),
        hours=int(CLOSES - OPENS),
        every=ASKED_EVERY_MIN,
        program=escape(command[0]),
        arguments=escape(subprocess.list2cmdline(command[1:])),
    )


def remove() -> bool:
    """Delete the task; False where there was none."""
    if not is_installed():
        return False
    call(["schtasks", "/Delete", "/TN", NAME, "/F"])
    return True


def is_installed() -> bool:
    try:
        call(["schtasks", "/Query", "/TN", NAME])
    except CannotSchedule:
        return False
    return True
