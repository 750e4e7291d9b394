"""The Merkle tree under the collector's log, as pure functions over leaf hashes.

A *leaf hash* is `leaf_hash(entry bytes)`; everything else here takes leaf hashes, never entries,
so that the log can keep 32 bytes an entry. Proofs are lists of 32-byte hashes, nearest to the
leaf first.

Source: RFC 9162 section 2.1 (the same hashing as RFC 6962); SHA-256.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()  # of a tree without leaves, RFC 9162 section 2.1.1


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one log entry's bytes."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two hashes."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over *leaves* (leaf hashes, oldest first); O(n)."""
    frontier = Frontier()
    for leaf in leaves:
        frontier = frontier.append(leaf)
    return frontier.root()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree: all that the next append and the root need.

    `edge` are the roots of the perfect subtrees, largest first; one for each 1 bit of `size`. Keep
    both and give them back to go on without reading the log again.
    """

    size: int = 0
    edge: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or self.size.bit_count() != len(self.edge):
            count = self.size.bit_count()
            raise ValueError(f"the edge of {self.size} leaves has {count} nodes")

    def append(self, leaf: bytes) -> Frontier:
        """Return the frontier with one more leaf hash, at index `size`; O(log n)."""
        edge, node, full = list(self.edge), leaf, self.size
        while full & 1:
            node = node_hash(edge.pop(), node)
            full >>= 1
        return Frontier(self.size + 1, (*edge, node))

    def root(self) -> bytes:
        """Return the root over all leaves so far; O(log n)."""
        if not self.edge:
            return EMPTY_ROOT
        node = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            node = node_hash(left, node)
        return node


def inclusion_proof(index: int, size: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the hashes that lead from leaf *index* to the root of the first *size* leaves.

    Raises:
        ValueError: *index* is not in a tree of *size*, or fewer leaves are given.
    """
    if not 0 <= index < size <= len(leaves):
        raise ValueError(f"leaf {index} is not in a tree of {size} ({len(leaves)} given)")
    return _path(index, leaves[:size])


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_hash: bytes
) -> bool:
    """Return whether *proof* shows leaf hash *leaf* at *index* of the tree with *root_hash*.

    Source: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    first, last, node = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if first & 1 or first == last:
            node = node_hash(step, node)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            node = node_hash(node, step)
        first, last = first >> 1, last >> 1
    return last == 0 and node == root_hash


def consistency_proof(old_size: int, new_size: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the hashes that show the tree of *old_size* to be the start of that of *new_size*.

    Raises:
        ValueError: The sizes are not in order, or fewer leaves are given.
    """
    if not 0 <= old_size <= new_size <= len(leaves):
        raise ValueError(f"{old_size} to {new_size} is no growth ({len(leaves)} leaves given)")
    if old_size in {0, new_size}:
        return []
    return _growth(old_size, leaves[:new_size], whole=True)


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Return whether *proof* shows that the larger tree only added leaves to the smaller.

    The empty tree is the start of every tree. Source: RFC 9162 section 2.1.4.2.
    """
    if not 0 <= old_size <= new_size:
        return False
    if old_size == 0:
        return old_root == EMPTY_ROOT and not proof and (new_size > 0 or new_root == EMPTY_ROOT)
    if old_size == new_size:
        return old_root == new_root and not proof
    # A perfect smaller tree is itself the first hash of the proof.
    steps = [old_root, *proof] if old_size.bit_count() == 1 else list(proof)
    if not steps:
        return False
    first, last = old_size - 1, new_size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old_node = new_node = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            old_node, new_node = node_hash(step, old_node), node_hash(step, new_node)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            new_node = node_hash(new_node, step)
        first, last = first >> 1, last >> 1
    return last == 0 and old_node == old_root and new_node == new_root


def _split(count: int) -> int:
    """Return the largest power of two below *count* (at least 2)."""
    return 1 << ((count - 1).bit_length() - 1)


def _path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 9162 section 2.1.3.1, PATH."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*_path(index, leaves[:k]), root(leaves[k:])]
    return [*_path(index - k, leaves[k:]), root(leaves[:k])]


def _growth(old_size: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """RFC 9162 section 2.1.4.1, SUBPROOF; *whole*: the reader knows the old tree's root."""
    if old_size == len(leaves):
        return [] if whole else [root(leaves)]
    k = _split(len(leaves))
    if old_size <= k:
        return [*_growth(old_size, leaves[:k], whole=whole), root(leaves[k:])]
    return [*_growth(old_size - k, leaves[k:], whole=False), root(leaves[:k])]
