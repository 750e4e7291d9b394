"""The task that plans and sends, once a minute while the collector runs."""

from __future__ import annotations

import asyncio
import logging

from starlette.concurrency import run_in_threadpool

from ccpor_server.collector import Collector
from ccpor_server.mail.planning import plan, write
from ccpor_server.mail.sending import send_waiting

log = logging.getLogger(__name__)
LOOK_EVERY_S = 60.0


def post_once(collector: Collector) -> tuple[int, int, int]:
    """Plan and send; return how many messages are new, were taken, and were not."""
    settings, now = collector.settings, collector.now()
    with collector.store.reading() as db:
        messages = plan(db, now, settings.public_url)
    new = write(collector.store, messages)
    return (new, *send_waiting(collector.store, settings, now))


async def keep(collector: Collector) -> None:
    """Post for as long as the collector runs; does nothing without a mail server's address."""
    if not collector.settings.smtp_url:
        return
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            new, taken, left = await run_in_threadpool(post_once, collector)
            if new or taken or left:
                log.info("mail.posted", extra={"planned": new, "taken": taken, "not_taken": left})
        except Exception:
            log.exception("mail.failed")
