"""The faults of the lab as `faults/*.toml` say them: read strictly, so that a misspelt word is told, not skipped."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Literal

import msgspec

from ccpor_reporting.faults import catalogue
from tests.lab.actions import AnyAction, Squid, Sshd

HERE = Path(__file__).parent
Owner = Literal["court-it", "county-network", "datacenter", "gateway", "doj", "vendor"]


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing broken, or two at once, and what the tool must say of it.

    profile: the file of profiles/ that the court runs. more: TOML after its last line. Both may say $made, $drop,
    $folder, $pin and $host_key. expect: the fault, or a list where several causes must be named; owner: likewise,
    none where the truth leaves it open. place: the hop that must be named; none where none is to be.
    drop_folder: what is said depends on the drop folder, whose server not every namespace can run.
    """

    name: str
    about: str
    expect: str | tuple[str, ...]
    breaks: tuple[AnyAction, ...] = ()
    profile: str = "court"
    more: str = ""
    owner: Owner | tuple[Owner, ...] | None = None
    place: str | None = None
    drop_folder: bool = False
    area: str = ""

    @property
    def id(self) -> str:
        return f"{self.area}/{self.name}"

    @property
    def wanted(self) -> tuple[str, ...]:
        return (self.expect,) if isinstance(self.expect, str) else self.expect

    @property
    def owners(self) -> dict[str, str]:
        """Return the right owner of each wanted fault that has one."""
        named = (self.owner,) if isinstance(self.owner, str) else self.owner or ()
        return dict(zip(self.wanted, named, strict=False))


class FaultsWrong(ValueError):
    """A file of faults is not as it must be; the words say where and what."""


def faults(folder: Path = HERE / "faults") -> list[Fault]:
    """Return every fault, by area. FaultsWrong names the file and the mistake."""
    found: list[Fault] = []
    for path in sorted(folder.glob("*.toml")):
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("fault", [])
        for table in tables:
            try:
                fault = msgspec.convert({**table, "area": path.stem}, Fault)
            except msgspec.ValidationError as exc:
                raise FaultsWrong(
                    f"{path.name}: {table.get('name', 'a fault without name')}: {exc}"
                ) from exc
            found.append(_checked(fault, path.name, found))
    return found


def _checked(fault: Fault, file: str, before: Sequence[Fault]) -> Fault:
    known = {f"{code}/{reason}" for code, words in catalogue().items() for reason in words.reasons}
    for wanted in fault.wanted:
        if wanted not in known:
            raise FaultsWrong(f"{file}: {fault.name}: {wanted} is no fault of the catalogue")
    if fault.owner is not None and len(fault.owners) != len(fault.wanted):
        raise FaultsWrong(f"{file}: {fault.name}: write one owner for each expected fault")
    if any(fault.id == other.id for other in before):
        raise FaultsWrong(f"{file}: {fault.name} stands there twice")
    return fault


def needs_users(fault: Fault) -> bool:
    """Whether *fault* needs OpenSSH or squid, which give up root for users that a small namespace lacks."""
    return (
        fault.area == "ssh"
        or fault.drop_folder
        or any(isinstance(action, Sshd | Squid) for action in fault.breaks)
    )


def without_users(profile: str) -> str:
    """Return *profile* without the targets whose server cannot run where only one user exists."""
    head, *targets = profile.split("[[target]]")
    kept = [one for one in targets if 'url = "sftp://' not in one and "[target.proxy]" not in one]
    return "[[target]]".join([head, *kept])


def profile_text(name: str, more: str, values: dict[str, str]) -> str:
    """Return the profile that the court runs, its $words filled in."""
    parts = [
        (HERE / "profiles" / f"{part}.toml").read_text(encoding="utf-8") for part in ("head", name)
    ]
    return Template("\n".join([*parts, ""]) + more).substitute(values)
