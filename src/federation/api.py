"""Federation's endpoints."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Status

from core.idempotency import answer_once
from core.pagination import Page, PageIn, with_next_link
from core.wire import SignedInRequest
from federation import service
from federation.schemas import (
    AggregatedFilters,
    AggregatedOut,
    DeidentifiedOut,
    FetchOut,
    HospitalChangeIn,
    HospitalDetailOut,
    HospitalIn,
    HospitalOut,
    MockHospitalFilters,
    MockHospitalOut,
    PatientRecordChangeIn,
    PatientRecordFilters,
    PatientRecordIn,
    PatientRecordOut,
    StatisticsOut,
    SyncOut,
    SyncRequestedOut,
)

router = Router(tags=["federation"], by_alias=True)


# --- Hospitals ------------------------------------------------------------------------------------------------------
@router.get("/hospitals/", response=list[HospitalDetailOut | HospitalOut])
def list_hospitals(
    request: SignedInRequest, response: HttpResponse, page: Query[PageIn]
) -> list[HospitalDetailOut] | list[HospitalOut]:
    """List the hospitals; administrators see where they are reached."""
    found = service.list_hospitals(actor=request.auth, page=page, now=timezone.now())
    return with_next_link(request, response, found)


@router.post("/hospitals/", response={201: HospitalDetailOut})
def create_hospital(request: SignedInRequest, body: HospitalIn) -> HttpResponse | Status:
    """Register a hospital. Administrators only."""
    return answer_once(request, lambda: service.create_hospital(actor=request.auth, body=body, now=timezone.now()))


@router.get("/hospitals/{uuid:hospital_id}/", response=HospitalDetailOut | HospitalOut)
def get_hospital(request: SignedInRequest, hospital_id: UUID) -> HospitalDetailOut | HospitalOut:
    """Read one hospital."""
    return service.get_hospital(actor=request.auth, hospital_id=hospital_id, now=timezone.now())


@router.api_operation(["PUT", "PATCH"], "/hospitals/{uuid:hospital_id}/", response=HospitalDetailOut)
def update_hospital(request: SignedInRequest, hospital_id: UUID, body: HospitalChangeIn) -> HospitalDetailOut:
    """Change a hospital; a new endpoint forgets the token unless one comes with it. Administrators only."""
    return service.update_hospital(actor=request.auth, hospital_id=hospital_id, body=body, now=timezone.now())


@router.delete("/hospitals/{uuid:hospital_id}/", response={204: None})
def delete_hospital(request: SignedInRequest, hospital_id: UUID) -> Status:
    """Take a hospital out of use; its records stay. Administrators only."""
    service.delete_hospital(actor=request.auth, hospital_id=hospital_id, now=timezone.now())
    return Status(204, None)


@router.get("/hospitals/{uuid:hospital_id}/fetch_records/", response=FetchOut)
def fetch_records(request: SignedInRequest, hospital_id: UUID) -> FetchOut:
    """Ask the hospital for its records now; nothing is kept. Doctors and administrators."""
    return service.fetch_records(actor=request.auth, hospital_id=hospital_id, now=timezone.now())


@router.post("/hospitals/{uuid:hospital_id}/sync/", response={202: SyncRequestedOut})
def request_sync(request: SignedInRequest, hospital_id: UUID) -> HttpResponse | Status:
    """Have the hospital's records copied by a job. Administrators only."""
    return answer_once(
        request,
        lambda: service.request_sync(actor=request.auth, hospital_id=hospital_id, now=timezone.now()),
        status=202,
    )


@router.get("/hospitals/{uuid:hospital_id}/syncs/", response=list[SyncOut])
def list_syncs(
    request: SignedInRequest, response: HttpResponse, hospital_id: UUID, page: Query[PageIn]
) -> list[SyncOut]:
    """List the attempts to copy a hospital, newest first, with their problems. Administrators only."""
    found = service.list_syncs(actor=request.auth, hospital_id=hospital_id, page=page)
    return with_next_link(request, response, found)


# --- Patient records ------------------------------------------------------------------------------------------------
@router.get("/patient-records/", response=list[PatientRecordOut])
def list_patient_records(
    request: SignedInRequest, response: HttpResponse, filters: Query[PatientRecordFilters], page: Query[PageIn]
) -> list[PatientRecordOut]:
    """List the records you may see, fetched and typed in."""
    found = service.list_patient_records(actor=request.auth, filters=filters, page=page, now=timezone.now())
    return with_next_link(request, response, found)


@router.post("/patient-records/", response={201: PatientRecordOut})
def create_patient_record(request: SignedInRequest, body: PatientRecordIn) -> HttpResponse | Status:
    """Type in what a hospital says of a patient."""
    return answer_once(
        request, lambda: service.create_patient_record(actor=request.auth, body=body, now=timezone.now())
    )


@router.get("/patient-records/{uuid:record_id}/", response=PatientRecordOut)
def get_patient_record(request: SignedInRequest, record_id: UUID) -> PatientRecordOut:
    """Read one record."""
    return service.get_patient_record(actor=request.auth, record_id=record_id, now=timezone.now())


@router.api_operation(["PUT", "PATCH"], "/patient-records/{uuid:record_id}/", response=PatientRecordOut)
def update_patient_record(request: SignedInRequest, record_id: UUID, body: PatientRecordChangeIn) -> PatientRecordOut:
    """Change a record that was typed in; a partial body is welcome. A fetched one is 409."""
    return service.update_patient_record(actor=request.auth, record_id=record_id, body=body, now=timezone.now())


@router.delete("/patient-records/{uuid:record_id}/", response={204: None})
def delete_patient_record(request: SignedInRequest, record_id: UUID) -> Status:
    """Take a record that was typed in away; its author's and administrators' to do."""
    service.delete_patient_record(actor=request.auth, record_id=record_id, now=timezone.now())
    return Status(204, None)


# --- Combined data --------------------------------------------------------------------------------------------------
@router.get("/aggregated-data/", response=AggregatedOut | DeidentifiedOut)
def get_aggregated(
    request: SignedInRequest, response: HttpResponse, filters: Query[AggregatedFilters], page: Query[PageIn]
) -> AggregatedOut | DeidentifiedOut:
    """Read all hospitals' records together, with how fresh each copy is; researchers read them without names."""
    found, cursor = service.get_aggregated(actor=request.auth, page=page, live=filters.live, now=timezone.now())
    with_next_link(request, response, Page([], cursor))
    return found


@router.get("/aggregated-data/statistics/", response=StatisticsOut)
def get_statistics(request: SignedInRequest) -> StatisticsOut:
    """Read the day's counts: four tables in which small numbers are hidden."""
    return service.get_statistics(actor=request.auth, now=timezone.now())


@router.get("/mock_hospital_data/", response=MockHospitalOut, auth=None)
def get_mock_hospital(request: HttpRequest, filters: Query[MockHospitalFilters]) -> MockHospitalOut:
    """Answer as a hospital does, with people who do not exist; on in development and with `MOCK_HOSPITAL=true`."""
    return service.get_mock_hospital(hospital=filters.hospital)
