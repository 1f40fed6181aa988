"""A doctor's calendar as a week: hours, time off and who is booked; adding to it and taking away."""

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

import care.service
import scheduling.service
from care.schemas import DoctorFilters
from core.actor import Actor
from core.audit import record_refusal
from core.errors import Conflict, Invalid, NotAllowed, Refusal
from core.pagination import PageIn
from portal.addresses import address, read_day, read_id
from portal.forms import DoctorChoiceForm
from portal.forms.base import PortalForm
from portal.forms.scheduling import HoursForm, TimeOffForm
from portal.fragments import page_or_fragment
from portal.frame import frame_for
from portal.paging import asked_page, first_page, pager
from portal.session import PortalRequest, signed_in
from portal.week_grid import week_grid
from portal.wording import WEEKDAYS, describe_refusal
from scheduling.schemas import ScheduleFilters, ScheduleOut
from scheduling.service import Week

# New weekly hours are offered for this long, unless another end is typed.
_USUAL_LENGTH = timedelta(days=180)


@require_safe
@signed_in
def list_schedules(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Lead a doctor to the own week; show everybody else whose weeks there are."""
    if not scheduling.service.get_desk_rights(actor=actor).can_work_with_schedules:
        raise NotAllowed("Doctors and the front desk keep working hours.")
    own = scheduling.service.get_own_calendar(actor=actor)
    if own is not None:
        return redirect("portal:schedules-week", own)
    search = DoctorChoiceForm(request.GET)
    filters = search.body() if search.is_valid() else DoctorFilters()
    try:
        found = care.service.list_doctors(
            actor=actor,
            filters=filters.model_copy(update={"verified": True}),
            page=asked_page(request),
            now=timezone.now(),
        )
    except Invalid:
        return redirect(first_page(request, {"q": filters.q}))
    context = {
        "frame": frame_for(request, actor),
        "rights": scheduling.service.get_desk_rights(actor=actor),
        "search": search,
        "doctors": found.items,
        "pager": pager(request, {"q": filters.q}, found),
    }
    template = page_or_fragment(request, "portal/scheduling/schedules.html", "results")
    return render(request, template, context, status=422 if search.errors else 200)


@require_safe
@signed_in
def show_week(request: PortalRequest, actor: Actor, *, doctor_id: UUID) -> HttpResponse:
    """Show a week of a doctor's calendar; this one unless the address names a day."""
    return _render_week(request, actor, doctor_id)


@require_POST
@signed_in
def add_hours(request: PortalRequest, actor: Actor, *, doctor_id: UUID) -> HttpResponse:
    """Add working hours on one date or for some weekdays: all of them, or none."""
    form = HoursForm(request.POST, doctor_id=doctor_id, **_usual_days())
    if not form.is_valid():
        return _render_week(request, actor, doctor_id, hours=form, status=422)
    try:
        added = scheduling.service.create_schedules(actor=actor, bodies=form.bodies(), now=timezone.now())
    except (Conflict, Invalid) as refusal:
        record_refusal(refusal)
        _refuse(form, refusal, beside="start_time")
        return _render_week(request, actor, doctor_id, hours=form, status=422)
    messages.success(request, "The working hours are added.")
    first = min(each.date or each.from_ or date.max for each in added)
    return redirect(address("schedules-week", doctor_id, day=first))


@require_POST
@signed_in
def delete_hours(request: PortalRequest, actor: Actor, *, schedule_id: UUID) -> HttpResponse:
    """Take working hours away; refused while an appointment in them is live."""
    try:
        scheduling.service.delete_schedule(actor=actor, schedule_id=schedule_id, now=timezone.now())
    except Conflict as refusal:
        record_refusal(refusal)
        doctor_id = scheduling.service.get_schedule(actor=actor, schedule_id=schedule_id).doctor
        return _render_week(request, actor, doctor_id, refusal=refusal)
    messages.success(request, "The working hours are deleted.")
    return redirect(_way_back(request))


@require_POST
@signed_in
def add_time_off(request: PortalRequest, actor: Actor, *, doctor_id: UUID) -> HttpResponse:
    """Add time off; appointments in it stay, and the page says how many are to be moved."""
    form = TimeOffForm(request.POST, doctor_id=doctor_id, zone=_zone_of(doctor_id))
    if not form.is_valid():
        return _render_week(request, actor, doctor_id, off=form, status=422)
    try:
        added = scheduling.service.create_time_off(actor=actor, body=form.body(), now=timezone.now())
    except Invalid as refusal:
        record_refusal(refusal)
        form.refuse_fields(refusal.errors)
        return _render_week(request, actor, doctor_id, off=form, status=422)
    if added.live_appointments:
        left = added.live_appointments
        messages.warning(
            request,
            f"The time off is added. {left} appointment{'s' if left > 1 else ''} in it must be moved or cancelled.",
        )
    else:
        messages.success(request, "The time off is added.")
    first = added.starts_at.astimezone(form.zone).date()
    return redirect(address("schedules-week", doctor_id, day=first))


@require_POST
@signed_in
def delete_time_off(request: PortalRequest, actor: Actor, *, time_off_id: UUID) -> HttpResponse:
    """Offer the time again."""
    scheduling.service.delete_time_off(actor=actor, time_off_id=time_off_id, now=timezone.now())
    messages.success(request, "The time is offered again.")
    return redirect(_way_back(request))


def _render_week(
    request: PortalRequest,
    actor: Actor,
    doctor_id: UUID,
    *,
    hours: HoursForm | None = None,
    off: TimeOffForm | None = None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    asked = request.POST if request.method == "POST" else request.GET
    week = scheduling.service.get_week(actor=actor, doctor_id=doctor_id, day=read_day(asked, "day"), now=now)
    away = scheduling.service.list_time_off(
        actor=actor, filters=ScheduleFilters(doctor=doctor_id), page=PageIn(limit=100)
    )
    zone = ZoneInfo(week.doctor.time_zone)
    context = {
        "frame": frame_for(request, actor),
        "rights": scheduling.service.get_desk_rights(actor=actor),
        "is_own": scheduling.service.get_own_calendar(actor=actor) == doctor_id,
        "week": week,
        "grid": week_grid(week),
        "last_day": week.first_day + timedelta(days=6),
        "before": address("schedules-week", doctor_id, day=week.first_day - timedelta(days=7)),
        "after": address("schedules-week", doctor_id, day=week.first_day + timedelta(days=7)),
        "is_this_week": week.first_day <= week.today < week.first_day + timedelta(days=7),
        "worked": [(each, _tell_hours(each)) for each in week.hours],
        "away": [
            (each, _tell_stretch(each.starts_at.astimezone(zone), each.ends_at.astimezone(zone)))
            for each in reversed(away.items)
            if each.ends_at > now
        ],
        "hours_form": hours or HoursForm(doctor_id=doctor_id, **_usual_days(week)),
        "off_form": off or TimeOffForm(doctor_id=doctor_id, zone=zone),
        "refused": describe_refusal(refusal) if refusal else None,
    }
    return render(request, "portal/scheduling/week.html", context, status=refusal.status if refusal else status)


def _refuse(form: PortalForm, refusal: Refusal, *, beside: str) -> None:
    """Say beside the fields what was refused; what is about no field in particular, beside this one."""
    errors = refusal.errors if isinstance(refusal, Invalid) else {beside: [describe_refusal(refusal)]}
    form.refuse_fields(errors)


def _usual_days(week: Week | None = None) -> dict[str, date]:
    first = week.first_day if week else timezone.localdate()
    return {"first": max(first, week.today) if week else first, "until": first + _USUAL_LENGTH}


def _zone_of(doctor_id: UUID) -> ZoneInfo:
    """Return the doctor's zone; where there is no such doctor any will do, for the service refuses them."""
    terms = care.service.get_booking_terms([doctor_id]).get(doctor_id)
    return ZoneInfo(terms.time_zone if terms else "UTC")


def _way_back(request: PortalRequest) -> str:
    """Return the address of the week that a button was pressed on."""
    doctor_id = read_id(request.POST, "doctor")
    return address("schedules-week", doctor_id, day=request.POST.get("day")) if doctor_id else address("schedules")


def _tell_stretch(begins: datetime, ends: datetime) -> str:
    """Say from when until when by the clocks that these moments go by; of one day the date is told once."""
    last = f"{ends:%H:%M}" if ends.date() == begins.date() else _tell_moment(ends)
    return f"{_tell_moment(begins)} – {last}"


def _tell_moment(moment: datetime) -> str:
    return f"{moment:%a} {moment.day} {moment:%b %Y, %H:%M}"


def _tell_hours(hours: ScheduleOut) -> str:
    """Say on which days hours are worked."""
    if hours.weekday is None or hours.from_ is None or hours.until is None:
        day = hours.date or date.min
        return f"{day:%A} {day.day} {day:%B %Y}"
    return (
        f"every {WEEKDAYS[hours.weekday]}, {hours.from_.day} {hours.from_:%b %Y} to "
        f"{hours.until.day} {hours.until:%b %Y}"
    )
