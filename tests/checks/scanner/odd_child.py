"""A process that behaves as drivers do: prints, breaks, says what was not asked, hangs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from ccpor_checks.scanner.child_side import answer_one
from ccpor_checks.scanner.folder_child import Written


class Deed(msgspec.Struct):
    do: str


class Lie(msgspec.Struct):
    may_write: str


def answer(deed: Deed) -> msgspec.Struct:
    os.write(1, b'{"may_write": []} printed by a driver')
    if deed.do == "breaks":
        os._exit(3)
    if deed.do == "lies":
        return Lie(may_write="no")
    if deed.do == "starts":
        helper = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(60)"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        Path("helper.pid").write_text(str(helper.pid))
    if deed.do == "hangs":
        time.sleep(600)
    return Written(may_write=(True,))


if __name__ == "__main__":
    answer_one(Deed, answer)
