import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError, connection

import care.service
import identity.service
from care.grants import facts, stored
from care.models import CareTeamMember, Doctor, Patient, PatientUserPermission
from care.schemas import CareTeamMemberIn
from core.actor import Role
from core.errors import NotFound
from core.models import AuditEvent, ThrottleCounter
from federation.models import Hospital
from identity.models import RefreshSession, RoleRequest
from identity.schemas import RegisterIn
from tests.factories import PASSWORD, DoctorFactory, PatientFactory, UserFactory
from tests.technical_window import path_of, refused, save, sign_in, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def window(ada, now):
    """The technical window, opened by ada, who is a superuser."""
    return sign_in(ada.user, now)


def test_shows_every_table_of_ours_and_no_other():
    ours = {"core", "identity", "care", "scheduling", "federation"}
    registered = {model._meta.label for model in admin.site._registry}

    from django.apps import apps

    assert registered == {model._meta.label for model in apps.get_models() if model._meta.app_label in ours}


def test_sends_who_is_not_signed_in_to_the_sign_in_page(client, db):
    for path in ("/admin/", "/admin/care/patient/", "/admin/login/", "/admin/nothing-here/"):
        answer = client.get(path)

        assert answer.status_code == 302
        assert answer["Location"].startswith("/sign-in/?next=%2Fadmin%2F")


@pytest.mark.parametrize("cast", ["alice", "erin", "rita", "otto"])
def test_refuses_who_is_no_superuser(cast, request, now):
    browser = sign_in(request.getfixturevalue(cast).user, now)

    for path in ("/admin/", "/admin/care/patient/", "/admin/login/"):
        assert browser.get(path).status_code == 403


def test_refuses_an_administrator_who_is_no_superuser(now):
    browser = sign_in(UserFactory(username="second-admin", role=Role.ADMIN), now)

    assert browser.get("/admin/").status_code == 403


def test_no_person_makes_a_superuser(ada, now):
    body = RegisterIn(username="second", password=PASSWORD)

    with pytest.raises(NotFound):
        identity.service.register_superuser(actor=ada.actor, body=body, now=now)


def test_ends_an_idle_session(window, ada, now):
    session = SessionStore(window.cookies[settings.SESSION_COOKIE_NAME].value)
    session["seen_at"] -= settings.SESSION_IDLE_SECONDS + 1
    session.save()

    assert window.get("/admin/")["Location"].startswith("/sign-in/")
    assert window.get("/admin/").status_code == 302


def test_has_no_password_page_of_its_own(window):
    assert window.get("/admin/password_change/").status_code == 404
    assert window.get("/admin/password_change/done/").status_code == 404
    assert "password" not in window.get("/admin/").content.decode().lower()


def test_signs_out_through_the_portal(window):
    assert 'action="/sign-out/"' in window.get("/admin/").content.decode()
    window.post("/sign-out/")

    assert window.get("/admin/").status_code == 302


@pytest.fixture
def everything(dr_chen, alice, alices_chart, bob, now):
    """A row in every table, by its model."""
    RoleRequest.objects.create(user=bob.user, role="staff", created_at=now)
    alice.api.get("/api/profile/")
    ThrottleCounter.objects.create(key="a" * 64, window=1, hits=1, expires_at=now)
    return {
        model: model.objects.first()
        for model in (Patient, Doctor, CareTeamMember, PatientUserPermission, RoleRequest, RefreshSession)
    } | {type(alice.user): alice.user, ThrottleCounter: ThrottleCounter.objects.first()}


def test_every_list_and_every_row_opens(window, everything):
    assert window.get("/admin/").status_code == 200
    for model in admin.site._registry:
        table = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert window.get(table).status_code == 200, table
        assert window.get(table, {"q": "Ä'%"}).status_code == 200, table
        if row := everything.get(model):
            assert window.get(path_of(row)).status_code == 200, table
            assert window.get(path_of(row, "history")).status_code == 404, table  # the audit trail is the history


def test_rows_are_added_only_where_a_service_adds_them(window):
    can_be_added = {
        model
        for model in admin.site._registry
        if window.get(f"/admin/{model._meta.app_label}/{model._meta.model_name}/add/").status_code == 200
    }

    assert can_be_added == {Patient, Doctor, CareTeamMember, Hospital}


def test_what_programs_write_is_read_only(window, everything):
    for model in (PatientUserPermission, RoleRequest, RefreshSession, ThrottleCounter):
        row = everything[model]
        assert window.post(path_of(row), {}).status_code == 403
        assert window.post(path_of(row, "delete"), {"post": "yes"}).status_code == 403
        assert model.objects.filter(pk=row.pk).exists()


