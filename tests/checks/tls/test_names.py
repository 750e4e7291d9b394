"""Names by RFC 9525: what a certificate covers and what it only seems to."""

from __future__ import annotations

import pytest

from ccpor_checks.tls.inspectors import inspecting_product
from ccpor_checks.tls.names import ascii_name, certificate_matches

MATCHES = [
    ("ccpor.example.org", "ccpor.example.org", True),
    ("CCPOR.example.ORG", "ccpor.Example.org", True),
    ("ccpor.example.org.", "ccpor.example.org", True),
    ("*.example.org", "ccpor.example.org", True),
    ("*.example.org", "example.org", False),
    ("*.example.org", "a.b.example.org", False),
    ("*.example.org", "notexample.org", False),
    ("*.org", "example.org", False),
    ("*", "localhost", False),
    ("c*.example.org", "ccpor.example.org", False),  # a wildcard is a whole label
    ("ccpor.*.org", "ccpor.example.org", False),  # and the left-most one
    ("*.*.example.org", "a.b.example.org", False),
    ("xn--bcher-kva.example", "bücher.example", True),
    ("example.org", "ccpor.example.org", False),
    ("192.0.2.7", "192.0.2.7", True),
    ("192.0.2.7", "192.0.2.8", False),
    ("*.0.2.7", "192.0.2.7", False),
    ("2001:db8:0:0::7", "2001:db8::7", True),
    ("2001:db8::7", "192.0.2.7", False),
]


@pytest.mark.parametrize(("named", "asked", "is_match"), MATCHES)
def test_a_name_matches_or_not(named: str, asked: str, is_match: bool) -> None:
    """One match too many and a stranger's certificate passes for the court's."""
    assert certificate_matches([named], asked) is is_match


@pytest.mark.parametrize("host", ["", ".", ".a.test", "a..test", "a" * 64 + ".test"])
def test_what_is_no_name_is_refused(host: str) -> None:
    """It would reach the library as an error of its own kind."""
    with pytest.raises(ValueError):
        ascii_name(host)


def test_inspecting_products_are_known_by_issuer_and_others_are_not() -> None:
    """Public authorities that share a vendor's name must not be taken for a proxy."""
    known = {
        "CN=Zscaler Intermediate Root CA (zscloud.net),O=Zscaler Inc.": "Zscaler",
        "CN=FGT60F,O=Fortinet,OU=Certificate Authority": "Fortinet",
        "CN=Cisco Umbrella Root CA,O=Cisco": "Cisco Umbrella",
        "CN=Symantec Class 3 Secure Server CA - G4,O=Symantec Corporation": None,
        "CN=HydrantID Server CA O1,O=IdenTrust": None,
        "CN=Sonoma Superior Court Root CA": None,
    }

    assert {name: inspecting_product((name,)) for name in known} == known
