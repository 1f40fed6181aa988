"""Hospitals in the technical window: written by their services, their tokens shown to nobody; all else read-only."""

import pytest

from core.audit import find_events
from core.models import AuditEvent
from core.pagination import PageIn
from federation.models import (
    Feed,
    Hospital,
    PatientRecord,
    Pseudonym,
    Release,
    SyncProblem,
    SyncRun,
)
from federation.service.tokens import keep_token, open_token
from tests.factories.federation import make_hospital, make_record
from tests.technical_window import form_of, path_of, refused, save, sign_in

pytestmark = pytest.mark.django_db

TOKEN = "kanari-token-7f3a"
ADD = "/admin/federation/hospital/add/"


@pytest.fixture
def window(ada, now):
    return sign_in(ada.user, now)


@pytest.fixture
def hospital(ada, now):
    made = make_hospital(fetched_at=now, location="North")
    keep_token(made, TOKEN)
    made.save()
    return made


@pytest.fixture
def rows(hospital, rita, now):
    """A row in every table of federation."""
    run = SyncRun.objects.create(hospital=hospital, generation=1, cursor="kanari-cursor", started_at=now)
    return {
        Hospital: hospital,
        Feed: hospital.feed,
        PatientRecord: make_record(hospital),
        SyncRun: run,
        SyncProblem: SyncProblem.objects.create(run=run, page=1, code="no_patient_id", place="records[1]"),
        Pseudonym: Pseudonym.objects.create(
            researcher=rita.user,
            person=PatientRecord.objects.get().person,
            value="01890a5d-ac96-774b-bcce-b302099a8058",
        ),
        Release: Release.objects.create(day=now.date(), computed_at=now, tables={}),
    }


def new_hospital(window, **changes):
    empty = form_of(window.get(ADD))
    data = empty | {"name": "Added", "api_endpoint": "https://added.example/", "format": "json", **changes}
    return window.post(ADD, {name: value for name, value in data.items() if value is not None}, follow=True)


def test_every_row_opens_and_tells_no_secret(window, rows, hospital):
    secrets = [TOKEN, hospital.sealed_token, "kanari-cursor", "01890a5d-ac96-774b-bcce-b302099a8058"]
    for row in rows.values():
        for path in (f"/admin/federation/{row._meta.model_name}/", path_of(row), path_of(row, "delete")):
            page = window.get(path)
            assert page.status_code == (403 if "delete" in path and type(row) is not Hospital else 200), path
            assert not [secret for secret in secrets if secret in page.content.decode()], path


def test_whose_pseudonym_it_is_is_not_shown(window, rows):
    page = window.get(path_of(rows[Pseudonym])).content.decode()
    assert str(rows[Pseudonym].person) not in page


def test_only_hospitals_are_written(window, rows):
    for model, row in rows.items():
        if model is not Hospital:
            assert window.get(f"/admin/federation/{model._meta.model_name}/add/").status_code == 403
            assert window.post(path_of(row), {}).status_code == 403


def test_a_hospital_is_registered_by_its_service(window, ada):
    page = new_hospital(window, auth_token=TOKEN, sync_every_minutes="60")

    assert refused(page) == []
    added = Hospital.objects.get()
    assert (added.name, added.api_endpoint, added.created_by_id) == ("Added", "https://added.example/", ada.id)
    assert open_token(added) == TOKEN
    assert added.feed.due_at is not None
    assert AuditEvent.objects.filter(action="hospital.create", actor_id=ada.id).count() == 1


def test_an_address_that_may_not_be_asked_is_refused(window):
    page = new_hospital(window, api_endpoint="http://10.0.0.7/", auth_token=TOKEN)

    assert refused(page)[0].startswith("api_endpoint: ")
    assert not Hospital.objects.exists()
    assert TOKEN not in page.content.decode()


def test_what_the_api_would_refuse_is_said_at_the_field(window):
    page = new_hospital(window, sync_every_minutes="1", auth_token="two words")

    assert page.context["adminform"].form.errors.keys() == {"sync_every_minutes", "auth_token"}
    assert "two words" not in page.content.decode()
    assert not Hospital.objects.exists()


def test_a_change_keeps_the_token_and_a_new_address_forgets_it(window, hospital):
    save(window, path_of(hospital), location="South")
    assert open_token(Hospital.objects.get()) == TOKEN

    save(window, path_of(hospital), api_endpoint="https://elsewhere.example.evil/records")
    assert Hospital.objects.get().sealed_token == ""

    save(window, path_of(hospital), auth_token="another-token")
    assert open_token(Hospital.objects.get()) == "another-token"


def test_a_hospital_out_of_use_stays_and_is_read_only(window, hospital):
    record = make_record(hospital)
    window.post(path_of(hospital, "delete"), {"post": "yes"}, follow=True)

    hospital.refresh_from_db()
    assert (hospital.deleted_at is not None, hospital.sealed_token) == (True, "")
    assert PatientRecord.objects.filter(pk=record.pk).exists()
    page = window.get(path_of(hospital))
    assert page.status_code == 200
    assert "auth_token" not in page.content.decode()
    assert window.post(path_of(hospital), {}).status_code == 403
    assert window.get(path_of(hospital, "delete")).status_code == 403


def test_records_that_are_shown_are_on_record(window, rows):
    record = rows[PatientRecord]
    for path, action in (
        (path_of(record), "admin.record.view"),
        ("/admin/federation/patientrecord/", "admin.record.list"),
    ):
        window.get(path)
        [event] = find_events(page=PageIn(), scope="x", action=action).items
        assert [(each.kind, each.id, each.rule) for each in event.subjects] == [
            ("record", record.pk, "technical-window")
        ]
