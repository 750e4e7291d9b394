"""Schemathesis over the whole API, in process: only documented statuses, never a 5xx."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from ccpor_server.api.openapi import built
from ccpor_server.api.routes import API_ENDPOINTS
from ccpor_server.problems import PROBLEM_TYPE
from ccpor_server.rights import Role
from ccpor_server.settings import Rate
from tests.server.rig import Rig, rig_in

UNLIMITED = Rate(1e9, 1e9)
BASE = "http://collector.test"
DOCUMENT = built(API_ENDPOINTS)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {
    (found.method.upper(), found.path): found
    for found in (one.ok() for one in SCHEMA.get_all_operations())
}
EACH = 315
# the other operations have nothing to vary: one request is all there is
VARIED = {
    (method.upper(), path)
    for path, methods in DOCUMENT["paths"].items()
    for method, found in methods.items()
    if {"parameters", "requestBody"} & found.keys() or found["security"]
}


@pytest.fixture(scope="module")
def open_rig(
    collector_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Rig, str]]:
    """A collector without rate limits, and an administrator's session."""
    folder = tmp_path_factory.mktemp("fuzzed") / "state"
    limits = {
        "rate_machine": UNLIMITED,
        "rate_court": UNLIMITED,
        "rate_address": UNLIMITED,
        "bad_codes_per_hour": 1_000_000_000,
    }
    with rig_in(collector_template, folder, **limits) as rig:
        rig.enrol()
        yield rig, rig.signed_in("ad", Role.ADMINISTRATOR)


def test_the_document_names_every_route_of_the_api() -> None:
    """A route that is served and not documented is one that nobody tests."""
    served = {(method, entry.path) for entry in API_ENDPOINTS for method in entry.methods}

    assert set(OPERATIONS) == served
    assert len(VARIED) * len(GenerationMode) * EACH >= 5000


def test_the_published_document_is_the_one_that_is_served(root: Path) -> None:
    """docs/openapi.json is for those who have no collector at hand."""
    published = json.loads((root / "docs" / "openapi.json").read_text(encoding="utf-8"))
    served = json.loads(json.dumps(DOCUMENT))
    for document in (published, served):
        document["info"].pop("version")

    assert published == served


def test_the_document_is_valid_openapi() -> None:
    assert SCHEMA.validate() is None


def test_a_document_that_is_not_valid_is_refused() -> None:
    """Negative control: the test above would pass on a validator that takes anything."""
    broken = json.loads(json.dumps(DOCUMENT))
    broken["paths"]["/healthz"]["get"]["responses"] = "two hundred"

    with pytest.raises(Exception, match=r"two hundred"):
        schemathesis.openapi.from_dict(broken).validate()


@pytest.mark.slow
@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.name.lower())
@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_nothing_undocumented_comes_back_from(
    open_rig: tuple[Rig, str], operation: tuple[str, str], mode: GenerationMode
) -> None:
    """Over 5,000 generated requests, well-formed and not: documented statuses, whole problems."""
    rig, session = open_rig
    found = OPERATIONS[operation]
    documented = DOCUMENT["paths"][operation[1]][operation[0].lower()]["responses"]
    # what a server says of any request: unreadable, nothing here, other method
    known = {int(status) for status in documented} | {400, 404, 405}
    tried = 0

    @given(case=found.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EACH,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Any) -> None:
        nonlocal tried
        tried += 1
        sent = prepared(case)
        answer = rig.ask(
            sent.method or "GET",
            sent.url or BASE,
            content=sent.body if isinstance(sent.body, bytes) else (sent.body or "").encode(),
            headers=ascii_headers(sent),
            session=session if sent.headers.get("Cookie") is None else None,
        )
        assert answer.status_code < 500
        assert answer.status_code in known, answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == PROBLEM_TYPE
            jsonschema.validate(answer.json(), DOCUMENT["components"]["schemas"]["Problem"])

    if operation not in VARIED and mode is GenerationMode.NEGATIVE:
        return  # a request of which nothing can be wrong
    check()

    assert tried == (EACH if operation in VARIED else 1)


def prepared(case: Any) -> requests.PreparedRequest:
    """Return the request as it would go out."""
    kwargs = case.as_transport_kwargs(base_url=BASE)
    allowed = {"method", "url", "headers", "params", "data", "json", "cookies", "files"}
    return requests.Request(**{k: v for k, v in kwargs.items() if k in allowed}).prepare()


def ascii_headers(sent: requests.PreparedRequest) -> dict[str, str]:
    """Return what a server would let through: httpx refuses to send other header values."""
    return {
        str(name): str(value)
        for name, value in sent.headers.items()
        if str(value).isascii()
        and str(value).isprintable()
        and str(name).lower() != "content-length"
    }
