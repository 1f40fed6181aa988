"""What is one's own as a patient, and whom one books for."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import care.service
from core.errors import NotAllowed
from core.models import AuditEvent
from scheduling.service import list_charts_to_book_for, list_own_appointments
from tests.factories import PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def days(a_doctor, monday):
    """Jane Doe works on that Monday, the day after it and the one before."""
    for number in (-1, 0, 1):
        make_schedule(a_doctor, monday + timedelta(days=number))


def names(entries) -> list[str]:
    return [f"{entry.appointment.patient_name} {entry.appointment.appointment_time}" for entry in entries]


def test_what_is_to_come_stands_soonest_first_and_the_rest_newest_first(alice, alices_chart, a_doctor, days, monday):
    tuesday = monday + timedelta(days=1)
    make_appointment(a_doctor, alices_chart, at(tuesday, "10:00"))
    make_appointment(a_doctor, alices_chart, at(monday, "11:00"))
    make_appointment(a_doctor, alices_chart, at(tuesday, "11:00"), "cancelled")
    make_appointment(a_doctor, alices_chart, at(monday, "09:00"), "fulfilled")

    found = list_own_appointments(actor=alice.actor, now=at(monday, "10:00"))

    assert names(found.upcoming) == ["Alma Kept 11:00", "Alma Kept 10:00"]
    assert [entry.appointment.status for entry in found.past] == ["cancelled", "fulfilled"]
    assert not found.there_are_more


def test_what_goes_on_is_still_to_come(alice, alices_chart, a_doctor, days, monday):
    make_appointment(a_doctor, alices_chart, at(monday, "09:00"), "arrived")

    during = list_own_appointments(actor=alice.actor, now=at(monday, "09:29"))
    after = list_own_appointments(actor=alice.actor, now=at(monday, "09:30"))

    assert (len(during.upcoming), len(during.past)) == (1, 0)
    assert (len(after.upcoming), len(after.past)) == (0, 1)


def test_hides_other_patients_appointments(alice, bob, alices_chart, bobs_chart, a_doctor, days, monday, now):
    make_appointment(a_doctor, bobs_chart, at(monday, "09:00"))

    assert list_own_appointments(actor=alice.actor, now=now).upcoming == []
    assert names(list_own_appointments(actor=bob.actor, now=now).upcoming) == ["Boris Secret 09:00"]


def test_a_doctors_calendar_is_not_their_own_visit(dr_chen, monday, now):
    make_schedule(dr_chen.doctor, monday)
    make_appointment(dr_chen.doctor, PatientFactory(), at(monday, "09:00"))

    assert list_own_appointments(actor=dr_chen.actor, now=now).upcoming == []


def test_the_desk_gets_the_own_chart_and_not_those_it_added(erin, a_doctor, days, monday, now):
    own, added = PatientFactory(firstname="Erin"), PatientFactory(created_by=erin.user)
    care.service.link_patient(actor=erin.actor, patient_id=own.pk, user_id=erin.id, now=now)
    make_appointment(a_doctor, own, at(monday, "09:00"))
    make_appointment(a_doctor, added, at(monday, "09:30"))

    assert names(list_own_appointments(actor=erin.actor, now=now).upcoming) == ["Erin Ient 09:00"]


@pytest.mark.parametrize("name", ["rita", "otto"])
def test_research_has_none_here(request, name, now):
    actor = request.getfixturevalue(name).actor
    with pytest.raises(NotAllowed):
        list_own_appointments(actor=actor, now=now)
    with pytest.raises(NotAllowed):
        list_charts_to_book_for(actor=actor, now=now)


def test_says_when_older_ones_are_left_out(alice, alices_chart, a_doctor, days, monday, now, monkeypatch):
    monkeypatch.setattr("scheduling.service.own.MOST", 1)
    for clock in ("09:00", "09:30"):
        make_appointment(a_doctor, alices_chart, at(monday, clock), "cancelled")

    found = list_own_appointments(actor=alice.actor, now=now)

    assert names(found.past) == ["Alma Kept 09:30"]
    assert found.there_are_more


def test_takes_the_same_queries_for_any_number(alice, alices_chart, a_doctor, days, monday, now):
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            list_own_appointments(actor=alice.actor, now=now)
        return len(captured)

    make_appointment(a_doctor, alices_chart, at(monday, "09:00"))
    few = count()
    for clock in ("09:30", "10:00", "10:30"):
        make_appointment(a_doctor, alices_chart, at(monday, clock))

    assert count() == few


def test_one_books_for_the_charts_one_keeps(alice, bob, alices_chart, bobs_chart, dr_chen, erin, now):
    own = PatientFactory(firstname="Alice", created_by=alice.user)
    care.service.link_patient(actor=erin.actor, patient_id=own.pk, user_id=alice.id, now=now)

    assert [card.name for card in list_charts_to_book_for(actor=alice.actor, now=now)] == ["Alma Kept"]
    # A doctor treats Alma, and keeps no chart.
    assert list_charts_to_book_for(actor=dr_chen.actor, now=now) == []
    assert list_charts_to_book_for(actor=erin.actor, now=now) == []
    event = AuditEvent.objects.get(actor_id=alice.id, action="patient.list")
    assert [(subject.subject_id, subject.rule) for subject in event.subjects.all()] == [(alices_chart.pk, "keeper")]
