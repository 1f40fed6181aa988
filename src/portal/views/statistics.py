"""The day's counts of all hospitals together, in which no small number can be found."""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

import federation.service
from core.actor import Actor
from federation.schemas import TableOut
from portal.charts import ShareChart, compare_bars
from portal.frame import frame_for
from portal.session import PortalRequest, signed_in
from portal.wording import GENDERS, describe_band, describe_label

# Title and first column of each table, by its dimension.
_HEADINGS = {
    "hospital": ("Hospitals", "Hospital"),
    "diagnosis": ("Diagnoses", "Diagnosis"),
    "age_band": ("Ages", "Age in years"),
    "gender": ("Genders", "Gender"),
}
_WORDS: dict[str, Callable[[str], str]] = {"age_band": describe_band, "gender": GENDERS.__getitem__}


@dataclass(frozen=True, slots=True)
class CountRow:
    """A cell in words; without `count` and `bar` where it is hidden."""

    label: str
    count: int | None
    bar: ShareChart | None


@dataclass(frozen=True, slots=True)
class CountTable:
    """One table ready for the page; without rows where all of it is kept back, or where there is nobody."""

    key: str
    title: str
    column: str
    rows: list[CountRow]
    is_kept_back: bool


@require_safe
@signed_in
def show_statistics(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show the statistics of the day; they are the same for everybody who may see them."""
    statistics = federation.service.get_statistics(actor=actor, now=timezone.now())
    context = {
        "frame": frame_for(request, actor),
        "statistics": statistics,
        "tables": [_view(table) for table in statistics.tables],
        "rights": federation.service.get_federation_rights(actor=actor),
    }
    return render(request, "portal/statistics/tables.html", context)


def _view(table: TableOut) -> CountTable:
    title, column = _HEADINGS[table.dimension]
    word = _WORDS.get(table.dimension, describe_label)
    bars = compare_bars([cell.count for cell in table.cells])
    rows = [CountRow(word(cell.label), cell.count, bar) for cell, bar in zip(table.cells, bars, strict=True)]
    return CountTable(key=table.dimension, title=title, column=column, rows=rows, is_kept_back=table.hidden)
