"""Every reason that a real nginx can show, one endpoint each, and the healthy twins."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.checks.tls.looking import ALL, Outcome

At = Callable[..., Outcome]

FAULTS = {
    "good": set(),
    "expired": {"tls.validity/expired"},
    "not-yet": {"tls.validity/not-yet-valid"},
    "expiring": {"tls.validity/expires-too-soon"},
    "hundred-days": set(),
    "wrong-name": {"tls.name/name-mismatch"},
    "no-names": {"tls.name/name-mismatch"},
    "wildcard": {"tls.name/name-mismatch"},
    "address-only": {"tls.name/name-mismatch"},
    "many-names": set(),
    "rsa-2048": set(),
    "rsa-1024": {"tls.key/weak-key"},
    "sha1": {"tls.key/weak-signature"},
    "md5": {"tls.key/weak-signature"},
    "ec-192": {"tls.key/weak-key", "tls.trust:error"},  # no client can verify on that curve
    "ed25519": set(),
    "expired-and-wrong-name": {"tls.validity/expired", "tls.name/name-mismatch"},
    "self-signed": {"tls.trust/self-signed"},
    "incomplete": {"tls.trust/incomplete-chain"},
    "incomplete-in-the-middle": {"tls.trust/incomplete-chain"},
    "unrelated-intermediate": {"tls.trust/incomplete-chain"},
    "wrong-order": set(),  # every client puts the chain in order (RFC 8446, 4.4.2)
    "expired-leftover": set(),  # sent, but no part of the path
    "unknown-issuer": {"tls.trust/unknown-issuer"},
    "unknown-root-not-sent": {"tls.trust/unknown-issuer"},
    "same-name-other-key": {"tls.trust/unknown-issuer"},
    "client-only": {"tls.trust/not-permitted"},
    "path-too-long": {"tls.trust/not-permitted"},
    "name-constraint": {"tls.trust/not-permitted"},
    "issuer-is-no-authority": {"tls.trust/not-permitted"},
    "intermediate-ending": {"tls.validity/expires-too-soon"},
    "intermediate-expired": {"tls.validity/expired"},
    "weak-intermediate": {"tls.key/weak-key"},
    "inspected": {"tls.trust/intercepted"},
    "vendor-site": set(),
    "everything-wrong": {
        "tls.trust/unknown-issuer",
        "tls.name/name-mismatch",
        "tls.validity/expired",
        "tls.key/weak-key",
    },
    "self-signed-expired-wrong-name": {
        "tls.trust/self-signed",
        "tls.name/name-mismatch",
        "tls.validity/expired",
    },
    # no cipher of TLS 1.0 and 1.1 authenticates what it encrypts: both are true
    "tls1.0": {"tls.version/too-old"},
    "tls1.1": {"tls.version/too-old"},
    "tls1.2": set(),
    "tls1.3": set(),
    "short-diffie-hellman": {"tls.cipher/weak"},
    "static-rsa": set(),  # outside the usual offer, yet approved
    "sha1-mac": {"tls.cipher/weak"},
    "cbc": {"tls.cipher/weak"},
    "null": {"tls.cipher/weak"},
    "prefers-cbc": {"tls.cipher/weak"},
    "mutual-asks": set(),  # nginx refuses by HTTP 400: the http check's matter
    "no-usable-cipher": {"tls.handshake/no-common-cipher"},
    "unknown-name": {"tls.handshake/closed"},
    "plain-http": {"tls.handshake/not-tls"},
}


@pytest.mark.parametrize("name", FAULTS)
def test_an_endpoint_has_exactly_its_own_faults(at: At, name: str) -> None:
    """A technician acts on each fault named: one too many sends somebody on a wrong errand."""
    assert at(name).faults == FAULTS[name]


def test_every_endpoint_is_looked_at(ports: dict[str, int]) -> None:
    """An endpoint without an expectation would prove nothing."""
    assert set(FAULTS) | {"wildcard-too-wide"} == set(ports)


def test_a_sound_target_passes_all_seven(at: At) -> None:
    """All planned findings come out, and each says what was seen."""
    outcome = at("good")

    assert outcome.skipped == set()
    assert {code for code, one in outcome.findings.items() if one.status == "pass"} == ALL
    assert outcome.findings["tls.handshake"].summary == "TLSv1.3 with TLS_AES_256_GCM_SHA384"


def test_a_failed_handshake_skips_the_rest_because_of_itself(at: At) -> None:
    """Nobody should read six errors where one thing happened."""
    outcome = at("plain-http")

    assert outcome.skipped == ALL - {"tls.handshake"}
    assert {one.because for one in outcome.findings.values()} == {None, "web/tls.handshake"}


def test_the_older_version_is_refused_where_the_profile_asks_for_1_3(at: At) -> None:
    """A floor above the usual one is honoured, and TLS 1.3 still passes it."""
    assert at("tls1.2", min_version="TLSv1.3").faults == {"tls.version/too-old"}
    assert at("tls1.3", min_version="TLSv1.3").faults == set()


def test_a_better_cipher_that_is_not_preferred_is_named(at: At) -> None:
    """The fix differs: change the order, rather than buy a newer server."""
    better, none = at("prefers-cbc"), at("cbc")

    assert better.seen.best_cipher == "ECDHE-RSA-AES128-GCM-SHA256"
    assert "ECDHE-RSA-AES128-GCM-SHA256" in better.findings["tls.cipher"].summary
    assert none.seen.best_cipher is None


def test_a_longer_key_may_be_asked_for(at: At) -> None:
    """min_rsa_bits is a floor of the profile's choosing."""
    assert at("rsa-2048", min_rsa_bits=3072).faults == {"tls.key/weak-key"}


