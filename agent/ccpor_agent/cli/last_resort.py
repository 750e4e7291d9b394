"""What is said of our own bug: one line, and where the traceback went."""

from __future__ import annotations

import logging

from ccpor_agent.logs import log_file, log_to
from ccpor_agent.seam import state_folder


def report_bug(bug: BaseException) -> str:
    """Log *bug* with its traceback and return the line for the person."""
    state = state_folder()
    log_to(state)
    logging.getLogger("ccpor_agent").critical("program.crashed", exc_info=bug)
    where = log_file(state)
    told = f"the traceback is in {where}" if where.exists() else f"{where} could not be written"
    return f"ccpor-check has a bug of its own ({type(bug).__name__}); {told}, please send it to us"
