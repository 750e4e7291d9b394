"""The TLS check by a Windows OpenSSL against nginx on the Linux side: every endpoint, every fault.

The tests are the Linux lane's own; only where the endpoints come from differs.
"""

from __future__ import annotations

import json
import os
import ssl
from pathlib import Path
from types import SimpleNamespace

import pytest

from ccpor_checks.tls import store
from tests.checks.tls.conftest import at
from tests.checks.tls.test_endpoints import *  # noqa: F403

__all__ = ["at"]


@pytest.fixture(scope="session")
def pki() -> SimpleNamespace:
    """The folder of the endpoints' certificates, made on the Linux side."""
    return SimpleNamespace(folder=Path(os.environ["LANE_TLS_FOLDER"]))


@pytest.fixture(scope="session")
def ports() -> dict[str, int]:
    return json.loads(os.environ["LANE_TLS_PORTS"])


def test_the_systems_roots_are_those_of_the_store_root() -> None:
    """Without a ca_file this user's roots count, and never an empty set that trusts nobody."""
    trust = store.Trust(name=store.SYSTEM, given=(), client_files=None)

    kept = {der for der, _, _ in ssl.enum_certificates("ROOT")}  # type: ignore[attr-defined]
    assert trust.roots()
    assert set(trust.roots()) <= kept
