"""A collector that a browser can open: real uvicorn on loopback, a clock that stands still."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import uvicorn

from ccpor_server import second_factor, sessions
from ccpor_server.api.routes import API_ENDPOINTS
from ccpor_server.app import create_app
from ccpor_server.collector import Collector
from ccpor_server.mail.planning import plan, write
from ccpor_server.pages.routes import PAGE_ENDPOINTS
from ccpor_server.rights import Role
from ccpor_server.store import desk, people
from tests.peers import free_port, listens, wait_until
from tests.server.rig import NOON, prepared
from tests.server.sample import Clock, fill

AXE = Path(__file__).parent.parent.parent / "node_modules" / "axe-core" / "axe.min.js"
GUARDED = "a password with a second factor"
PEOPLE = {
    "administrator": ("m.ortiz", Role.ADMINISTRATOR, None),
    "reviewer": ("a.reviewer", Role.REVIEWER, None),
    "approver": ("b.approver", Role.APPROVER, None),
    "court": ("r.diaz", Role.COURT_MANAGER, "ca-sonoma"),
    "newcomer": ("n.ewcomer", Role.REVIEWER, None),
}


@dataclass(frozen=True)
class Site:
    """address: where it listens; sessions: cookie by kind of person; names: what `fill` made."""

    address: str
    sessions: dict[str, str]
    names: dict[str, str]
    collector: Collector


@contextmanager
def site(folder: Path, *, filled: bool) -> Iterator[Site]:
    """Serve a collector, with sample courts or with none."""
    settings = prepared(folder)
    clock = Clock(NOON)
    app = create_app(settings, now=clock.now, routes=(*API_ENDPOINTS, *PAGE_ENDPOINTS))
    collector: Collector = app.state.collector
    with ThreadPoolExecutor(1) as elsewhere:  # the browser's library has a loop in this thread
        made = elsewhere.submit(fill, collector, clock) if filled else None
    names = made.result() if made else {"court": "ca-sonoma"}
    sessions = _people(collector, filled=filled)
    port = free_port()
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: listens(port), "the collector")
        yield Site(f"http://127.0.0.1:{port}", sessions, names, collector)
    finally:
        server.should_exit = True
        thread.join(10)


def _people(collector: Collector, *, filled: bool) -> dict[str, str]:
    """Return a session for each kind of person; a court's person only where there is its court."""
    cookies = {}
    for kind, (name, role, court) in PEOPLE.items():
        if court and not filled:
            continue
        token = f"a session for tests of {kind}"

        def job(
            tx: people.Transaction, name: str = name, role: Role = role, court: str | None = court,
            kind: str = kind, token: str = token,
        ) -> None:  # fmt: skip
            person_id = people.add(tx, name, role, court, "no password")
            people._change(tx, person_id, must_change=kind == "newcomer")
            people.begin(tx, person_id, sha256(token.encode()).hexdigest(), "test")

        collector.store.write(job)
        cookies[kind] = token
    if filled:
        _desk_work(collector)
    return cookies


def _desk_work(collector: Collector) -> None:
    """Add somebody with a second factor, addresses, a draft, and the messages of the week."""
    secret = second_factor.sealed(collector.key, second_factor.new_secret())
    hashed = sessions.hash_password(GUARDED)

    def job(tx: people.Transaction) -> None:
        guarded = people.add(tx, "g.uarded", Role.REVIEWER, None, hashed)
        people._change(tx, guarded, must_change=False)
        people.set_second_factor(tx, guarded, secret)
        for name in ("a.reviewer", "r.diaz"):
            one = people.by_name(tx.db, name)
            assert one is not None
            people.set_email(tx, one.id, f"{name}@example.org")
            fields = {"comment": "The county asked again."}
            desk.keep_draft(tx, one.id, "/courts/ca-sonoma/items/PL-10/comments", fields)

    collector.store.write(job)
    with collector.store.reading() as db:
        messages = plan(db, collector.now(), "https://collector.example.org")
    write(collector.store, messages)


__all__ = ["AXE", "GUARDED", "PEOPLE", "Site", "site"]
