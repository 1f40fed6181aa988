"""Patients and providers from a CSV export of Synthea, read as a stream: outside text becomes records or reasons here.

The columns are those of Synthea's CSV exporter (https://github.com/synthetichealth/synthea/wiki/CSV-File-Data-Dictionary).
Decisions of this mapping:

- Synthea ends every name in digits (`José Eduardo181 Gómez206`) to show that the person is made up. A clinic's list
  does not look like that and nobody types digits into a search, so they are cut off.
- One line of the file is one row. Synthea writes no line breaks into a field, so a quotation mark that is never closed
  spoils its own row and swallows no other.
- People with a DEATHDATE are imported like all others and say so in their notes: a chart has no field for it.
"""

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Generic, Self, TypeVar, cast

from pydantic import ValidationError

from care.schemas import DoctorIn, PatientIn

Body = TypeVar("Body", PatientIn, DoctorIn)

PATIENT_COLUMNS = ("Id", "BIRTHDATE", "DEATHDATE", "FIRST", "LAST", "GENDER", "ADDRESS", "CITY", "STATE", "ZIP")
DOCTOR_COLUMNS = ("Id", "NAME", "GENDER", "SPECIALITY", "CITY", "STATE")

DIED = "has died, which a chart does not say yet"

# No line of an export comes near this; it bounds the memory that a file without line breaks can take.
MAX_LINE_BYTES = 64 * 1024
MAX_ID_LENGTH = 64

_DIGITS_AFTER_WORD = re.compile(r"(?<=[^\W\d])\d+(?!\w)")
_GIVEN_NAMES_THEN_REST = re.compile(r"(.*?[^\W\d]\d+)\s+(\S.*)")
_CALENDAR_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
# A word of a place's name, with what follows an apostrophe: WOODS HOLE, MARTHA'S VINEYARD, STOCKBRIDGE-SOUTH.
_PLACE_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


class SourceUnreadable(Exception):
    """A file cannot be read, or not any further; the text is one line that names the file and says why."""


