"""The day board: who comes when, and one click to say what became of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import push_url

import scheduling.service
from core.actor import Actor
from core.audit import record_refusal
from core.errors import Conflict, NotFound
from portal.addresses import address, as_text, read_day, read_id
from portal.charts import BarChart, ShareChart, bar_chart, share_chart
from portal.forms.scheduling import DayForm
from portal.fragments import page_or_fragment
from portal.frame import frame_for
from portal.moves import move_named, tell_move
from portal.session import PortalRequest, signed_in
from portal.wording import STATUSES
from scheduling.service import AppointmentEntry, DayBoard


@dataclass(frozen=True, slots=True)
class BoardRow:
    """An appointment on the board; `book_again` is the address for it where a cancelled one's time is to come."""

    entry: AppointmentEntry
    is_now: bool
    book_again: str | None


@require_safe
@signed_in
def show_day(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show a day of the clinic or of one doctor: today, and everybody, unless the address says otherwise."""
    response = _render_board(request, actor)
    return push_url(response, request.get_full_path()) if request.htmx else response


@require_POST
@signed_in
def move_on_board(request: PortalRequest, actor: Actor, *, appointment_id: UUID, move: str) -> HttpResponse:
    """Move one appointment's state; htmx gets the board as it is then, every other browser is sent back to it."""
    act = move_named(move)
    try:
        moved = act(actor=actor, appointment_id=appointment_id, reason="", now=timezone.now())
    except Conflict as refusal:
        # Somebody was faster, or it is too early: the board says so, and shows how things stand.
        record_refusal(refusal)
        status = 422 if request.htmx else refusal.status
        return _render_board(request, actor, status=status, refused=refusal.detail)
    if request.htmx:
        return _render_board(request, actor, told=tell_move(moved))
    messages.success(request, tell_move(moved))
    return redirect(address("today", day=request.POST.get("day"), doctor=request.POST.get("doctor")))


def _render_board(
    request: PortalRequest, actor: Actor, *, status: int = 200, told: str = "", refused: str = ""
) -> HttpResponse:
    now = timezone.now()
    asked = request.POST if request.method == "POST" else request.GET
    doctor_id = read_id(asked, "doctor")
    if asked.get("doctor") and doctor_id is None:
        raise NotFound
    board = scheduling.service.get_day_board(actor=actor, day=read_day(asked, "day"), doctor_id=doctor_id, now=now)
    calendars = scheduling.service.list_calendars(actor=actor)
    shown = {"day": board.day, "doctor": board.doctor.id if board.doctor else ""}
    context = {
        "frame": frame_for(request, actor),
        "board": board,
        "is_today": board.day == board.today,
        "expected": [_row(entry, now) for entry in board.entries if _is_live(entry)],
        "over": [_row(entry, now) for entry in board.entries if not _is_live(entry)],
        "cancelled": [_row(entry, now) for entry in board.cancelled],
        "tally": _tally(board),
        "per_day": _days_chart(board),
        "no_shows": _no_shows_chart(board),
        "rights": scheduling.service.get_desk_rights(actor=actor),
        "form": DayForm(initial=shown, doctors=calendars, empty="The whole clinic"),
        "told": told,
        "refused": refused,
    }
    template = page_or_fragment(request, "portal/scheduling/today.html", "board")
    return render(request, template, context, status=status)


def _row(entry: AppointmentEntry, now: datetime) -> BoardRow:
    appointment = entry.appointment
    is_free_again = appointment.status == "cancelled" and appointment.starts_at > now
    return BoardRow(
        entry=entry,
        is_now=appointment.starts_at <= now < appointment.ends_at,
        book_again=address(
            "book-at", doctor=appointment.doctor, at=as_text(appointment.starts_at), patient=appointment.patient
        )
        if is_free_again
        else None,
    )


def _is_live(entry: AppointmentEntry) -> bool:
    return entry.appointment.status in ("booked", "arrived")


def _tally(board: DayBoard) -> list[tuple[str, int]]:
    """Count the day's appointments by where they stand; what none of them is, is left out."""
    statuses = [entry.appointment.status for entry in (*board.entries, *board.cancelled)]
    return [(status, statuses.count(status)) for status in STATUSES if status in statuses]


def _days_chart(board: DayBoard) -> BarChart:
    marked = next(place for place, count in enumerate(board.days) if count.day == board.day)
    listed = ", ".join(f"{count.day:%a} {count.day.day} {count.day:%b} {count.appointments}" for count in board.days)
    return bar_chart(
        [(f"{count.day:%a}"[:2], count.appointments) for count in board.days],
        marked=marked,
        sentence=f"Appointments a day: {listed}.",
    )


def _no_shows_chart(board: DayBoard) -> ShareChart:
    whole = board.came + board.missed
    sentence = (
        f"To {board.missed} of {whole} appointments nobody came, in the four weeks up to this day."
        if whole
        else "No appointment took place in the four weeks up to this day."
    )
    return share_chart(board.missed, whole, sentence=sentence)
