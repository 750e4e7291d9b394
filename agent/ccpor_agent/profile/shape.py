"""What a profile is made of: the values others read, and the keys of each table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ccpor_checks.base import Target
from ccpor_reporting.capacity.workload import Workload
from ccpor_reporting.model import Location, Network, Owner, TargetRef

SCHEMA = "ccpor-profile/1"
SLUG = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}\\Z"
SLUG_WORDS = "letters, digits, dots, hyphens and underscores, a letter or digit first, at most 63"
UNASSIGNED = Location(court="unassigned", name="unassigned", role="clerk")

Slug = Annotated[str, Meta(pattern=SLUG, description=SLUG_WORDS)]
Title = Annotated[str, Meta(max_length=200, description="at most 200 characters")]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class TopKeys(_Table, frozen=True, kw_only=True):
    """The keys before the first table."""

    schema: Literal["ccpor-profile/1"]
    version: Annotated[int, Meta(ge=1, le=10**9, description="raised with every change")] = 1
    title: Title = ""
    go_live: date | None = None


class LocationKeys(_Table, frozen=True, kw_only=True):
    """``[location]``"""

    court: Slug
    name: Slug
    role: Literal["scan-station", "clerk", "judge", "training-room", "lea"]


Ranges = Annotated[
    tuple[str, ...],
    Meta(max_length=200, description='address ranges, e.g. ["10.20.0.0/16"]'),
]


class NetworkKeys(_Table, frozen=True, kw_only=True, rename=lambda name: name.replace("_", "-")):
    """``[network]``: who runs the routers of which addresses, so that a hop has an owner."""

    court_it: Ranges = ()
    county_network: Ranges = ()
    datacenter: Ranges = ()
    gateway: Ranges = ()
    doj: Ranges = ()
    vendor: Ranges = ()


class TargetKeys(_Table, frozen=True, kw_only=True):
    """``[[target]]`` without the tables of its checks."""

    id: Slug
    url: Annotated[str, Meta(min_length=1, description="e.g. https://ccpor.example.org/login")]
    title: Title = ""
    why: Annotated[str, Meta(max_length=500)] = ""
    owner: Annotated[
        Owner | None,
        Meta(description="without it datacenter, and court-it for workstations and scanners"),
    ] = None
    required: bool = True
    contrast: Annotated[
        tuple[str, ...], Meta(max_length=10, description="URLs compared when the target fails")
    ] = ()
    checks: Annotated[tuple[str, ...], Meta(min_length=1, max_length=30)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Which targets, checks and limits are asked of a location; made by `read_profile` only."""

    title: str
    version: int
    location: Location
    targets: tuple[Target, ...]
    sha256: str  # of the file's exact bytes, hex
    base_dir: Path  # relative files start here
    chains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # check ids by target id
    go_live: date | None = None
    workload: Workload | None = None
    networks: tuple[Network, ...] = ()
    schema: str = SCHEMA
    names_location: bool = True  # False: `location` is `UNASSIGNED`, no real court's

    @property
    def id(self) -> str:
        """Return ``court/location/role``."""
        return f"{self.location.court}/{self.location.name}/{self.location.role}"


def target_ref(target: Target) -> TargetRef:
    """Return what a report keeps of *target*."""
    return TargetRef(
        id=target.id,
        title=target.title or target.id,
        url=target.url,
        why=target.why,
        owner=target.owner,
        required=target.required,
    )
