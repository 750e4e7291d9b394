"""Capacity: will the orders of this court arrive in time at its busiest hour?

Does:    asks the collector for a turn (`POST /api/v1/capacity/slots`, signed by this workstation)
         and waits up to a minute for it. Then, with nothing else running: a thousand small STAMP
         packets by UDP (20 s), random bytes each way over HTTPS paced to 1.25 times what the
         court needs (at most 25 MB and 10 s each way; with `mode = "saturate"` as fast as it goes,
         at most 60 MB), and where a workload is written three synthetic orders of its size. At most
         200 MB a day. Small probes in a process of their own watch the round trip; where it rises
         too far the test ends. `iperf3://` asks Debian's iperf3 client instead.
         Writes what was measured, one line a run, into capacity/ of the state folder.
Needs:   `tcp` and `proxy` to have passed for the same target, where they are planned, and an
         enrolled workstation.
Source:  RFC 8762 (STAMP), RFC 9097 (what a capacity is), RFC 5481 and RFC 4737 (delay variation,
         reordering); Wilson's interval for loss; processor sharing for the time of an order.
"""

from __future__ import annotations

from ccpor_checks.base import Check
from ccpor_checks.capacity.evidence import CapacityEvidence, CapacityOptions
from ccpor_checks.capacity.look import run
from ccpor_checks.capacity.rules import RULES
from ccpor_checks.capacity.schedule import budget_s

__all__ = ["CHECK", "CapacityEvidence", "CapacityOptions", "run"]

CHECK: Check[CapacityEvidence, CapacityOptions] = Check(
    id="capacity",
    version=1,
    title="Capacity for the orders of the busiest hour",
    does="takes a turn at the measuring server (waits up to 60 s), then sends small UDP packets "
    "for `packets_s` (20 s), random bytes each way at 1.25 times the needed rate (at most 25 MB "
    "each way, 60 MB where it saturates, or max_megabytes; 200 MB a day) and three synthetic "
    "orders where a workload is written; nothing runs beside it; writes a line a run into "
    "capacity/ of the state folder",
    needs=("tcp", "proxy"),
    options=CapacityOptions,
    evidence=CapacityEvidence,
    run=run,
    rules=RULES,
    staged=False,
    budget_s=budget_s,
    lock="uplink",
    alone=True,
)
