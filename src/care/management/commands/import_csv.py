"""`polyclinic import-csv FOLDER`: patients and doctors from a CSV export of Synthea."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

import care.service
from care.csv_source import (
    DOCTOR_COLUMNS,
    PATIENT_COLUMNS,
    SourceFile,
    SourceUnreadable,
    find_table,
    read_doctors,
    read_patients,
)
from care.service import ImportSummary
from core.actor import SYSTEM

Record = TypeVar("Record")


class Command(BaseCommand):
    """See the module."""

    help = (
        "Import the patients and providers (.csv.gz or .csv) of a Synthea CSV export: doctors verified, patients kept "
        "by nobody. Rows that are no valid record are skipped and told. Safe to repeat: what is there stays as it is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the folder."""
        parser.add_argument("folder", type=Path, help="The folder that holds patients.csv.gz and providers.csv.gz.")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        """Import both tables and print what became of their rows; nothing is written unless both can be opened."""
        try:
            with (
                SourceFile(find_table(folder, "patients"), PATIENT_COLUMNS) as patients,
                SourceFile(find_table(folder, "providers"), DOCTOR_COLUMNS) as doctors,
            ):
                summaries = [
                    self._import(patients, read_patients, care.service.import_patients),
                    self._import(doctors, read_doctors, care.service.import_doctors),
                ]
        except SourceUnreadable as wrong:
            raise CommandError(str(wrong)) from None
        broken = [summary.broken_off for summary in summaries if summary.broken_off]
        if broken:
            raise CommandError(f"{'; '.join(broken)}. What came before is imported; with a whole file, run this again.")

    def _import(
        self,
        source: SourceFile,
        read: Callable[[SourceFile], Iterator[Record]],
        write: Callable[..., ImportSummary],
    ) -> ImportSummary:
        summary = write(actor=SYSTEM, records=_with_progress(read(source), source), now=timezone.now())
        skipped = sum(rows.count for rows in summary.skipped.values())
        self.stdout.write(
            f"{source.name}: {summary.imported:,} imported, {summary.already_there:,} already there, "
            f"{skipped:,} skipped"
        )
        for note, count in summary.notes.items():
            self.stdout.write(f"  of the imported, {count:,} with the note: {note}")
        for reason, rows in summary.skipped.items():
            lines = ", ".join(str(line) for line in rows.first_lines) + (
                ", …" if rows.count > len(rows.first_lines) else ""
            )
            self.stdout.write(f"  skipped {rows.count:,}: {reason} (line {lines})")
        return summary


def _with_progress(records: Iterable[Record], source: SourceFile) -> Iterator[Record]:
    """Pass the records on and draw, on a terminal, how far into the file they are."""
    with tqdm(
        total=source.size,
        desc=source.name,
        unit="B",
        unit_scale=True,
        leave=False,
        file=sys.stderr,
        disable=not sys.stderr.isatty(),
    ) as bar:
        for record in records:
            bar.update(source.position - bar.n)
            yield record
