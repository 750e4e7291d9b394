"""Keeps the scanned pages where the person asked for them: whole or not at all, and durably."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

PDF, TIFF = b"%PDF-", (b"II*\0", b"MM\0*")
TIFF_NAMES = (".tif", ".tiff")
PRIVATE = 0o600  # a scanned page may be an order


class CannotKeep(Exception):
    """The pages cannot be put into one file of that name; the message says what to do."""


def keep(files: tuple[Path, ...], path: Path) -> None:
    """Put the pages of *files* at *path*: as PDF where it ends so, else as TIFF; one file as is.

    Raises:
        CannotKeep: There is no page, or the pages and the file's name do not go together.
        OSError: The disk or a right is in the way; nothing is at *path* then.
    """
    if not files:
        raise CannotKeep("no page came")
    heads = [_head(each) for each in files]
    name = path.suffix.casefold()
    if len(files) == 1 and _fits(heads[0], name):
        write(path, files[0].read_bytes())
        return
    are_pdf = {head.startswith(PDF) for head in heads}
    if True in are_pdf and name != ".pdf":
        raise CannotKeep("the pages came as PDF; let the file's name end in .pdf")
    write(path, _one_pdf(files) if name == ".pdf" else _one_tiff(files))


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)


def _fits(head: bytes, name: str) -> bool:
    """Say whether a file that begins with *head* may bear a name that ends in *name*."""
    if name == ".pdf":
        return head.startswith(PDF)
    return name not in TIFF_NAMES or head.startswith(TIFF)


def _one_pdf(files: tuple[Path, ...]) -> bytes:
    """Return one PDF of all pages, of pictures and of PDFs, one in memory at a time."""
    from pypdf import PdfReader, PdfWriter
    from pypdf.errors import PyPdfError

    joined, whole = PdfWriter(), io.BytesIO()
    try:
        for each in files:
            part: Path | io.BytesIO = each
            if not _head(each).startswith(PDF):
                part = io.BytesIO()
                with _opened(each) as picture:
                    picture.save(part, "PDF", resolution=_dpi(picture)[0])
            joined.append(PdfReader(part), import_outline=False)
        joined.write(whole)
    except PyPdfError as exc:
        raise CannotKeep(f"a PDF from the scanner does not open ({type(exc).__name__})") from exc
    return whole.getvalue()


def _one_tiff(files: tuple[Path, ...]) -> bytes:
    """Return one TIFF of all pages: Group 4 for black and white, else without loss."""
    from PIL.TiffImagePlugin import AppendingTiffWriter

    whole = io.BytesIO()
    with AppendingTiffWriter(whole) as joined:
        for each in files:
            with _opened(each) as picture:
                packing = "group4" if picture.mode == "1" else "tiff_lzw"
                picture.save(joined, "TIFF", compression=packing, dpi=_dpi(picture))
            joined.newFrame()
        return whole.getvalue()


def _dpi(picture: Image.Image) -> tuple[float, float]:
    across, down = picture.info.get("dpi") or (300, 300)
    return float(across), float(down)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Give the picture in *path*.

    Raises:
        CannotKeep: It does not open, or not to its end.
    """
    from PIL import Image

    try:
        with Image.open(path) as picture:
            picture.load()
            yield picture
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
        raise CannotKeep(f"a page does not open ({type(exc).__name__})") from exc


def write(path: Path, content: bytes) -> None:
    """Put *content* at *path*, whole or not at all; once this returns, a power cut keeps it.

    Raises:
        OSError: Not written; FileExistsError: something came to be there meanwhile.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    handle = os.open(
        beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), PRIVATE
    )
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _named(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):  # a network drive may refuse: the file is there
                os.fsync(folder)
        finally:
            os.close(folder)


def _named(beside: Path, path: Path) -> None:
    """Give *beside* its final name, never in place of a file that is there."""
    try:
        os.link(beside, path)
    except FileExistsError:
        raise
    except OSError:  # a drive without hard links, as memory sticks are
        if path.exists():
            raise FileExistsError(17, "a file is there already", str(path)) from None
        beside.replace(path)
