from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.checks.capacity.office import Office, office_in


@pytest.fixture(scope="package")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office_in(tmp_path_factory.mktemp("measuring")) as running:
        yield running
