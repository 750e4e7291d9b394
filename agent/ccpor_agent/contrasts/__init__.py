"""The contrast phase of a run: when targets failed, what else is tried to say why and where.

Bounded: at most `planning.MOST_TARGETS` targets and `planning.MOST_CONTRASTS` comparisons each,
`running.WALKS_AT_ONCE` walks at a time, `PHASE_S` seconds altogether and never past the deadline of
the run. Nothing is compared where nothing failed.
"""

from __future__ import annotations

from ccpor_agent.contrasts.phase import PHASE_S, with_contrasts

__all__ = ["PHASE_S", "with_contrasts"]
