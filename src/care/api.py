"""Care's endpoints."""

from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router, Status

import identity.service
from care import service
from care.schemas import (
    AccessOut,
    ApprovalIn,
    CareTeamMemberIn,
    CareTeamMemberOut,
    DoctorChangeIn,
    DoctorDetailOut,
    DoctorFilters,
    DoctorIn,
    DoctorOut,
    LinkIn,
    PatientChangeIn,
    PatientDetailOut,
    PatientDoctorsOut,
    PatientFilters,
    PatientIn,
    PatientOut,
    VerificationIn,
)
from core.idempotency import answer_once
from core.pagination import PageIn, with_next_link
from core.wire import SignedInRequest
from identity.schemas import DecisionIn, RoleRequestOut, UserChangeIn, UserDetailOut, UserFilters, UserOut

router = Router(tags=["care"])


@router.get("/patients/", response=list[PatientOut])
def list_patients(
    request: SignedInRequest, response: HttpResponse, filters: Query[PatientFilters], page: Query[PageIn]
) -> list[PatientOut]:
    """List the patients you may see, newest first."""
    found = service.list_patients(actor=request.auth, filters=filters, page=page, now=timezone.now())
    return with_next_link(request, response, found)


@router.post("/patients/", response={201: PatientDetailOut})
def create_patient(request: SignedInRequest, body: PatientIn) -> HttpResponse | Status:
    """Add a patient; you keep the chart."""
    return answer_once(request, lambda: service.create_patient(actor=request.auth, body=body, now=timezone.now()))


@router.get("/patients/{uuid:patient_id}/", response=PatientDetailOut)
def get_patient(request: SignedInRequest, patient_id: UUID) -> PatientDetailOut:
    """Read one chart."""
    return service.get_patient(actor=request.auth, patient_id=patient_id, now=timezone.now())


@router.api_operation(["PUT", "PATCH"], "/patients/{uuid:patient_id}/", response=PatientDetailOut)
def update_patient(request: SignedInRequest, patient_id: UUID, body: PatientChangeIn) -> PatientDetailOut:
    """Change a chart; a partial body is welcome."""
    return service.update_patient(actor=request.auth, patient_id=patient_id, body=body, now=timezone.now())


@router.delete("/patients/{uuid:patient_id}/", response={204: None})
def delete_patient(request: SignedInRequest, patient_id: UUID) -> Status:
    """Delete a patient; the chart goes out of sight and its care team ends."""
    service.delete_patient(actor=request.auth, patient_id=patient_id, now=timezone.now())
    return Status(204, None)


@router.get("/doctors/", response=list[DoctorOut])
def list_doctors(
    request: SignedInRequest, response: HttpResponse, filters: Query[DoctorFilters], page: Query[PageIn]
) -> list[DoctorOut]:
    """List the doctors, newest first; filters work alone and together."""
    found = service.list_doctors(actor=request.auth, filters=filters, page=page, now=timezone.now())
    return with_next_link(request, response, found)


@router.post("/doctors/", response={201: DoctorDetailOut})
def create_doctor(request: SignedInRequest, body: DoctorIn) -> HttpResponse | Status:
    """Add a doctor to the directory; unverified, unless an administrator adds it."""
    return answer_once(request, lambda: service.create_doctor(actor=request.auth, body=body, now=timezone.now()))


@router.get("/doctors/{uuid:doctor_id}/", response=DoctorDetailOut)
def get_doctor(request: SignedInRequest, doctor_id: UUID) -> DoctorDetailOut:
    """Read one entry of the directory."""
    return service.get_doctor(actor=request.auth, doctor_id=doctor_id)


@router.api_operation(["PUT", "PATCH"], "/doctors/{uuid:doctor_id}/", response=DoctorDetailOut)
def update_doctor(request: SignedInRequest, doctor_id: UUID, body: DoctorChangeIn) -> DoctorDetailOut:
    """Change an entry; a partial body is welcome. A changed licence number drops the verification."""
    return service.update_doctor(actor=request.auth, doctor_id=doctor_id, body=body, now=timezone.now())


@router.delete("/doctors/{uuid:doctor_id}/", response={204: None})
def delete_doctor(request: SignedInRequest, doctor_id: UUID) -> Status:
    """Delete an entry; its care teams end."""
    service.delete_doctor(actor=request.auth, doctor_id=doctor_id, now=timezone.now())
    return Status(204, None)


@router.get("/mappings/", response=list[CareTeamMemberOut])
def list_memberships(request: SignedInRequest, response: HttpResponse, page: Query[PageIn]) -> list[CareTeamMemberOut]:
    """List who treats whom now, of the patients you may see."""
    found = service.list_memberships(actor=request.auth, page=page, now=timezone.now())
    return with_next_link(request, response, found)


