"""What a SANE backend can be asked, read from ``scanimage -A``; names differ by backend; pure.

Source: scanimage(1): an option is a name, its allowed values, and in brackets its value or that
it is inactive. The words are those that the backends of sane-backends 1.1 to 1.3 use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ccpor_checks.scanner.evidence import Mode, Source

OPTION = re.compile(r"^ {2,8}(--?[A-Za-z0-9][\w-]*)(\[=\([^)]*\)\])?(?: +(\S.*))?$")
BRACKETS = re.compile(r"\[([^\[\]]*)\]")
RANGE = re.compile(r"^(-?[\d.]+)\.\.(-?[\d.]+)")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
FLAGS = frozenset({"inactive", "advanced", "hardware", "read-only"})
MOST_OPTIONS, MOST_VALUES = 400, 200
USUAL_DPI = (75, 100, 150, 200, 240, 250, 300, 400, 600, 1200)
LETTER_MM = (215.9, 279.4)

BILEVEL = frozenset(
    {
        *("lineart", "line art", "line-art", "binary", "monochrome", "mono", "b/w", "b&w", "bw"),
        *("black & white", "black and white", "black/white", "threshold", "1 bit", "bitmap"),
    }
)
FEEDER = ("adf", "feeder", "automatic document")
FLATBED = ("flatbed", "flat bed", "platen", "normal")
BACKSIDE = ("duplex", "back", "both")


@dataclass(frozen=True, slots=True)
class Option:
    """One option. values: as allowed; low, high: where they are a range."""

    name: str
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    now: str | None = None
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Offered:
    """All options of one device, by name without dashes."""

    options: dict[str, Option] = field(default_factory=dict)

    def active(self, name: str) -> Option | None:
        found = self.options.get(name)
        return found if found and found.is_active else None

    @property
    def modes(self) -> dict[Mode, tuple[str, ...]]:
        """Return the arguments that set each mode there is; {}: the backend does not tell."""
        mode, depth = self.active("mode"), self.active("depth")
        found: dict[Mode, tuple[str, ...]] = {}
        for value in mode.values if mode else ():
            kind = _mode_of(value)
            if kind and kind not in found:
                found[kind] = (f"--mode={value}",)
        depths = depth.values if depth else ()
        for kind in ("gray", "color"):
            if kind in found and "8" in depths:
                found[kind] = (*found[kind], "--depth=8")
        if "gray" in found and "1" in depths and "bilevel" not in found:
            found["bilevel"] = (found["gray"][0], "--depth=1")
        return found

    @property
    def sources(self) -> dict[Source, tuple[str, ...]]:
        """Return the arguments that choose each source there is; {}: there is no choice."""
        option = self.active("source")
        ranked: dict[Source, list[tuple[int, str]]] = {"feeder": [], "flatbed": []}
        for value in option.values if option else ():
            small = value.casefold()
            if any(word in small for word in FEEDER):
                ranked["feeder"].append((sum(word in small for word in BACKSIDE), value))
            elif any(word in small for word in FLATBED):
                ranked["flatbed"].append((0, value))
        # one side of the sheets: the back of an order is blank
        return {source: (f"--source={min(each)[1]}",) for source, each in ranked.items() if each}

    @property
    def dpis(self) -> tuple[int, ...]:
        """Return the resolutions there are; of a range its ends and the usual ones within."""
        option = self.active("resolution") or self.active("x-resolution")
        if option is None:
            return ()
        if option.low is not None and option.high is not None:
            ends = (round(option.low), round(option.high))
            within = (dpi for dpi in USUAL_DPI if option.low <= dpi <= option.high)
            return tuple(sorted({*ends, *within}))
        found = {int(float(text)) for value in option.values for text in NUMBER.findall(value)[:1]}
        return tuple(sorted(dpi for dpi in found if dpi > 0))

    def resolution(self, dpi: int) -> tuple[str, ...]:
        """Return the arguments that ask for *dpi*."""
        if self.active("resolution"):
            return (f"--resolution={dpi}",)
        names = ("x-resolution", "y-resolution")
        return tuple(f"--{name}={dpi}" for name in names if self.active(name))

    def letter(self) -> tuple[str, ...]:
        """Return the arguments that ask for a letter page, as far as the scanner reaches."""
        arguments: list[str] = []
        width, height = LETTER_MM
        for name, size in (
            ("page-width", width),
            ("page-height", height),
            ("l", 0.0),
            ("t", 0.0),
            ("x", width),
            ("y", height),
        ):
            option = self.active(name)
            if option is None or option.high is None:
                continue
            value = f"{max(option.low or 0.0, min(size, option.high)):g}"
            arguments += [f"-{name}", value] if len(name) == 1 else [f"--{name}={value}"]
        return tuple(arguments)

    def sensor(self, *names: str) -> bool | None:
        """Return what the first sensor of these names says; None: there is none."""
        for name in names:
            option = self.options.get(name)
            if option and option.now in ("yes", "no"):
                return option.now == "yes"
        return None


def read_options(said: str) -> Offered:
    """Return the options in the output of ``scanimage -A``; lines that are none are passed over."""
    found: dict[str, Option] = {}
    for line in said.splitlines():
        match = OPTION.match(line[:4000])
        if match and len(found) < MOST_OPTIONS:
            name = match[1].lstrip("-")
            found.setdefault(name, _option(name, match[2], match[3] or ""))
    return Offered(found)


def _option(name: str, is_switch: str | None, rest: str) -> Option:
    said = BRACKETS.findall(rest)
    now = next((each for each in said if each not in FLAGS), None)
    is_active = "inactive" not in said and "read-only" not in said
    if is_switch:
        return Option(name, ("yes", "no"), now=now, is_active=is_active)
    allowed = rest.split(" [", 1)[0] if not rest.startswith("[") else ""
    if match := RANGE.match(allowed):
        low, high = _number(match[1]), _number(match[2])
        return Option(name, low=low, high=high, now=now, is_active=is_active)
    values = tuple(filter(None, allowed.split("|")))[:MOST_VALUES]
    return Option(name, _without_unit(values), now=now, is_active=is_active)


def _without_unit(values: tuple[str, ...]) -> tuple[str, ...]:
    """Return *values* without the unit that scanimage writes after the last of several numbers."""
    if values and re.fullmatch(r"-?[\d.]+(dpi|mm|bit|%|pel|us)", values[-1]):
        return (*values[:-1], re.sub(r"[a-z%]+$", "", values[-1]))
    return values


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _mode_of(value: str) -> Mode | None:
    small = value.casefold()
    if small in BILEVEL:
        return "bilevel"
    if "gray" in small or "grey" in small:
        return "gray"
    if "color" in small or "colour" in small:
        return "color"
    # "Lineart (fast)" and the like; a halftone is one bit, too, and unreadable
    return "bilevel" if small.startswith(("lineart", "binary", "black")) else None
