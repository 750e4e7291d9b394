"""What every test gets: a clean environment, and the folder of the repository."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

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


# What shares something slow to set up runs in one process; what takes longest begins first.
TOGETHER = ("tests/wine/", "tests/browser/", "tests/demo/")
FIRST = ("tests/wine/", "tests/checks/path/", "tests/lab/", "tests/demo/", "tests/browser/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first, so that no process is left with them alone at the end."""

    def turn(item: pytest.Item) -> int:
        return next((n for n, part in enumerate(FIRST) if item.nodeid.startswith(part)), len(FIRST))

    items.sort(key=turn)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give whole files, and some folders, to one process: their fixtures are made once."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return next((part for part in TOGETHER if file.startswith(part)), file)

    config.option.loadscopereorder = False
    return ByFile(config, log)
