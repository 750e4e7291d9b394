"""Where operating systems differ: durable files, locks, secrets at rest, and where state lives.

This module picks the side of the machine it runs on.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ccpor_agent.seam.running import AlreadyRunning

__all__ = [
    "AlreadyRunning",
    "RunLock",
    "is_private",
    "make_folder",
    "make_private",
    "protect",
    "state_folder",
    "sync_folder",
    "unprotect",
    "write_durably",
]

STATE_VARIABLE = "CCPOR_STATE_DIR"

if sys.platform == "win32":
    from ccpor_agent.seam.windows import (
        RunLock,
        is_private,
        make_folder,
        make_private,
        protect,
        state_home,
        sync_folder,
        unprotect,
        write_durably,
    )
else:
    from ccpor_agent.seam.posix import (
        RunLock,
        is_private,
        make_folder,
        make_private,
        protect,
        state_home,
        sync_folder,
        unprotect,
        write_durably,
    )


def state_folder() -> Path:
    """Return where this machine's key, profile and spool live; it need not exist yet.

    CCPOR_STATE_DIR where set; else the machine's folder for the administrator and the user's
    own for others (Linux, macOS), %ProgramData% on Windows.
    """
    chosen = os.environ.get(STATE_VARIABLE)
    if chosen:
        return Path(chosen)
    return state_home()
