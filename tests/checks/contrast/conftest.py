"""One way to make a comparison, and a network whose county line loses what does not fit."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ccpor_checks.base import Context
from ccpor_checks.contrast import Found, Question, look
from ccpor_reporting.contrasts import Contrast
from tests.lab.network import WEB, Network, network
from tests.peers import lacking
from tests.peers.certificates import Files, authority, leaf, write

Ask = Callable[..., Contrast]
SMALL_MTU = 1000


def found(question: Question, seconds: float = 10.0) -> Found:
    return look(question, Context(deadline=time.monotonic() + seconds))


@pytest.fixture
def ask() -> Ask:
    """Make one comparison and return the contrast."""

    def asked(kind: Any, **question: Any) -> Contrast:
        contrast = found(Question(kind=kind, **{"what": "x", **question}))
        assert isinstance(contrast, Contrast)
        return contrast

    return asked


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A chain that no packet of `SMALL_MTU` bytes holds."""
    folder = tmp_path_factory.mktemp("certificates")
    top = authority("Test Root")
    return write(folder, "web", leaf(top, names=(WEB, "localhost", "127.0.0.1")), top)


@contextlib.contextmanager
def narrow(*, errors_pass: bool) -> Iterator[Network]:
    """Give a network whose county line holds `SMALL_MTU` bytes; *errors_pass*: and says so."""
    with contextlib.ExitStack() as held:
        try:
            net = held.enter_context(network(mtu=SMALL_MTU))
        except PermissionError as exc:
            lacking(str(exc))
        if not errors_pass:
            for router in ("county_edge", "datacenter_router"):
                net.nft(router, "icmp type destination-unreachable drop", hook="output")
        yield net


@pytest.fixture(scope="module")
def black_hole() -> Iterator[Network]:
    with narrow(errors_pass=False) as net:
        yield net


@pytest.fixture(scope="module")
def honest() -> Iterator[Network]:
    with narrow(errors_pass=True) as net:
        yield net
