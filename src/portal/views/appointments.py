"""One appointment: what it is, what became of it, and moving it; and the appointments that are one's own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import care.service
import scheduling.service
from care.schemas import DoctorCard
from core.actor import Actor
from core.audit import record_refusal
from core.errors import Conflict, Invalid, NotAllowed, NotFound, Refusal
from portal.addresses import address, read_day, read_id
from portal.forms.scheduling import DoctorSelectForm, MovingForm, ReasonForm
from portal.frame import frame_for
from portal.free_time import next_times, week_choices
from portal.moves import move_named, tell_move
from portal.session import PortalRequest, signed_in
from portal.wording import STATUSES, describe_refusal
from scheduling.schemas import AppointmentEventOut
from scheduling.service import OpenedAppointment


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """A move in an appointment's history, in words."""

    event: AppointmentEventOut
    done: str


@require_safe
@signed_in
def show_appointment(request: PortalRequest, actor: Actor, *, appointment_id: UUID) -> HttpResponse:
    """Show one appointment, its history, and what may be done with it."""
    return _render_appointment(request, actor, appointment_id, ReasonForm())


@require_POST
@signed_in
def move_appointment(request: PortalRequest, actor: Actor, *, appointment_id: UUID, move: str) -> HttpResponse:
    """Move an appointment's state, with a reason where one is given; then show it, or the list that asked for it."""
    act = move_named(move)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _render_appointment(request, actor, appointment_id, form, status=422)
    try:
        moved = act(actor=actor, appointment_id=appointment_id, reason=form.body().reason, now=timezone.now())
    except Conflict as refusal:
        record_refusal(refusal)
        return _render_appointment(request, actor, appointment_id, form, refused=refusal.detail, status=refusal.status)
    messages.success(request, tell_move(moved))
    if request.POST.get("back") == "my-appointments":
        return redirect("portal:my-appointments")
    return redirect("portal:appointment", appointment_id)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def reschedule(request: PortalRequest, actor: Actor, *, appointment_id: UUID) -> HttpResponse:
    """Show a week of free time of the doctor or of another one, and move the appointment there."""
    now = timezone.now()
    form = MovingForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        status = 422 if form.errors else 200
        return _render_rescheduling(request, actor, appointment_id, form, now=now, status=status)
    try:
        moved = scheduling.service.reschedule_appointment(
            actor=actor, appointment_id=appointment_id, body=form.body(), now=now
        )
    except (Conflict, Invalid) as refusal:
        record_refusal(refusal)
        return _render_rescheduling(request, actor, appointment_id, form, now=now, refusal=refusal)
    messages.success(
        request,
        f"Moved to {moved.date:%A} {moved.date.day} {moved.date:%B} at {moved.appointment_time}, {moved.doctor_name}.",
    )
    return redirect("portal:appointment", appointment_id)


@require_safe
@signed_in
def list_own(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show the appointments of the own chart and of those one keeps: what is to come, and what was."""
    found = scheduling.service.list_own_appointments(actor=actor, now=timezone.now())
    context = {
        "frame": frame_for(request, actor),
        "upcoming": found.upcoming,
        "past": found.past,
        "there_are_more": found.there_are_more,
        "several_people": len({entry.appointment.patient for entry in (*found.upcoming, *found.past)}) > 1,
        "form": ReasonForm(),
    }
    return render(request, "portal/scheduling/my_appointments.html", context)


def _render_appointment(
    request: PortalRequest,
    actor: Actor,
    appointment_id: UUID,
    form: ReasonForm,
    *,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    opened = scheduling.service.open_appointment(actor=actor, appointment_id=appointment_id, now=timezone.now())
    context = {
        "opened": opened,
        "appointment": opened.appointment,
        "rights": opened.rights,
        "history": [HistoryLine(event, _tell(event)) for event in reversed(opened.appointment.history)],
        "sees_chart": _sees_chart(actor, opened.appointment.patient),
        "frame": frame_for(request, actor),
        "form": form,
        "refused": refused,
    }
    return render(request, "portal/scheduling/appointment.html", context, status=status)


def _render_rescheduling(
    request: PortalRequest,
    actor: Actor,
    appointment_id: UUID,
    form: MovingForm,
    *,
    now: datetime,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    opened = scheduling.service.open_appointment(actor=actor, appointment_id=appointment_id, now=now)
    if not opened.rights.can_reschedule and refusal is None:
        raise _not_movable(opened)
    appointment = opened.appointment
    asked = request.POST if request.method == "POST" else request.GET
    doctor_id, first_day = read_id(asked, "doctor") or appointment.doctor, read_day(asked, "from")
    doctors = scheduling.service.list_bookable_doctors(actor=actor, now=now)
    weeks = week_choices(
        scheduling.service.list_free_weeks(actor=actor, doctor_ids=[doctor_id], first_day=first_day, now=now)
    )
    if not weeks:
        raise NotFound
    here = {"doctor": doctor_id if doctor_id != appointment.doctor else None}
    [week] = weeks
    context: dict[str, Any] = {
        "frame": frame_for(request, actor),
        "opened": opened,
        "appointment": appointment,
        "week": week,
        "colleagues": _colleagues(doctors, appointment_id, of=appointment.doctor, shown=doctor_id),
        "by_name": DoctorSelectForm(initial={"doctor": doctor_id}, doctors=doctors, empty="Choose one"),
        "before": address("appointment-reschedule", appointment_id, **here, **{"from": week.week_before})
        if first_day and week.first_day > now.date()
        else None,
        "after": address("appointment-reschedule", appointment_id, **here, **{"from": week.week_after}),
        "form": form,
        "refused": describe_refusal(refusal) if refusal else None,
        "next_times": next_times(refusal) if refusal else [],
    }
    status = refusal.status if refusal else status
    return render(request, "portal/scheduling/reschedule.html", context, status=status)


def _not_movable(opened: OpenedAppointment) -> Refusal:
    if opened.appointment.status != "booked":
        return Conflict(
            f"Only a booked appointment is moved; this one is {STATUSES[opened.appointment.status].lower()}."
        )
    return NotAllowed("Whose chart it is, and the front desk, move an appointment.")


def _colleagues(
    doctors: list[DoctorCard], appointment_id: UUID, *, of: UUID, shown: UUID
) -> list[tuple[DoctorCard, str, bool]]:
    """Return the doctors of the same specialization with where their week is, and which one is shown."""
    cards = {each.id: each for each in doctors}
    if of not in cards:
        return []
    alike = [each for each in doctors if each.specialization == cards[of].specialization]
    return [
        (each, address("appointment-reschedule", appointment_id, doctor=each.id), each.id == shown) for each in alike
    ]


def _sees_chart(actor: Actor, patient_id: UUID) -> bool:
    """Say whether the chart is open to the actor: a doctor sees who comes, but treats only who is assigned to them."""
    try:
        care.service.get_patient_rights(actor=actor, patient_id=patient_id)
    except NotFound:
        return False
    return True


def _tell(event: AppointmentEventOut) -> str:
    if not event.from_status:
        return "Booked"
    if event.from_status == event.to_status:
        return "Moved to another time" if event.from_starts_at else "Moved to another chart"
    return STATUSES[event.to_status]
