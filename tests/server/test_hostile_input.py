"""Hostile input: no 5xx, no second lost, no memory kept."""

from __future__ import annotations

import base64
import gzip
import json
import random
import resource
import time
from pathlib import Path
from typing import Any

import pytest

from ccpor_reporting.codec import encode_report
from ccpor_reporting.envelope import REPORT_TYPE, seal
from ccpor_server.rights import Role
from tests.server.rig import ENVELOPE, Rig, Workstation

JSON = {"content-type": "application/json"}
WIRE = 1024 * 1024


def enveloped(machine: Workstation, payload: bytes) -> bytes:
    return gzip.compress(seal(payload, REPORT_TYPE, machine.signer))


def bombs(machine: Workstation) -> dict[str, tuple[bytes, dict[str, str]]]:
    """Return body and headers of each bomb, by name; the signed ones come from an enrolled key."""
    plain = {"content-type": ENVELOPE}
    packed = {**plain, "content-encoding": "gzip"}
    keys = b"{" + b",".join(b'"k%d":1' % n for n in range(1_000_000)) + b"}"
    deep = b"[" * 100_000
    number = b"9" * 100_000
    return {
        "a megabyte of nothing": (b" " * WIRE, plain),
        "a megabyte and one byte": (b"x" * (WIRE + 1), plain),
        "gzip 1:1000": (gzip.compress(b"0" * (200 << 20), 9)[:WIRE], packed),
        "gzip of 8 MiB and one byte": (gzip.compress(b"\x00" * (8 << 20) + b"1"), packed),
        "100k deep": (deep, plain),
        "100k deep objects": (b'{"a":' * 100_000, plain),
        "100k deep, packed": (gzip.compress(deep), packed),
        "a million keys": (gzip.compress(keys), packed),
        "a number of 100k digits": (b'{"payload":' + number + b"}", plain),
        "an exponent of 100k digits": (b'{"payload":1e' + number + b"}", plain),
        "duplicate keys": (b'{"payload":"e30=","payload":"e30=","signatures":[]}', plain),
        "not UTF-8": (b'{"payload":"\xc3\x28"}', plain),
        "UTF-16": ('{"payload":""}'.encode("utf-16"), plain),
        "NaN": (b'{"payload":NaN}', plain),
        "lone surrogate": (b'{"payload":"\\ud800","payloadType":"x","signatures":[]}', plain),
        "lone surrogate as key id": (
            json.dumps(
                {
                    "payload": "e30=",
                    "payloadType": REPORT_TYPE,
                    "signatures": [{"keyid": "\ud800", "sig": "MAYCAQECAQE="}],
                }
            ).encode(),
            plain,
        ),
        "NUL as key id": (
            b'{"payload":"e30=","payloadType":"' + REPORT_TYPE.encode() + b'",'
            b'"signatures":[{"keyid":"\\u0000","sig":"MAYCAQECAQE="}]}',
            plain,
        ),
        "signed: 100k deep": (enveloped(machine, deep), packed),
        "signed: 100k digits": (enveloped(machine, b'{"schema":' + number + b"}"), packed),
        "signed: half a million keys": (enveloped(machine, keys[:5_000_000]), packed),
        "signed: duplicate keys": (
            enveloped(machine, b'{"schema":"ccpor-report/1","schema":"ccpor-report/1"}'),
            packed,
        ),
        "signed: NaN": (enveloped(machine, b'{"schema":NaN}'), packed),
        "signed: not UTF-8": (enveloped(machine, b'{"schema":"\xff"}'), packed),
        "signed: lone surrogate": (enveloped(machine, b'{"schema":"\\udfff"}'), packed),
        "signed: huge integer": (enveloped(machine, machine_report(machine, 10**30)), packed),
    }


def machine_report(machine: Workstation, coverage: int) -> bytes:
    whole = json.loads(encode_report(machine.report()))
    whole["coverage"]["planned"] = coverage
    return json.dumps(whole).encode()


