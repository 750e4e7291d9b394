"""Our eSCL server through somebody else's client: what it is tested against is a scanner to others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from ccpor_checks.scanner.image import measure
from tests.peers import lacking, need, program
from tests.peers.escl_server import started


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of SANE that knows the backend airscan alone."""
    if not any(Path("/usr/lib").glob("*/sane/libsane-airscan.so*")):
        lacking("needs sane-airscan; see .ci/install for the packages")
    (tmp_path / "dll.conf").write_text("airscan\n")
    return tmp_path


@pytest.mark.slow
def test_airscan_scans_from_it(config: Path) -> None:
    """scanimage lists it through sane-airscan, and a page of it is the sheet."""
    scanimage = program("scanimage")
    environment = {**os.environ, "SANE_CONFIG_DIR": str(config)}
    with started(feeder=2) as scanner:
        (config / "airscan.conf").write_text(
            "[options]\ndiscovery = disable\n[devices]\n"
            f'"Test" = http://127.0.0.1:{scanner.port}/eSCL, eSCL\n'
        )
        listed = subprocess.run(
            [scanimage, "-L"], env=environment, capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        picture = config / "page.png"
        scanned = subprocess.run(
            [
                *(scanimage, "-d", "airscan:e0:Test", "--mode", "Gray", "--resolution", "150"),
                *("--source", "Flatbed", "--format=png", "-o", str(picture)),
            ],
            env=environment, capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    assert "airscan:e0:Test" in listed.stdout, listed.stderr
    assert scanned.returncode == 0, scanned.stderr
    with Image.open(picture) as page:
        assert page.width == pytest.approx(1275, abs=2)
    (fact,) = measure(picture)
    assert fact.test_page is not None
    assert fact.test_page.turned_deg == 0


@pytest.mark.slow
@pytest.mark.netns
def test_airscan_discovers_it(config: Path, root: Path) -> None:
    """Announced by us, heard by avahi, asked and accepted by airscan-discover."""
    need("airscan-discover", "avahi-daemon", "dbus-daemon", "unshare", "ip")
    if os.geteuid() != 0:
        lacking("making a network of its own needs root")
    own = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
    script = root / "tests" / "peers" / "announced_scanner.sh"
    found = subprocess.run(
        [*own, str(script), str(config), sys.executable],
        cwd=root, capture_output=True, text=True, timeout=90, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip

    assert "= http://198.51.100.10:8090/eSCL" in found.stdout, found.stderr
    assert "Test Page Feeder 12" in found.stdout
