"""Scheduling's endpoints."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router, Status

from core.idempotency import answer_once
from core.pagination import PageIn, with_next_link
from core.wire import SignedInRequest
from scheduling import service
from scheduling.schemas import (
    AppointmentChangeIn,
    AppointmentDetailOut,
    AppointmentFilters,
    AppointmentOut,
    BookingIn,
    ClinicReportOut,
    DoctorSlotOut,
    FullProfileIn,
    FullProfileOut,
    ReasonIn,
    ReportFilters,
    RescheduleIn,
    ScheduleChangeIn,
    ScheduleFilters,
    ScheduleIn,
    ScheduleOut,
    SlotFilters,
    SlotOut,
    SlotSearch,
    TimeOffIn,
    TimeOffOut,
)

router = Router(tags=["scheduling"], by_alias=True)


# --- Working hours --------------------------------------------------------------------------------------------------
@router.get("/schedules/", response=list[ScheduleOut])
def list_schedules(
    request: SignedInRequest, response: HttpResponse, filters: Query[ScheduleFilters], page: Query[PageIn]
) -> list[ScheduleOut]:
    """List the working hours you keep."""
    found = service.list_schedules(actor=request.auth, filters=filters, page=page)
    return with_next_link(request, response, found)


@router.post("/schedules/", response={201: ScheduleOut})
def create_schedule(request: SignedInRequest, body: ScheduleIn) -> HttpResponse | Status:
    """Add working hours, in the doctor's time zone."""
    return answer_once(request, lambda: service.create_schedule(actor=request.auth, body=body, now=timezone.now()))


@router.get("/schedules/{uuid:schedule_id}/", response=ScheduleOut)
def get_schedule(request: SignedInRequest, schedule_id: UUID) -> ScheduleOut:
    """Read working hours."""
    return service.get_schedule(actor=request.auth, schedule_id=schedule_id)


@router.api_operation(["PUT", "PATCH"], "/schedules/{uuid:schedule_id}/", response=ScheduleOut)
def update_schedule(request: SignedInRequest, schedule_id: UUID, body: ScheduleChangeIn) -> ScheduleOut:
    """Change working hours; live appointments must still lie within them."""
    return service.update_schedule(actor=request.auth, schedule_id=schedule_id, body=body, now=timezone.now())


@router.delete("/schedules/{uuid:schedule_id}/", response={204: None})
def delete_schedule(request: SignedInRequest, schedule_id: UUID) -> Status:
    """Take working hours away; refused while an appointment is live."""
    service.delete_schedule(actor=request.auth, schedule_id=schedule_id, now=timezone.now())
    return Status(204, None)


@router.get("/time-off/", response=list[TimeOffOut])
def list_time_off(
    request: SignedInRequest, response: HttpResponse, filters: Query[ScheduleFilters], page: Query[PageIn]
) -> list[TimeOffOut]:
    """List time off, with how many live appointments lie in each."""
    found = service.list_time_off(actor=request.auth, filters=filters, page=page)
    return with_next_link(request, response, found)


@router.post("/time-off/", response={201: TimeOffOut})
def create_time_off(request: SignedInRequest, body: TimeOffIn) -> HttpResponse | Status:
    """Add time off; live appointments in it stay, and the answer counts them."""
    return answer_once(request, lambda: service.create_time_off(actor=request.auth, body=body, now=timezone.now()))


@router.delete("/time-off/{uuid:time_off_id}/", response={204: None})
def delete_time_off(request: SignedInRequest, time_off_id: UUID) -> Status:
    """Offer the time again."""
    service.delete_time_off(actor=request.auth, time_off_id=time_off_id, now=timezone.now())
    return Status(204, None)


# --- Free time ------------------------------------------------------------------------------------------------------
@router.get("/doctors/{uuid:doctor_id}/slots/", response=list[SlotOut])
def list_free_slots(request: SignedInRequest, doctor_id: UUID, filters: Query[SlotFilters]) -> list[SlotOut]:
    """List a doctor's free half hours: a week from now unless said, 31 days at most."""
    return service.list_free_slots(actor=request.auth, doctor_id=doctor_id, filters=filters, now=timezone.now())


@router.get("/slots/", response=list[DoctorSlotOut])
def search_free_slots(request: SignedInRequest, search: Query[SlotSearch]) -> list[DoctorSlotOut]:
    """List the first free half hours over all bookable doctors."""
    return service.search_free_slots(actor=request.auth, search=search, now=timezone.now())


# --- Appointments ---------------------------------------------------------------------------------------------------
@router.get("/appointments/", response=list[AppointmentOut])
def list_appointments(
    request: SignedInRequest, response: HttpResponse, filters: Query[AppointmentFilters], page: Query[PageIn]
) -> list[AppointmentOut]:
    """List the appointments you may see, newest booking first."""
    found = service.list_appointments(actor=request.auth, filters=filters, page=page)
    return with_next_link(request, response, found)


