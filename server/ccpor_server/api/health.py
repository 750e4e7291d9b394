"""Operations: alive, ready, numbers."""

from __future__ import annotations

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ccpor_server.access import collector
from ccpor_server.metrics import CONTENT_TYPE
from ccpor_server.problems import Unavailable, json_response
from ccpor_server.store import LogBroken


async def healthz(_request: Request) -> Response:
    """Say that the process answers. 200."""
    return json_response({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Say that the database answers. 200; 503."""
    try:
        await run_in_threadpool(collector(request).store.head)
    except (sa.exc.SQLAlchemyError, LogBroken):
        raise Unavailable("the database does not answer") from None
    return json_response({"status": "ok"})


async def metrics(request: Request) -> Response:
    """Send the numbers in Prometheus' text form. 200; 404 from elsewhere without the token."""
    return Response(collector(request).metrics.text(), media_type=CONTENT_TYPE)
