"""Log lines as JSON: constant event, fields beside it, one line whatever stands in a value."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import msgspec

from ccpor_server.clock import written

_BUILT_IN = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON: at, level, event, its fields, and a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": written(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        fields = {key: value for key, value in vars(record).items() if key not in _BUILT_IN}
        line.update(fields)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=repr).decode("utf-8", "replace")
