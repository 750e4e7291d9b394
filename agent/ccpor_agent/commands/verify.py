"""``ccpor-check verify``: do reports, receipts and spool items still prove what they say?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ccpor_reporting.text import single_line

if TYPE_CHECKING:
    from ccpor_agent.spool import Item
    from ccpor_reporting.envelope import PublicKey

EPILOG = """\b
Examples:
  ccpor-check verify report.dsse.json
  ccpor-check verify /var/lib/ccpor-check/spool
  ccpor-check verify report.dsse.json --key machine.pem

\b
This machine's own key and its collector's are known; --key adds others.
Exit codes: 0 everything fits, 1 something does not, 2 nothing there is signed.
"""
NOTHING_SIGNED = 2
LARGEST = 64 * 1024 * 1024  # bytes: far more than any file of ours


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one file proves. `words` say it; `fits` is whether all of it does."""

    path: Path
    fits: bool
    words: str
    signed: bool = True  # False: it never was, so there is nothing to check


class NotSigned(ValueError):
    """A report or profile as it is, without a signature around it."""


class Keys:
    """The public keys that this check knows, by id."""

    def __init__(self, keys: dict[str, PublicKey], machine_id: str | None) -> None:
        self.by_id = keys
        self.machine_id = machine_id

    def __call__(self, key_id: str) -> PublicKey | None:
        return self.by_id.get(key_id)


@click.command("verify", epilog=EPILOG)
@click.argument("bundle", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--key",
    "key_files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="PEM",
    help="A public key to check with; repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="For a program, as JSON.")
def verify(bundle: Path, key_files: tuple[Path, ...], as_json: bool) -> int:
    """Check signatures, receipts and hashes offline.

    BUNDLE is a signed report, a receipt, a signed profile, a spool item, or a folder of them.
    """
    keys = _keys(key_files)
    outcomes = [_check(path, keys) for path in _files(bundle)]
    if not outcomes:
        raise click.UsageError(f"{bundle} holds no .json file to check")
    if as_json:
        shown = [{"file": str(o.path), "fits": o.fits, "what": o.words} for o in outcomes]
        click.echo(json.dumps(shown, indent=2))
    else:
        for outcome in outcomes:
            click.echo(f"{_word(outcome)}  {outcome.path}: {outcome.words}")
    if not any(outcome.signed for outcome in outcomes):
        return NOTHING_SIGNED
    return 0 if all(outcome.fits for outcome in outcomes) else 1


def _word(outcome: Outcome) -> str:
    if not outcome.signed:
        return "NOT SIGNED"
    return "fits" if outcome.fits else "DOES NOT FIT"


def _files(bundle: Path) -> Iterator[Path]:
    if bundle.is_file():
        yield bundle
    else:
        yield from sorted(path for path in bundle.rglob("*.json") if path.is_file())


def _keys(key_files: tuple[Path, ...]) -> Keys:
    """Return this machine's key, its collector's, and those in *key_files*."""
    from ccpor_agent.identity import IdentityInvalid, load_identity, machine_signer
    from ccpor_agent.seam import state_folder
    from ccpor_reporting.envelope import KeyInvalid, key_id, public_key_from_pem

    found = []
    for path in key_files:
        try:
            found.append(public_key_from_pem(path.read_bytes()))
        except (KeyInvalid, OSError) as exc:
            raise click.UsageError(f"{path} is {exc}") from exc
    state, machine_id = state_folder(), None
    try:
        identity = load_identity(state)
        if identity is not None:
            machine_id = identity.machine_id
            found += [identity.collector_key(), machine_signer(state).public]
    except IdentityInvalid as exc:
        click.echo(f"this machine's own key is not used: {exc}", err=True)
    return Keys({key_id(key): key for key in found}, machine_id)


def _check(path: Path, keys: Keys) -> Outcome:
    """Return what the file *path* proves."""
    from ccpor_agent.spool import ItemRotten
    from ccpor_agent.spool import item as items
    from ccpor_reporting.envelope import EnvelopeInvalid

    try:
        if path.stat().st_size > LARGEST:
            return Outcome(path, False, "too large to be a file of ours")
        content = path.read_bytes()
        if content.startswith(items.HEAD):
            return Outcome(path, True, _spooled(items.read(path), keys))
        return Outcome(path, True, _envelope(content, keys))
    except ItemRotten as exc:
        return Outcome(path, False, str(exc))
    except EnvelopeInvalid as exc:
        hint = "; name its key with --key" if exc.code == "unknown-key" else ""
        return Outcome(path, False, f"{exc}{hint}")
    except NotSigned as exc:
        return Outcome(path, False, str(exc), signed=False)
    except (ValueError, OSError) as exc:
        return Outcome(path, False, str(exc))


def _spooled(item: Item, keys: Keys) -> str:
    """Return what a spool item proves; ValueError when something does not fit."""
    from ccpor_reporting.envelope import REPORT_TYPE, open_envelope

    opened = open_envelope(item.envelope_bytes, payload_type=REPORT_TYPE, key=keys)
    if _run_id(opened.payload) != item.run_id:
        raise ValueError("the signed report is of another run than the item says")
    words = f"run {item.run_id}, signature fits"
    if item.receipt is None:
        return f"{words}; no receipt yet"
    return f"{words}; {_receipt(item.receipt.encode(), keys, item.digest, item.run_id)}"


def _envelope(content: bytes, keys: Keys) -> str:
    """Return what a bare envelope proves, by its type; ValueError when something does not fit."""
    from ccpor_reporting import envelope as dsse

    kind = _payload_type(content)
    if kind == dsse.RECEIPT_TYPE:
        return _receipt(content, keys, None, None)
    opened = dsse.open_envelope(content, payload_type=kind, key=keys)
    if kind == dsse.REPORT_TYPE:
        digest = sha256(content).hexdigest()
        return f"run {_run_id(opened.payload)}, signature fits; SHA-256 {digest}"
    if kind == dsse.PROFILE_TYPE:
        return "profile, signature fits"
    raise ValueError(f"signed, but of a type that is not ours: {kind}")


def _receipt(content: bytes, keys: Keys, digest: str | None, run_id: str | None) -> str:
    from ccpor_reporting.envelope import peek_key_id
    from ccpor_reporting.receipt import open_receipt, verify_receipt

    key = keys(peek_key_id(content))
    if key is None:
        raise ValueError("the receipt's signer is not known; name its key with --key")
    receipt = open_receipt(content, key)
    if digest is not None and run_id is not None:
        machine_id = keys.machine_id or receipt.machine_id
        verify_receipt(content, key, digest, run_id, machine_id)
    return (
        f"receipt fits: run {receipt.run_id} is entry {receipt.log_index} of a log of "
        f"{receipt.tree_size} with root {receipt.root}"
    )


def _payload_type(content: bytes) -> str:
    try:
        envelope: Any = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise ValueError("not a signed file of ours") from exc
    kind = envelope.get("payloadType") if isinstance(envelope, dict) else None
    schema = envelope.get("schema") if isinstance(envelope, dict) else None
    if kind is None and isinstance(schema, str) and schema.startswith("ccpor-"):
        raise NotSigned(f"not signed: a bare {single_line(schema)}, which anybody can write")
    if not isinstance(kind, str):
        raise ValueError("not a signed file of ours")
    return kind


def _run_id(payload: bytes) -> str:
    report: Any = json.loads(payload)
    return str(report.get("run_id")) if isinstance(report, dict) else ""
