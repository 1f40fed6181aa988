"""The clinic's report: what each doctor did and what it earned, on screen and as a file."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

import scheduling.service
from core.actor import Actor
from core.audit import record_refusal
from core.errors import Invalid, NotAllowed
from core.exports import CONTENT_TYPE, csv_lines
from portal.addresses import address
from portal.charts import ShareChart, share_chart
from portal.forms.reports import ReportForm
from portal.fragments import page_or_fragment
from portal.frame import frame_for
from portal.paging import asked_page, first_page, pager
from portal.session import PortalRequest, signed_in
from portal.wording import STATUSES
from scheduling.schemas import AppointmentOut, ClinicReportOut

_COLUMNS = (
    "Date", "Time", "Doctor", "Patient", "Status", "Fee", "Currency", "Starts at (UTC)", "Ends at (UTC)", "Notes",
    "Appointment",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Period:
    """A period to choose with one click."""

    label: str
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """The report in a few figures."""

    appointments: int
    fulfilled: int
    cancelled: int
    no_shows: ShareChart
    revenue: Decimal
    currency: str


@require_safe
@signed_in
def show_report(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show the report of a period, this month unless the address says otherwise."""
    today = timezone.localdate()
    if not request.GET and scheduling.service.get_desk_rights(actor=actor).can_read_reports:
        return redirect(address("report", since=today.replace(day=1), until=_end_of_month(today)))
    form = _asked(request, actor)
    template = page_or_fragment(request, "portal/scheduling/report.html", "results")
    context = {"form": form, "periods": _periods(request, today)}
    if not form.is_valid():
        return render(request, template, context | {"frame": frame_for(request, actor)}, status=422)
    filters = {name: request.GET.get(name, "") for name in form.fields}
    try:
        report, details = scheduling.service.get_report(
            actor=actor, filters=form.body(), page=asked_page(request), now=timezone.now()
        )
    except Invalid as refusal:
        record_refusal(refusal)
        if "cursor" in refusal.errors:
            return redirect(first_page(request, filters))
        form.refuse_fields(refusal.errors)
        return render(request, template, context | {"frame": frame_for(request, actor)}, status=422)
    context |= {
        "frame": frame_for(request, actor),
        "report": report,
        "totals": _totals(report),
        "details": details.items,
        "pager": pager(request, filters, details),
        "export": address("report-export", **filters),
    }
    return render(request, template, context)


@require_safe
@signed_in
def export_report(request: PortalRequest, actor: Actor) -> HttpResponse | StreamingHttpResponse:
    """Send the appointments of the report as CSV, row by row; what the filters mean is what they mean on the page."""
    form = _asked(request, actor)
    if not form.is_valid():
        return redirect(address("report", **request.GET.dict()))
    rows = scheduling.service.export_report(actor=actor, filters=form.body())
    response = StreamingHttpResponse(csv_lines(_COLUMNS, map(_line, rows)), content_type=CONTENT_TYPE)
    response["Content-Disposition"] = f'attachment; filename="appointments-{timezone.localdate():%Y-%m-%d}.csv"'
    return response


def _asked(request: PortalRequest, actor: Actor) -> ReportForm:
    if not scheduling.service.get_desk_rights(actor=actor).can_read_reports:
        raise NotAllowed("Only administrators read the clinic's report.")
    return ReportForm(request.GET, doctors=scheduling.service.list_calendars(actor=actor))


def _line(appointment: AppointmentOut) -> tuple[object, ...]:
    return (
        appointment.date,
        appointment.appointment_time,
        appointment.doctor_name,
        appointment.patient_name,
        STATUSES[appointment.status],
        appointment.fee,
        appointment.currency,
        f"{appointment.starts_at:%Y-%m-%dT%H:%M:%SZ}",
        f"{appointment.ends_at:%Y-%m-%dT%H:%M:%SZ}",
        appointment.notes,
        appointment.id,
    )


def _totals(report: ClinicReportOut) -> Totals:
    def count(name: str) -> int:
        return sum(getattr(each, name) for each in report.appointments_per_doctor)

    came, missed = count("fulfilled"), count("noshow")
    sentence = f"To {missed} of {came + missed} appointments nobody came." if came + missed else "None took place yet."
    return Totals(
        appointments=report.total_appointments,
        fulfilled=came,
        cancelled=count("cancelled"),
        no_shows=share_chart(missed, came + missed, sentence=sentence),
        revenue=report.total_revenue,
        currency=report.currency,
    )


def _periods(request: PortalRequest, today: date) -> list[Period]:
    month = today.replace(day=1)
    last_month = (month - timedelta(days=1)).replace(day=1)
    periods: list[tuple[str, date | None, date | None]] = [
        ("This month", month, _end_of_month(today)),
        ("Last month", last_month, month - timedelta(days=1)),
        ("This year", today.replace(month=1, day=1), today.replace(month=12, day=31)),
        ("Everything", None, None),
    ]
    shown = request.GET.get("since", ""), request.GET.get("until", "")
    doctor = request.GET.get("doctor", "")
    return [
        Period(
            label=label,
            # Without any word the page shows this month; so everything has one.
            href=address("report", since=since, until=until, doctor=doctor, all=None if since else "yes"),
            is_current=shown == (str(since or ""), str(until or "")),
        )
        for label, since, until in periods
    ]


def _end_of_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
