"""Whether two counts differ by more than chance: Fisher's exact test, one-sided.

R. A. Fisher, The Design of Experiments (1935), chapter II: with the margins of the 2 x 2 table
held, a cell is hypergeometric.
"""

from __future__ import annotations

from math import comb

RARE = 0.01  # one in a hundred comparisons of an unchanged line may cry


def is_rare(lost: int, sent: int, other_lost: int, other_sent: int) -> bool:
    """Return whether *lost* of *sent* is more than chance gives where *other_lost* were lost.

    False, too, where nothing was sent.
    """
    every, all_lost = sent + other_sent, lost + other_lost
    if not sent or not other_sent or not lost:
        return False
    chance = sum(
        comb(all_lost, hits) * comb(every - all_lost, sent - hits)
        for hits in range(lost, min(sent, all_lost) + 1)
    )
    return chance / comb(every, sent) <= RARE
