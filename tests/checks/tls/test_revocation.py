"""Was the certificate taken back? OCSP first, else the list; and who may be believed."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.checks.tls.conftest import Pki
from tests.checks.tls.looking import Outcome, look
from tests.peers import fault_tls, free_port
from tests.peers.certificates import OCSP_SIGNING, Issued, authority, crl, leaf
from tests.peers.ocsp import Responder, responding


@pytest.fixture
def responder() -> Iterator[Responder]:
    with responding() as one:
        yield one


@pytest.fixture
def serve(pki: Pki, tmp_path: Path) -> Iterator[Callable[..., Outcome]]:
    """Serve a leaf under the good intermediate and look at it."""
    with ExitStack() as running:

        def served(end: Issued, *chain: Issued, **options: object) -> Outcome:
            files = pki.file(f"revocation-{end.serial}", end, *(chain or (pki.intermediate,)))
            port = running.enter_context(fault_tls.serving(fault_tls.tls(files)))
            want = {"ca_file": "root.crt", **options}
            return look(port, folder=pki.folder, **want)  # type: ignore[arg-type]

        yield served


def status(outcome: Outcome) -> list[str]:
    return [one.status for one in outcome.seen.revocation]


def test_a_certificate_that_is_not_revoked_is_good(
    pki: Pki, responder: Responder, serve: Callable[..., Outcome]
) -> None:
    """OCSP says good, with the answer's dates kept as evidence."""
    end = leaf(pki.intermediate, ocsp=responder.url)
    responder.knows(end)

    outcome = serve(end)

    assert outcome.faults == set()
    assert status(outcome) == ["good", "not-published"]
    assert outcome.findings["tls.trust"].summary.endswith("not revoked")
    assert outcome.seen.revocation[0].next_update is not None


@pytest.mark.parametrize("revocation", ["soft", "hard"])
def test_a_revoked_certificate_is_named(
    pki: Pki, responder: Responder, serve: Callable[..., Outcome], revocation: str
) -> None:
    """Browsers of the court may not notice; the key may be in other hands."""
    end = leaf(pki.intermediate, ocsp=responder.url)
    responder.knows(end)
    responder.revoked.add(end.serial)

    outcome = serve(end, revocation=revocation)

    assert outcome.faults == {"tls.trust/revoked"}
    assert outcome.seen.revocation[0].revoked_at is not None


def test_revocation_switched_off_asks_nobody(
    pki: Pki, responder: Responder, serve: Callable[..., Outcome]
) -> None:
    """`plan` promised that nothing goes there."""
    end = leaf(pki.intermediate, ocsp=responder.url)
    responder.revoked.add(end.serial)

    assert serve(end, revocation="off").faults == set()
    assert responder.asked == []


def test_a_responder_out_of_reach_is_told_and_not_failed(
    pki: Pki, serve: Callable[..., Outcome]
) -> None:
    """Soft: court networks often block OCSP; the words must not claim that it was checked."""
    outcome = serve(leaf(pki.intermediate, ocsp=f"http://127.0.0.1:{free_port()}"))

    assert outcome.faults == set()
    assert status(outcome)[0] == "unreachable"
    assert "revocation could not be checked" in outcome.findings["tls.trust"].summary


def test_a_responder_out_of_reach_leaves_it_open_where_proof_is_asked(
    pki: Pki, serve: Callable[..., Outcome]
) -> None:
    """Hard: unknown never becomes pass."""
    end = leaf(pki.intermediate, ocsp=f"http://127.0.0.1:{free_port()}")

    assert serve(end, revocation="hard").faults == {"tls.trust:error"}
    assert serve(leaf(pki.intermediate), revocation="hard").faults == {"tls.trust:error"}


def test_a_responder_that_refuses_proves_nothing(
    pki: Pki, responder: Responder, serve: Callable[..., Outcome]
) -> None:
    """`unauthorized` is what a responder says of certificates that are not its own."""
    outcome = serve(leaf(pki.intermediate, ocsp=responder.url))

    assert outcome.faults == set()
    assert status(outcome)[0] == "refused"


def test_an_old_answer_proves_nothing(
    pki: Pki, responder: Responder, serve: Callable[..., Outcome]
) -> None:
    """Yesterday's "good" may be replayed."""
    end = leaf(pki.intermediate, ocsp=responder.url)
    responder.knows(end)
    responder.age = dt.timedelta(days=2)

    assert status(serve(end))[0] == "stale"


def test_an_answer_signed_by_a_stranger_proves_nothing(
    pki: Pki, responder: Responder, serve: Callable[..., Outcome]
) -> None:
    """It comes over plain HTTP: whoever stands on the way could say "good"."""
    end = leaf(pki.intermediate, ocsp=responder.url)
    responder.knows(end)
    responder.signer, responder.delegated = pki.rogue, True

    assert status(serve(end))[0] == "invalid"


def test_a_responder_that_the_issuer_named_is_believed(
    pki: Pki, responder: Responder, serve: Callable[..., Outcome]
) -> None:
    """Most authorities sign with a certificate made for OCSP alone."""
    end = leaf(pki.intermediate, ocsp=responder.url)
    responder.knows(end)
    responder.signer = leaf(pki.intermediate, common_name="OCSP", names=(), usage=OCSP_SIGNING)
    responder.delegated = True

    assert status(serve(end))[0] == "good"


