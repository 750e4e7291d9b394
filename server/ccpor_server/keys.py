"""The collector's own key: signs receipts, profiles and checkpoints. P-256, file mode 0600."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ccpor_reporting.envelope import KeySigner, is_p256, key_id, public_key_pem

if TYPE_CHECKING:
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )


class KeyUnusable(Exception):
    """The key file is missing, readable by others, or not a P-256 key; says what to do."""


class CollectorKey:
    """The key in memory; a `Signer` for ccpor_reporting.envelope. Its repr shows no secret."""

    __slots__ = ("_private", "_signer", "key_id", "pem", "public")

    def __init__(self, private: EllipticCurvePrivateKey) -> None:
        self._private = private
        self._signer = KeySigner(private)
        self.public: EllipticCurvePublicKey = private.public_key()
        self.key_id: str = key_id(self.public)
        self.pem = public_key_pem(self.public)

    def sign(self, message: bytes) -> bytes:
        return self._signer.sign(message)

    def sealing(self, purpose: str) -> Fernet:
        """Return what seals small secrets of *purpose*: who has the database only, reads none."""
        from cryptography.fernet import Fernet
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        number = self._private.private_numbers().private_value.to_bytes(32, "big")
        made = HKDF(SHA256(), 32, salt=None, info=b"ccpor-collector " + purpose.encode())
        return Fernet(base64.urlsafe_b64encode(made.derive(number)))

    def lookup(self, hint: str) -> EllipticCurvePublicKey | None:
        """Return the public key when *hint* is its id: the `key` argument of open_envelope."""
        return self.public if hint == self.key_id else None


def create(path: Path) -> CollectorKey:
    """Make a key and keep it at *path*; FileExistsError when one is there."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    private = generate_private_key(SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return CollectorKey(private)


def load(path: Path) -> CollectorKey:
    """Return the key at *path*.

    Raises:
        KeyUnusable: None is there, others can read it, or it is not a P-256 key.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        pem = path.read_bytes()
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as exc:
        raise KeyUnusable(
            f"{path}: {exc.strerror}; run ccpor-collector init, or restore the key file"
        ) from exc
    if os.name == "posix" and mode & 0o077:
        raise KeyUnusable(f"{path} has mode {mode:04o}; run chmod 600 {path}")
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as exc:
        raise KeyUnusable(f"{path} is not a private key in PEM; restore the key file") from exc
    if not isinstance(private, EllipticCurvePrivateKey) or not is_p256(private.public_key()):
        raise KeyUnusable(f"{path} is not a P-256 key; restore the key file")
    return CollectorKey(private)