@router.post("/appointments/", response={201: AppointmentOut}, operation_id="book_appointment")
@router.post("/appointments/book/", response={201: AppointmentOut}, operation_id="book_appointment_spelled_out")
def book_appointment(request: SignedInRequest, body: BookingIn) -> HttpResponse | Status:
    """Book half an hour, for yourself or for a patient you keep; `slot_taken` names the next free times."""
    return answer_once(
        request,
        lambda: service.book_appointment(actor=request.auth, body=body, now=timezone.now()),
        count=lambda: service.count_booking(actor=request.auth, now=timezone.now()),
    )


@router.get("/appointments/{uuid:appointment_id}/", response=AppointmentDetailOut)
def get_appointment(request: SignedInRequest, appointment_id: UUID) -> AppointmentDetailOut:
    """Read one appointment with its history."""
    return service.get_appointment(actor=request.auth, appointment_id=appointment_id)


@router.patch("/appointments/{uuid:appointment_id}/", response=AppointmentOut)
def override_appointment(request: SignedInRequest, appointment_id: UUID, body: AppointmentChangeIn) -> AppointmentOut:
    """Set any status and the notes. Administrators only."""
    return service.override_appointment(
        actor=request.auth, appointment_id=appointment_id, body=body, now=timezone.now()
    )


@router.delete("/appointments/{uuid:appointment_id}/", response={204: None})
def delete_appointment(request: SignedInRequest, appointment_id: UUID) -> Status:
    """Cancel and hide an appointment; its history stays. Administrators only."""
    service.delete_appointment(actor=request.auth, appointment_id=appointment_id, now=timezone.now())
    return Status(204, None)


@router.post("/appointments/{uuid:appointment_id}/reschedule/", response=AppointmentOut)
def reschedule_appointment(request: SignedInRequest, appointment_id: UUID, body: RescheduleIn) -> AppointmentOut:
    """Move a booked appointment to another time, also with another doctor, or leave it as it is."""
    return service.reschedule_appointment(
        actor=request.auth, appointment_id=appointment_id, body=body, now=timezone.now()
    )


def _mount_move(path: str, move: Callable[..., AppointmentOut], summary: str) -> None:
    """Mount one move of an appointment's state; they differ in their service function alone."""

    def handler(request: SignedInRequest, appointment_id: UUID, body: ReasonIn | None = None) -> Any:
        reason = body.reason if body else ""
        return move(actor=request.auth, appointment_id=appointment_id, reason=reason, now=timezone.now())

    handler.__doc__ = move.__doc__
    router.post(
        f"/appointments/{{uuid:appointment_id}}/{path}/",
        response=AppointmentOut,
        operation_id=move.__name__,
        summary=summary,
    )(handler)


_mount_move("cancel", service.cancel_appointment, "Cancel an appointment")
_mount_move("arrive", service.mark_arrived, "The patient is here")
_mount_move("fulfil", service.mark_fulfilled, "It took place")
_mount_move("no-show", service.mark_noshow, "Nobody came")


@router.get("/profile/appointments/", response=list[AppointmentOut])
def list_my_appointments(
    request: SignedInRequest, response: HttpResponse, filters: Query[AppointmentFilters], page: Query[PageIn]
) -> list[AppointmentOut]:
    """List your appointments: of your own charts, and of your calendar as a doctor."""
    found = service.list_my_appointments(actor=request.auth, filters=filters, page=page)
    return with_next_link(request, response, found)


# --- The own account, and the clinic's report -----------------------------------------------------------------------
@router.get("/profile/", response=FullProfileOut)
def get_profile(request: SignedInRequest) -> FullProfileOut:
    """Read the own account with chart, entry and working hours."""
    return service.get_full_profile(actor=request.auth)


@router.api_operation(["PUT", "PATCH"], "/profile/", response=FullProfileOut)
def update_profile(request: SignedInRequest, body: FullProfileIn) -> FullProfileOut:
    """Change the own account, entry and working hours together; a partial body is welcome."""
    return service.update_full_profile(actor=request.auth, body=body, now=timezone.now())


@router.get("/admin-panel/reports/", response=ClinicReportOut)
def get_report(
    request: SignedInRequest, response: HttpResponse, filters: Query[ReportFilters], page: Query[PageIn]
) -> ClinicReportOut:
    """Read appointments per doctor, revenue and details. Administrators only."""
    report, details = service.get_report(actor=request.auth, filters=filters, page=page, now=timezone.now())
    with_next_link(request, response, details)
    return report
