"""Everything a collector needs to measure lines; one value that `Collector` holds."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from ccpor_reporting.capacity.protocol import Slot
from ccpor_server.capacity.filler import Filler
from ccpor_server.capacity.lag import Lag
from ccpor_server.capacity.reflecting import Reflecting
from ccpor_server.capacity.reflector import Reflector
from ccpor_server.capacity.slots import HeldSlot, Slots
from ccpor_server.metrics import Metrics
from ccpor_server.settings import Settings
from ccpor_server.store import Store, machines

log = logging.getLogger(__name__)
SWEEP_S = 0.5
REVOKED_EVERY = 4  # sweeps


class Measuring:
    """Turns, what they move, and the reflector."""

    def __init__(
        self, settings: Settings, store: Store, metrics: Metrics, monotonic: Callable[[], float]
    ) -> None:
        self._store = store
        self._metrics = metrics
        self.monotonic = monotonic
        self.slots = Slots(
            monotonic,
            at_once=settings.capacity_at_once,
            most_megabytes=settings.capacity_megabytes,
            on_end=self._ended,
        )
        self.filler = Filler()
        self.lag = Lag()
        self.reflecting = Reflecting(
            self.slots, monotonic, settings.reflector_open_to, metrics.reflected
        )
        self.reflectors: list[Reflector] = []
        metrics.turns_now.labels("granted").set_function(lambda: len(self.slots.granted))
        metrics.turns_now.labels("waiting").set_function(lambda: len(self.slots.waiting))

    @property
    def now_ms(self) -> float:
        return self.monotonic() * 1000

    def told(self, held: HeldSlot, token: str, client: str, via: str | None) -> Slot:
        """Return what the client may know of its turn."""
        slots = self.slots
        if held.granted_at is None:
            return Slot(
                id=held.id,
                state="waiting",
                token=token,
                position=slots.position(held),
                about_s=round(slots.about_s(held), 1),
                client=client,
                via=via,
            )
        return Slot(
            id=held.id,
            state="granted",
            token=token,
            seconds=round(slots.seconds_left(held), 3),
            megabytes=held.budget / 1e6,
            udp_port=self.reflectors[0].port if self.reflectors else None,
            session=held.session,
            key=base64.b64encode(held.key).decode(),
            client=client,
            via=via,
        )

    def moved(self, way: str, count: int) -> None:
        self._metrics.moved.labels(way).inc(count)

    def _ended(self, held: HeldSlot) -> None:
        self.reflecting.forget(held)
        self._metrics.turns.labels(held.why or "").inc()
        log.info(
            "capacity.turn",
            extra={
                "machine": held.machine_id,
                "end": held.why,
                "granted": held.granted_at is not None,
                "megabytes": round(held.moved / 1e6, 3),
            },
        )

    async def watch(self) -> None:
        """End turns whose client is gone, or whose workstation is revoked; until cancelled."""
        for count in range(1_000_000_000):
            await asyncio.sleep(SWEEP_S)
            self.slots.sweep()
            if count % REVOKED_EVERY == 0:
                try:
                    await self.end_revoked((*self.slots.granted, *self.slots.waiting))
                except SQLAlchemyError:  # each request asks again
                    log.warning("capacity.unread", exc_info=True)

    async def end_revoked(self, turns: tuple[HeldSlot, ...]) -> None:
        """End those of *turns* whose workstation is revoked."""
        if not turns:
            return
        wanted = {held.machine_id for held in turns}
        revoked = await asyncio.to_thread(self._revoked, wanted)
        for held in turns:
            if held.machine_id in revoked:
                self.slots.end(held, "revoked")
        self.slots.sweep()

    def _revoked(self, wanted: set[str]) -> set[str]:
        with self._store.reading() as db:
            found = [machines.by_id(db, one) for one in wanted]
        return {one.id for one in found if one is not None and one.revoked_at is not None}

    async def reflect(self, host: str, port: int) -> Reflector:
        """Open the reflector of one address; OSError where it cannot be."""
        opened = await Reflector.opened(self.reflecting, host, port)
        self.reflectors.append(opened)
        return opened

    def stop(self) -> None:
        """End every turn and the reflector; what runs in a turn stops by itself."""
        for held in (*self.slots.waiting, *self.slots.granted):
            self.slots.end(held, "stopped")
        while self.reflectors:
            self.reflectors.pop().close()
