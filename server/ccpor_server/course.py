"""How each court stood, day by day: written once a day, for the board's course over time."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from starlette.concurrency import run_in_threadpool

from ccpor_server.board_lines import CourtLine, court_lines
from ccpor_server.collector import Collector
from ccpor_server.store import Store, Transaction, courts, standings

log = logging.getLogger(__name__)
LOOK_EVERY_S = 600.0
FIRST_AFTER_S = 30.0


def standings_today(store: Store, now: datetime) -> int:
    """Write how each court stands now, as the day's (UTC) word; return how many courts."""
    with store.reading() as db:
        lines = court_lines(db, courts.every(db), now)

    def job(tx: Transaction) -> int:
        for line in lines:
            _put(tx, line, now)
        return len(lines)

    return store.write(job).value


def _put(tx: Transaction, line: CourtLine, now: datetime) -> None:
    standings.put(
        tx,
        line.court.id,
        now.date(),
        verdict=line.readiness.verdict,
        counts=line.readiness.counts,
        blocking=len(line.readiness.blocking_open),
    )


def is_written(store: Store, now: datetime) -> bool:
    """Return whether today's standings are there, of whichever court."""
    with store.reading() as db:
        return any(one.day == now.date() for one in standings.since(db, now.date()))


def warm(store: Store, now: datetime) -> int:
    """Read every court once, so that the first person does not wait for it; return how many."""
    with store.reading() as db:
        known = courts.every(db)
    for court in known:  # one at a time: a page that is asked for meanwhile comes between
        with store.reading() as db:
            court_lines(db, [court], now)
    return len(known)


async def keep(collector: Collector) -> None:
    """Write each day's standings once, soon after the day begins; goes on after a failure."""
    try:
        await run_in_threadpool(warm, collector.store, collector.now())
    except Exception:
        log.exception("warming.failed")
    await asyncio.sleep(FIRST_AFTER_S)
    while True:
        now = collector.now()
        try:
            if not await run_in_threadpool(is_written, collector.store, now):
                count = await run_in_threadpool(standings_today, collector.store, now)
                log.info("standings.written", extra={"courts": count})
        except Exception:
            log.exception("standings.failed")
        await asyncio.sleep(LOOK_EVERY_S)
