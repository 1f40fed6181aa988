"""After booking: which move may follow which, who makes it, what the history says; rescheduling and the override."""

from datetime import timedelta
from itertools import product

import pytest
from django.utils import timezone

import scheduling.service
from care.models import Doctor
from core.actor import SYSTEM
from core.errors import Refusal
from scheduling.models import Appointment, AppointmentEvent
from scheduling.schemas import AppointmentChangeIn, RescheduleIn
from scheduling.service.locks import lock_calendars
from tests.factories import PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule

pytestmark = pytest.mark.django_db

MISSING = "01890000-0000-7000-8000-000000000000"
STATUSES = ["booked", "arrived", "fulfilled", "cancelled", "noshow"]
MOVES = {"cancel": "cancelled", "arrive": "arrived", "fulfil": "fulfilled", "no-show": "noshow"}
LEGAL = {
    ("booked", "arrive"),
    ("booked", "no-show"),
    ("booked", "cancel"),
    ("arrived", "fulfil"),
    ("arrived", "cancel"),
}


def path(appointment, move=""):
    pk = getattr(appointment, "pk", appointment)
    return f"/api/appointments/{pk}/" + (f"{move}/" if move else "")


def said(answer):
    return answer.status_code, answer.json().get("code")


def status_of(appointment):
    return Appointment.objects.get(pk=appointment.pk).status


def history_of(appointment):
    return [(event.from_status, event.to_status, event.reason) for event in appointment.history.all()]


@pytest.fixture
def begun(dr_chen, alices_chart):
    """An appointment of alice's chart with Lin Chen; makes one in any status, which began yesterday."""
    yesterday = timezone.now().date() - timedelta(days=1)
    make_schedule(dr_chen.doctor, yesterday)

    def make(status="booked"):
        return make_appointment(dr_chen.doctor, alices_chart, at(yesterday, "10:00"), status)

    return make


@pytest.fixture
def coming(dr_chen, alices_chart, chens_morning, monday):
    """An appointment of alice's chart with Lin Chen at ten on the Monday to come."""
    return make_appointment(dr_chen.doctor, alices_chart, at(monday, "10:00"), notes="bring the letter")


class TestTheTable:
    @pytest.mark.parametrize(("status", "move"), list(product(STATUSES, MOVES)))
    def test_every_move_from_every_status(self, erin, begun, status, move):
        appointment = begun(status)
        before = history_of(appointment)
        answer = erin.api.post(path(appointment, move), {"reason": "said so"})
        if (status, move) in LEGAL:
            assert answer.status_code == 200
            assert answer.json()["status"] == status_of(appointment) == MOVES[move]
            assert history_of(appointment) == [*before, (status, MOVES[move], "said so")]
        else:
            assert said(answer) == (409, "illegal_move")
            assert status_of(appointment) == status
            assert history_of(appointment) == before

    @pytest.mark.parametrize("move", MOVES)
    def test_a_move_twice_is_refused_the_second_time(self, erin, begun, move):
        appointment = begun("arrived" if move == "fulfil" else "booked")
        assert erin.api.post(path(appointment, move)).status_code == 200
        assert said(erin.api.post(path(appointment, move))) == (409, "illegal_move")

    def test_nobody_fails_to_come_before_it_begins(self, erin, coming):
        assert said(erin.api.post(path(coming, "no-show"))) == (409, "too_early")
        assert status_of(coming) == "booked"

    def test_from_the_moment_it_begins_somebody_may_fail_to_come(self, erin, coming):
        def noshow(now):
            scheduling.service.mark_noshow(actor=erin.actor, appointment_id=coming.pk, reason="", now=now)

        with pytest.raises(Refusal) as refused:
            noshow(coming.starts_at - timedelta(seconds=1))
        assert refused.value.code == "too_early"
        noshow(coming.starts_at)
        assert status_of(coming) == "noshow"

    def test_patients_cancel_until_it_begins(self, alice, coming):
        def cancel(now):
            scheduling.service.cancel_appointment(actor=alice.actor, appointment_id=coming.pk, reason="", now=now)

        with pytest.raises(Refusal) as refused:
            cancel(coming.starts_at)
        assert refused.value.code == "too_late"
        assert status_of(coming) == "booked"
        cancel(coming.starts_at - timedelta(seconds=1))
        assert status_of(coming) == "cancelled"

    @pytest.mark.parametrize("status", ["booked", "arrived"])
    def test_the_doctor_and_the_desk_cancel_afterwards_too(self, dr_chen, alice, begun, status):
        appointment = begun(status)
        assert said(alice.api.post(path(appointment, "cancel"))) == (409, "too_late")
        assert dr_chen.api.post(path(appointment, "cancel")).status_code == 200

    def test_works_with_and_without_a_body_and_the_last_slash(self, erin, coming):
        assert erin.api.post(path(coming, "arrive").rstrip("/")).status_code == 200
        assert erin.api.post(path(coming, "fulfil"), {}).status_code == 200

    @pytest.mark.parametrize("body", [{"reason": "x" * 256}, {"reason": "a\nb"}, {"reason": 4}, {"why": "x"}, []])
    def test_refuses_what_is_no_reason(self, erin, coming, body):
        assert erin.api.post(path(coming, "cancel"), body).status_code == 422
        assert status_of(coming) == "booked"


