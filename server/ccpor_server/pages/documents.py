"""Documents that people attach: read from a form, told apart by their bytes, named harmlessly."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP

from starlette.requests import Request

from ccpor_server.access import collector
from ccpor_server.limits import read_body
from ccpor_server.problems import BadRequest, WrongMediaType

LARGEST = 10 * 1024 * 1024  # bytes
_ROOM = 64 * 1024  # for the form around the document
LONGEST_NAME = 120
KINDS = "PDF, PNG, JPEG, TIFF, plain text, CSV, Word or Excel (.docx, .xlsx)"
_MAGIC = (
    (b"%PDF-", "application/pdf", ".pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png", ".png"),
    (b"\xff\xd8\xff", "image/jpeg", ".jpg"),
    (b"II*\x00", "image/tiff", ".tif"),
    (b"MM\x00*", "image/tiff", ".tif"),
)
_OFFICE = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_TEXT = {".txt": "text/plain", ".csv": "text/csv"}


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it came; media_type is what its bytes are, not what the sender said."""

    name: str
    media_type: str
    content: bytes


async def document_from(request: Request) -> Document | None:
    """Return the file of the field ``document``; None when the form holds none, or an empty one.

    Raises:
        WrongMediaType: the form is none of multipart/form-data, or the file is of no kind we take.
        BadRequest: the form cannot be read. TooLarge: above 10 MB.
    """
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != "multipart/form-data":
        raise WrongMediaType("send the form as multipart/form-data")
    body = await read_body(request, collector(request).settings, limit=LARGEST + _ROOM)
    part = _part(given, body)
    if part is None:
        return None
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes) or not content:
        return None
    name = clean_name(part.get_filename() or "")
    return Document(name, media_type(name, content), content)


def _part(content_type: str, body: bytes) -> Message | None:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    try:
        whole = BytesParser(policy=HTTP).parsebytes(head + body)
        parts = whole.get_payload()
    except (ValueError, LookupError) as exc:  # what the library says of hostile headers
        raise BadRequest("the form cannot be read") from exc
    if not isinstance(parts, list):
        raise BadRequest("the form cannot be read")
    named = [one for one in parts if isinstance(one, Message)]
    return next((one for one in named if _field_of(one) == "document"), None)


def _field_of(part: Message) -> object:
    return part.get_param("name", header="content-disposition")


def clean_name(name: str) -> str:
    """Return a file name without folders, controls and characters that systems refuse."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    kept = "".join(one if one.isprintable() and one not in '<>:"|?*;%' else "_" for one in last)
    kept = kept.strip(" .")
    stem, dot, ending = kept.rpartition(".")
    if not dot:
        return kept[:LONGEST_NAME] or "document"
    return f"{stem[: LONGEST_NAME - 10] or 'document'}.{ending[:9]}"


def media_type(name: str, content: bytes) -> str:
    """Return what the bytes are; WrongMediaType when that is nothing we take.

    A document of a word processor is a ZIP archive with a list of its parts: the ending says
    which one it is. Text is what decodes as UTF-8 and holds no control but tab and line ends.
    """
    for magic, kind, _ in _MAGIC:
        if content.startswith(magic):
            return kind
    ending = "." + name.rpartition(".")[2].lower()
    if content.startswith(b"PK\x03\x04") and b"[Content_Types].xml" in content[:4096]:
        if ending in _OFFICE:
            return _OFFICE[ending]
    elif ending in _TEXT and _is_text(content):
        return _TEXT[ending]
    raise WrongMediaType(f"attach one of {KINDS}; this is something else")


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(one.isprintable() or one in "\t\r\n\ufeff" for one in text)
