"""What `pip install .` brings to a court's workstation."""

from __future__ import annotations

import email
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SERVER_ONLY = {
    "alembic", "argon2-cffi", "authlib", "httptools", "icalendar", "jinja2", "joserfc",
    "prometheus-client", "pyotp", "segno", "sqlalchemy", "starlette", "typst", "uvicorn",
    "xlsxwriter",
}  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    root = Path(__file__).parent.parent
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", str(out), str(root)],
        check=True, capture_output=True, timeout=100,
    )  # fmt: skip
    (made,) = out.glob("*.whl")
    return zipfile.ZipFile(made)


def requirements(wheel: zipfile.ZipFile) -> list[str]:
    (name,) = (one for one in wheel.namelist() if one.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(wheel.read(name)).get_all("Requires-Dist") or []


def test_the_agent_installs_none_of_the_collectors_libraries(wheel: zipfile.ZipFile) -> None:
    """A court's workstation needs no database driver and no web server."""
    core = {one.split(">")[0].strip() for one in requirements(wheel) if "extra ==" not in one}

    assert {"click", "requests", "paramiko", "psutil", "pysnmp"} <= core
    assert core & SERVER_ONLY == set()


def test_the_server_extra_adds_what_the_collector_needs(wheel: zipfile.ZipFile) -> None:
    """One more word at installation, and `ccpor-collector` runs."""
    extra = {one.split(">")[0].strip() for one in requirements(wheel) if "extra == 'server'" in one}

    assert extra == SERVER_ONLY


def test_the_wheel_holds_the_four_rooms_and_their_files(wheel: zipfile.ZipFile) -> None:
    """Words, checklist, templates and migrations are data: easily left behind."""
    names = set(wheel.namelist())
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}

    assert tops == {"ccpor_agent", "ccpor_checks", "ccpor_reporting", "ccpor_server"}
    assert {
        "ccpor_reporting/faults.toml",
        "ccpor_reporting/diagnosis/rules.toml",
        "ccpor_reporting/checklist/checklist.toml",
        "ccpor_checks/workstation/environment.toml",
        "ccpor_server/static/ccpor.css",
        "ccpor_server/static/styles/30-item.css",
        "ccpor_server/exports/court.typ",
        "ccpor_server/templates/court.html",
        "ccpor_reporting/py.typed",
    } <= names
    assert any(name.startswith("ccpor_server/migrations/versions/") for name in names)
