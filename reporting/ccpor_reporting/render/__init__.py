"""One report, many renderings: the same findings for people and for their programs.

`render` returns text; the caller writes it. Strings that came from a target are made safe for each
format here, and only here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from importlib import import_module
from types import MappingProxyType

from ccpor_reporting.model import Report


@dataclass(frozen=True, slots=True)
class Style:
    """How text is laid out. unicode False: ASCII only, for old consoles and plain files.

    local: the zone of the people here, shown beside UTC; None: UTC alone.
    """

    width: int = 80
    color: bool = False
    unicode: bool = True
    details: bool = True
    local: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """One rendering. where: ``module:function``, imported when it is asked for."""

    name: str
    title: str
    media_type: str
    suffix: str
    where: str

    def write(self, report: Report, style: Style) -> str:
        module, _, function = self.where.partition(":")
        writer: Callable[[Report, Style], str] = getattr(
            import_module(f"ccpor_reporting.render.{module}"), function
        )
        return writer(report, style)


_ALL = (
    Format("text", "for a person at a terminal", "text/plain", ".txt", "terminal:write"),
    Format("json", "the report itself, indented", "application/json", ".json", "readable:write"),
    Format("junit", "JUnit XML, one test case a finding", "application/xml", ".xml", "junit:write"),
    Format("html", "one self-contained page to print or send", "text/html", ".html", "page:write"),
    Format("csv", "one row a finding, for a spreadsheet", "text/csv", ".csv", "table:write"),
    Format(
        "sarif", "SARIF 2.1.0, failed findings", "application/sarif+json", ".sarif", "sarif:write"
    ),
    Format(
        "oscal", "OSCAL assessment results", "application/oscal+json", ".oscal.json", "oscal:write"
    ),
    Format(
        "prometheus",
        "Prometheus text, for a file collector",
        "text/plain",
        ".prom",
        "metrics:write",
    ),
)
FORMATS: Mapping[str, Format] = MappingProxyType({entry.name: entry for entry in _ALL})


def render(
    report: Report,
    format: str,  # noqa: A002 - the option's own name
    *,
    width: int = 80,
    color: bool = False,
    unicode: bool = True,
    details: bool = True,
    local: tzinfo | None = None,
) -> str:
    """Return *report* in *format*; the layout options matter to ``text`` only.

    Raises:
        KeyError: No such format; `FORMATS` names them.
    """
    style = Style(width=max(width, 40), color=color, unicode=unicode, details=details, local=local)
    return FORMATS[format].write(report, style)