def rss_mb() -> float:
    """Return the resident memory of this process now."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize() / 2**20


def test_every_bomb_is_refused_quickly_and_leaves_no_memory(rig: Rig) -> None:
    """4xx in a second each; the process does not grow by 64 MB over the whole corpus."""
    machine = rig.enrol()
    corpus = bombs(machine)
    rig.post(b"{}")
    before = rss_mb()
    wrong: list[Any] = []
    worst = 0.0

    for name, (body, headers) in corpus.items():
        started = time.process_time()  # work, not the waiting for a busy machine
        answer = rig.ask("POST", "/api/v1/reports", content=body, headers=headers)
        seconds = time.process_time() - started
        worst = max(worst, rss_mb() - before)
        if not 400 <= answer.status_code < 500 or seconds > 1:
            wrong.append((name, answer.status_code, round(seconds, 2)))

    assert wrong == []
    assert worst < 64
    assert len(corpus) == 25


def test_the_same_bombs_do_not_harm_enrolment(rig: Rig) -> None:
    """The one route that strangers may write to."""
    wrong = []
    for name, (body, headers) in bombs(rig.enrol()).items():
        answer = rig.ask("POST", "/api/v1/enroll", content=body, headers={**headers, **JSON})
        if answer.status_code not in {400, 413, 415, 422}:
            wrong.append((name, answer.status_code))

    assert wrong == []


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/courts/%00/machines",
        "/api/v1/courts/%ff%fe/checklist",
        "/api/v1/courts/..%2f..%2fetc/machines",
        "/api/v1/reports/%00",
        "/api/v1/reports/" + "a" * 5000,
        "/api/v1/reports/01890000-0000-7000-8000-00000000000%0a/envelope",
        "/%00",
        "/courts/%00",
        "/reports/%00",
        "/static/..%2f..%2fapp.py",
        "/sign-in?next=%00%ff",
    ],
)
def test_odd_addresses_are_answered_like_missing_ones(rig: Rig, path: str) -> None:
    """Whoever may read everything still cannot reach what no address names."""
    session = rig.signed_in("re", Role.REVIEWER)

    status = rig.ask("GET", path, session=session).status_code

    assert status in ({200, 303} if path.startswith("/sign-in") else {404})


def test_mutations_of_a_good_envelope_are_never_accepted(rig: Rig) -> None:
    """Two thousand of them: bits, bytes, cuts, swaps; none stored, none a 5xx."""
    dice = random.Random(20261123)
    machine = rig.enrol()
    good = machine.sealed()
    statuses: dict[int, int] = {}
    for _ in range(2000):
        body = mutated(good, dice)
        if said(body) == said(good):
            continue  # a change that changed nothing
        answer = rig.post(body)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1

    assert set(statuses) <= {400, 401, 422}, statuses
    events = rig.events()
    assert set(events) == {("enroll", "ok"), ("access.denied", "machine 401")}
    assert len(events) <= 1 + 60  # a flood of refusals is counted, not written


def said(body: bytes) -> object:
    """Return what the envelope says, or its bytes when it says nothing."""
    try:
        return json.loads(body)
    except ValueError:
        return body


def mutated(good: bytes, dice: Any) -> bytes:
    at = dice.randrange(len(good))
    kind = dice.randrange(6)
    if kind == 0:
        return good[:at] + bytes([good[at] ^ (1 << dice.randrange(8))]) + good[at + 1 :]
    if kind == 1:
        return good[:at]
    if kind == 2:
        return good[:at] + good[at + 1 :]
    envelope = json.loads(good)
    signature = envelope["signatures"][0]
    if kind == 3:
        raw = bytearray(base64.b64decode(signature["sig"]))
        raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
        signature["sig"] = base64.b64encode(bytes(raw)).decode()
    elif kind == 4:
        envelope["signatures"] = dice.choice([[], [signature] * 2, [{}], "x", None])
    else:
        field = dice.choice(["payload", "payloadType", "keyid", "sig"])
        value = dice.choice(["", "AAAA", "null", 0, None, [], {}, signature["sig"]])
        (signature if field in signature else envelope)[field] = value
    return json.dumps(envelope).encode()
