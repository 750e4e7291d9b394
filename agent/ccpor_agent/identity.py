"""Who this workstation is to the collector: its own key, and what enrolment brought.

The key is made here and never leaves. `identity.json` names the key by its id and is written last,
so that a crash leaves either the old identity whole or the new one.

    Exception
    └── IdentityInvalid      kept, but not usable; enroll again
        └── NotEnrolled      there is none yet
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ccpor_agent import seam
from ccpor_reporting.envelope import (
    KeyInvalid,
    KeySigner,
    PrivateKey,
    PublicKey,
    key_id,
    public_key_from_pem,
)
from ccpor_reporting.model import Location, UtcTime

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

SCHEMA = "ccpor-identity/1"
IDENTITY, KEYS, PENDING = "identity.json", "keys", "pending"


class IdentityInvalid(Exception):
    """The identity on this disk cannot be used."""


class NotEnrolled(IdentityInvalid):
    """This workstation has no identity yet."""

    def __init__(self) -> None:
        super().__init__(
            "this workstation is not enrolled; run "
            "`ccpor-check enroll --collector URL` with a one-time code"
        )


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What enrolment brought. `key_id` names the private key beside it."""

    machine_id: str
    collector: str  # base URL, no slash at the end
    collector_public_key: str  # PEM
    location: Location
    key_id: str
    enrolled_at: UtcTime
    ca_file: str | None = None  # a file of the state folder; None: the system's trust store
    schema: str = SCHEMA

    def collector_key(self) -> PublicKey:
        """Return the key that signs receipts and profiles.

        Raises:
            IdentityInvalid: The kept text is no longer a P-256 key.
        """
        try:
            return public_key_from_pem(self.collector_public_key)
        except KeyInvalid as exc:
            raise IdentityInvalid(f"the collector's kept key is {exc}; enroll again") from exc


def load_identity(state: Path) -> Identity | None:
    """Return this workstation's identity, or None before enrolment.

    Raises:
        IdentityInvalid: There is one, but it cannot be read.
    """
    path = state / IDENTITY
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise IdentityInvalid(f"{path} cannot be read ({exc.strerror}); check its rights") from exc
    try:
        identity = msgspec.json.decode(text, type=Identity)
    except msgspec.DecodeError as exc:
        raise IdentityInvalid(f"{path} is damaged; enroll again with --replace") from exc
    if identity.schema != SCHEMA:
        raise IdentityInvalid(f"{path} is {identity.schema}; this program reads {SCHEMA}")
    return identity


def enrolled_identity(state: Path) -> Identity:
    """Return this workstation's identity.

    Raises:
        NotEnrolled: There is none.
        IdentityInvalid: It cannot be read.
    """
    identity = load_identity(state)
    if identity is None:
        raise NotEnrolled
    return identity


def save_identity(state: Path, identity: Identity) -> None:
    """Make *identity* the present one, durably. Its key must be kept already."""
    seam.write_durably(state / IDENTITY, msgspec.json.encode(identity))


def machine_signer(state: Path) -> KeySigner:
    """Return the signer with this workstation's own key.

    Raises:
        NotEnrolled: There is no identity.
        IdentityInvalid: The key is missing, damaged or another machine's.
    """
    identity = enrolled_identity(state)
    signer = KeySigner(_load(key_path(state, identity.key_id)))
    if signer.key_id != identity.key_id:
        raise IdentityInvalid("the key on this disk is not the enrolled one; enroll again")
    return signer


def pending_key(state: Path) -> PrivateKey:
    """Return the key of an enrolment under way, made now unless an earlier try left one.

    A try whose answer was lost can then be repeated with the same key.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    path = key_path(state, PENDING)
    if path.exists():
        try:
            return _load(path)
        except IdentityInvalid:
            path.unlink()
    key = generate_private_key(SECP256R1())
    _keep(path, key)
    return key


def adopt_pending_key(state: Path, key: PrivateKey) -> str:
    """Keep *key* under its own id, forget the pending one, and return the id."""
    name = key_id(key.public_key())
    _keep(key_path(state, name), key)
    forget_pending_key(state)
    return name


def forget_pending_key(state: Path) -> None:
    """Let the next enrolment make a new key."""
    key_path(state, PENDING).unlink(missing_ok=True)


def key_path(state: Path, name: str) -> Path:
    return state / KEYS / f"{name}.key"


def _keep(path: Path, key: PrivateKey) -> None:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    seam.make_folder(path.parent)
    seam.write_durably(path, seam.protect(pem))
    seam.make_private(path)


def _load(path: Path) -> PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        pem = seam.unprotect(path.read_bytes())
        key: PrivateKeyTypes = load_pem_private_key(pem, password=None)
    except OSError as exc:
        raise IdentityInvalid(f"the key {path} cannot be read ({exc.strerror})") from exc
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise IdentityInvalid(f"the key {path} is damaged; enroll again with --replace") from exc
    if not isinstance(key, EllipticCurvePrivateKey):
        raise IdentityInvalid(f"the key {path} is of another kind; enroll again with --replace")
    return key
