"""Booking: with whom and when, then for whom. Every choice is a link, so that it works without a script."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import push_url

import care.service
import scheduling.service
from care.schemas import BookingTerms, DoctorCard, PatientOut
from core.actor import Actor
from core.audit import record_refusal
from core.errors import Conflict, Invalid, NotAllowed, NotFound, Refusal
from core.pagination import PageIn
from portal.addresses import address, as_text, read_day, read_id, read_instant
from portal.forms import NewPatientForm, PatientSearchForm
from portal.forms.scheduling import MYSELF, BookingForm, DoctorSelectForm
from portal.fragments import page_or_fragment
from portal.frame import frame_for
from portal.free_time import FEW_TIMES, TimeChoice, next_times, time_choice, week_choices
from portal.session import PortalRequest, signed_in
from portal.wording import describe_refusal
from scheduling.schemas import AppointmentFilters, AppointmentOut, SlotFilters

# Of a specialization with more doctors, those who have time soonest are offered; the others are found by name.
_DOCTORS_SHOWN = 8
# How many patients are offered while somebody types; who looks for another one types more.
_PATIENTS_OFFERED = 6
# How far ahead the next free time is looked for, when the chosen one is gone, and how many are offered.
_LOOK_AHEAD = timedelta(days=14)
_NEXT_OFFERED = 3


@dataclass(frozen=True, slots=True)
class Offer:
    """A specialization to choose, and how many doctors of it take appointments."""

    label: str
    doctors: int
    href: str
    is_current: bool


@require_safe
@signed_in
def choose_time(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show who takes appointments and, once a specialization or a doctor is chosen, a week of their free time."""
    now = timezone.now()
    doctors = scheduling.service.list_bookable_doctors(actor=actor, now=now)
    patient_id, first_day = read_id(request.GET, "patient"), read_day(request.GET, "from")
    specialization, doctor_id = request.GET.get("specialization", ""), read_id(request.GET, "doctor")
    by_name = DoctorSelectForm(initial={"doctor": doctor_id}, doctors=doctors, empty="Choose one")
    chosen = _chosen(doctors, specialization, doctor_id)
    weeks = scheduling.service.list_free_weeks(
        actor=actor, doctor_ids=[each.id for each in chosen], first_day=first_day, now=now
    )
    shown = week_choices(weeks[:_DOCTORS_SHOWN], at_most=None if doctor_id else FEW_TIMES)
    query = {"specialization": None if doctor_id else specialization, "doctor": doctor_id, "patient": patient_id}
    context = {
        "frame": frame_for(request, actor),
        "offers": _offers(doctors, specialization if not doctor_id else "", patient_id),
        "form": by_name,
        "patient": care.service.get_patient(actor=actor, patient_id=patient_id, now=now) if patient_id else None,
        "is_compact": doctor_id is None,
        "is_chosen": bool(specialization or doctor_id),
        "weeks": [(week, _addresses(week.doctor, patient_id, first_day)) for week in shown],
        "others": max(0, len(weeks) - len(shown)),
        "ways": _ways(first_day, weeks[0].days[0].day if weeks else None, now.date(), query),
        "labels": {each.specialization: each.specialization_display for each in doctors},
    }
    template = page_or_fragment(request, "portal/scheduling/book.html", "choice")
    response = render(request, template, context)
    return push_url(response, address("book", **query, **{"from": first_day})) if request.htmx else response


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def book_at(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show the chosen time, ask for whom it is, and book it; a time that is gone leads to the next free ones."""
    if not scheduling.service.get_desk_rights(actor=actor).can_book:
        raise NotAllowed("Researchers and officials book no appointments.")
    if request.method == "POST":
        return _book(request, actor)
    doctor_id, at = read_id(request.GET, "doctor"), read_instant(request.GET, "at")
    if doctor_id is None or at is None:
        return redirect("portal:book")
    return _render_booking(request, actor, doctor_id, at, read_id(request.GET, "patient"))


def _book(request: PortalRequest, actor: Actor) -> HttpResponse:
    now = timezone.now()
    data = request.POST.copy()
    doctor_id, at = read_id(data, "doctor"), read_instant(data, "starts_at")
    if doctor_id is None or at is None:
        return redirect("portal:book")
    scheduling.service.count_booking(actor=actor, now=now)
    if "newcomer" in data:
        newcomer = NewPatientForm(data)
        added = _add_patient(actor, newcomer, now=now)
        if added is None:
            return _render_booking(request, actor, doctor_id, at, None, newcomer=newcomer, status=422)
        # From here on it is a patient like any other: also where the time turns out to be gone.
        data["patient"] = str(added)
    form = BookingForm(data)
    patient_id = read_id(data, "patient")
    if not form.is_valid():
        return _render_booking(request, actor, doctor_id, at, patient_id, form=form, status=422)
    try:
        booked = scheduling.service.book_appointment(actor=actor, body=form.body(), now=now)
    except (Conflict, Invalid) as refusal:
        record_refusal(refusal)
        earlier = _booked_already(actor, doctor_id, at, patient_id) if refusal.code == "slot_taken" else None
        if earlier is not None:
            # The button was pressed twice; the second time there is nothing left to do.
            return redirect("portal:appointment", earlier.id)
        return _render_booking(request, actor, doctor_id, at, patient_id, form=form, refusal=refusal)
    messages.success(
        request,
        f"Booked: {booked.patient_name} with {booked.doctor_name}, {booked.date:%A} {booked.date.day} "
        f"{booked.date:%B} at {booked.appointment_time}.",
    )
    return redirect("portal:appointment", booked.id)


def _add_patient(actor: Actor, form: NewPatientForm, *, now: datetime) -> UUID | None:
    """Add the chart and return its id, or None where something in the form is wrong, which it then says."""
    if not form.is_valid():
        return None
    try:
        return care.service.create_patient(actor=actor, body=form.body(), now=now).id
    except Invalid as refusal:
        record_refusal(refusal)
        form.refuse_fields(refusal.errors)
        return None


def _render_booking(
    request: PortalRequest,
    actor: Actor,
    doctor_id: UUID,
    at: datetime,
    patient_id: UUID | None,
    *,
    form: BookingForm | None = None,
    newcomer: NewPatientForm | None = None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    terms = care.service.get_booking_terms([doctor_id]).get(doctor_id)
    if terms is None:
        raise NotFound
    chosen, others = _look_at(actor, terms, at, now=now)
    rights = scheduling.service.get_desk_rights(actor=actor)
    patient = care.service.get_patient(actor=actor, patient_id=patient_id, now=now) if patient_id else None
    is_gone = chosen is None or refusal is not None
    context: dict[str, Any] = {
        "frame": frame_for(request, actor),
        "doctor": terms,
        "label": care.service.describe_doctors([doctor_id])[doctor_id].specialization_display,
        "time": chosen,
        "currency": settings.CURRENCY,
        "rights": rights,
        "form": form or BookingForm(initial={"notes": request.POST.get("notes", "")}),
        "patient": patient,
        "whom": form.data.get("patient", "") if form else (patient_id or ""),
        "myself": MYSELF,
        "refused": describe_refusal(refusal) if refusal else None,
        "is_gone": is_gone,
        "next_times": ((next_times(refusal) if refusal else []) or others) if is_gone else [],
        "another_time": address("book", doctor=doctor_id, patient=patient_id),
        "other_patient": address("book-at", doctor=doctor_id, at=as_text(at)),
        "at": as_text(at),
    }
    if patient is None:
        context |= _offer_patients(request, actor, newcomer, now=now)
    template = page_or_fragment(request, "portal/scheduling/book_at.html", "people")
    return render(request, template, context, status=refusal.status if refusal else status)


def _look_at(
    actor: Actor, terms: BookingTerms, at: datetime, *, now: datetime
) -> tuple[TimeChoice | None, list[TimeChoice]]:
    """Return the chosen time where it is free, and the next free ones after it."""
    after = max(at, now)
    filters = SlotFilters.model_validate({"from": after, "to": after + _LOOK_AHEAD})
    free = scheduling.service.list_free_slots(actor=actor, doctor_id=terms.id, filters=filters, now=now)
    chosen = next((slot for slot in free if slot.starts_at == at), None)
    others = [time_choice(slot) for slot in free if slot.starts_at != at]
    return time_choice(chosen) if chosen else None, others[:_NEXT_OFFERED]


def _offer_patients(
    request: PortalRequest, actor: Actor, newcomer: NewPatientForm | None, *, now: datetime
) -> dict[str, Any]:
    """Find patients by what was typed, for who books for anyone; everybody else has their own charts."""
    if not scheduling.service.get_desk_rights(actor=actor).can_book_for_anyone:
        return {"charts": scheduling.service.list_charts_to_book_for(actor=actor, now=now)}
    # The doctor of this address is who is booked, not who treats the patients that are looked for.
    search = PatientSearchForm({"q": request.GET.get("q", "")})
    found: list[PatientOut] = []
    there_are_more = False
    if request.GET.get("q") and search.is_valid():
        page = care.service.list_patients(
            actor=actor, filters=search.body(), page=PageIn(limit=_PATIENTS_OFFERED), now=now
        )
        found, there_are_more = page.items, page.next_cursor is not None
    return {
        "search": search,
        "patients": found,
        "there_are_more": there_are_more,
        "is_searched": bool(request.GET.get("q")),
        "newcomer": newcomer or NewPatientForm(),
    }


def _booked_already(actor: Actor, doctor_id: UUID, at: datetime, patient_id: UUID | None) -> AppointmentOut | None:
    """Return the appointment that the same person has at this very time, so that pressing twice is no refusal."""
    whom = patient_id or care.service.get_my_profile(actor=actor).patient
    if whom is None:
        return None
    filters = AppointmentFilters.model_validate(
        {"status": "booked", "doctor": doctor_id, "patient": whom, "from": at, "to": at + timedelta(minutes=1)}
    )
    found = scheduling.service.list_appointments(actor=actor, filters=filters, page=PageIn(limit=1))
    return found.items[0] if found.items else None


def _chosen(doctors: list[DoctorCard], specialization: str, doctor_id: UUID | None) -> list[DoctorCard]:
    if doctor_id is not None:
        return [each for each in doctors if each.id == doctor_id]
    return [each for each in doctors if each.specialization == specialization]


def _offers(doctors: list[DoctorCard], current: str, patient_id: UUID | None) -> list[Offer]:
    labels = {each.specialization: each.specialization_display for each in doctors}
    return [
        Offer(
            label=label,
            doctors=sum(each.specialization == code for each in doctors),
            href=address("book", specialization=code, patient=patient_id) + "#times",
            is_current=code == current,
        )
        for code, label in sorted(labels.items(), key=lambda each: each[1])
    ]


def _addresses(doctor: BookingTerms, patient_id: UUID | None, first_day: date | None) -> dict[str, str]:
    """Return where a doctor's times and their whole week are."""
    return {
        "time": address("book-at", doctor=doctor.id, patient=patient_id),
        "week": address("book", doctor=doctor.id, patient=patient_id, **{"from": first_day}),
        "next": address("book", doctor=doctor.id, patient=patient_id),
    }


def _ways(
    first_day: date | None, shown: date | None, today: date, query: dict[str, Any]
) -> dict[str, str | date | None]:
    """Return the ways to the week before, which nobody needs once it is over, and to the one after."""
    if shown is None:
        return {}
    before, after = shown - timedelta(days=7), shown + timedelta(days=7)
    return {
        "first": shown,
        "last": shown + timedelta(days=6),
        "before": address("book", **query, **{"from": before})
        if first_day and before > today - timedelta(days=7)
        else None,
        "after": address("book", **query, **{"from": after}),
    }
