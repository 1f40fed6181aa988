"""The combined records without names, for research."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

import federation.service
from core.actor import Actor
from core.audit import record_refusal
from core.errors import Invalid
from core.pagination import Page
from federation.schemas import BlindFreshnessOut, DeidentifiedRecordOut
from portal.fragments import page_or_fragment
from portal.frame import frame_for
from portal.paging import asked_page, first_page, pager
from portal.session import PortalRequest, signed_in
from portal.wording import FRESHNESS, FRESHNESS_TONES, describe_band, describe_label

_ROWS = 50
# Of a random pseudonym so much tells people apart on a page.
_SHORT = 8


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person without a name, in words; `pseudonym` is the whole of it."""

    pseudonym: str
    short: str
    hospital: str
    ages: str
    gender: str
    diagnosis: str


@dataclass(frozen=True, slots=True)
class CopyCount:
    """How many hospitals' copies are in one state."""

    word: str
    tone: str
    hospitals: int


@require_safe
@signed_in
def list_people(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show people without names, in the order of their pseudonyms; there is no search, for it could find somebody."""
    page = asked_page(request, rows=_ROWS)
    try:
        found, cursor = federation.service.get_deidentified(actor=actor, page=page, now=timezone.now())
    except Invalid as refusal:
        record_refusal(refusal)
        return redirect(first_page(request, {}))
    context = {
        "frame": frame_for(request, actor),
        "rows": [_row(record) for record in found.records],
        "complete": found.complete,
        "copies": _count_copies(found.hospitals),
        "oldest": _oldest(found.hospitals),
        "pager": pager(request, {}, Page(found.records, cursor)),
    }
    return render(request, page_or_fragment(request, "portal/research/people.html", "results"), context)


def _row(record: DeidentifiedRecordOut) -> PersonRow:
    return PersonRow(
        pseudonym=str(record.pseudonym),
        short=record.pseudonym.hex[:_SHORT],
        hospital=describe_label(record.hospital),
        ages=describe_band(record.age_band),
        gender=record.gender,
        diagnosis=describe_label(record.diagnosis),
    )


def _count_copies(hospitals: Iterable[BlindFreshnessOut]) -> list[CopyCount]:
    """Count the copies by their state; a state that none is in is left out."""
    states = [hospital.status for hospital in hospitals]
    return [
        CopyCount(word, FRESHNESS_TONES[state], states.count(state))
        for state, word in FRESHNESS.items()
        if state in states
    ]


def _oldest(hospitals: Iterable[BlindFreshnessOut]) -> datetime | None:
    return min((hospital.fetched_at for hospital in hospitals if hospital.fetched_at), default=None)
