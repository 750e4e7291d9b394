"""``python -m tests.server.openapi_page`` prints the API's document, as docs/openapi.json keeps it."""

from __future__ import annotations

import json

from ccpor_server.api.openapi import built
from ccpor_server.api.routes import API_ENDPOINTS

if __name__ == "__main__":
    print(json.dumps(built(API_ENDPOINTS), indent=2, sort_keys=True))
