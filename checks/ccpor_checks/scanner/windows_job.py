"""A child process and all that it starts, ended together; by a job object on Windows.

Elsewhere only the process itself ends: the drivers that start others are Windows'.
"""

from __future__ import annotations

import contextlib
import ctypes
import subprocess
import sys
import threading

EXTENDED_LIMITS = 9  # JobObjectExtendedLimitInformation, winnt.h
KILL_ON_CLOSE = 0x2000  # JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
KILLED = 1


class _Limits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION of winnt.h."""

    _fields_ = (
        ("process_time", ctypes.c_int64),
        ("job_time", ctypes.c_int64),
        ("flags", ctypes.c_uint32),
        ("working_sets", ctypes.c_size_t * 2),
        ("most_processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("classes", ctypes.c_uint32 * 2),
        ("counters", ctypes.c_uint64 * 6),
        ("memory", ctypes.c_size_t * 4),
    )


class Job:
    """*child* from now to `end`, which may be called again and from another thread."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._lock = threading.Lock()
        self._handle = _tied(child)

    def end(self) -> None:
        with self._lock:
            handle, self._handle = self._handle, None
            if handle is not None and sys.platform == "win32":
                kernel = ctypes.WinDLL("kernel32")
                kernel.TerminateJobObject(ctypes.c_void_p(handle), KILLED)
                kernel.CloseHandle(ctypes.c_void_p(handle))
            with contextlib.suppress(OSError):
                self._child.kill()


def _tied(child: subprocess.Popen[bytes]) -> int | None:
    """Return the job that holds *child*; None where there are none or Windows refuses.

    A few milliseconds lie between start and tie: long before a driver is loaded.
    """
    if sys.platform != "win32":
        return None
    kernel = ctypes.WinDLL("kernel32")
    kernel.CreateJobObjectW.restype = ctypes.c_void_p
    handle: int | None = kernel.CreateJobObjectW(None, None)
    if handle is None:
        return None
    limits = _Limits(flags=KILL_ON_CLOSE)
    process = ctypes.c_void_p(int(vars(child)["_handle"]))
    job = ctypes.c_void_p(handle)
    if kernel.SetInformationJobObject(
        job, EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits)
    ) and kernel.AssignProcessToJobObject(job, process):
        return handle
    kernel.CloseHandle(job)
    return None
