"""What the `snmp` check may be asked, and what it saw. No secret is part of either."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ccpor_checks.base import Evidence, Options, Refusal

Text = Annotated[str, Meta(min_length=1, max_length=200)]
FileName = Annotated[str, Meta(min_length=1, max_length=4096)]
Seconds = Annotated[float, Meta(gt=0, le=300)]
Percent = Annotated[float, Meta(ge=0, le=100)]
# A pair beside a bounded number is a list of exactly two: a fixed tuple there makes msgspec 0.22
# read its length from the wrong place.
PercentLimit = Percent | Annotated[tuple[Percent, ...], Meta(min_length=2, max_length=2)]

Version = Literal["v3", "v2c"]
Auth = Literal["MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"]
Priv = Literal["DES", "AES", "AES-192", "AES-256"]
AnswerReason = Literal["timeout", "authentication", "unknown-user", "no-such-object"]
Duplex = Literal["unknown", "half", "full"]
Why = Literal["no-answer", "not-increasing", "too-many", "too-long", "refused", "malformed"]
LONGEST_USER = 32  # RFC 3414 section 5, usmUserName
PASSWORD_FILE = Meta(description='a file that holds the password, e.g. "password.txt"')
ONLY_V3 = ("user", "auth_file", "priv_file")


class SnmpOptions(Options, frozen=True, kw_only=True):
    """``[target.snmp]``; algorithms: RFC 3414, RFC 3826, RFC 7860."""

    version: Version = "v3"
    community_file: Annotated[
        FileName | None, Meta(description='v2c: a file that holds the name, e.g. "community.txt"')
    ] = None
    user: Text | None = None
    auth: Auth = "SHA-256"
    auth_file: Annotated[FileName | None, PASSWORD_FILE] = None
    priv: Priv = "AES"
    priv_file: Annotated[FileName | None, PASSWORD_FILE] = None
    interfaces: Annotated[
        tuple[Text, ...], Meta(max_length=200, description='names, e.g. ["eth0"]')
    ] = ()
    sample_s: Annotated[
        Seconds, Meta(description="seconds between two looks at the counters, e.g. 5")
    ] = 5.0
    max_utilisation_pct: Annotated[PercentLimit, Meta(description="e.g. [70, 90]")] = (70.0, 90.0)
    max_error_pct: Annotated[PercentLimit, Meta(description="e.g. [0.01, 0.1]")] = (0.01, 0.1)

    def refusals(self) -> Iterator[Refusal]:
        """Yield what cannot be asked; a target without any of these keys says so when it runs."""
        if self.version == "v2c":
            if self.community_file is None:
                wanted = 'write the name of a file that holds the community, e.g. "community.txt"'
                yield Refusal(("community_file",), wanted, beside="version")
            for key in ONLY_V3:
                if getattr(self, key) is not None:
                    yield Refusal((key,), 'leave it out, or write version = "v3"', beside="version")
            return
        if self.community_file is not None:
            wanted = 'leave it out, or write version = "v2c"'
            yield Refusal(("community_file",), wanted)
        secret = next((key for key in ("auth_file", "priv_file") if getattr(self, key)), None)
        if self.user is None and (secret or self.interfaces):
            wanted = 'write the user as the device knows it, e.g. "monitor"'
            yield Refusal(("user",), wanted, beside=secret or "interfaces")
        if self.priv_file is not None and self.auth_file is None:
            wanted = "write the auth_file too: SNMP v3 encrypts only what it also signs"
            yield Refusal(("priv_file",), wanted)
        if self.user is not None and len(self.user.encode()) > LONGEST_USER:
            yield Refusal(("user",), f"write at most {LONGEST_USER} bytes, as SNMP v3 allows")


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What the counters of an interface gained in `seconds`; None: not told, or not to be trusted.

    bits: how wide the counters of octets are. unknown: why nothing can be said at all.
    """

    seconds: float
    bits: Literal[32, 64] | None = None
    in_octets: int | None = None
    out_octets: int | None = None
    in_packets: int | None = None
    out_packets: int | None = None
    in_errors: int | None = None
    out_errors: int | None = None
    in_discards: int | None = None
    out_discards: int | None = None
    unknown: Literal["restarted", "counters-reset", "no-answer"] | None = None


class Interface(msgspec.Struct, frozen=True, kw_only=True):
    """One that is judged: named by the profile, or else up and physical."""

    index: int
    name: str  # ifName, else ifDescr, else the index
    description: str | None = None  # ifDescr
    alias: str | None = None  # ifAlias: what an administrator calls it
    type: int | None = None  # ifType (IANAifType)
    admin: str | None = None  # ifAdminStatus by name
    oper: str | None = None  # ifOperStatus by name
    speed_bps: int | None = None
    duplex: Duplex | None = None  # None: the device has no such value
    named: bool = False  # whether the profile names it
    traffic: Traffic | None = None  # None: not looked at


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A row of hrDeviceTable."""

    index: int
    kind: str | None = None  # "printer", …; None: not told
    description: str | None = None
    status: str | None = None


class Printer(msgspec.Struct, frozen=True, kw_only=True):
    """A row of hrPrinterTable."""

    index: int
    status: str | None = None
    errors: tuple[str, ...] = ()


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A row of prtAlertTable."""

    severity: str | None = None
    code: int | None = None  # PrtAlertCodeTC
    description: str | None = None


class Supply(msgspec.Struct, frozen=True, kw_only=True):
    """A row of prtMarkerSuppliesTable. left_pct: None: not told (-2), or "some is left" (-3)."""

    description: str | None = None
    level: int | None = None
    capacity: int | None = None
    left_pct: float | None = None


class Cover(msgspec.Struct, frozen=True, kw_only=True):
    """A row of prtCoverTable."""

    description: str | None = None
    status: str | None = None


class Tray(msgspec.Struct, frozen=True, kw_only=True):
    """A row of prtInputTable. empty: None: not told."""

    name: str | None = None
    type: int | None = None
    empty: bool | None = None
    status: int | None = None  # PrtSubUnitStatusTC


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the look that was ended early."""

    part: Literal["interfaces", "counters", "device"]
    why: Why


class SnmpEvidence(Evidence, frozen=True, kw_only=True):
    """One look at a device; `failure` None: it answered.

    heard: whether anything came back from it. closed: its port said so (ICMP port unreachable).
    """

    port: int
    address: str | None
    version: Version
    failure: AnswerReason | None = None
    error: str | None = None  # class of pysnmp's indication, SNMP error status or errno, by name
    heard: bool = False
    closed: bool = False
    description: str | None = None  # sysDescr
    uptime_s: float | None = None
    interfaces_seen: int = 0
    interfaces: tuple[Interface, ...] = ()
    not_found: tuple[str, ...] = ()  # interfaces that the profile names and the device lacks
    found_instead: tuple[str, ...] = ()  # names that it has; only beside `not_found`
    devices: tuple[Device, ...] = ()
    printers: tuple[Printer, ...] = ()
    alerts: tuple[Alert, ...] = ()
    supplies: tuple[Supply, ...] = ()
    covers: tuple[Cover, ...] = ()
    trays: tuple[Tray, ...] = ()
    stops: tuple[Stop, ...] = ()
    objects: int = 0  # values that were read

    def stopped(self, part: str) -> Stop | None:
        """Return why *part* of the look was ended early; None: it was not."""
        return next((stop for stop in self.stops if stop.part == part), None)
