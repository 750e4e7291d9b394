"""A collector for each test, copied from one that is migrated once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.server.rig import Rig, prepared, rig_in


@pytest.fixture(scope="session")
def collector_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("collector") / "state"
    prepared(folder)
    return folder


@pytest.fixture
def make_rig(collector_template: Path, tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Make a collector with other settings than the usual ones."""
    with ExitStack() as stack:

        def make(**changes: Any) -> Rig:
            folder = tmp_path / f"collector-{len(list(tmp_path.iterdir()))}"
            return stack.enter_context(rig_in(collector_template, folder, **changes))

        yield make


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig()
