"""On which line of a TOML text a key stands; `tomllib` does not say.

The scanner reads texts that `tomllib` has already accepted, so it need not judge, only find its way
past strings, arrays and inline tables.
"""

from __future__ import annotations

from bisect import bisect_right

Path = tuple[str | int, ...]  # ("target", 2, "tls", "min_days_left")

SPACE = " \t\r\n"
BARE_ENDS = frozenset(",]}#\r\n")
ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


class Lines:
    """Lines by path; a path without a line of its own has the line of what holds it."""

    def __init__(self, found: dict[Path, int] | None = None) -> None:
        self._found = found or {}

    def of(self, path: Path) -> int:
        """Return the line of *path*, 1 where nothing of it stands in the file."""
        while path:
            if path in self._found:
                return self._found[path]
            path = path[:-1]
        return 1


def locate(text: str) -> Lines:
    """Return the lines of every key, table and array element of *text*, valid TOML."""
    return Lines(_Scanner(text).found())


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._breaks = [i for i, c in enumerate(text) if c == "\n"]
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}  # how many [[tables]] of a path there were

    def found(self) -> dict[Path, int]:
        table: Path = ()
        while self._skip(SPACE):
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _header(self) -> Path:
        line = self._line()
        double = self._text.startswith("[[", self._at)
        self._at += 2 if double else 1
        names = self._names()
        self._at = self._text.index("]", self._at) + (2 if double else 1)
        path: Path = ()
        for name in names[:-1]:
            path = self._inside((*path, name))
        path = (*path, names[-1])
        if double:
            self._lines.setdefault(path, line)
            self._counts[path] = self._counts.get(path, 0) + 1
            path = self._inside(path)
        self._lines.setdefault(path, line)
        return path

    def _inside(self, path: Path) -> Path:
        return (*path, self._counts[path] - 1) if path in self._counts else path

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = table
        for name in self._names():
            path = (*path, name)
            self._lines.setdefault(path, line)
        self._at = self._text.index("=", self._at) + 1
        self._skip(" \t")
        self._value(path)

    def _names(self) -> list[str]:
        names: list[str] = []
        while True:
            self._skip(" \t")
            if self._peek() in "\"'":
                names.append(self._string())
            else:
                start = self._at
                while self._peek().isalnum() or self._peek() in ("_", "-"):
                    self._at += 1
                names.append(self._text[start : self._at])
            self._skip(" \t")
            if self._peek() != ".":
                return names
            self._at += 1

    def _value(self, path: Path) -> None:
        self._lines.setdefault(path, self._line())
        match self._peek():
            case '"' | "'":
                self._string()
            case "[":
                self._at += 1
                index = 0
                while self._skip(SPACE + ",") and self._peek() != "]":
                    self._value((*path, index))
                    index += 1
                self._at += 1
            case "{":
                self._at += 1
                while self._skip(SPACE + ",") and self._peek() != "}":
                    self._pair(path)
                self._at += 1
            case _:
                while self._at < len(self._text) and self._text[self._at] not in BARE_ENDS:
                    self._at += 1

    def _string(self) -> str:
        quote = self._text[self._at]
        if self._text.startswith(quote * 3, self._at):
            return self._long_string(quote)
        self._at += 1
        letters: list[str] = []
        while self._text[self._at] != quote:
            if quote == '"' and self._text[self._at] == "\\":
                self._at += 1
                letters.append(self._escape())
            else:
                letters.append(self._text[self._at])
            self._at += 1
        self._at += 1
        return "".join(letters)

    def _escape(self) -> str:
        letter = self._text[self._at]
        if letter in "uU":
            size = 4 if letter == "u" else 8
            code = self._text[self._at + 1 : self._at + 1 + size]
            self._at += size
            return chr(int(code, 16))
        return ESCAPES.get(letter, letter)

    def _long_string(self, quote: str) -> str:
        self._at += 3
        while not self._text.startswith(quote * 3, self._at):
            self._at += 2 if quote == '"' and self._text[self._at] == "\\" else 1
        while self._peek() == quote:  # up to two quotes may stand before the closing three
            self._at += 1
        return ""

    def _skip(self, letters: str) -> bool:
        """Skip *letters* and, where a line may end, comments; False at the end of the text."""
        while self._at < len(self._text):
            letter = self._text[self._at]
            if letter == "#" and "\n" in letters:
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif letter in letters:
                self._at += 1
            else:
                return True
        return False

    def _peek(self) -> str:
        return self._text[self._at] if self._at < len(self._text) else "\0"

    def _line(self) -> int:
        return bisect_right(self._breaks, self._at - 1) + 1
