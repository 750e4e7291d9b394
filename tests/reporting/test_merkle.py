"""The tree is RFC 9162's, so that anybody's code can check our log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpor_reporting import merkle

# Entries and roots of the certificate-transparency project's own tests of RFC 6962.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 8): INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
sizes = st.integers(0, 40)


def leaves_of(count: int) -> list[bytes]:
    return [merkle.leaf_hash(b"entry %d" % number) for number in range(count)]


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_the_reference(size: int) -> None:
    """A tree of our own making would convince nobody."""
    assert merkle.root(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_the_inclusion_proofs_are_those_of_the_reference(index: int, size: int) -> None:
    """A court checks its entry with any RFC 9162 tool."""
    proof = [step.hex() for step in merkle.inclusion_proof(index, size, LEAVES)]

    assert proof == INCLUSION[index, size]


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_the_consistency_proofs_are_those_of_the_reference(old: int, new: int) -> None:
    """An older receipt shows that the log only grew."""
    proof = [step.hex() for step in merkle.consistency_proof(old, new, LEAVES)]

    assert proof == CONSISTENCY[old, new]


@given(sizes, sizes)
def test_a_kept_frontier_goes_on_as_if_it_had_seen_all(before: int, after: int) -> None:
    """The collector restarts without reading its log again."""
    leaves = leaves_of(before + after)
    kept = merkle.Frontier()
    for leaf in leaves[:before]:
        kept = kept.append(leaf)

    again = merkle.Frontier(kept.size, kept.edge)
    for leaf in leaves[before:]:
        again = again.append(leaf)

    assert (again.size, again.root()) == (before + after, merkle.root(leaves))


@given(st.data())
def test_each_leaf_is_proven_at_its_place_and_nowhere_else(data: st.DataObject) -> None:
    """A proof that fits two places proves none."""
    size = data.draw(st.integers(1, 40))
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(-1, size + 1))
    leaves = leaves_of(size)
    proof, root = merkle.inclusion_proof(index, size, leaves), merkle.root(leaves)

    assert merkle.verify_inclusion(leaves[index], index, size, proof, root)
    assert merkle.verify_inclusion(leaves[index], other, size, proof, root) == (other == index)


@given(st.data())
def test_a_damaged_inclusion_proof_proves_nothing(data: st.DataObject) -> None:
    """One flipped bit in leaf, proof or root."""
    size = data.draw(st.integers(2, 40))
    index = data.draw(st.integers(0, size - 1))
    leaves = leaves_of(size)
    parts = [leaves[index], *merkle.inclusion_proof(index, size, leaves), merkle.root(leaves)]
    which, bit = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 255))
    parts[which] = (int.from_bytes(parts[which], "big") ^ (1 << bit)).to_bytes(32, "big")

    assert not merkle.verify_inclusion(parts[0], index, size, parts[1:-1], parts[-1])


@given(sizes, sizes)
def test_growth_is_proven_between_any_two_sizes(old: int, more: int) -> None:
    """Any two receipts can be compared."""
    leaves = leaves_of(old + more)
    proof = merkle.consistency_proof(old, old + more, leaves)

    assert merkle.verify_consistency(
        old, old + more, merkle.root(leaves[:old]), merkle.root(leaves), proof
    )


@given(st.integers(1, 30), st.integers(1, 20), st.data())
def test_a_rewritten_start_has_no_proof_of_growth(old: int, more: int, data: st.DataObject) -> None:
    """The office's database is rewritten: what the new log can prove does not fit old receipts."""
    leaves = leaves_of(old + more)
    changed = data.draw(st.integers(0, old - 1))
    rewritten = [*leaves]
    rewritten[changed] = merkle.leaf_hash(b"PASS instead of FAIL")
    proof = merkle.consistency_proof(old, old + more, rewritten)

    assert not merkle.verify_consistency(
        old, old + more, merkle.root(leaves[:old]), merkle.root(rewritten), proof
    )


@given(st.integers(1, 30), st.integers(1, 20), st.integers(0, 255), st.data())
def test_a_damaged_proof_of_growth_proves_nothing(
    old: int, more: int, bit: int, data: st.DataObject
) -> None:
    """One flipped bit in a step."""
    leaves = leaves_of(old + more)
    proof = merkle.consistency_proof(old, old + more, leaves)
    which = data.draw(st.integers(0, len(proof) - 1))
    proof[which] = (int.from_bytes(proof[which], "big") ^ (1 << bit)).to_bytes(32, "big")

    assert not merkle.verify_consistency(
        old, old + more, merkle.root(leaves[:old]), merkle.root(leaves), proof
    )


def test_an_edge_that_does_not_fit_its_size_is_refused() -> None:
    """A damaged row must not grow a tree that looks whole."""
    with pytest.raises(ValueError, match="the edge of 3 leaves has 2 nodes"):
        merkle.Frontier(3, (LEAVES[0],))


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (0, 9)])
def test_a_leaf_outside_the_tree_has_no_proof(index: int, size: int) -> None:
    """Off-by-one here would prove the neighbour."""
    with pytest.raises(ValueError, match="is not in a tree"):
        merkle.inclusion_proof(index, size, LEAVES)