@dataclass(frozen=True, slots=True)
class SourceRow(Generic[Body]):
    """A row that became a valid record. `source_id` is its id in the export, `notes` what did not fit the record."""

    line: int
    source_id: str
    body: Body
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no record, and why; the reason repeats nothing of what the row holds."""

    line: int
    reason: str


class SourceFile:
    """One table of an export, open behind its header; use it in a `with` statement.

    `columns` must all stand in the header; their order and further columns do not matter. Raises SourceUnreadable.
    """

    def __init__(self, path: Path, columns: Collection[str]) -> None:
        self.name = path.name
        self.line = 0
        try:
            self._raw = path.open("rb")
        except OSError as failure:
            raise SourceUnreadable(f"{self.name}: {(failure.strerror or 'cannot be opened').lower()}") from None
        self._stream = cast("BinaryIO", gzip.GzipFile(fileobj=self._raw)) if path.suffix == ".gz" else self._raw
        try:
            self._header = self._read_header(columns)
        except SourceUnreadable:
            self.close()
            raise
        self.size = path.stat().st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._raw.close()

    @property
    def position(self) -> int:
        """How many bytes of the file, as it lies on the disk, were read so far; at most `size`."""
        return self._raw.tell()

    def rows(self) -> Iterator[tuple[int, dict[str, str]] | BadRow]:
        """Yield each row with its line number, as a mapping from column to stripped text; blank lines are no rows.

        Raises SourceUnreadable where the file breaks off; the rows before that have been yielded.
        """
        while (line := self._read_line()) is not None:
            try:
                cells = self._cells(line)
            except ValueError as wrong:
                yield BadRow(self.line, str(wrong))
                continue
            if cells:
                yield self.line, dict(zip(self._header, cells, strict=True))

    def _read_header(self, columns: Collection[str]) -> list[str]:
        line = self._read_line()
        try:
            names = _split(line.removeprefix("\ufeff")) if line else []
        except ValueError:
            names = []
        missing = [name for name in columns if names.count(name) != 1]
        if missing:
            raise SourceUnreadable(f"{self.name}: the first line must name each of these columns once: {missing}")
        return names

    def _cells(self, line: str) -> list[str]:
        """Return the stripped cells of one row, or raise ValueError with the reason; empty for a blank line."""
        if len(line) > MAX_LINE_BYTES:
            raise ValueError(f"the row is longer than {MAX_LINE_BYTES} bytes")
        if "\x00" in line:
            raise ValueError("the row contains the NUL character")
        cells = _split(line)
        if cells and len(cells) != len(self._header):
            raise ValueError("the number of columns is not the header's")
        return [cell.strip() for cell in cells]

    def _read_line(self) -> str | None:
        """Return the next line without its end, or None; of a line that is too long, one byte more than allowed."""
        try:
            line = self._stream.readline(MAX_LINE_BYTES + 1)
            rest = line
            while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
                rest = self._stream.readline(MAX_LINE_BYTES + 1)
        except EOFError:
            raise self._unreadable("the compressed data ends too early") from None
        except (gzip.BadGzipFile, zlib.error):
            raise self._unreadable("this is not gzip, or it is damaged") from None
        except OSError as failure:
            raise self._unreadable((failure.strerror or "cannot be read").lower()) from None
        if not line:
            return None
        self.line += 1
        if len(line) > MAX_LINE_BYTES:
            return "?" * (MAX_LINE_BYTES + 1)  # cut anywhere, so it may end inside a character
        try:
            return line.rstrip(b"\r\n").decode()
        except UnicodeDecodeError:
            raise SourceUnreadable(f"{self.name}: line {self.line} is not UTF-8") from None

    def _unreadable(self, reason: str) -> SourceUnreadable:
        return SourceUnreadable(
            f"{self.name}: after line {self.line}: {reason}" if self.line else f"{self.name}: {reason}"
        )


def find_table(folder: Path, table: str) -> Path:
    """Return the file of a table, compressed or plain; raises SourceUnreadable where the folder has neither."""
    for candidate in (folder / f"{table}.csv.gz", folder / f"{table}.csv"):
        if candidate.exists():
            return candidate
    raise SourceUnreadable(f"{folder}: there is no {table}.csv.gz and no {table}.csv in this folder")


def read_patients(source: SourceFile) -> Iterator[SourceRow[PatientIn] | BadRow]:
    """Yield every row of a patients table, in its order, as a record or with the reason why it is none."""
    return _read(source, _patient)


def read_doctors(source: SourceFile) -> Iterator[SourceRow[DoctorIn] | BadRow]:
    """Yield every row of a providers table, in its order, as a record or with the reason why it is none."""
    return _read(source, _doctor)


def _read(
    source: SourceFile, convert: Callable[[dict[str, str]], tuple[Body, tuple[str, ...]]]
) -> Iterator[SourceRow[Body] | BadRow]:
    for row in source.rows():
        if isinstance(row, BadRow):
            yield row
            continue
        line, cells = row
        try:
            if not 0 < len(cells["Id"]) <= MAX_ID_LENGTH:
                raise ValueError(f"Id: must have 1 to {MAX_ID_LENGTH} characters")
            body, notes = convert(cells)
        except ValueError as wrong:  # pydantic's ValidationError is one of them
            yield BadRow(line, _reason(wrong))
        else:
            yield SourceRow(line, cells["Id"], body, notes)


def _patient(cells: dict[str, str]) -> tuple[PatientIn, tuple[str, ...]]:
    if not cells["FIRST"]:
        raise ValueError("FIRST: is missing")
    if not _CALENDAR_DATE.fullmatch(cells["BIRTHDATE"]):
        raise ValueError("BIRTHDATE: must be a date such as 1989-05-25")
    place = " ".join(part for part in (cells["STATE"], cells["ZIP"]) if part)
    body = PatientIn.model_validate(
        {
            "firstname": without_digits(cells["FIRST"]),
            "lastname": without_digits(cells["LAST"]),
            "birth_date": cells["BIRTHDATE"],
            "gender": cells["GENDER"] or "U",
            "address": ", ".join(part for part in (cells["ADDRESS"], cells["CITY"], place) if part),
        }
    )
    return body, (DIED,) if cells["DEATHDATE"] else ()


def _doctor(cells: dict[str, str]) -> tuple[DoctorIn, tuple[str, ...]]:
    if not cells["NAME"]:
        raise ValueError("NAME: is missing")
    place = (_place_name(cells["CITY"]), cells["STATE"] if len(cells["STATE"]) == 2 else _place_name(cells["STATE"]))
    body = DoctorIn.model_validate(
        {
            **_provider_name(cells["NAME"]),
            "gender": cells["GENDER"] or "U",
            "specialization": cells["SPECIALITY"],
            "location": ", ".join(part for part in place if part),
        }
    )
    return body, ()


def without_digits(name: str) -> str:
    """Return the name without the digits that end its words; a word of nothing but digits stays."""
    return _DIGITS_AFTER_WORD.sub("", name)


def _provider_name(name: str) -> dict[str, Any]:
    """Split behind the first word that ends in digits: there the given names end (`Homero668 de Jesús414`)."""
    parts = _GIVEN_NAMES_THEN_REST.fullmatch(name)
    if parts is None:
        return {"name": without_digits(name)}
    return {"firstname": without_digits(parts[1]), "lastname": without_digits(parts[2])}


def _place_name(text: str) -> str:
    return _PLACE_WORD.sub(lambda word: word.group().capitalize(), text)


def _split(line: str) -> list[str]:
    """Return the cells of one line; raises ValueError for quotation marks that do not close."""
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error:
        raise ValueError("the quotation marks do not match") from None


# What each field of the schemas is made from, so that a reason speaks the file's language.
_COLUMNS_OF = {
    "firstname": "given name",
    "lastname": "family name",
    "name": "NAME",
    "birth_date": "BIRTHDATE",
    "gender": "GENDER",
    "address": "ADDRESS, CITY, STATE, ZIP",
    "specialization": "SPECIALITY",
    "location": "CITY, STATE",
}


def _reason(wrong: ValueError) -> str:
    if not isinstance(wrong, ValidationError):
        return str(wrong)
    first = wrong.errors(include_url=False, include_context=False, include_input=False)[0]
    field = str(first["loc"][0]) if first["loc"] else "row"
    return f"{_COLUMNS_OF.get(field, field)}: {first['msg'].removeprefix('Value error, ')}"
