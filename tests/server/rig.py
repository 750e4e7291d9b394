"""A collector of one's own for a test: a fresh database, a clock that the test holds, a client."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import msgspec
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from ccpor_reporting.codec import encode_report, new_run_id
from ccpor_reporting.envelope import REPORT_TYPE, KeySigner, public_key_pem, seal
from ccpor_reporting.model import (
    Agent,
    Coverage,
    Location,
    Machine,
    ProfileRef,
    Report,
    RunReason,
    Verdict,
)
from ccpor_reporting.request_signature import sign_request
from ccpor_reporting.signed_profile import SignedProfile, seal_profile
from ccpor_server import keys, sessions
from ccpor_server.app import create_app
from ccpor_server.collector import Collector
from ccpor_server.rights import Role
from ccpor_server.settings import Settings
from ccpor_server.store import (
    audit,
    codes,
    connect,
    courts,
    machines,
    migrate,
    people,
    profiles,
    reports,
)

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CONSOLE = audit.Source(who="console test", place="test", address="console")
ENVELOPE = "application/vnd.dsse.envelope.v1+json"
_dice = itertools.count(1)


class HeldClock:
    """Both clocks of a collector; stands still until `forward`."""

    def __init__(self) -> None:
        self.at = NOON
        self.seconds = 1000.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.seconds

    def forward(self, **parts: float) -> None:
        step = timedelta(**parts)
        self.at += step
        self.seconds += step.total_seconds()


def prepared(folder: Path, **changes: Any) -> Settings:
    """Return settings over a migrated database and a key in *folder*."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = Settings(
        state_dir=folder, database_url=f"sqlite:///{folder / 'collector.db'}", **changes
    )
    migrate.upgrade(connect.database_url(settings.database_url))
    keys.create(settings.key_file)
    return settings


class Workstation:
    """An enrolled machine with its own key."""

    def __init__(self, court: str, location: str, role: str) -> None:
        self.signer = KeySigner(generate_private_key(SECP256R1()))
        self.pem = public_key_pem(self.signer._key.public_key())
        self.place = Location(court=court, name=location, role=role)
        self.id = ""

    def report(self, **changes: Any) -> Report:
        at = changes.pop("at", NOON)
        base = Report(
            run_id=new_run_id(at, next(_dice).to_bytes(10, "big")),
            reason=RunReason.AD_HOC,
            location=self.place,
            machine=Machine(name="scan-01", os="Linux 6.18", id=self.id or None),
            agent=Agent(version="0.1.0", checks={}),
            profile=ProfileRef(id="p", version=1, sha256="0" * 64),
            started_at=at,
            finished_at=at,
            targets=(),
            observations=(),
            findings=(),
            causes=(),
            coverage=Coverage(planned=0, assessed=0, excluded=0),
            verdict=Verdict.READY,
        )
        return msgspec.structs.replace(base, **changes)

    def sealed(self, report: Report | None = None, **changes: Any) -> bytes:
        return seal(encode_report(report or self.report(**changes)), REPORT_TYPE, self.signer)

    def signed(self, method: str, path: str, at: datetime = NOON) -> dict[str, str]:
        return sign_request(method, path, int(at.timestamp()), f"n{next(_dice)}", self.signer)


