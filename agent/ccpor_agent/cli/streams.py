"""Standard output and error on consoles and pipes that cannot write every character.

A pipe on Windows has the code page of the system (1252, 437, 932 …), and Python ends a program
that writes what is not in it.
"""

from __future__ import annotations

import codecs
import io
import os
import sys

PLAIN = "ccpor.plain"


def make_streams_lenient() -> None:
    """Let stdout and stderr write an ASCII likeness where their encoding lacks a character."""
    codecs.register_error(PLAIN, plain_likeness)
    if sys.stdout is None:  # started with stdout closed: the exit code still says the verdict
        sys.stdout = io.TextIOWrapper(io.FileIO(os.devnull, "w"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None under pythonw, another class in tests
            stream.reconfigure(errors=PLAIN)


def plain_likeness(error: UnicodeError) -> tuple[str, int]:
    """Return what is written instead: "..." for an ellipsis, "e" for "é", "?" where nothing fits.

    Raises:
        UnicodeError: *error* itself, where it is not about writing.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    from ccpor_reporting.render.lines import plain_ascii

    return plain_ascii(error.object[error.start : error.end]), error.end
