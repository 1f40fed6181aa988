"""Files for spreadsheets: the one place where rows become CSV, so that no cell of it is ever a live formula.

A spreadsheet takes a cell that begins with certain characters for a formula and runs it, whoever typed it (CWE-1236).
An apostrophe before it makes the cell text. Every cell is quoted, so that no separator of another country splits one.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

CONTENT_TYPE = "text/csv; charset=utf-8"

# Also in the full width of East Asian keyboards, which spreadsheets read alike.
_STARTS_A_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[bytes]:
    """Yield the lines of a CSV file one by one, as they are asked for: UTF-8 with its mark, CR LF, every cell quoted.

    Text that would begin a formula gets an apostrophe; numbers and dates stay what they are, None is an empty cell.
    """
    line = io.StringIO()
    writer = csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    # Excel takes a file without the mark for the code page of its country.
    line.write("\ufeff")
    for row in _with_header(header, rows):
        writer.writerow([defuse(cell) if isinstance(cell, str) else cell for cell in row])
        yield line.getvalue().encode()
        line.seek(0)
        line.truncate()


def defuse(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: with an apostrophe where it would, else as it is.

    Blanks before the sign are looked through, because some spreadsheets trim them when they open the file.
    """
    begins = text[:1] in _STARTS_A_FORMULA or text.lstrip(" \u00a0\ufeff\u200b")[:1] in _STARTS_A_FORMULA
    return f"'{text}" if text and begins else text


def _with_header(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[Iterable[Any]]:
    yield header
    yield from rows
