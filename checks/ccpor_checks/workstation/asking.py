"""Put several questions at once, each in a thread of its own, and wait no longer than agreed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ccpor_checks.base import CannotObserve

K = TypeVar("K", bound=str)
Answer = Callable[[], Any]
SPARE_S = 1.0  # of the time agreed, for what follows the last answer


class Asked:
    """One question and what came of it."""

    def __init__(self, question: Answer, seconds: float) -> None:
        self._question, self._seconds = question, seconds
        self._fact: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        try:
            self._fact = self._question()
        except BaseException as exc:  # noqa: BLE001 - raised again where the answer is fetched
            self._error = exc

    def wait(self, seconds: float) -> None:
        self._thread.join(max(0.0, seconds))

    def fact(self) -> Any:
        """Return the answer.

        Raises:
            CannotObserve: None came in time; otherwise whatever the question raised.
        """
        if self._thread.is_alive():
            raise CannotObserve(
                f"the system did not answer within {self._seconds:.0f} s; look at it by hand"
            )
        if self._error is not None:
            raise self._error
        return self._fact


def ask(questions: Mapping[K, Answer], seconds: float) -> dict[K, Asked]:
    """Return the questions as they stand after at most *seconds*; a silent one is left behind."""
    patience = max(0.0, seconds - SPARE_S)
    ends = time.monotonic() + patience
    asked = {name: Asked(question, patience) for name, question in questions.items()}
    for each in asked.values():
        each.wait(ends - time.monotonic())
    return asked
