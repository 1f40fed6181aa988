"""`/api/profile/appointments/`: mine, as a patient and as a doctor, whatever else I may see."""

from datetime import timedelta

import pytest

pytestmark = pytest.mark.django_db


def test_shows_own_appointments_only(alice, bob, erin, ada, dr_diaz, now):
    day = (now + timedelta(days=3)).date().isoformat()
    hours = {"doctor": str(dr_diaz.doctor.pk), "date": day, "start_time": "09:00", "end_time": "12:00"}
    schedule = erin.api.post("/api/schedules/", hours).json()["id"]
    for person, at in ((alice, "09:00"), (bob, "09:30")):
        body = {"doctor": hours["doctor"], "schedule": schedule, "appointment_time": at}
        assert person.api.post("/api/appointments/book/", body).status_code == 201
    expected = [(alice, ["09:00"]), (bob, ["09:30"]), (dr_diaz, ["09:30", "09:00"]), (erin, []), (ada, [])]
    for person, times in expected:
        rows = person.api.get("/api/profile/appointments/").json()
        assert [row["appointment_time"] for row in rows] == times
    assert len(erin.api.get("/api/appointments/").json()) == 2


def test_is_refused_to_research_accounts(rita, otto):
    for person in (rita, otto):
        assert person.api.get("/api/profile/appointments/").status_code == 403
