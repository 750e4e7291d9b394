"""What an answer proves of an order: never more than it says, whatever it says."""

from __future__ import annotations

import hashlib

from hypothesis import example, given
from hypothesis import strategies as st

from ccpor_checks.http.exchange import Exchange, Request
from ccpor_checks.http.message import Head
from ccpor_checks.order.showing import Sent, digest_field, fetched, served, shown_in_answer

ORDER = b"an order of synthetic pages"
SENT = Sent(len(ORDER), hashlib.sha256(ORDER).hexdigest(), lambda: iter([ORDER]))
OTHER = "0" * 64
BODIES = st.one_of(
    st.binary(max_size=80),
    st.sampled_from([ORDER, b"{}", OTHER.encode(), SENT.sha256.encode(), ORDER[:-1] + b"!"]),
)
FIELDS = st.dictionaries(
    st.sampled_from(
        ["content-type", "repr-digest", "content-digest", "digest", "etag", "x-sha256", "x-id"]
    ),
    st.one_of(
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60),
        st.sampled_from(
            ["text/plain", "application/json", "application/octet-stream", OTHER, SENT.sha256,
             digest_field(SENT.sha256), digest_field(OTHER), "sha-256=:AAAA:"]
        ),
    ),
    max_size=4,
)  # fmt: skip


def answer(body: bytes | None, fields: dict[str, str]) -> Exchange:
    made = Exchange(request=Request(method="POST", url="http://h/", headers={}))
    made.head = Head(200, {name: [value] for name, value in fields.items()})
    made.body = body
    return made


@given(BODIES, FIELDS)
@example(b"{}", {"content-digest": digest_field(hashlib.sha256(b"{}").hexdigest())})
def test_same_is_said_only_where_the_order_or_its_hash_is_there(
    body: bytes, fields: dict[str, str]
) -> None:
    """A pass that nothing proves would be the worst of all answers; so would a crash."""
    said = answer(body, fields)
    told = body + " ".join(fields.values()).encode("utf-8")
    proof = body == ORDER or any(
        each in told.lower()
        for each in (SENT.sha256.encode(), digest_field(SENT.sha256)[9:53].lower().encode())
    )

    for found in (fetched(said, SENT), shown_in_answer(said, SENT), served(said, SENT)):
        if found is not None and found.same:
            assert proof
            assert found.sha256 == SENT.sha256


@given(BODIES)
def test_damage_is_said_only_of_what_claims_to_be_the_order(body: bytes) -> None:
    """A page or a record without a hash is no proof of damage."""
    if SENT.sha256.encode() in body or len(body) >= 64:
        return
    for kind in ("text/html", "application/json", "application/xml"):
        found = shown_in_answer(answer(body, {"content-type": kind}), SENT)
        assert found is None or found.same


def test_the_digest_of_the_answers_own_body_says_nothing_of_the_order() -> None:
    """RFC 9530: Content-Digest is of the content that it comes with."""
    own = digest_field(hashlib.sha256(b"{}").hexdigest())
    kind = {"content-type": "application/json"}

    assert shown_in_answer(answer(b"{}", {**kind, "content-digest": own}), SENT) is None
    other = shown_in_answer(answer(b"{}", {**kind, "content-digest": digest_field(OTHER)}), SENT)
    assert other is not None
    assert not other.same
