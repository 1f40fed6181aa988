"""The rows behind the report."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import Invalid, NotAllowed
from core.models import AuditEvent
from scheduling.models import Appointment
from scheduling.schemas import ReportFilters
from scheduling.service import export_report
from tests.factories import DoctorFactory, PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def visits(a_doctor, monday):
    """Two on the Monday and one on the day after."""
    tuesday = monday + timedelta(days=1)
    make_schedule(a_doctor, monday)
    make_schedule(a_doctor, tuesday)
    return [
        make_appointment(a_doctor, PatientFactory(), at(day, clock), status)
        for day, clock, status in [
            (tuesday, "09:00", "booked"),
            (monday, "10:00", "cancelled"),
            (monday, "09:00", "fulfilled"),
        ]
    ]


def exported(person, **filters):
    return list(export_report(actor=person.actor, filters=ReportFilters.model_validate(filters)))


def test_holds_every_appointment_of_the_period_in_the_order_of_time(ada, visits, monday):
    tuesday, cancelled, fulfilled = (visit.pk for visit in visits)

    assert [row.id for row in exported(ada)] == [fulfilled, cancelled, tuesday]
    assert [row.id for row in exported(ada, to=monday)] == [fulfilled, cancelled]
    assert [row.id for row in exported(ada, **{"from": monday + timedelta(days=1)})] == [tuesday]
    assert exported(ada, doctor=DoctorFactory().pk) == []


@pytest.mark.parametrize("name", ["alice", "dr_chen", "erin", "rita", "otto"])
def test_is_for_administrators_and_refused_before_anything_is_read(request, name, visits):
    actor = request.getfixturevalue(name).actor

    with pytest.raises(NotAllowed):
        export_report(actor=actor, filters=ReportFilters())


def test_no_period_is_refused_at_once(ada, monday):
    filters = ReportFilters.model_validate({"from": monday, "to": monday - timedelta(days=1)})

    with pytest.raises(Invalid):
        export_report(actor=ada.actor, filters=filters)


def test_is_recorded_with_every_patient_before_the_first_row_is_read(ada, visits):
    rows = export_report(actor=ada.actor, filters=ReportFilters())

    event = AuditEvent.objects.get(action="report.export")
    assert {subject.subject_id for subject in event.subjects.all()} == {visit.patient_id for visit in visits}
    assert len(list(rows)) == 3


def test_tells_nobody_who_was_booked_after_it_was_recorded(ada, visits, a_doctor, monday):
    rows = export_report(actor=ada.actor, filters=ReportFilters())
    make_appointment(a_doctor, PatientFactory(), at(monday, "11:00"))

    assert len(list(rows)) == 3
    assert Appointment.objects.count() == 4


def test_reads_in_chunks_with_the_same_queries_each(ada, visits, monkeypatch):
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            exported(ada)
        return len(captured)

    whole = count()
    monkeypatch.setattr("scheduling.service.report_export._CHUNK", 1)
    assert [row.id for row in exported(ada)] == [visit.pk for visit in reversed(visits)]

    assert count() == whole + 2 * 4
