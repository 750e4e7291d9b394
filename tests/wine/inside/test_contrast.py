"""Contrasts on Windows' sockets: the same outcomes, and what this system cannot do says so."""

from __future__ import annotations

import time

from ccpor_checks.base import Context, Target
from ccpor_checks.contrast import Question, look
from ccpor_reporting.contrasts import UNKNOWN, WORKS, Contrast
from tests.agent.program import listening
from tests.peers import free_port
from tests.peers.fault_dns import fault_dns
from tests.peers.fault_tls import mute, serving

HERE = ("127.0.0.1",)


def asked(question: Question) -> Contrast:
    found = look(question, Context(deadline=time.monotonic() + 20))
    assert isinstance(found, Contrast)
    return found


def test_a_connection_works_or_is_refused() -> None:
    """Winsock's own error numbers, the same outcomes."""
    with listening() as port:
        open_one = asked(Question(kind="tcp", what="t", addresses=HERE, port=port, seconds=5))
    closed = asked(Question(kind="tcp", what="t", addresses=HERE, port=free_port(), seconds=5))

    assert (open_one.outcome, closed.outcome) == (WORKS, "refused")


def test_another_resolver_is_asked() -> None:
    with fault_dns() as dns:
        records = ("A", "AAAA")
        question = Question(
            kind="other-resolver", what=dns.resolver, host="good.test", records=records
        )

        assert asked(question).outcome == WORKS


def test_small_segments_are_tried_or_it_is_said_that_they_cannot_be() -> None:
    """Never "works" of a server that does not answer, whatever the system does with the option."""
    with serving(mute) as port:
        target = Target(id="t", url="x", scheme="tls", host="127.0.0.1", port=port)
        contrast = asked(
            Question(
                kind="small-segments",
                what="s",
                addresses=HERE,
                port=port,
                target=target,
                check="tls",
                seconds=2,
            )
        )

    assert contrast.outcome in {"timeout", UNKNOWN}
    if contrast.outcome == UNKNOWN:
        assert "does not let a program choose" in contrast.detail
