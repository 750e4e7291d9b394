"""Wine's side of the lane: set it up once, run a Windows Python in it, leave no process behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.peers import need

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
# Read when the module loads: while a test runs, no CCPOR_* setting of this machine reaches it.
FOLDER = Path(os.environ.get("CCPOR_WINE_DIR") or ROOT / ".cache" / "wine").absolute()
SETUP_S, LANE_S, IDLE_S = 400, 300, 60


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


def _world(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "WINEPREFIX": str(folder / "prefix"),
        "WINEDEBUG": "-all",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
