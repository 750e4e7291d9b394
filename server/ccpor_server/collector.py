"""A collector that is open: settings, key, store, clock and limits in one value."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable

from ccpor_server import keys
from ccpor_server.capacity.measuring import Measuring
from ccpor_server.checkpoints import CheckpointFile, is_of_another_key
from ccpor_server.clock import Clock, utc_now
from ccpor_server.keys import KeyUnusable
from ccpor_server.limits import Limits
from ccpor_server.looks import Looks
from ccpor_server.metrics import Metrics
from ccpor_server.oidc import Provider
from ccpor_server.settings import Settings
from ccpor_server.store import Store
from ccpor_server.turns import Turns


class Collector:
    """What routes and the command line work on; `close` when done.

    Raises:
        KeyUnusable, DatabaseUnusable: with what to do.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        now: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.now = now
        self.key = keys.load(settings.key_file)
        self.checkpoints = CheckpointFile(settings.checkpoint_file, self.key)
        self.store = Store(settings.database_url, witness=self.checkpoints, now=now)
        if is_of_another_key(self.store.signed_head(), self.key):
            self.store.close()
            raise KeyUnusable(
                f"{settings.key_file} is not the key of this database, another one signed its log; "
                "restore the key file"
            )
        self.limits = Limits(settings, monotonic)
        self.turns = Turns(settings)
        self.looks = Looks()
        self.provider = Provider(settings) if settings.oidc_issuer else None
        self.metrics = Metrics()
        self.measuring = Measuring(settings, self.store, self.metrics, monotonic)

    def is_operations_token(self, given: str) -> bool:
        """Return whether *given* is the token in the metrics token file; False without a file."""
        file = self.settings.metrics_token_file
        if file is None or not given:
            return False
        try:
            token = file.read_text(encoding="utf-8").strip()
        except OSError:
            return False
        return bool(token) and hmac.compare_digest(token.encode(), given.encode())

    def close(self) -> None:
        self.turns.close()
        self.store.close()
