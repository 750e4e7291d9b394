"""The key reference of the profile (docs/profile.md), derived from what the reader reads.

``python -m ccpor_agent.profile.reference > docs/profile.md`` rewrites it; a test compares the two.
"""

from __future__ import annotations

from typing import Any

import click
import msgspec
import msgspec.inspect as kinds

from ccpor_agent.profile.faults import value_words
from ccpor_agent.profile.shape import (
    LocationKeys,
    NetworkKeys,
    TargetKeys,
    TopKeys,
)
from ccpor_agent.profile.tables import fields_of
from ccpor_agent.profile.url import SCHEMES
from ccpor_agent.profile.words import describe, kind_words
from ccpor_checks.registry import BUILTIN, load
from ccpor_reporting.capacity.workload import Workload

HEAD = """# The profile

A profile says which targets a court's machine looks at, with which checks and limits. It is a TOML
file, strict: a key that is not named here is refused, with its file, line and value, and all faults
are told at once. `ccpor-check plan --profile FILE` reads one without contacting anybody.

This page is derived from the program; edit the options of a check, not this file.

A limit is one number (beyond it the finding fails and blocks) or a pair `[warning, blocker]`. The
pair of a least amount (`min_…`) descends: below the second number blocks, below the first warns.
Secrets never stand in a profile: `*_file` names a file of this machine that holds one.

Only `schema` and each target's `id` and `url` must be there. A profile without `[location]` belongs
to no court: its reports say "unassigned", and no collector takes them for a real one's.

```toml
schema = "ccpor-profile/1"
title = "Sonoma, Santa Rosa, scan station"
version = 3
go_live = 2027-03-01

[location]
court = "ca-sonoma"
name = "santa-rosa"
role = "scan-station"

[[target]]
id = "aoc-datacenter"
title = "AOC datacenter"
why = "The CCPOR web application runs here"
owner = "datacenter"
url = "https://ccpor.example.org/login"

[target.tls]
min_days_left = 30

[target.http]
status = [200]
contains = "CCPOR"
```
"""


def reference() -> str:
    """Return the page, ending in a line break."""
    parts = [
        HEAD,
        _table("Before the first table", TopKeys),
        _table("`[location]`, optional, but never in part", LocationKeys),
        _table("`[workload]`, optional", Workload),
        _table("`[network]`, optional: who runs the routers of which addresses", NetworkKeys),
        _table("`[[target]]`", TargetKeys),
        _schemes(),
        *(_options(name, load(name).options) for name in BUILTIN),
    ]
    return "\n".join(parts)


def _table(title: str, struct: type[msgspec.Struct]) -> str:
    lines = [f"## {title}", "", "| key | what to write | without it |", "|---|---|---|"]
    for name, field in fields_of(struct).items():
        description = describe(field.type)
        words = kind_words(field.type) + (f"; {description}" if description else "")
        if pattern := _pattern(field.type):
            words += f"; as a pattern `{pattern}`"
        lines.append(f"| `{name}` | {_cell(words)} | {_cell(_default(field))} |")
    return "\n".join([*lines, ""])


def _pattern(kind: kinds.Type) -> str | None:
    """Return the regular expression of a text as everybody writes it; \\Z is Python's own."""
    match kind:
        case kinds.Metadata(type=inner):
            return _pattern(inner)
        case kinds.UnionType(types=types):
            return next(filter(None, map(_pattern, types)), None)
        case kinds.VarTupleType(item_type=item):
            return _pattern(item)
        case kinds.StrType(pattern=str(pattern)):
            return pattern.replace("\\Z", "$")
        case _:
            return None


def _default(field: kinds.Field) -> str:
    if field.required:
        return "refused"
    value: Any = field.default
    return "none" if value in (None, (), "", msgspec.NODEFAULT) else f"`{_whole(value)}`"


def _whole(value: Any) -> str:
    """Return *value* as written in TOML, at full length."""
    if isinstance(value, tuple):
        return "[" + ", ".join(value_words(each) for each in value) + "]"
    return value_words(value)


def _schemes() -> str:
    lines = ["## Schemes of `url`", "", "| scheme | checks, in order | default port |"]
    lines.append("|---|---|---|")
    for name, scheme in SCHEMES.items():
        branches = "".join(f", {each} with `[target.{each}]`" for each in scheme.branches)
        port = {None: "none", 0: "to be written"}.get(scheme.port, str(scheme.port))
        lines.append(f"| `{name}:` | {', '.join(scheme.chain)}{branches} | {port} |")
    lines += ["", "A host that is an address is not looked up: its chain starts without `dns`."]
    lines += ['`[target.order]` on a target with `owner = "gateway"` asks for `gateway`, the echo;']
    lines += ["`[target.order]` and `[target.gateway]` together ask for both. With either, `http`"]
    lines += ["takes 404, 405 and 501 to its own GET too, unless `[target.http]` has `status`,"]
    lines += ["`contains` or `upload_kb`.", ""]
    return "\n".join(lines)


def _options(name: str, struct: type[msgspec.Struct]) -> str:
    title = f"`[target.{name}]`"
    return _table(title, struct) if fields_of(struct) else f"## {title}\n\nHas no keys.\n"


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


if __name__ == "__main__":
    click.echo(reference(), nl=False)