class TestWho:
    """Own charts cancel, the own calendar and the desk say who came, strangers see nothing, research is refused."""

    @pytest.mark.parametrize("who", ["alice", "dr_chen", "erin", "ada"])
    def test_reads_and_cancels(self, request, who, coming):
        person = request.getfixturevalue(who)
        assert person.api.get(path(coming)).status_code == 200
        assert [row["id"] for row in person.api.get("/api/appointments/").json()] == [str(coming.pk)]
        assert person.api.post(path(coming, "cancel"), {"reason": "ill"}).json()["status"] == "cancelled"

    @pytest.mark.parametrize("who", ["dr_chen", "erin", "ada"])
    def test_says_who_came(self, request, who, coming):
        person = request.getfixturevalue(who)
        assert person.api.post(path(coming, "arrive")).status_code == 200
        assert person.api.post(path(coming, "fulfil")).status_code == 200

    @pytest.mark.parametrize("move", ["arrive", "fulfil", "no-show"])
    def test_patients_do_not_say_who_came(self, alice, begun, move):
        appointment = begun("arrived" if move == "fulfil" else "booked")
        before = appointment.status
        assert said(alice.api.post(path(appointment, move))) == (403, "not_allowed")
        assert status_of(appointment) == before

    @pytest.mark.parametrize("who", ["bob", "dr_diaz"])
    def test_it_does_not_exist_for_strangers(self, request, who, coming):
        person = request.getfixturevalue(who)
        missing = person.api.get(path(MISSING))
        answers = [person.api.get(path(coming)), person.api.patch(path(coming), {"notes": "x"})]
        answers += [person.api.delete(path(coming)), person.api.post(path(coming, "reschedule"), {"starts_at": TIME})]
        answers += [person.api.post(path(coming, move)) for move in MOVES]
        for answer in answers:
            assert (answer.status_code, answer.json()) == (404, missing.json())
        assert person.api.get("/api/appointments/").json() == []
        assert history_of(coming) == [("", "booked", "")]

    @pytest.mark.parametrize("who", ["rita", "otto"])
    def test_research_is_refused_everything(self, request, who, coming):
        person = request.getfixturevalue(who)
        for at_path in (path(coming), path(MISSING), "/api/appointments/", "/api/profile/appointments/"):
            assert said(person.api.get(at_path)) == (403, "not_allowed")
        for move in MOVES:
            assert said(person.api.post(path(coming, move))) == (403, "not_allowed")
        assert said(person.api.post(path(coming, "reschedule"), {"starts_at": TIME})) == (403, "not_allowed")
        assert person.api.patch(path(coming), {"notes": "x"}).status_code == 403
        assert person.api.delete(path(coming)).status_code == 403

    def test_a_doctor_of_the_care_team_sees_only_the_own_calendar(
        self, dr_chen, alices_chart, morning, monday, a_doctor
    ):
        elsewhere = make_appointment(a_doctor, alices_chart, at(monday, "09:00"))
        assert dr_chen.api.get(path(elsewhere)).status_code == 404
        assert dr_chen.api.get("/api/appointments/").json() == []

    def test_a_doctor_who_lost_verification_loses_the_calendar(self, dr_chen, coming):
        Doctor.objects.filter(pk=dr_chen.doctor.pk).update(verified=False)
        assert dr_chen.api.get(path(coming)).status_code == 404

    def test_the_owner_of_the_chart_sees_what_others_booked(self, alice, erin, alices_chart, chens_morning):
        body = {"doctor": str(chens_morning.doctor_id), "schedule": str(chens_morning.pk), "appointment_time": "09:00"}
        made = erin.api.post("/api/appointments/", {**body, "patient": str(alices_chart.pk)}).json()
        assert alice.api.get(path(made["id"])).status_code == 200

    def test_strangers_sign_in_first(self, nobody, coming):
        for answer in (nobody.api.get(path(coming)), nobody.api.post(path(coming, "cancel"))):
            assert answer.status_code == 401

    def test_what_is_missing_or_no_id_is_not_found(self, erin, ada):
        for name in (MISSING, "4"):
            assert erin.api.get(path(name)).status_code == 404
            for move in MOVES:
                assert erin.api.post(path(name, move)).status_code == 404
            assert ada.api.patch(path(name), {"notes": "x"}).status_code == 404
            assert ada.api.delete(path(name)).status_code == 404


