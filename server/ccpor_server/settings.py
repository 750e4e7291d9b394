"""Settings of the collector: read from the environment once, validated whole, never changed.

Nothing below `Settings.from_environment` reads `os.environ`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

PREFIX = "CCPOR_COLLECTOR_"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsInvalid(Exception):
    """One or more settings are wrong; every fault is a line of the message."""


MAIL_ADDRESS = re.compile(r"[^@\s<>,;:\"]{1,64}@[^@\s<>,;:\"]{1,250}")


class Rate(msgspec.Struct, frozen=True):
    """A token bucket: `burst` at once, then `per_second`."""

    burst: float
    per_second: float


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All a collector needs to know before it starts."""

    state_dir: Path
    database_url: str
    looks: bool = True  # at targets of published profiles, where a workstation asks for one
    capacity: bool = True  # measures the lines of workstations that ask
    capacity_at_once: int = 1
    capacity_megabytes: float = 1000.0  # the most of one turn, both ways together
    reflector_open_to: tuple[Network, ...] = ()  # whose plain STAMP packets are answered too
    https: bool = False  # cookies are marked Secure, HSTS is sent
    trusted_proxies: tuple[Network, ...] = ()  # whose X-Forwarded-For is believed
    metrics_token_file: Path | None = None  # None: /metrics answers loopback only
    public_url: str = ""  # where people reach the pages, for links in messages
    smtp_url: str = ""  # of the mail server; empty: no messages are sent
    smtp_password_file: Path | None = None
    mail_from: str = "ccpor-collector@localhost"
    oidc_issuer: str = ""  # the identity provider; empty: local accounts only
    oidc_client_id: str = ""
    oidc_client_secret_file: Path | None = None
    oidc_roles_file: Path | None = None  # JSON: group to role, or role@court
    oidc_groups_claim: str = "groups"
    wire_limit: int = 1024 * 1024
    inflated_limit: int = 8 * 1024 * 1024
    inflated_ratio: int = 100
    body_seconds: float = 30.0
    rate_machine: Rate = Rate(1200, 10)
    rate_court: Rate = Rate(3000, 30)
    rate_address: Rate = Rate(3000, 60)
    rate_looks: Rate = Rate(12, 0.1)
    rate_slots: Rate = Rate(60, 0.05)
    bad_codes_per_hour: int = 20
    session_idle: timedelta = timedelta(minutes=30)
    session_absolute: timedelta = timedelta(hours=12)
    password_tries: int = 5
    password_window: timedelta = timedelta(minutes=15)

    @property
    def key_file(self) -> Path:
        return self.state_dir / "collector-key.pem"

    @property
    def checkpoint_file(self) -> Path:
        return self.state_dir / "checkpoints.jsonl"

    @property
    def lock_file(self) -> Path:
        return self.state_dir / "collector.lock"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings; SettingsInvalid names every variable that is wrong."""
        given = {
            name.removeprefix(PREFIX): value
            for name, value in environment.items()
            if name.startswith(PREFIX) and value
        }
        faults: list[str] = []
        found: dict[str, Any] = {}
        for name, value in sorted(given.items()):
            reader = _READERS.get(name)
            if reader is None:
                faults.append(f"{PREFIX}{name} is not a setting; known: {_known()}")
                continue
            field, convert, form = reader
            try:
                found[field] = convert(value)
            except ValueError:
                shown = "not such an address" if name == "SMTP_URL" else repr(value)
                faults.append(f"{PREFIX}{name} is {shown}; use {form}")
        if faults:
            raise SettingsInvalid("\n".join(faults))
        state_dir = Path(str(found.pop("state_dir", _default_state_dir(environment))))
        found.setdefault("database_url", f"sqlite:///{state_dir / 'collector.db'}")
        whole = ("public_url", "oidc_client_id", "oidc_client_secret_file", "oidc_roles_file")
        lacking = [name.upper() for name in whole if found.get("oidc_issuer") and name not in found]
        if lacking:
            missing = ", ".join(PREFIX + name for name in lacking)
            raise SettingsInvalid(f"{PREFIX}OIDC_ISSUER is set, so set {missing} too")
        return cls(state_dir=state_dir, **found)


def _default_state_dir(environment: Mapping[str, str]) -> Path:
    if data_home := environment.get("XDG_DATA_HOME"):
        return Path(data_home) / "ccpor-collector"
    return Path(environment.get("HOME", ".")) / ".local" / "share" / "ccpor-collector"


def _absolute(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _boolean(text: str) -> bool:
    try:
        return {"1": True, "true": True, "0": False, "false": False}[text.lower()]
    except KeyError:
        raise ValueError(text) from None


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(one.strip()) for one in text.split(","))


def _rate(text: str) -> Rate:
    burst, _, per_second = text.partition(":")
    rate = Rate(float(burst), float(per_second))
    if not (1 <= rate.burst <= 1e9 and 0 < rate.per_second <= 1e9):
        raise ValueError(text)
    return rate


def _at_once(text: str) -> int:
    if not 1 <= int(text) <= 16:
        raise ValueError(text)
    return int(text)


def _megabytes(text: str) -> float:
    if not 1 <= float(text) <= 1e6:
        raise ValueError(text)
    return float(text)


def _web_address(text: str) -> str:
    found = urlsplit(text)
    if found.scheme not in {"http", "https"} or not found.hostname or found.path.strip("/"):
        raise ValueError(text)
    return f"{found.scheme}://{found.netloc}"


def _issuer(text: str) -> str:
    found = urlsplit(text)
    if found.scheme not in {"http", "https"} or not found.hostname:
        raise ValueError(text)
    return text


def _mail_server(text: str) -> str:
    found = urlsplit(text)
    if found.scheme not in {"smtp", "smtps"} or not found.hostname or found.password:
        raise ValueError("…")  # a password has no place here, nor in what we say about it
    return text


def _mail_address(text: str) -> str:
    if not MAIL_ADDRESS.fullmatch(text):
        raise ValueError(text)
    return text


_READERS: dict[str, tuple[str, Callable[[str], Any], str]] = {
    "STATE_DIR": ("state_dir", _absolute, "a folder"),
    "DATABASE_URL": ("database_url", str, "sqlite:////path/file.db or postgresql://…"),
    "LOOKS": ("looks", _boolean, "1 or 0"),
    "CAPACITY": ("capacity", _boolean, "1 or 0"),
    "CAPACITY_AT_ONCE": ("capacity_at_once", _at_once, "1 to 16"),
    "CAPACITY_MEGABYTES": ("capacity_megabytes", _megabytes, "1 to 1000000"),
    "REFLECTOR_OPEN_TO": ("reflector_open_to", _networks, "addresses or CIDRs, commas between"),
    "HTTPS": ("https", _boolean, "1 or 0"),
    "TRUSTED_PROXIES": ("trusted_proxies", _networks, "addresses or CIDRs, with commas between"),
    "METRICS_TOKEN_FILE": ("metrics_token_file", _absolute, "a file that holds the token"),
    "PUBLIC_URL": ("public_url", _web_address, "https://collector.example.org, without a path"),
    "SMTP_URL": ("smtp_url", _mail_server, "smtp://user@host:587 or smtps://host:465"),
    "SMTP_PASSWORD_FILE": ("smtp_password_file", _absolute, "a file that holds the password"),
    "MAIL_FROM": ("mail_from", _mail_address, "an address, such as ccpor@example.org"),
    "OIDC_ISSUER": ("oidc_issuer", _issuer, "https://login.example.org"),
    "OIDC_CLIENT_ID": ("oidc_client_id", str, "the id that the provider gave"),
    "OIDC_CLIENT_SECRET_FILE": ("oidc_client_secret_file", _absolute, "a file with the secret"),
    "OIDC_ROLES_FILE": ("oidc_roles_file", _absolute, 'a JSON file: {"group": "role@court"}'),
    "OIDC_GROUPS_CLAIM": ("oidc_groups_claim", str, "the name of the claim with the groups"),
    "RATE_MACHINE": ("rate_machine", _rate, "burst:per-second, such as 1200:10"),
    "RATE_COURT": ("rate_court", _rate, "burst:per-second, such as 3000:30"),
    "RATE_LOOKS": ("rate_looks", _rate, "burst:per-second, such as 12:0.1"),
    "RATE_SLOTS": ("rate_slots", _rate, "burst:per-second, such as 60:0.05"),
    "RATE_ADDRESS": ("rate_address", _rate, "burst:per-second, such as 3000:60"),
}


def _known() -> str:
    return ", ".join(PREFIX + name for name in sorted(_READERS))