def test_shows_no_secret(window, everything, alice):
    session = RefreshSession.objects.filter(user=alice.user).get()
    secrets = [alice.user.password, session.token_digest, session.seal, alice.user.get_session_auth_hash()]

    for row in everything.values():
        for path in (f"/admin/{row._meta.app_label}/{row._meta.model_name}/", path_of(row)):
            page = window.get(path).content.decode()
            assert not [secret for secret in secrets if secret in page], path
            assert "argon2" not in page
            assert 'type="password"' not in page


def test_shows_no_derived_column(window, alices_chart, a_doctor):
    for row in (alices_chart, a_doctor):
        page = window.get(path_of(row)).content.decode()

        assert "search_key" not in page
        assert "location_key" not in page


# --- Accounts -------------------------------------------------------------------------------------------------------
def test_a_changed_role_ends_sessions_and_changes_grants(window, dr_chen, alices_chart):
    path = f"/api/patients/{alices_chart.pk}/"
    assert dr_chen.api.get(path).status_code == 200

    save(window, path_of(dr_chen.user), role="patient")

    dr_chen.user.refresh_from_db()
    assert dr_chen.user.role == "patient"
    assert dr_chen.api.get(path).status_code == 401
    assert not PatientUserPermission.objects.filter(user=dr_chen.user).exists()
    assert stored([alices_chart.pk]).keys() == facts([alices_chart.pk])


def test_a_closed_account_loses_sessions_and_grants_until_it_is_opened_again(window, dr_chen, alices_chart):
    assert dr_chen.api.get("/api/profile/").status_code == 200

    save(window, path_of(dr_chen.user), is_active=None)

    assert dr_chen.api.get("/api/profile/").status_code == 401
    assert not PatientUserPermission.objects.filter(user=dr_chen.user).exists()

    save(window, path_of(dr_chen.user), is_active="on")

    assert dr_chen.api.get("/api/profile/").status_code == 401
    assert PatientUserPermission.objects.filter(user=dr_chen.user).exists()


def test_an_administrator_cannot_lock_themselves_out(window, ada):
    page = save(window, path_of(ada.user), role="patient")

    assert refused(page) == ["Ask another administrator to change your own account."]
    ada.user.refresh_from_db()
    assert ada.user.role == "admin"


def test_nothing_else_of_an_account_changes(window, alice):
    before = type(alice.user).objects.values().get(pk=alice.id)

    save(window, path_of(alice.user), username="mallory", name="Mallory", is_superuser="on", password="x", address="x")

    assert type(alice.user).objects.values().get(pk=alice.id) == before


def test_an_account_is_not_deleted(window, alice):
    assert window.post(path_of(alice.user, "delete"), {"post": "yes"}).status_code == 403


# --- Patients -------------------------------------------------------------------------------------------------------
def test_a_chart_is_added_through_its_service(window, ada, alice):
    page = save(window, "/admin/care/patient/add/", firstname="José", lastname="Gómez", phone="0171 2345678",
                birth_date="1990-02-03", user=str(alice.id))  # fmt: skip

    chart = Patient.objects.get()
    assert (chart.name, chart.phone, str(chart.birth_date)) == ("José Gómez", "01712345678", "1990-02-03")
    assert chart.search_key.startswith("jose gomez")
    assert (chart.created_by_id, chart.user_id) == (ada.id, alice.id)
    assert alice.api.get(f"/api/patients/{chart.pk}/").status_code == 200
    assert not refused(page)
    assert str(chart.pk) in told(page)[0]


def test_a_changed_chart_is_searched_by_its_new_name(window, erin, bobs_chart):
    save(window, path_of(bobs_chart), lastname="Ångström", birth_date="")

    assert [row["lastname"] for row in erin.api.get("/api/patients/", {"q": "angstrom"}).json()] == ["Ångström"]
    assert window.get("/admin/care/patient/", {"q": "ANGSTROM"}).context["cl"].result_count == 1


def test_says_at_the_field_what_the_api_would_refuse(window, bobs_chart):
    page = save(window, path_of(bobs_chart), phone="nobody", firstname="\u202eBoris")

    assert page.context["errors"] == [["must not change the direction of the text"], ["must be a telephone number"]]
    bobs_chart.refresh_from_db()
    assert (bobs_chart.firstname, bobs_chart.phone) == ("Boris", "")


def test_tells_what_the_service_refuses(window, bobs_chart):
    page = save(window, path_of(bobs_chart), birth_date="2999-01-01", lastname="Changed")

    assert refused(page) == ["birth_date: must lie within the last 130 years"]
    bobs_chart.refresh_from_db()
    assert (bobs_chart.birth_date, bobs_chart.lastname) == (None, "Secret")