TIME = "2027-01-04T09:00:00Z"


class TestHistory:
    def test_says_who_when_and_why_oldest_first(self, alice, erin, dr_chen, coming, monday):
        erin.api.post(path(coming, "reschedule"), {"starts_at": at(monday, "11:00").isoformat(), "reason": "bus late"})
        dr_chen.api.post(path(coming, "arrive"))
        dr_chen.api.post(path(coming, "cancel"), {"reason": "fire drill"})
        told = alice.api.get(path(coming)).json()["history"]
        assert [(row["by_name"], row["from_status"], row["to_status"], row["reason"]) for row in told] == [
            ("System", "", "booked", ""),
            ("Erin", "booked", "booked", "bus late"),
            ("Chen", "booked", "arrived", ""),
            ("Chen", "arrived", "cancelled", "fire drill"),
        ]
        assert [(row["from_starts_at"], row["to_starts_at"]) for row in told[:2]] == [
            (None, f"{monday}T10:00:00Z"),
            (f"{monday}T10:00:00Z", f"{monday}T11:00:00Z"),
        ]
        assert [row["at"] for row in told] == sorted(row["at"] for row in told)
        assert told[1]["by"] == str(erin.id)

    def test_lists_say_no_history(self, alice, coming):
        [row] = alice.api.get("/api/appointments/").json()
        assert "history" not in row


