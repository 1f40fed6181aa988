"""Ten tries to book within a minute are enough for anybody but the front desk, which books for the whole clinic."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from scheduling.models import Appointment
from tests.factories import PatientFactory
from tests.factories.scheduling import at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("limits_on")]

PATHS = ["/api/appointments/", "/api/appointments/book/"]


@pytest.fixture
def ask(morning, monday):
    """Try to book: nine times out of ten what has been booked by then."""

    def try_it(person, path=PATHS[0], **more):
        body = {"doctor": str(morning.doctor_id), "starts_at": at(monday, "09:00").isoformat(), **more}
        return person.api.post(path, body)

    return try_it


def statuses(*answers):
    return [answer.status_code for answer in answers]


@pytest.mark.parametrize("who", ["alice", "dr_chen"])
def test_the_eleventh_try_is_told_to_wait(request, who, ask):
    person = request.getfixturevalue(who)
    # Both spellings of the address are one door.
    assert statuses(*(ask(person, PATHS[number % 2]) for number in range(10))) == [201] + [409] * 9

    refused = ask(person)

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    assert refused["Retry-After"] == "55"
    assert Appointment.objects.count() == 1


def test_the_next_minute_is_another_one(alice, ask):
    for _ in range(11):
        ask(alice)
    with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=False):
        assert ask(alice).status_code == 409


def test_everybody_is_counted_alone(alice, bob, ask):
    assert statuses(*(ask(alice) for _ in range(11)))[-1] == 429
    assert ask(bob).status_code == 409


@pytest.mark.parametrize("who", ["erin", "ada"])
def test_the_front_desk_books_as_often_as_it_has_to(request, who, ask):
    patient = str(PatientFactory().pk)
    desk = request.getfixturevalue(who)
    assert statuses(*(ask(desk, patient=patient) for _ in range(15))) == [201] + [409] * 14


def test_moving_and_cancelling_are_not_booking(alice, ask, monday):
    made = ask(alice).json()
    for _ in range(10):
        ask(alice)
    path = f"/api/appointments/{made['id']}"
    assert alice.api.post(f"{path}/reschedule/", {"starts_at": at(monday, "10:00").isoformat()}).status_code == 200
    assert alice.api.post(f"{path}/cancel/").status_code == 200


def test_without_limits_nobody_is_counted(settings, alice, ask):
    settings.RATE_LIMITS = False
    assert statuses(*(ask(alice) for _ in range(15))) == [201] + [409] * 14


@pytest.mark.parametrize("path", PATHS)
def test_the_document_names_the_answer(nobody, path):
    document = nobody.api.get("/api/openapi.json").json()
    assert "429" in document["paths"][path]["post"]["responses"]
    assert "429" not in document["paths"]["/api/schedules/"]["post"]["responses"]