def test_a_link_to_an_account_stays(window, alice, bobs_chart):
    save(window, path_of(bobs_chart), user=str(alice.id))
    page = save(window, path_of(bobs_chart), user="")

    assert page.context["errors"] == [["A link to an account stays."]]
    assert Patient.objects.get(pk=bobs_chart.pk).user_id == alice.id


def test_a_chart_belongs_to_one_account_at_most(window, alice, bob, bobs_chart):
    save(window, path_of(bobs_chart), user=str(alice.id))
    page = save(window, path_of(bobs_chart), user=str(bob.id), lastname="Changed")

    assert refused(page) == ["This chart belongs to another account."]
    bobs_chart.refresh_from_db()
    assert (bobs_chart.user_id, bobs_chart.lastname) == (alice.id, "Secret")


def test_a_deleted_chart_stays_and_is_read_only(window, bobs_chart, dr_diaz, ada, now):
    assignment = CareTeamMemberIn(patient=bobs_chart.pk, doctor=dr_diaz.doctor.pk)
    care.service.assign_doctor(actor=ada.actor, body=assignment, now=now)
    assert "Boris Secret" in window.get(path_of(bobs_chart, "delete")).content.decode()

    window.post(path_of(bobs_chart, "delete"), {"post": "yes"})

    bobs_chart.refresh_from_db()
    assert bobs_chart.deleted_at is not None
    assert not CareTeamMember.objects.filter(ended_at__isnull=True).exists()
    assert not PatientUserPermission.objects.filter(content_object=bobs_chart).exists()
    assert window.get(path_of(bobs_chart)).status_code == 200
    assert window.post(path_of(bobs_chart), {"firstname": "Back"}).status_code == 403
    assert window.post(path_of(bobs_chart, "delete"), {"post": "yes"}).status_code == 403


def test_a_superuser_of_another_role_is_told_what_the_services_refuse(now, bobs_chart):
    browser = sign_in(UserFactory(username="root", role=Role.RESEARCHER, is_superuser=True), now)
    message = ["Researchers and officials work with de-identified data only."]

    assert refused(save(browser, path_of(bobs_chart), firstname="Changed")) == message
    assert refused(browser.post(path_of(bobs_chart, "delete"), {"post": "yes"}, follow=True)) == message
    bobs_chart.refresh_from_db()
    assert (bobs_chart.firstname, bobs_chart.deleted_at) == ("Boris", None)


# --- Doctors --------------------------------------------------------------------------------------------------------
def test_a_doctor_added_here_is_verified(window, ada):
    page = save(window, "/admin/care/doctor/add/", firstname="Nina", lastname="Weiß", specialization="DERM",
                location="Köln")  # fmt: skip

    doctor = Doctor.objects.get()
    assert not refused(page)
    assert (doctor.verified, doctor.created_by_id, doctor.time_zone) == (True, ada.id, settings.TIME_ZONE)
    assert (doctor.location_key, doctor.search_key) == ("koln", "nina weiss dermatology koln")


def test_verifying_a_doctor_gives_access_to_the_patients_and_taking_it_back_ends_it(window, ada, now):
    account = UserFactory(username="new-doctor", role=Role.DOCTOR)
    doctor, chart = DoctorFactory(unverified=True, user=account), PatientFactory()
    care.service.assign_doctor(actor=ada.actor, body=CareTeamMemberIn(patient=chart.pk, doctor=doctor.pk), now=now)
    actor = identity.service.actor_from_user_id(account.pk)
    assert not stored([chart.pk])

    save(window, path_of(doctor), verified="on")
    assert care.service.get_patient(actor=actor, patient_id=chart.pk, now=now).id == chart.pk

    save(window, path_of(doctor), verified=None)
    assert not stored([chart.pk])


def test_linking_a_doctor_gives_the_account_its_patients(window, ada, now):
    account = UserFactory(username="new-doctor", role=Role.DOCTOR)
    doctor, chart = DoctorFactory(), PatientFactory()
    care.service.assign_doctor(actor=ada.actor, body=CareTeamMemberIn(patient=chart.pk, doctor=doctor.pk), now=now)

    save(window, path_of(doctor), user=str(account.pk))

    assert {grant[0] for grant in stored([chart.pk])} == {account.pk}


def test_an_account_is_one_doctor_at_most(window, dr_diaz, a_doctor):
    page = save(window, path_of(a_doctor), user=str(dr_diaz.id))

    assert refused(page) == ["This account is another doctor's."]
    assert Doctor.objects.get(pk=a_doctor.pk).user_id is None