class TestReschedule:
    def to(self, moment, **more):
        return {"starts_at": moment.isoformat(), **more}

    @pytest.mark.parametrize("who", ["alice", "erin", "ada"])
    def test_to_another_time_of_the_same_doctor(self, request, who, coming, chens_morning, monday):
        person = request.getfixturevalue(who)
        answer = person.api.post(path(coming, "reschedule"), self.to(at(monday, "11:30")))
        assert answer.status_code == 200
        found = {name: answer.json()[name] for name in ("id", "status", "appointment_time", "notes", "schedule")}
        assert found == {
            "id": str(coming.pk),
            "status": "booked",
            "appointment_time": "11:30",
            "notes": "bring the letter",
            "schedule": str(chens_morning.pk),
        }
        assert Appointment.objects.count() == 1

    def test_frees_the_old_time_at_once(self, alice, bob, coming, chens_morning, monday):
        alice.api.post(path(coming, "reschedule"), self.to(at(monday, "11:30")))
        body = {"doctor": str(coming.doctor_id), "schedule": str(chens_morning.pk), "appointment_time": "10:00"}
        assert bob.api.post("/api/appointments/", body).status_code == 201
        assert said(bob.api.post("/api/appointments/", {**body, "appointment_time": "11:30"})) == (409, "slot_taken")

    def test_to_another_doctor_by_schedule_and_clock(self, alice, coming, morning, a_doctor, monday):
        Doctor.objects.filter(pk=a_doctor.pk).update(consultation_fee="99.90")
        body = {"doctor": str(a_doctor.pk), "schedule": str(morning.pk), "appointment_time": "09:00"}
        answer = alice.api.post(path(coming, "reschedule"), body).json()
        assert (answer["doctor_name"], answer["appointment_time"], answer["id"]) == (
            "Jane Doe",
            "09:00",
            str(coming.pk),
        )
        coming.refresh_from_db()
        assert (coming.doctor_id, coming.schedule_id) == (a_doctor.pk, morning.pk)
        event = AppointmentEvent.objects.latest("pk")
        assert (event.from_doctor, event.from_starts_at) != (None, None)

    def test_takes_the_whole_body_of_a_booking(self, alice, coming, alices_chart, bobs_chart, monday):
        body = self.to(at(monday, "11:00"), doctor=str(coming.doctor_id), patient=str(alices_chart.pk), notes="other")
        assert alice.api.post(path(coming, "reschedule"), body).status_code == 200
        coming.refresh_from_db()
        assert (coming.patient_id, coming.notes) == (alices_chart.pk, "bring the letter")

    def test_to_a_time_that_overlaps_the_old_one(self, alice, coming, dr_chen, monday):
        """The appointment itself is nobody's rival, neither for its doctor nor for its patient."""
        make_schedule(dr_chen.doctor, monday + timedelta(days=1), "10:00", "11:00")
        assert alice.api.post(path(coming, "reschedule"), self.to(at(monday, "10:00"))).status_code == 200

    def refused(self, person, coming, body, expected):
        before = {name: getattr(coming, name) for name in ("doctor_id", "schedule_id", "starts_at", "status", "fee")}
        answer = person.api.post(path(coming, "reschedule"), body)
        assert said(answer) == expected
        coming.refresh_from_db()
        assert {name: getattr(coming, name) for name in before} == before
        assert history_of(coming) == [("", "booked", "")]
        return answer.json()

    def test_to_a_taken_time_leaves_everything_as_it_is(self, alice, coming, dr_chen, monday):
        make_appointment(dr_chen.doctor, PatientFactory(), at(monday, "09:30"))
        told = self.refused(alice, coming, self.to(at(monday, "09:30")), (409, "slot_taken"))
        assert [slot["appointment_time"] for slot in told["next_free"]] == ["10:30", "11:00", "11:30"]

    def test_the_refusals_are_those_of_booking(self, alice, coming, alices_chart, a_doctor, morning, monday, dr_chen):
        make_appointment(a_doctor, alices_chart, at(monday, "09:00"))
        self.refused(alice, coming, self.to(at(monday, "09:00")), (409, "patient_busy"))
        self.refused(alice, coming, self.to(at(monday, "12:00")), (422, "outside_schedule"))
        self.refused(alice, coming, self.to(at(monday, "09:10")), (422, "off_grid"))
        yesterday = timezone.now().date() - timedelta(days=1)
        make_schedule(dr_chen.doctor, yesterday)
        self.refused(alice, coming, self.to(at(yesterday, "09:00")), (422, "past"))
        self.refused(alice, coming, self.to(at(monday, "09:30"), doctor=MISSING), (422, "invalid"))
        Doctor.objects.filter(pk=a_doctor.pk).update(max_appointments_per_day=1)
        self.refused(alice, coming, self.to(at(monday, "09:30"), doctor=str(a_doctor.pk)), (409, "day_full"))
        Doctor.objects.filter(pk=a_doctor.pk).update(is_available=False)
        away = self.to(at(monday, "11:00"), doctor=str(a_doctor.pk))
        self.refused(alice, coming, away, (409, "doctor_not_bookable"))

    def test_within_a_full_day_is_possible(self, alice, coming, monday):
        Doctor.objects.update(max_appointments_per_day=1)
        assert alice.api.post(path(coming, "reschedule"), self.to(at(monday, "11:00"))).status_code == 200

    def test_a_doctor_cancels_but_moves_nobody_about(self, dr_chen, coming, monday):
        self.refused(dr_chen, coming, self.to(at(monday, "11:00")), (403, "not_allowed"))

    @pytest.mark.parametrize("status", ["arrived", "fulfilled", "cancelled", "noshow"])
    def test_what_is_no_longer_booked_is_not_moved(self, erin, begun, chens_morning, monday, status):
        appointment = begun(status)
        answer = erin.api.post(path(appointment, "reschedule"), self.to(at(monday, "11:00")))
        assert said(answer) == (409, "illegal_move")
        assert status_of(appointment) == status

    @pytest.mark.parametrize(
        "body",
        [{}, {"starts_at": "soon"}, {"appointment_time": "09:00"}, {"starts_at": "0001-01-01T00:00:00Z"}, {"x": 1}],
    )
    def test_a_body_that_names_no_time_is_invalid(self, alice, coming, body):
        assert alice.api.post(path(coming, "reschedule"), body).status_code == 422

    def test_an_appointment_that_began_unnoticed_is_not_moved_by_its_patient(self, alice, begun, chens_morning, monday):
        """Who may no longer cancel does not escape by moving."""
        appointment = begun("booked")
        answer = alice.api.post(path(appointment, "reschedule"), self.to(at(monday, "11:00")))
        assert said(answer) == (409, "too_late")