@router.post("/mappings/", response={201: CareTeamMemberOut})
def assign_doctor(request: SignedInRequest, body: CareTeamMemberIn) -> HttpResponse | Status:
    """Assign a doctor to a patient."""
    return answer_once(request, lambda: service.assign_doctor(actor=request.auth, body=body, now=timezone.now()))


@router.get("/mappings/{uuid:any_id}/", response=CareTeamMemberOut | PatientDoctorsOut)
def get_membership(request: SignedInRequest, any_id: UUID) -> CareTeamMemberOut | PatientDoctorsOut:
    """Read a mapping by its id, or with a patient's id that patient's doctors."""
    return service.get_membership_or_doctors_of_patient(actor=request.auth, any_id=any_id, now=timezone.now())


@router.delete("/mappings/{uuid:any_id}/", response={204: None})
def end_membership(request: SignedInRequest, any_id: UUID) -> Status:
    """Take a doctor off a care team, by the mapping's id."""
    service.end_membership(actor=request.auth, membership_id=any_id, now=timezone.now())
    return Status(204, None)


@router.delete("/mappings/{uuid:any_id}/delete/", response={204: None})
def end_membership_spelled_out(request: SignedInRequest, any_id: UUID) -> Status:
    """Take a doctor off a care team, as the third document spells it."""
    return end_membership(request, any_id)


@router.post("/patients/{uuid:patient_id}/link/", response=PatientDetailOut)
def link_patient(request: SignedInRequest, patient_id: UUID, body: LinkIn) -> PatientDetailOut:
    """Say whose chart this is; for the front desk."""
    return service.link_patient(actor=request.auth, patient_id=patient_id, user_id=body.user, now=timezone.now())


@router.post("/doctors/{uuid:doctor_id}/verify/", response=DoctorDetailOut)
def verify_doctor(request: SignedInRequest, doctor_id: UUID, body: VerificationIn) -> DoctorDetailOut:
    """Vouch for a doctor; administrators only."""
    return service.verify_doctor(actor=request.auth, doctor_id=doctor_id, reason=body.reason, now=timezone.now())


@router.get("/profile/access-log/", response=list[AccessOut])
def list_access(request: SignedInRequest, response: HttpResponse, page: Query[PageIn]) -> list[AccessOut]:
    """See who read or changed the charts that you keep or that are yours, newest first."""
    found = service.list_access(actor=request.auth, page=page, now=timezone.now())
    return with_next_link(request, response, found)


@router.post("/role-requests/{uuid:request_id}/approve/", response=RoleRequestOut)
def approve_role_request(request: SignedInRequest, request_id: UUID, body: ApprovalIn) -> RoleRequestOut:
    """Give a role that was asked for; a doctor is linked and verified with it. Administrators only."""
    return service.approve_role_request(actor=request.auth, request_id=request_id, body=body, now=timezone.now())


@router.post("/role-requests/{uuid:request_id}/deny/", response=RoleRequestOut)
def deny_role_request(request: SignedInRequest, request_id: UUID, body: DecisionIn) -> RoleRequestOut:
    """Refuse a role that was asked for. Administrators only."""
    return service.deny_role_request(actor=request.auth, request_id=request_id, body=body, now=timezone.now())


@router.get("/users/", response=list[UserDetailOut])
def list_users(
    request: SignedInRequest, response: HttpResponse, filters: Query[UserFilters], page: Query[PageIn]
) -> list[UserDetailOut]:
    """List accounts, newest first. Administrators only."""
    found = identity.service.list_users(actor=request.auth, filters=filters, page=page)
    return with_next_link(request, response, found)


@router.get("/users/{uuid:user_id}/", response=UserDetailOut)
def get_user(request: SignedInRequest, user_id: UUID) -> UserDetailOut:
    """Read one account. Administrators only."""
    return identity.service.get_user_detail(actor=request.auth, user_id=user_id)


@router.patch("/users/{uuid:user_id}/", response=UserDetailOut)
def update_user(request: SignedInRequest, user_id: UUID, body: UserChangeIn) -> UserDetailOut:
    """Change an account or its role; a changed role ends its sessions. Administrators only."""
    return service.update_user(actor=request.auth, user_id=user_id, body=body, now=timezone.now())


@router.post("/users/{uuid:user_id}/deactivate/", response=UserOut)
def deactivate_user(request: SignedInRequest, user_id: UUID) -> UserOut:
    """Close an account; its sessions end at once. Administrators only."""
    return service.deactivate_user(actor=request.auth, user_id=user_id, now=timezone.now())


@router.post("/users/{uuid:user_id}/activate/", response=UserOut)
def activate_user(request: SignedInRequest, user_id: UUID) -> UserOut:
    """Open a closed account again; its old tokens stay dead. Administrators only."""
    return service.activate_user(actor=request.auth, user_id=user_id, now=timezone.now())
