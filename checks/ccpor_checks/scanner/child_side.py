"""The other end of `windows_child`: answers one question and is gone.

What a driver prints must not mix with the answer, its crash must open no window that waits for a
click, and what it does when it is unloaded must not keep the process.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from typing import TypeVar

import msgspec

Q = TypeVar("Q", bound=msgspec.Struct)

NO_WINDOWS = 0x0001 | 0x0002 | 0x8000  # SEM_FAILCRITICALERRORS, …NOGPFAULTERRORBOX, …NOOPENFILE


def answer_one(question: type[Q], answer: Callable[[Q], msgspec.Struct]) -> None:
    """Answer the question in the last argument."""
    ours = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if sys.platform == "win32":
        ctypes.WinDLL("kernel32").SetErrorMode(NO_WINDOWS)
    said = msgspec.json.encode(answer(msgspec.json.decode(sys.argv[-1], type=question)))
    with os.fdopen(ours, "wb") as out:
        out.write(said)
    os._exit(0)