def test_a_changed_doctor_is_searched_by_the_new_location(window, erin, a_doctor):
    save(window, path_of(a_doctor), location="Zürich", consultation_fee="80.50")

    [found] = erin.api.get("/api/doctors/", {"location": "zurich"}).json()
    assert (found["id"], found["consultation_fee"]) == (str(a_doctor.pk), "80.50")


def test_a_deleted_doctor_leaves_the_directory_and_the_care_teams(window, erin, dr_chen):
    window.post(path_of(dr_chen.doctor, "delete"), {"post": "yes"})

    assert erin.api.get("/api/doctors/").json() == []
    assert Doctor.objects.get(pk=dr_chen.doctor.pk).deleted_at is not None
    assert not PatientUserPermission.objects.filter(user=dr_chen.user).exists()


# --- Care teams -----------------------------------------------------------------------------------------------------
def test_a_doctor_is_put_on_a_care_team_and_taken_off_it(window, bobs_chart, dr_diaz):
    path = f"/api/patients/{bobs_chart.pk}/"
    assert dr_diaz.api.get(path).status_code == 404

    added = save(window, "/admin/care/careteammember/add/", patient=str(bobs_chart.pk), doctor=str(dr_diaz.doctor.pk))
    member = CareTeamMember.objects.get()
    assert not refused(added)
    assert dr_diaz.api.get(path).status_code == 200

    save(window, path_of(member), end_now="on", notes="changed")
    member.refresh_from_db()
    assert member.ended_at is not None
    assert member.notes == ""
    assert dr_diaz.api.get(path).status_code == 404
    assert window.get(path_of(member)).status_code == 200
    assert window.post(path_of(member), {"end_now": "on"}).status_code == 403
    assert window.post(path_of(member, "delete"), {"post": "yes"}).status_code == 403


def test_saving_a_membership_unchanged_does_not_end_it(window, dr_chen):
    save(window, path_of(CareTeamMember.objects.get()))

    assert CareTeamMember.objects.get().is_active


def test_a_second_live_membership_is_refused(window, dr_chen, alices_chart):
    page = save(window, "/admin/care/careteammember/add/", patient=str(alices_chart.pk), doctor=str(dr_chen.doctor.pk))

    assert refused(page) == ["This doctor is on the care team already."]
    assert CareTeamMember.objects.count() == 1


def test_who_does_not_exist_is_not_put_on_a_care_team(window, a_doctor):
    page = save(window, "/admin/care/careteammember/add/", patient=str(a_doctor.pk), doctor=str(a_doctor.pk))

    assert page.context["errors"]
    assert not CareTeamMember.objects.exists()


class TestOnRecord:
    """Whatever the technical window shows is in the audit trail, with the patients it showed."""

    @pytest.mark.parametrize(
        ("path", "action"),
        [
            ("/admin/care/patient/", "admin.patient.list"),
            ("/admin/care/patient/{chart}/change/", "admin.patient.view"),
            ("/admin/care/patient/{chart}/delete/", "admin.patient.view"),
            ("/admin/care/careteammember/", "admin.mapping.list"),
            ("/admin/care/careteammember/{mapping}/change/", "admin.mapping.view"),
            ("/admin/care/patientuserpermission/", "admin.patientuserpermission.list"),
        ],
    )
    def test_each_page_names_the_patients_it_shows(self, window, ada, alices_chart, dr_chen, path, action):
        page = window.get(path.format(chart=alices_chart.pk, mapping=CareTeamMember.objects.get().pk))
        assert page.status_code == 200
        event = AuditEvent.objects.filter(action=action).get()
        assert (event.actor_id, event.outcome) == (ada.id, "allowed")
        assert event.subjects.filter(kind="patient", subject_id=alices_chart.pk).exists()

    def test_what_cannot_be_recorded_is_not_shown(self, window, alices_chart):
        def refuse(execute, sql, params, many, context):
            if "INSERT" in sql and "core_auditevent" in sql:
                raise DatabaseError("the audit cannot be written")
            return execute(sql, params, many, context)

        window.raise_request_exception = False
        with connection.execute_wrapper(refuse):
            for path in ("/admin/care/patient/", path_of(alices_chart)):
                page = window.get(path)
                assert page.status_code == 500
                assert "Alma" not in page.content.decode()

    def test_a_refused_change_is_on_record(self, window, ada):
        save(window, path_of(ada.user), role="patient")
        event = AuditEvent.objects.get(action="user.role")
        assert (event.outcome, event.rule) == ("refused", "own_account")

    def test_django_keeps_no_history_of_its_own(self, window, alices_chart):
        save(window, path_of(alices_chart), lastname="Renamed")
        assert not LogEntry.objects.exists()
        assert AuditEvent.objects.filter(action="patient.update").count() == 1
        assert window.get(path_of(alices_chart, "history")).status_code == 404
