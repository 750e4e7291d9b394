"""Challenges of a proxy taken apart, and answered as the standards' own examples are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpor_checks.kit import proxy_auth
from ccpor_checks.kit.proxy_auth import Account, answer, challenges

MUFASA = Account("Mufasa", "Circle of Life")
NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
EXAMPLE = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    f'nonce="{NONCE}", opaque="{OPAQUE}"'
)


def test_every_scheme_is_named_in_its_order() -> None:
    """Several in one field, several fields, with and without parameters."""
    found = challenges(
        ['Negotiate, NTLM, Basic realm="a, b", Digest realm="c", nonce="d"', "Bearer abc=="]
    )

    assert [each.scheme for each in found] == ["Negotiate", "NTLM", "Basic", "Digest", "Bearer"]
    assert found[2].parameters == {"realm": "a, b"}
    assert found[3].parameters == {"realm": "c", "nonce": "d"}


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_is_answered_as_in_rfc_7616(
    monkeypatch: pytest.MonkeyPatch, algorithm: str, response: str
) -> None:
    """Section 3.9.1, with its own client nonce."""
    monkeypatch.setattr(proxy_auth.secrets, "token_hex", lambda _size: CNONCE)

    said = answer(MUFASA, challenges([EXAMPLE.format(algorithm)]), "GET", "/dir/index.html")

    assert said is not None
    assert said[0] == "Digest"
    assert f'response="{response}"' in said[1]
    assert f'opaque="{OPAQUE}"' in said[1]


def test_digest_goes_before_basic_and_basic_before_nothing() -> None:
    """The password itself goes over the wire only where nothing better is offered."""
    both = challenges(['Basic realm="x", Digest realm="x", nonce="n", qop="auth"'])
    strange = challenges(['Digest realm="x", nonce="n", algorithm=X-9, Basic realm="x"'])

    assert (answer(MUFASA, both, "CONNECT", "h:443") or ("",))[0] == "Digest"
    assert answer(MUFASA, strange, "CONNECT", "h:443") == (
        "Basic",
        "Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl",
    )
    assert answer(MUFASA, challenges(["NTLM"]), "CONNECT", "h:443") is None


def test_a_password_shows_nowhere() -> None:
    assert "Circle" not in repr(MUFASA)


@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_challenge_is_read_without_an_error(fields: list[str]) -> None:
    """What a proxy sends must never be our bug."""
    offered = challenges(fields)
    said = answer(MUFASA, offered, "CONNECT", "h:443")

    assert said is None or said[0] in {"Basic", "Digest"}
