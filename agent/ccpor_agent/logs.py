"""The agent's own log: JSON lines in the state folder, rotated, never the screen."""

from __future__ import annotations

import json
import logging
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

LOG_BYTES, LOG_FILES = 1024 * 1024, 5
PACKAGES = ("ccpor_agent", "ccpor_checks")
# What every record has anyway; the rest came by `extra`.
USUAL = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, event, the fields beside it, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "at": f"{seconds}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "from": record.name,
        }
        line |= {k: v for k, v in record.__dict__.items() if k not in USUAL}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=repr)


def log_file(state: Path) -> Path:
    return state / "logs" / "agent.log"


def log_to(state: Path) -> logging.Handler:
    """Send the log of agent and checks to *state*/logs/agent.log from now on.

    Where the folder cannot be written, there is no log; a run must not end for that.
    """
    handler: logging.Handler
    try:
        log_file(state).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            log_file(state),
            maxBytes=LOG_BYTES,
            backupCount=LOG_FILES - 1,
            encoding="utf-8",
            delay=True,
            errors="backslashreplace",
        )
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(JsonLines())
    for name in PACKAGES:
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.propagate = False  # nothing of it reaches the screen
        logger.handlers[:] = [handler]
    logging.raiseExceptions = False  # a full disk must not write tracebacks onto the screen
    return handler
