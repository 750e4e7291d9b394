"""Signing in with an identity provider: OpenID Connect, code flow with PKCE (RFC 6749, 7636, 9700).

The provider's groups give the role, by a table that the operator writes. Who is in no group of the
table, or in groups of two roles, does not get in: deny by default.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ccpor_server.rights import OF_COURT, Role
from ccpor_server.settings import Settings
from ccpor_server.store import courts

BACK = "/sign-in/oidc/back"
DEADLINE_S = 10.0
SIGNED_BY = ["RS256", "ES256", "PS256", "EdDSA"]
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class ProviderUnusable(Exception):
    """The identity provider, or what we know about it, cannot be used; says what to do."""


class NotLetIn(Exception):
    """The provider knows this person, and our table gives no role, or more than one."""


class Metadata(msgspec.Struct, frozen=True):
    """What we need of a provider's own description (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class Flow(msgspec.Struct, frozen=True):
    """One sign-in on its way; sealed into a cookie of ten minutes."""

    state: str
    nonce: str
    verifier: str
    to: str


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Who came back. subject: issuer and sub, which never change."""

    subject: str
    name: str
    email: str | None
    groups: tuple[str, ...]


def roles_of(text: str) -> dict[str, tuple[Role, str | None]]:
    """Return the table of groups: JSON of group to ``role``, or ``role@court`` for a court's roles.

    Raises: ProviderUnusable, naming the group.
    """
    try:
        given = msgspec.json.decode(text, type=dict[str, str])
    except msgspec.DecodeError as exc:
        raise ProviderUnusable(f"the roles file is no JSON of group to role: {exc}") from exc
    found: dict[str, tuple[Role, str | None]] = {}
    for group, said in given.items():
        name, _, court = said.partition("@")
        if name not in list(Role) or (Role(name) in OF_COURT) != bool(courts.ID.fullmatch(court)):
            known = ", ".join(Role)
            raise ProviderUnusable(
                f'the role of group "{group}" is "{said}"; use one of {known}, with @court-id '
                "for a court's roles and only for them"
            )
        found[group] = (Role(name), court or None)
    return found


def role_for(
    groups: Iterable[str], table: Mapping[str, tuple[Role, str | None]]
) -> tuple[Role, str | None]:
    """Return the one role that *groups* give. Raises: NotLetIn."""
    given = {table[one] for one in groups if one in table}
    if not given:
        raise NotLetIn("none of your groups has a role here; ask the AOC's administrator")
    if len(given) > 1:
        raise NotLetIn("your groups give more than one role here; ask the AOC's administrator")
    return given.pop()


class Provider:
    """The provider that the settings name; every call has a deadline. Blocking."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._metadata: Metadata | None = None

    def table(self) -> dict[str, tuple[Role, str | None]]:
        """Return the table of groups, read anew each time: a change counts at once."""
        return roles_of(_text(self._settings.oidc_roles_file, "OIDC_ROLES_FILE"))

    def begin(self, to: str) -> tuple[str, Flow]:
        """Return where to send the browser, and the flow to remember."""
        found = self.metadata()
        flow = Flow(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            to=to,
        )
        address, _ = self._session().create_authorization_url(
            found.authorization_endpoint,
            state=flow.state,
            nonce=flow.nonce,
            code_verifier=flow.verifier,
        )
        return str(address), flow

    def metadata(self) -> Metadata:
        """Return the provider's description, asked once."""
        if self._metadata is None:
            issuer = self._settings.oidc_issuer.rstrip("/")
            found = self._get(f"{issuer}/.well-known/openid-configuration", Metadata)
            if found.issuer.rstrip("/") != issuer:
                raise ProviderUnusable(f"{issuer} calls itself {found.issuer}; set that issuer")
            for one in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
                _require_https(one)
            self._metadata = found
        return self._metadata

    def finish(self, flow: Flow, address: str) -> Known:
        """Return who came back to *address*.

        Raises: ProviderUnusable, and NotLetIn for a token that is not for us, old, or not signed.
        """
        import requests
        from authlib.common.errors import AuthlibBaseError

        try:
            token = self._session(flow.state).fetch_token(
                self.metadata().token_endpoint,
                authorization_response=address,
                code_verifier=flow.verifier,
                timeout=DEADLINE_S,
            )
        except (AuthlibBaseError, requests.RequestException, ValueError) as exc:
            raise NotLetIn("the identity provider did not confirm the sign-in; try again") from exc
        claims = self._claims(str(token.get("id_token", "")), flow.nonce)
        groups = claims.get(self._settings.oidc_groups_claim, ())
        if isinstance(groups, str):
            groups = (groups,)
        name = str(claims.get("preferred_username") or claims.get("email") or claims["sub"])
        return Known(
            subject=f"{claims['iss']} {claims['sub']}"[:500],
            name=name,
            email=str(claims["email"])[:320] if claims.get("email_verified") else None,
            groups=tuple(str(one) for one in groups),
        )

    def _claims(self, id_token: str, nonce: str) -> Mapping[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        keys = self._get(self.metadata().jwks_uri, dict[str, Any])
        rules = jwt.JWTClaimsRegistry(
            leeway=60,
            iss={"essential": True, "value": self.metadata().issuer},
            aud={"essential": True, "value": self._settings.oidc_client_id},
            nonce={"essential": True, "value": nonce},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            found = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=SIGNED_BY)
            rules.validate(found.claims)
        except (JoseError, ValueError, KeyError, TypeError) as exc:
            raise NotLetIn("the identity provider's answer is not for us, or not signed") from exc
        return found.claims

    def _session(self, state: str | None = None) -> Any:
        from authlib.integrations.requests_client import OAuth2Session

        return OAuth2Session(
            client_id=self._settings.oidc_client_id,
            client_secret=_text(self._settings.oidc_client_secret_file, "OIDC_CLIENT_SECRET_FILE"),
            scope="openid profile email groups",
            redirect_uri=f"{self._settings.public_url}{BACK}",
            code_challenge_method="S256",
            state=state,
        )

    def _get(self, address: str, wanted: type[Any]) -> Any:
        import requests

        _require_https(address)
        try:
            answer = requests.get(address, timeout=DEADLINE_S, allow_redirects=False)
            answer.raise_for_status()
            return msgspec.json.decode(answer.content, type=wanted)
        except (requests.RequestException, msgspec.DecodeError) as exc:
            raise ProviderUnusable(f"{address} gives no answer that we can read: {exc}") from exc


def _require_https(address: str) -> None:
    found = urlsplit(address)
    if found.scheme != "https" and found.hostname not in LOOPBACK:
        raise ProviderUnusable(f"{address} is not https; a sign-in does not go in the clear")


def _text(path: Path | None, setting: str) -> str:
    if path is None:
        raise ProviderUnusable(f"CCPOR_COLLECTOR_{setting} is not set")
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise ProviderUnusable(f"{path}: {exc.strerror}") from exc
