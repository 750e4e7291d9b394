"""Our own files for browsers; nothing comes from elsewhere.

`ccpor.css` is served with the sheets of `static/styles/` behind it, by name: one file, one fetch.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from ccpor_server.problems import NotFound

TYPES = {"ccpor.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}


@cache
def _held(name: str) -> tuple[bytes, str]:
    folder = files("ccpor_server").joinpath("static")
    body = folder.joinpath(name).read_bytes()
    if name == "ccpor.css":
        more = sorted(folder.joinpath("styles").iterdir(), key=lambda one: one.name)
        body += b"".join(one.read_bytes() for one in more if one.name.endswith(".css"))
    return body, f'"{sha256(body).hexdigest()[:32]}"'


async def static_file(request: Request) -> Response:
    """Send one of our files. 200; 304; 404."""
    name = request.path_params["name"]
    if name not in TYPES:
        raise NotFound("no such file")
    body, tag = _held(name)
    headers = {"ETag": tag, "Cache-Control": "public, max-age=300"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=TYPES[name], headers=headers)
