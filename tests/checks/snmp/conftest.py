from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checks.snmp.places import write_secrets
from tests.peers.snmpd import Snmpd, snmpd


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    write_secrets(folder)
    return folder


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    with snmpd(tmp_path_factory.mktemp("snmpd")) as running:
        yield running
