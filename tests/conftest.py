"""What every test gets: a clean environment, and the folder of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy and no setting of this machine reaches a test; state goes to a folder of its own."""
    for name in list(os.environ):
        if name.lower() in PROXIES or name.startswith("CCPOR_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CCPOR_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT
