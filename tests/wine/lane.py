"""Wine's side of the lane: set it up once, run a Windows Python in it, leave no process behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.peers import need

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
# Read when the module loads: while a test runs, no CCPOR_* setting of this machine reaches it.
FOLDER = Path(os.environ.get("CCPOR_WINE_DIR") or ROOT / ".cache" / "wine").absolute()
SETUP_S, LANE_S, IDLE_S = 400, 400, 60


@contextlib.contextmanager
def lane() -> Iterator[Path]:
    """Give the folder with the Wine prefix and python.exe to one user at a time.

    The first time builds it (25 s). Afterwards nothing of this prefix is left running. Ends the
    test when wine or the cross compiler is missing.
    """
    need("wine", "wineserver", "x86_64-w64-mingw32-gcc")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "in-use").open("w") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        try:
            _set_up()
            yield FOLDER
        finally:
            # Wine's services would stay for some seconds to half a minute; they are this prefix's own.
            for option in ("-k", "-w"):
                subprocess.run(
                    ["wineserver", option], env=_world(FOLDER), timeout=IDLE_S, check=False
                )


def _set_up() -> None:
    done = subprocess.run(
        [HERE / "setup.sh", FOLDER],
        env={**os.environ, "PYTHON": sys.executable},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SETUP_S,
        check=False,
        text=True,
    )
    assert done.returncode == 0, f"setup.sh ended with {done.returncode}:\n{done.stdout[-3000:]}"


def windows_python(
    folder: Path, arguments: Sequence[str], env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run python.exe with *arguments* in the repository; return exit code and both outputs.

    The output is a pipe and the input /dev/null: with a file in either place Wine's Python dies.
    """
    done = subprocess.run(
        ["wine", str(folder / "py/python.exe"), "-X", "utf8", *arguments],
        cwd=ROOT,
        env={**_world(folder), **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LANE_S,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")


def windows_console(
    folder: Path, arguments: Sequence[str], env: Mapping[str, str], *, press: tuple[bytes, bytes]
) -> tuple[int, str]:
    """Run python.exe on a console; once *press*[0] is shown, type *press*[1]. As `windows_python`."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        ["setsid", "--ctty", "--wait", "wine", str(folder / "py/python.exe"), *arguments],
        cwd=ROOT,
        env={**_world(folder), **env},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as running:
        os.close(theirs)
        shown, end, pressed = b"", time.monotonic() + IDLE_S, False
        try:
            while time.monotonic() < end:
                if select.select([ours], [], [], 0.1)[0]:
                    try:
                        shown += os.read(ours, 65536)
                    except OSError:  # Linux: the console has no other end any more
                        break
                elif running.poll() is not None:
                    break
                if not pressed and press[0] in shown:
                    os.write(ours, press[1])
                    pressed = True
        finally:
            if time.monotonic() >= end:
                running.kill()
            code = running.wait(IDLE_S)
            os.close(ours)
    return code, shown.decode("utf-8", "replace")


def _world(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "WINEPREFIX": str(folder / "prefix"),
        "WINEDEBUG": "-all",
        # Compiled once, and not beside the sources, where the Linux side keeps its own.
        "PYTHONPYCACHEPREFIX": f"Z:{folder}/compiled",
        "PYTHONDONTWRITEBYTECODE": "",
    }