def test_a_wildcard_stands_for_one_label(at: At) -> None:
    """RFC 9525: one left-most label, never two, never none, never a whole top level."""
    assert at("wildcard", server_name="ccpor.court.test").faults == set()
    assert at("wildcard", server_name="CCPOR.Court.Test.").faults == set()
    assert at("wildcard", server_name="a.ccpor.court.test").faults == {"tls.name/name-mismatch"}
    assert at("wildcard", server_name="court.test").faults == {"tls.name/name-mismatch"}
    assert at("wildcard-too-wide", server_name="court.test").faults == {"tls.name/name-mismatch"}


def test_an_address_is_compared_with_addresses(at: At) -> None:
    """A target named by address needs that address in the certificate."""
    assert at("address-only", server_name="127.0.0.1").faults == set()
    assert at("address-only", server_name=None).faults == set()
    assert at("wrong-name", server_name=None).faults == {"tls.name/name-mismatch"}


def test_the_certificate_that_ends_first_is_named(at: At) -> None:
    """A renewed leaf under an ending intermediate still stops working."""
    finding = at("intermediate-ending").findings["tls.validity"]

    assert "intermediate certificate CN=Ending Soon" in finding.summary
    assert finding.observed == 12


def test_a_certificate_of_the_future_makes_one_look_at_the_clock(at: At) -> None:
    """Mostly it is this workstation's clock that is wrong."""
    assert "clock" in at("not-yet").findings["tls.validity"].summary


def test_an_untrusted_certificate_is_still_read(at: At) -> None:
    """The technician needs to see whose it is."""
    seen = at("everything-wrong").seen

    assert [one.subject for one in seen.chain] == [
        "CN=localhost,O=Test Courts",
        "CN=Elsewhere Root,O=Elsewhere",
    ]
    assert seen.path_verify_code == 19
    assert seen.chain[0].names == ("other.example",)


def test_the_name_that_counts_survives_the_cut_of_a_long_list(at: At) -> None:
    """300 names do not fit a report, yet the judgement must be repeatable from it."""
    leaf = at("many-names").seen.chain[0]

    assert (leaf.names[0], len(leaf.names), leaf.names_count) == ("localhost", 100, 301)


def test_without_a_ca_file_the_test_root_is_a_stranger(at: At) -> None:
    """Negative control: it is the ca_file that makes the good endpoint trusted."""
    faults = at("good", ca_file=None).faults

    assert faults <= {"tls.trust/incomplete-chain", "tls.trust/unknown-issuer", "tls.trust:error"}
    assert faults


def test_a_ca_file_may_name_the_intermediate(at: At) -> None:
    """A court trusts its issuing authority directly; the root need not be there."""
    assert at("incomplete", ca_file="intermediate.crt").faults == set()
