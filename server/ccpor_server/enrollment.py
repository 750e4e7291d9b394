"""A one-time code becomes a workstation's identity; the key never leaves the workstation."""

from __future__ import annotations

import uuid

import msgspec

from ccpor_reporting.envelope import KeyInvalid, key_id, public_key_from_pem, public_key_pem
from ccpor_reporting.strictjson import NotStrict, check_strict
from ccpor_server.collector import Collector
from ccpor_server.problems import BadRequest, Conflict, Forbidden, Unprocessable
from ccpor_server.store import Transaction, audit, codes, machines, profiles
from ccpor_server.store.machines import MachineRecord, NewMachine

NO_WISH = "not an enrolment we read"


class MachineName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the workstation is called; the code and the key alone are enough to enroll."""

    name: str = "unnamed workstation"
    os: str = "not told"


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a workstation asks with: the code, its public key (PEM) and what it is called."""

    code: str
    public_key: str
    machine: MachineName = MachineName()


class Place(msgspec.Struct, frozen=True, kw_only=True):
    court: str
    name: str
    role: str


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """The answer; `profile` is a signed envelope, or null when none is published."""

    machine_id: str
    location: Place
    profile: msgspec.Raw | None
    collector_public_key: str


def read_wish(body: bytes) -> Wish:
    """Return the wish in *body*; BadRequest or Unprocessable when it is none."""
    try:
        check_strict(body)
        wish = msgspec.json.decode(body, type=Wish)
    except msgspec.ValidationError as exc:
        raise Unprocessable(str(exc), title=NO_WISH) from exc
    except (NotStrict, msgspec.DecodeError) as exc:
        raise BadRequest(str(exc)) from exc
    for field, text in (("name", wish.machine.name), ("os", wish.machine.os)):
        if not 1 <= len(text) <= 255 or not text.isprintable():
            raise Unprocessable(
                f"machine.{field} must be 1 to 255 printable characters", title=NO_WISH
            )
    if not 1 <= len(wish.code) <= 200:
        raise Unprocessable("code must be 1 to 200 characters", title=NO_WISH)
    return wish


async def enrol(running: Collector, wish: Wish, facts: audit.Source) -> tuple[bool, Enrolled]:
    """Return (new, the identity); the same code and key again give the same identity.

    Raises:
        TooMany: Too many wrong codes from this address. Forbidden: the code is not good.
        Unprocessable: Not a P-256 key. Conflict: the key is enrolled already, by another code.
    """
    running.limits.may_try_code(facts.address)
    try:
        public = public_key_from_pem(wish.public_key)
    except (KeyInvalid, UnicodeEncodeError) as exc:
        raise Unprocessable(f"public_key: {exc}", title=NO_WISH) from exc
    identity, pem = key_id(public), public_key_pem(public)

    def job(tx: Transaction) -> tuple[str, MachineRecord | None]:
        outcome, machine = _enrolled(tx, wish, identity, pem)
        about = machine.id if machine else ""
        audit.record(tx, "enroll", outcome, facts, about=about)
        return outcome, machine

    outcome, machine = (await running.store.awrite(job)).value
    if outcome == "refused":
        running.limits.wrong_code(facts.address)
        raise Forbidden("the code is wrong, used up or expired; ask for a new one")
    if machine is None:
        raise Conflict(
            "this key is enrolled already; make a new key on the workstation",
            title="key enrolled already",
        )
    return outcome == "ok", _answer(running, machine)


def _enrolled(
    tx: Transaction, wish: Wish, identity: str, pem: str
) -> tuple[str, MachineRecord | None]:
    held = machines.by_key_id(tx.db, identity)
    if held is not None:
        # the answer to the first request was lost: the same code and key mean the same machine
        if held.revoked_at is None and codes.is_of(tx, wish.code, machines.code_of(tx, held.id)):
            return "repeated", held
        return ("known-key" if codes.use(tx, wish.code, keep=True) else "refused"), None
    code = codes.use(tx, wish.code)
    if code is None:
        return "refused", None
    machine_id = str(uuid.uuid4())
    machines.enrol(
        tx,
        NewMachine(
            id=machine_id,
            court=code.court,
            location=code.location,
            role=code.role,
            public_key=pem,
            key_id=identity,
            name=wish.machine.name,
            os=wish.machine.os,
            code_id=code.id,
        ),
    )
    return "ok", machines.by_id(tx.db, machine_id)


def _answer(running: Collector, machine: MachineRecord) -> Enrolled:
    with running.store.reading() as db:
        profile = profiles.newest(db, profile_id(machine))
    return Enrolled(
        machine_id=machine.id,
        location=Place(court=machine.court, name=machine.location, role=machine.role),
        profile=msgspec.Raw(profile.envelope) if profile else None,
        collector_public_key=running.key.pem,
    )


def profile_id(machine: MachineRecord) -> str:
    return f"{machine.court}/{machine.location}/{machine.role}"
