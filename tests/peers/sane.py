"""SANE without hardware: the `test` backend in a configuration of its own, and a saned before it.

Faults are set in ``test.conf``, so that the check runs the very command that it runs at a court.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tests.peers import listens, need, program, started

PORT = 6566  # saned's only one: the client cannot be told another
TEST_CONF = """\
number_of_devices {devices}
mode Gray
depth 8
resolution_min {lowest}
resolution_max {highest}
resolution_quant 1.0
resolution 50.0
test-picture "{picture}"
read-delay {is_slow}
read-delay-duration {delay_us}
read-status-code "{status}"
geometry_min 0.0
geometry_max {reach_mm}
geometry_quant 1.0
tl_x 0.0
tl_y 0.0
br_x 80.0
br_y 100.0
"""


def config(
    folder: Path,
    *,
    backends: tuple[str, ...] = ("test",),
    status: str = "Default",
    picture: str = "Grid",
    delay_us: int | None = None,
    devices: int = 2,
    reach_mm: float = 300.0,
    dpi: tuple[float, float] = (1.0, 1200.0),
) -> Path:
    """Write a SANE_CONFIG_DIR into *folder* and return it.

    status: what each read ends with, e.g. ``SANE_STATUS_JAMMED``. delay_us: after each buffer.
    reach_mm: width and height of the glass.
    """
    need("scanimage")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dll.conf").write_text("".join(f"{each}\n" for each in backends))
    written = TEST_CONF.format(
        devices=devices,
        lowest=dpi[0],
        highest=dpi[1],
        picture=picture,
        is_slow="false" if delay_us is None else "true",
        delay_us=delay_us or 1000,
        status=status,
        reach_mm=reach_mm,
    )
    (folder / "test.conf").write_text(written)
    (folder / "net.conf").write_text("connect_timeout = 3\n")
    (folder / "saned.conf").write_text("127.0.0.0/8\n")
    return folder


def own_address() -> str:
    """Return an address of loopback that no other process of the tests uses."""
    number = os.getpid()
    return f"127.66.{number // 250 % 250 + 1}.{number % 250 + 1}"


@contextlib.contextmanager
def saned(folder: Path, address: str) -> Iterator[str]:
    """Serve the configuration in *folder* on *address* until the block ends; yields the address."""
    command = [program("saned"), "-l", "-e", "-b", address, "-p", str(PORT)]
    with started(
        command,
        log=folder / "saned.log",
        ready=lambda: listens(PORT, address),
        env={"SANE_CONFIG_DIR": str(folder)},
    ):
        yield address
