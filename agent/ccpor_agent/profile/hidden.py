"""What must not be shown again: secrets that somebody wrote into a profile all the same."""

from __future__ import annotations

import re

HIDDEN = "(not shown)"
WANTED = "secrets never stand in a profile"
# Names under which people keep secrets; `password_file` and `password_env` only point at one.
SECRET_NAME = re.compile(
    r"(pass(word|wd|phrase)?|pwd|secret|token|community|credential|key|auth|priv)s?$", re.I
)
SECRET_HEADER = re.compile(r"(proxy-)?authorization$|cookie$|x-.*(key|token|auth)", re.I)
PUBLIC_NAMES = frozenset({"host_key"})  # a fingerprint: everybody may know it
ALGORITHM = re.compile(r"(hmac|md5|sha|3?des|aes|none)[a-z0-9-]{0,12}$", re.I)
IN_A_URL = re.compile(
    r"://(?!\[)[^/\s@:]*:(?!\d{1,5}/)[^\s@]*@"  # ://user:password@, not a port before a path
    r"|://\S*[?&](access_?)?(pass(word)?|token|secret|api_?key)=",
    re.I,
)
PRIVATE_KEY = "PRIVATE KEY-----"  # RFC 7468, whatever stands before it
FAR_ENOUGH = 5000  # characters searched for URLs; longer texts are refused anyway


def holds_secret(value: object) -> bool:
    """Say whether *value* is a text with a private key, or a URL with a password or token."""
    if not isinstance(value, str):
        return False
    return PRIVATE_KEY in value or IN_A_URL.search(value[:FAR_ENOUGH]) is not None


def is_secret_name(name: str) -> bool:
    """Say whether people would keep a secret itself under *name*."""
    return name not in PUBLIC_NAMES and SECRET_NAME.search(name) is not None


def may_be_secret(name: str, value: object) -> bool:
    """Say whether the *value* of a known key could be a secret that belongs elsewhere.

    ``auth = "MD5"`` names an algorithm and is shown; ``auth = "hunter2"`` is not.
    """
    if not isinstance(value, str) or ALGORITHM.match(value):
        return False
    return is_secret_name(name.removesuffix("_env"))