def test_a_certificate_not_made_for_ocsp_is_not_believed(
    pki: Pki, responder: Responder, serve: Callable[..., Outcome]
) -> None:
    """Any web server of the same issuer could answer otherwise."""
    end = leaf(pki.intermediate, ocsp=responder.url)
    responder.knows(end)
    responder.signer, responder.delegated = leaf(pki.intermediate, common_name="web"), True

    assert status(serve(end))[0] == "invalid"


@pytest.mark.parametrize("answer", [b"", b"<html>sign in</html>"], ids=["empty", "a page"])
def test_an_answer_that_is_no_ocsp_proves_nothing(
    pki: Pki, responder: Responder, serve: Callable[..., Outcome], answer: bytes
) -> None:
    """A captive portal answers every request with its page."""
    responder.answer = answer

    assert status(serve(leaf(pki.intermediate, ocsp=responder.url)))[0] == "invalid"


def test_a_silent_responder_costs_one_timeout(
    pki: Pki, responder: Responder, serve: Callable[..., Outcome]
) -> None:
    """A firewall that swallows OCSP must not hold the run up."""
    responder.silent = True
    began = time.monotonic()

    outcome = serve(leaf(pki.intermediate, ocsp=responder.url), timeout_s=1)

    assert status(outcome)[0] == "unreachable"
    assert time.monotonic() - began < 2.5


def test_a_list_is_asked_where_no_responder_is_named(
    pki: Pki, responder: Responder, serve: Callable[..., Outcome]
) -> None:
    """Private authorities publish lists; so do public ones again."""
    good, bad = (leaf(pki.intermediate, crl=f"{responder.url}/a.crl") for _ in range(2))
    responder.files["/a.crl"] = crl(pki.intermediate, [bad])

    assert serve(good).faults == set()
    assert serve(bad).faults == {"tls.trust/revoked"}
    assert responder.asked == ["/a.crl", "/a.crl"]


def test_the_list_is_asked_where_the_responder_is_silent(
    pki: Pki, responder: Responder, serve: Callable[..., Outcome]
) -> None:
    """Either suffices; the first answer that can be believed counts."""
    responder.files["/a.crl"] = crl(pki.intermediate)
    responder.silent = True
    outcome = serve(leaf(pki.intermediate, ocsp=responder.url, crl=f"{responder.url}/a.crl"))

    leaf_status = outcome.seen.revocation[0]
    assert (leaf_status.status, leaf_status.source) == ("good", "crl")


def test_lists_that_cannot_be_believed_prove_nothing(
    pki: Pki, responder: Responder, serve: Callable[..., Outcome]
) -> None:
    """Out of date, forged, absent, endless: none of them clears a certificate."""
    responder.files["/stale.crl"] = crl(pki.intermediate, days=(-9, -2))
    responder.files["/forged.crl"] = crl(pki.intermediate, signer=pki.rogue)
    responder.files["/endless.crl"] = bytes(2_000_000)
    names = ("stale", "forged", "endless", "absent")
    said = {
        name: status(serve(leaf(pki.intermediate, crl=f"{responder.url}/{name}.crl")))[0]
        for name in names
    }

    assert said == {
        "stale": "stale",
        "forged": "invalid",
        "endless": "unreachable",
        "absent": "unreachable",
    }


def test_a_list_without_end_is_not_read_to_its_end(pki: Pki, serve: Callable[..., Outcome]) -> None:
    """A server that names no length could fill the memory of the workstation."""
    endless = fault_tls.answers(b"HTTP/1.0 200 OK\r\n\r\n" + bytes(1_050_000))
    with fault_tls.serving(endless) as port:
        outcome = serve(leaf(pki.intermediate, crl=f"http://127.0.0.1:{port}/a.crl"))

    assert status(outcome)[0] == "unreachable"
    assert "larger than" in outcome.findings["tls.trust"].summary


def test_a_revoked_intermediate_is_named(
    pki: Pki, responder: Responder, serve: Callable[..., Outcome]
) -> None:
    """An authority that was taken back vouches for nobody."""
    gone = authority("Gone Intermediate", pki.root, crl=f"{responder.url}/root.crl")
    responder.files["/root.crl"] = crl(pki.root, [gone])

    outcome = serve(leaf(gone), gone)

    assert outcome.faults == {"tls.trust/revoked"}
    assert "CN=Gone Intermediate" in outcome.findings["tls.trust"].summary


def test_a_missing_intermediate_that_can_be_fetched_is_proven_missing(
    pki: Pki, responder: Responder, serve: Callable[..., Outcome]
) -> None:
    """caIssuers shows that the path would hold: the server only has to send it."""
    from cryptography.hazmat.primitives.serialization import Encoding

    responder.files["/i.crt"] = pki.intermediate.certificate.public_bytes(Encoding.DER)
    end = leaf(pki.intermediate, ca_issuers=f"{responder.url}/i.crt")

    outcome = serve(end, end)

    assert outcome.faults == {"tls.trust/incomplete-chain"}
    assert outcome.seen.missing_issuer_found == "completes"


def test_an_issuer_that_turns_out_a_stranger_is_unknown(
    pki: Pki, responder: Responder, serve: Callable[..., Outcome]
) -> None:
    """Sending it would not help: it must be trusted, or another certificate bought."""
    responder.files["/r.crt"] = pki.rogue.pem
    end = leaf(pki.rogue, ca_issuers=f"{responder.url}/r.crt")

    assert serve(end, end).faults == {"tls.trust/unknown-issuer"}
