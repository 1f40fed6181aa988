"""The clinic's report: how many appointments each doctor had, and what the fulfilled ones earned."""

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum

import care.service
from core.actor import Actor
from core.audit import audited
from core.errors import Invalid, NotAllowed
from core.pagination import Page, PageIn, paginate
from scheduling.clock import first_instant
from scheduling.models import Appointment
from scheduling.permissions import may_read_reports
from scheduling.schemas import AppointmentOut, ClinicReportOut, DoctorTotalsOut, ReportFilters
from scheduling.service.publish import about_patients, publish_appointments

_FULFILLED = Q(status=Appointment.Status.FULFILLED)


def get_report(
    *, actor: Actor, filters: ReportFilters, page: PageIn, now: datetime
) -> tuple[ClinicReportOut, Page[AppointmentOut]]:
    """Return totals per doctor (busiest first), the revenue of fulfilled appointments, and one page of details.

    An appointment belongs to the local date of the clinic on which it begins; `from` and `to` are both included. Money
    is in `CURRENCY`. Totals and details are read in one transaction. Raises NotAllowed, and Invalid for no period.
    """
    with audited(actor, "report.appointments") as act:
        if not may_read_reports(actor):
            raise NotAllowed("Only administrators read the clinic's report.")
        rows = in_period(filters)
        doctors = _totals(rows)
        found = paginate(rows, page=page, scope=f"report:{actor.user_id}:{filters.model_dump_json()}")
        act.about(*about_patients(actor, found.items))
        details = found.map(publish_appointments)
    report = ClinicReportOut(
        from_=filters.from_,
        to=filters.to,
        total_appointments=sum(each.total for each in doctors),
        total_revenue=sum((each.revenue for each in doctors), Decimal("0.00")),
        currency=settings.CURRENCY,
        appointments_per_doctor=doctors,
        booked_details=details.items,
    )
    return report, details


def in_period(filters: ReportFilters) -> "QuerySet[Appointment]":
    """Return the appointments that begin within the clinic's dates, and of the doctor; raises Invalid for no period."""
    zone = ZoneInfo(settings.TIME_ZONE)
    if filters.from_ and filters.to and filters.to < filters.from_:
        raise Invalid({"to": ["must not lie before from"]})
    for name, day in (("from", filters.from_), ("to", filters.to)):
        if day is not None and not 2000 <= day.year <= 2200:
            raise Invalid({name: ["must lie between the years 2000 and 2200"]})
    rows = Appointment.objects.filter(hidden_at__isnull=True)
    if filters.from_:
        rows = rows.filter(starts_at__gte=first_instant(filters.from_, time.min, zone))
    if filters.to:
        rows = rows.filter(starts_at__lt=first_instant(filters.to + timedelta(days=1), time.min, zone))
    return rows.filter(doctor_id=filters.doctor) if filters.doctor else rows


def _totals(rows: "QuerySet[Appointment]") -> list[DoctorTotalsOut]:
    grouped: list[Any] = list(
        rows.values("doctor_id").annotate(
            total=Count("pk"),
            revenue=Sum("fee", filter=_FULFILLED),
            **{status: Count("pk", filter=Q(status=status)) for status in Appointment.Status.values},
        )
    )
    names = care.service.describe_doctors(each["doctor_id"] for each in grouped)
    totals = [
        DoctorTotalsOut(
            doctor=each["doctor_id"],
            doctor_name=names[each["doctor_id"]].name,
            total=each["total"],
            revenue=(each["revenue"] or Decimal(0)).quantize(Decimal("0.01")),
            **{status: each[status] for status in Appointment.Status.values},
        )
        for each in grouped
    ]
    return sorted(totals, key=lambda each: (-each.total, each.doctor_name, each.doctor))
