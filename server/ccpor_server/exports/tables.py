"""Tables as CSV and as XLSX: typed, and no cell is ever a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime

from ccpor_server.exports.rows import Cell, Sheet

# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
WIDEST = 60  # characters


def csv_bytes(sheet: Sheet) -> bytes:
    """Return the table as CSV (RFC 4180), UTF-8 with a mark so that Excel reads it as such."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(sheet.headings)
    writer.writerows([_text(cell) for cell in row] for row in sheet.rows)
    return out.getvalue().encode("utf-8-sig")


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(cell, str):
        safe = cell.replace("\r", " ")
        return f"'{safe}" if safe.startswith(FORMULA_STARTS) else safe
    return str(cell)


def xlsx_bytes(sheets: Sequence[Sheet], *, title: str, made_at: datetime) -> bytes:
    """Return a workbook: headings frozen, dates and numbers as such, text never as a formula."""
    import xlsxwriter

    out = io.BytesIO()
    safe = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    with xlsxwriter.Workbook(out, safe) as book:
        book.set_properties({"title": title, "created": made_at.replace(tzinfo=None)})
        head = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for sheet in sheets:
            page = book.add_worksheet(sheet.title)
            page.write_row(0, 0, sheet.headings, head)
            page.freeze_panes(1, 0)
            for y, row in enumerate(sheet.rows, 1):
                for x, cell in enumerate(row):
                    if isinstance(cell, bool):  # LibreOffice makes a formula of a boolean
                        page.write_string(y, x, _text(cell))
                    elif isinstance(cell, datetime):
                        local = cell.astimezone(UTC).replace(tzinfo=None)
                        page.write_datetime(y, x, local, moment)
                    elif isinstance(cell, date):
                        page.write_datetime(y, x, datetime(cell.year, cell.month, cell.day), day)  # noqa: DTZ001 - a day has no zone
                    elif isinstance(cell, int | float):
                        page.write_number(y, x, cell)
                    elif cell is not None:
                        page.write_string(y, x, cell[:32_767])  # the format's limit of a cell
            if sheet.rows:
                page.autofilter(0, 0, len(sheet.rows), len(sheet.headings) - 1)
            for x, width in enumerate(_widths(sheet)):
                page.set_column(x, x, width)
    return out.getvalue()


def _widths(sheet: Sheet) -> list[int]:
    found = [len(one) + 2 for one in sheet.headings]
    for row in sheet.rows:
        for x, cell in enumerate(row):
            found[x] = min(max(found[x], len(_text(cell)) + 1), WIDEST)
    return found