class Rig:
    """A collector in this process and a client for it."""

    def __init__(self, settings: Settings, clock: HeldClock) -> None:
        self.settings = settings
        self.clock = clock
        self.app = create_app(settings, now=clock.now, monotonic=clock.monotonic)
        self.collector: Collector = self.app.state.collector
        self.store = self.collector.store
        self.url = connect.database_url(settings.database_url)
        self._loop = asyncio.new_event_loop()
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://collector.test")

    def close(self) -> None:
        self._loop.run_until_complete(self._client.aclose())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self.collector.close()

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        cookie = options.pop("session", None)
        headers = dict(options.pop("headers", None) or {})
        if cookie:
            headers["cookie"] = f"{sessions.cookie_name(self.settings)}={cookie}"
        return self._loop.run_until_complete(
            self._client.request(method, path, headers=headers, **options)
        )

    def run(self, coroutine: Any) -> Any:
        return self._loop.run_until_complete(coroutine)

    def post(self, body: bytes, **headers: str) -> httpx.Response:
        given = {"content-type": ENVELOPE, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self.ask("POST", "/api/v1/reports", content=body, headers=given)

    def court(self, court_id: str = "ca-sonoma", location: str = "santa-rosa") -> str:
        def job(tx: Any) -> None:
            courts.put(tx, courts.Court(id=court_id, name=court_id.title()))
            courts.put_location(tx, court_id, location)

        self.store.write(job)
        return court_id

    def code(
        self, court: str, location: str = "santa-rosa", role: str = "clerk", **how: Any
    ) -> str:
        fresh = codes.fresh()
        lives = how.pop("lives", timedelta(hours=1))
        self.store.write(
            lambda tx: codes.add(
                tx,
                fresh,
                court=court,
                location=location,
                role=role,
                uses=how.get("uses", 1),
                expires_at=tx.now + lives,
                who="test",
            )
        )
        return fresh

    def enrol(self, court: str = "ca-sonoma", role: str = "clerk") -> Workstation:
        """Return a workstation that enrolled by the API."""
        self.court(court)
        machine = Workstation(court, "santa-rosa", role)
        answer = self.enroll_by_api(self.code(court, role=role), machine.pem)
        assert answer.status_code == 201, answer.text
        machine.id = answer.json()["machine_id"]
        return machine

    def enroll_by_api(self, code: str, pem: str, **extra: Any) -> httpx.Response:
        wish = {"code": code, "public_key": pem, "machine": {"name": "scan-01", "os": "Linux"}}
        return self.ask("POST", "/api/v1/enroll", json={**wish, **extra})

    def publish(self, machine: Workstation, version: int = 1, **changes: Any) -> bytes:
        place = machine.place
        signed = SignedProfile(
            court=place.court,
            location=place.name,
            role=place.role,
            version=version,
            published_at=self.clock.at,
            expires_at=self.clock.at + timedelta(days=30),
            toml='schema = "ccpor-profile/1"\n',
        )
        envelope = seal_profile(msgspec.structs.replace(signed, **changes), self.collector.key)
        name = f"{place.court}/{place.name}/{place.role}"
        digest = sha256(envelope).hexdigest()
        self.store.write(
            lambda tx: profiles.publish(
                tx, name, version, digest=digest, envelope=envelope, who="test"
            )
        )
        return envelope

    def person(
        self, name: str, role: Role, court: str | None = None, *, password: str | None = None
    ) -> str:
        """Return the person's id; no hashing unless a password is given."""
        hashed = sessions.hash_password(password) if password else "no password"

        def job(tx: Any) -> str:
            person_id = people.add(tx, name, role, court, hashed)
            people._change(tx, person_id, must_change=False)
            return person_id

        return self.store.write(job).value

    def session(self, person_id: str) -> str:
        """Return the cookie of a new session of that person."""
        token = f"token-{next(_dice)}"
        hashed = sha256(token.encode()).hexdigest()
        self.store.write(lambda tx: people.begin(tx, person_id, hashed, "test"))
        return token

    def signed_in(self, name: str, role: Role, court: str | None = None) -> str:
        return self.session(self.person(name, role, court))

    def kept_runs(self, court: str) -> list[str]:
        """Return the run ids of a court's reports."""
        with self.store.reading() as db:
            return kept_runs(db, court)

    def events(self) -> list[tuple[str, str]]:
        """Return (what, outcome) of every audit event, oldest first."""
        with self.store.reading() as db:
            return [(one.what, one.outcome) for one in reversed(audit.newest(db, 10_000))]


def kept_runs(db: sa.Connection, court: str) -> list[str]:
    """Return the run ids of a court's reports, workstation by workstation."""
    return [
        line.run_id
        for one in machines.of_court(db, court)
        for line in reports.of_machine(db, one.id, 100_000)
    ]


@contextmanager
def rig_in(template: Path, folder: Path, **changes: Any) -> Iterator[Rig]:
    """Give a collector on a copy of *template*, a folder that `prepared` filled."""
    shutil.copytree(template, folder)
    settings = Settings(
        state_dir=folder, database_url=f"sqlite:///{folder / 'collector.db'}", **changes
    )
    rig = Rig(settings, HeldClock())
    try:
        yield rig
    finally:
        rig.close()