class TestOverride:
    @pytest.mark.parametrize(("before", "after"), list(product(STATUSES, STATUSES)))
    def test_an_administrator_makes_any_move(self, ada, begun, before, after):
        appointment = begun(before)
        rows = len(history_of(appointment))
        answer = ada.api.patch(path(appointment), {"status": after, "notes": "corrected", "reason": "typing error"})
        assert (answer.status_code, answer.json()["status"], answer.json()["notes"]) == (200, after, "corrected")
        assert status_of(appointment) == after
        added = history_of(appointment)[rows:]
        assert added == ([] if before == after else [(before, after, "typing error")])

    def test_may_change_the_notes_alone(self, ada, coming):
        assert ada.api.patch(path(coming), {"notes": "new"}).json()["notes"] == "new"
        assert ada.api.patch(path(coming), {"notes": ""}).json()["notes"] == ""
        assert ada.api.patch(path(coming), {}).json()["status"] == "booked"

    def test_takes_the_whole_object_back(self, ada, coming):
        shown = ada.api.get(path(coming)).json()
        answer = ada.api.patch(path(coming), {**shown, "status": "arrived", "fee": "0.00", "doctor": MISSING})
        assert (answer.status_code, answer.json()["status"]) == (200, "arrived")
        assert answer.json()["doctor"] == shown["doctor"]

    @pytest.mark.parametrize("body", [{"status": "lost"}, {"status": 1}, {"notes": "\x00"}, {"colour": "blue"}])
    def test_refuses_what_is_no_change(self, ada, coming, body):
        assert ada.api.patch(path(coming), body).status_code == 422

    @pytest.mark.parametrize("after", ["booked", "arrived", "fulfilled", "noshow"])
    def test_occupying_again_is_checked_like_a_booking(self, ada, dr_chen, alices_chart, coming, monday, after):
        ada.api.patch(path(coming), {"status": "cancelled"})
        rival = make_appointment(dr_chen.doctor, PatientFactory(), at(monday, "10:00"))
        assert said(ada.api.patch(path(coming), {"status": after})) == (409, "slot_taken")
        assert status_of(coming) == "cancelled"
        ada.api.patch(path(rival), {"status": "cancelled"})
        assert ada.api.patch(path(coming), {"status": after}).status_code == 200

    def test_occupying_again_asks_for_the_patient_too(self, ada, alices_chart, a_doctor, coming, morning, monday):
        ada.api.patch(path(coming), {"status": "cancelled"})
        make_appointment(a_doctor, alices_chart, at(monday, "10:00"))
        assert said(ada.api.patch(path(coming), {"status": "booked"})) == (409, "patient_busy")

    def test_occupying_again_asks_for_the_day_too(self, ada, dr_chen, coming, monday):
        ada.api.patch(path(coming), {"status": "cancelled"})
        Doctor.objects.update(max_appointments_per_day=1)
        make_appointment(dr_chen.doctor, PatientFactory(), at(monday, "09:00"))
        assert said(ada.api.patch(path(coming), {"status": "booked"})) == (409, "day_full")

    def test_occupying_again_needs_a_patient_and_a_doctor(self, ada, coming, alices_chart, dr_chen):
        """An appointment must not live on for a chart or an entry that was deleted meanwhile."""
        ada.api.patch(path(coming), {"status": "cancelled"})
        assert ada.api.delete(f"/api/patients/{alices_chart.pk}/").status_code == 204
        assert ada.api.patch(path(coming), {"status": "booked"}).status_code in (409, 422)
        assert status_of(coming) == "cancelled"

    def test_occupying_again_needs_a_doctor_who_is_there(self, ada, coming, dr_chen):
        ada.api.patch(path(coming), {"status": "cancelled"})
        assert ada.api.delete(f"/api/doctors/{dr_chen.doctor.pk}/").status_code == 204
        assert ada.api.patch(path(coming), {"status": "booked"}).status_code in (409, 422)
        assert status_of(coming) == "cancelled"

    def test_occupying_again_needs_the_schedule(self, ada, coming, chens_morning):
        """A live appointment lies in live hours; deleting hours is refused for the same reason."""
        ada.api.patch(path(coming), {"status": "cancelled"})
        assert ada.api.delete(f"/api/schedules/{chens_morning.pk}/").status_code == 204
        assert ada.api.patch(path(coming), {"status": "booked"}).status_code in (409, 422)
        assert status_of(coming) == "cancelled"

    @pytest.mark.parametrize("who", ["alice", "dr_chen", "erin"])
    def test_is_for_administrators_alone(self, request, who, coming):
        person = request.getfixturevalue(who)
        assert said(person.api.patch(path(coming), {"status": "fulfilled"})) == (403, "not_allowed")
        assert said(person.api.delete(path(coming))) == (403, "not_allowed")
        assert (status_of(coming), history_of(coming)) == ("booked", [("", "booked", "")])

    def test_there_is_no_put(self, ada, coming):
        assert ada.api.put(path(coming), {"notes": "x"}).status_code == 405


