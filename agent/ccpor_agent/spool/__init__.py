"""Reports that wait for the collector: saved before anything is sent, kept until it has signed.

state/spool/<sequence>-<run id>.json    waits
state/spool/acknowledged/…              the collector's signed receipt is beside it
state/spool/parked/…                    the collector will not take these bytes; a person looks
state/spool/quarantine/…                the file is not what was written; never deleted
state/spool/next_try, state/spool/dropped
"""

from __future__ import annotations

from ccpor_agent.spool.caps import Caps
from ccpor_agent.spool.folder import NotSaved, Spool
from ccpor_agent.spool.item import Item, ItemRotten, Place

__all__ = ["Caps", "Item", "ItemRotten", "NotSaved", "Place", "Spool"]
