"""The log: JSON lines, its own file, never the screen."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccpor_agent.logs import LOG_BYTES, LOG_FILES, PACKAGES, log_file, log_to


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Loggers are global: a test leaves them as it found them."""
    kept = {name: logging.getLogger(name) for name in PACKAGES}
    state = {name: (log.level, log.propagate, log.handlers[:]) for name, log in kept.items()}
    raising = logging.raiseExceptions
    yield
    logging.raiseExceptions = raising
    for name, (level, propagate, handlers) in state.items():
        for handler in kept[name].handlers:
            handler.close()
        kept[name].level, kept[name].propagate = level, propagate
        kept[name].handlers[:] = handlers


def test_a_line_has_time_event_and_fields(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What support reads is searchable, and the person's screen stays clean."""
    log_to(tmp_path)
    logging.getLogger("ccpor_agent.engine").info("check.finished", extra={"check": "tls", "ms": 84})
    (line,) = log_file(tmp_path).read_text(encoding="utf-8").splitlines()

    told = json.loads(line)
    assert told.pop("at").endswith("Z")
    assert told == {
        "level": "info",
        "event": "check.finished",
        "from": "ccpor_agent.engine",
        "check": "tls",
        "ms": 84,
    }
    assert capsys.readouterr() == ("", "")


def test_the_log_never_grows_past_five_files_of_a_megabyte(tmp_path: Path) -> None:
    """A machine that runs every hour for ten years must not fill its disk."""
    log_to(tmp_path)
    for _ in range(8):
        logging.getLogger("ccpor_agent").info("x" * (LOG_BYTES - 200))

    kept = list((tmp_path / "logs").iterdir())
    assert len(kept) == LOG_FILES
    assert all(path.stat().st_size <= LOG_BYTES for path in kept)


def test_without_a_place_for_the_log_the_run_goes_on(tmp_path: Path) -> None:
    """A full or read-only disk costs the log and nothing else."""
    (tmp_path / "logs").write_text("in the way")
    log_to(tmp_path)

    logging.getLogger("ccpor_agent").info("still.alive")

    assert (tmp_path / "logs").read_text() == "in the way"