class TestDelete:
    def test_cancels_and_hides_and_keeps_the_history(self, ada, alice, erin, dr_chen, coming):
        assert ada.api.delete(path(coming)).status_code == 204
        for person in (ada, alice, erin, dr_chen):
            assert person.api.get(path(coming)).status_code == 404
            assert person.api.get("/api/appointments/").json() == []
            assert person.api.get("/api/profile/appointments/").json() == []
        assert ada.api.delete(path(coming)).status_code == 404
        assert said(ada.api.patch(path(coming), {"status": "booked"})) == (404, "not_found")
        assert history_of(coming)[1][:2] == ("booked", "cancelled")

    def test_frees_the_time(self, ada, bob, coming, chens_morning):
        ada.api.delete(path(coming))
        body = {"doctor": str(coming.doctor_id), "schedule": str(chens_morning.pk), "appointment_time": "10:00"}
        assert bob.api.post("/api/appointments/", body).status_code == 201

    def test_also_what_is_over(self, ada, begun):
        assert ada.api.delete(path(begun("fulfilled"))).status_code == 204


class TestLists:
    @pytest.fixture
    def some(self, dr_chen, a_doctor, alices_chart, bobs_chart, chens_morning, morning, monday):
        return [
            make_appointment(dr_chen.doctor, alices_chart, at(monday, "09:00")),
            make_appointment(a_doctor, alices_chart, at(monday, "10:00"), "cancelled"),
            make_appointment(a_doctor, bobs_chart, at(monday, "11:00"), "arrived"),
        ]

    def listed(self, person, some, **query):
        query = {name.rstrip("_"): value for name, value in query.items()}
        answer = person.api.get("/api/appointments/", query)
        assert answer.status_code == 200, answer.content
        places = {str(each.pk): n for n, each in enumerate(some)}
        return [places[row["id"]] for row in answer.json()]

    def test_are_mine_by_role_newest_first(self, alice, bob, dr_chen, dr_diaz, erin, ada, some):
        assert self.listed(alice, some) == [1, 0]
        assert self.listed(bob, some) == [2]
        assert self.listed(dr_chen, some) == [0]
        assert self.listed(dr_diaz, some) == []
        assert self.listed(erin, some) == self.listed(ada, some) == [2, 1, 0]

    def test_filter_alone_and_together(self, erin, some, a_doctor, alices_chart, monday):
        assert self.listed(erin, some, status="cancelled") == [1]
        assert self.listed(erin, some, doctor=str(a_doctor.pk)) == [2, 1]
        assert self.listed(erin, some, patient=str(alices_chart.pk)) == [1, 0]
        assert self.listed(erin, some, patient=str(alices_chart.pk), doctor=str(a_doctor.pk)) == [1]
        assert self.listed(erin, some, from_=f"{monday}T10:00:00Z") == [2, 1]
        assert self.listed(erin, some, to=f"{monday}T10:00:00Z") == [0]
        assert self.listed(erin, some, from_=str(monday), to=str(monday + timedelta(days=1))) == [2, 1, 0]
        assert self.listed(erin, some, to=str(monday)) == []

    def test_dates_are_the_clinics(self, erin, some, monday, settings):
        """Honolulu is ten hours behind: its Monday begins at ten, UTC."""
        settings.TIME_ZONE = "Pacific/Honolulu"
        assert self.listed(erin, some, to=str(monday)) == [0]
        assert self.listed(erin, some, from_=str(monday)) == [2, 1]

    def test_another_persons_patient_as_a_filter_finds_nothing(self, alice, some, bobs_chart):
        assert self.listed(alice, some, patient=str(bobs_chart.pk)) == []

    @pytest.mark.parametrize(
        "query",
        ["status=lost", "doctor=15", "patient=x", "from=soon", "from=2027-01-04T09:00:00", "to=9999-12-31", "limit=0"],
    )
    def test_a_bad_filter_is_invalid(self, erin, query):
        assert erin.api.get(f"/api/appointments/?{query}").status_code == 422

    @pytest.mark.parametrize("at_path", ["/api/appointments/", "/api/profile/appointments/"])
    def test_come_in_pages(self, alice, dr_chen, alices_chart, chens_morning, monday, at_path):
        made = [
            make_appointment(dr_chen.doctor, alices_chart, at(monday, "09:00") + n * timedelta(minutes=30))
            for n in range(5)
        ]
        found, address = [], f"{at_path}?limit=2"
        while address:
            page = alice.api.get(address)
            found += [row["id"] for row in page.json()]
            address = page.headers.get("Link", "").split(">")[0].removeprefix("<http://testserver")
        assert found == [str(each.pk) for each in reversed(made)]


