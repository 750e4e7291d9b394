"""Answering a proxy that asks who is there (407): Basic and Digest, and which schemes it offers.

Source: RFC 9110 section 11 (challenges), RFC 7617 (Basic), RFC 7616 (Digest). NTLM and Negotiate
are named, never answered: they need the signed-in user's own secret.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from ccpor_checks.base import CannotObserve, Context, Target

CHALLENGE = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,40})(?:\s+(.*))?", re.S)
PARAMETER = re.compile(r"([A-Za-z0-9_-]+)\s*=\s*(.*)", re.S)
HASHES = {"md5": "md5", "sha-256": "sha256", "sha-512-256": "sha512_256"}
LONGEST_PASSWORD = 1024


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are to a proxy; the password never shows in a log or a traceback."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in that the proxy offers: its scheme as written, parameters by lower-case name."""

    scheme: str
    parameters: Mapping[str, str]


def challenges(fields: Iterable[str]) -> tuple[Challenge, ...]:
    """Return what the ``Proxy-Authenticate`` *fields* offer, in order."""
    return tuple(each for value in fields for each in _challenges_in(value))


def _challenges_in(value: str) -> Iterator[Challenge]:
    from urllib.request import parse_http_list  # 20 ms that no check without a proxy should pay

    scheme, found = "", dict[str, str]()
    for part in parse_http_list(value):
        named = PARAMETER.fullmatch(part)
        begins = CHALLENGE.fullmatch(part)
        if named is None and begins is not None:
            if scheme:
                yield Challenge(scheme, found)
            scheme, found = begins[1], {}
            named = PARAMETER.fullmatch(begins[2] or "")
        if named is not None and scheme:
            found[named[1].lower()] = _unquoted(named[2])
    if scheme:
        yield Challenge(scheme, found)


def _unquoted(text: str) -> str:
    text = text.strip()
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if quoted else text


def answer(
    account: Account, offered: Iterable[Challenge], method: str, uri: str
) -> tuple[str, str] | None:
    """Return the scheme answered and the ``Proxy-Authorization`` field; None: none is known here.

    Digest goes before Basic: it does not show the password to whoever listens.
    """
    by_scheme = {each.scheme.lower(): each for each in reversed(tuple(offered))}
    if digest := by_scheme.get("digest"):
        text = _digest(account, digest.parameters, method, uri)
        if text is not None:
            return "Digest", text
    if "basic" in by_scheme:
        return "Basic", basic(account)
    return None


def basic(account: Account) -> str:
    """Return the field's value by RFC 7617."""
    pair = f"{account.username}:{account.password}".encode()
    return "Basic " + base64.b64encode(pair).decode("ascii")


def _digest(account: Account, asked: Mapping[str, str], method: str, uri: str) -> str | None:
    """Return a Digest answer; None where the proxy wants a variant that is not known here."""
    algorithm = asked.get("algorithm", "MD5")
    name = HASHES.get(algorithm.lower())
    qualities = [each.strip().lower() for each in asked.get("qop", "").split(",") if each.strip()]
    if name is None or "nonce" not in asked or (qualities and "auth" not in qualities):
        return None

    def hashed(*parts: str) -> str:
        return hashlib.new(name, ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    realm, nonce = asked.get("realm", ""), asked["nonce"]
    who = hashed(account.username, realm, account.password)
    what = hashed(method, uri)
    said = {"username": account.username, "realm": realm, "nonce": nonce, "uri": uri}
    plain = {"algorithm": algorithm}
    if qualities:
        count, own = "00000001", secrets.token_hex(8)
        said |= {"cnonce": own, "response": hashed(who, nonce, count, own, "auth", what)}
        plain |= {"qop": "auth", "nc": count}
    else:
        said["response"] = hashed(who, nonce, what)
    if "opaque" in asked:
        said["opaque"] = asked["opaque"]
    fields = [f'{key}="{_escaped(value)}"' for key, value in said.items()]
    fields += [f"{key}={value}" for key, value in plain.items()]
    return "Digest " + ", ".join(fields)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def account_for(target: Target, ctx: Context, host: str, port: int) -> Account | None:
    """Return the account for the proxy at *host*:*port*: the profile's, else the environment's.

    Raises:
        CannotObserve: The profile's password file cannot be read.
    """
    options = target.options.get("proxy")
    username: str | None = getattr(options, "username", None)
    named: str | None = getattr(options, "password_file", None)
    if username is not None and named is not None:
        return Account(username, _password(ctx, named))
    return _environment_account(host, port)


def _password(ctx: Context, named: str) -> str:
    path = ctx.file(named)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise CannotObserve(
            f"password_file {path} cannot be read ({type(exc).__name__}); put the proxy's password "
            "there as one line of text, readable by this user"
        ) from exc
    password = text.rstrip("\r\n").removeprefix("\ufeff")
    if not password or len(password) > LONGEST_PASSWORD or "\n" in password:
        raise CannotObserve(f"password_file {path} does not hold one line with a password")
    return password


def _environment_account(host: str, port: int) -> Account | None:
    from urllib.request import getproxies_environment

    for text in getproxies_environment().values():
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            same = (parts.hostname or "", parts.port or 80) == (host, port)
        except ValueError:
            continue
        if same and parts.username is not None:
            return Account(unquote(parts.username), unquote(parts.password or ""))
    return None