@pytest.mark.parametrize("move", ["cancel", "arrive"])
def test_a_move_that_met_another_one_is_not_made(erin, dr_diaz, coming, monkeypatch, move):
    """Its calendars were chosen before they were held: somebody gave it to another doctor in between."""

    def hold_late(ids):
        Appointment.objects.filter(pk=coming.pk).update(doctor=dr_diaz.doctor)
        lock_calendars(ids)

    monkeypatch.setattr("scheduling.service.appointments.lock_calendars", hold_late)
    answer = erin.api.post(path(coming, move), {})

    assert (answer.status_code, answer.json()["code"]) == (409, "changed_meanwhile")
    assert status_of(coming) == "booked"


def test_an_override_by_the_system_is_possible(coming):
    body = AppointmentChangeIn(status="arrived")
    scheduling.service.override_appointment(actor=SYSTEM, appointment_id=coming.pk, body=body, now=timezone.now())
    assert status_of(coming) == "arrived"


def test_rescheduling_by_the_system_is_possible(coming, monday):
    body = RescheduleIn(starts_at=at(monday, "11:00"))
    scheduling.service.reschedule_appointment(actor=SYSTEM, appointment_id=coming.pk, body=body, now=timezone.now())
    coming.refresh_from_db()
    assert coming.starts_at == at(monday, "11:00")
