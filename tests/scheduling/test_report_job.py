"""Reports by the queue: a doctor's own calendar or the whole clinic, as a file that waits for a day."""

import csv
import io
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import connection

import care.service
from core import jobs, reports
from core.actor import SYSTEM, Role
from core.models import AuditEvent, AuditSubject, Job, Report, ReportPart
from tests.factories import PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule

pytestmark = pytest.mark.django_db

COLUMNS = [
    *("Date", "Time", "Doctor", "Patient", "Status", "Fee", "Currency"),
    *("Starts at (UTC)", "Ends at (UTC)", "Notes", "Appointment"),
]


@pytest.fixture
def visits(dr_chen, a_doctor, monday, chens_morning, morning):
    """Two in Lin Chen's calendar, the second on the day after, and one in Jane Doe's."""
    make_schedule(dr_chen.doctor, monday + timedelta(days=1))
    tuesday = monday + timedelta(days=1)
    return [
        make_appointment(dr_chen.doctor, PatientFactory(lastname="First"), at(monday, "09:00"), notes="=1+1"),
        make_appointment(dr_chen.doctor, PatientFactory(lastname="Second"), at(tuesday, "09:00"), "fulfilled"),
        make_appointment(a_doctor, PatientFactory(lastname="Third"), at(monday, "10:00"), "cancelled"),
    ]


def ask(person, **more):
    return person.api.post("/api/reports/", {"kind": "appointments", "format": "csv", **more})


def asked(person, **more):
    """Ask for a report and return its id and that of its job."""
    answer = ask(person, **more)
    assert answer.status_code == 202, answer.content
    return answer.json()["report"], UUID(answer.json()["job"])


def written(person, **more):
    """Ask for a report, let the job write it, and return its id."""
    report, job = asked(person, **more)
    jobs.run_job(job)
    assert jobs.find_job(job).state == "done", jobs.find_job(job)
    return report


def download(person, report):
    return person.api.get(f"/api/reports/{report}/download/")


def content(answer):
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def rows(answer):
    return list(csv.reader(io.StringIO(content(answer).decode("utf-8-sig"), newline="")))


def names(answer):
    return [row[3].split()[-1] for row in rows(answer)[1:]]


def become(person, role, now):
    """Have a role from now on, and sign in with it."""
    care.service.set_role(actor=SYSTEM, user_id=person.id, role=role, now=now)
    person.user.refresh_from_db()
    person.api._token = None


class TestWhoHasIt:
    def test_a_doctor_has_the_own_calendar(self, dr_chen, visits):
        found = rows(download(dr_chen, written(dr_chen)))

        assert found[0] == COLUMNS
        assert [row[3].split()[-1] for row in found[1:]] == ["First", "Second"]
        assert found[2][4:6] == ["fulfilled", str(visits[1].fee)]
        assert found[2][7] == f"{visits[1].starts_at:%Y-%m-%dT%H:%M:%SZ}"
        assert [row[-1] for row in found[1:]] == [str(visits[0].pk), str(visits[1].pk)]

    def test_an_administrator_has_the_whole_clinic(self, ada, visits):
        assert names(download(ada, written(ada))) == ["First", "Third", "Second"]

    @pytest.mark.parametrize("name", ["alice", "erin", "rita", "otto"])
    def test_everybody_else_is_refused_on_record(self, request, name, ada, visits):
        person, theirs = request.getfixturevalue(name), written(ada)

        assert ask(person).status_code == 403
        for address in ("/api/reports/", f"/api/reports/{theirs}/", f"/api/reports/{uuid4()}/"):
            assert person.api.get(address).status_code == 403
        assert download(person, theirs).status_code == 403
        refused = AuditEvent.objects.filter(actor_id=person.id, outcome="refused")
        assert sorted(refused.values_list("action", flat=True)) == ["report.create", "report.download"]
        assert Report.objects.count() == 1

    def test_a_doctor_for_whom_nobody_vouches_is_refused(self, dr_chen, visits):
        type(dr_chen.doctor).objects.filter(pk=dr_chen.doctor.pk).update(verified=False)

        assert ask(dr_chen).status_code == 403
        assert dr_chen.api.get("/api/reports/").status_code == 403

    def test_somebody_elses_is_not_there_but_for_administrators(self, dr_chen, dr_diaz, ada, visits):
        report = written(dr_chen)

        for address in (f"/api/reports/{report}/", f"/api/reports/{report}/download/"):
            stranger, missing = dr_diaz.api.get(address), dr_diaz.api.get(address.replace(report, str(uuid4())))
            assert (stranger.status_code, stranger.json()) == (404, missing.json())
        assert dr_diaz.api.get("/api/reports/").json() == []
        assert [each["id"] for each in ada.api.get("/api/reports/").json()] == [report]
        assert names(download(ada, report)) == ["First", "Second"]


class TestRightsOfTheMoment:
    def test_who_lost_the_role_meanwhile_gets_nothing_written(self, dr_chen, visits, now):
        _, job = asked(dr_chen)
        become(dr_chen, Role.PATIENT, now)
        jobs.run_job(job)

        assert jobs.find_job(job).state == "dead"
        assert jobs.find_job(job).error.code == "not_allowed"
        assert not ReportPart.objects.exists()
        assert AuditEvent.objects.get(action="report.generate").outcome == "refused"

    def test_whose_account_was_closed_gets_nothing_written(self, dr_chen, ada, visits, now):
        _, job = asked(dr_chen)
        care.service.deactivate_user(actor=ada.actor, user_id=dr_chen.id, now=now)
        jobs.run_job(job)

        assert jobs.find_job(job).error.code == "not_signed_in"
        assert not ReportPart.objects.exists()

    def test_who_lost_the_role_after_that_downloads_nothing(self, dr_chen, visits, now):
        report = written(dr_chen)
        become(dr_chen, Role.STAFF, now)

        assert download(dr_chen, report).status_code == 403

    def test_who_has_another_calendar_by_then_does_not_have_that_of_before(self, dr_chen, dr_diaz, visits):
        report = written(dr_chen)
        entries = type(dr_chen.doctor).objects
        entries.filter(pk=dr_chen.doctor.pk).update(user=None)
        entries.filter(pk=dr_diaz.doctor.pk).update(user=dr_chen.user)

        assert download(dr_chen, report).status_code == 403
        assert names(download(dr_chen, written(dr_chen))) == []

    def test_an_administrator_who_became_a_doctor_does_not_have_the_clinic(self, dr_chen, visits, now):
        become(dr_chen, Role.ADMIN, now)
        report, (_, job) = written(dr_chen), asked(dr_chen)
        become(dr_chen, Role.DOCTOR, now)
        jobs.run_job(job)

        assert jobs.find_job(job).error.code == "not_allowed"
        assert download(dr_chen, report).status_code == 403
        assert names(download(dr_chen, written(dr_chen))) == ["First", "Second"]


class TestAsking:
    def test_answers_with_the_job_and_the_report(self, dr_chen, visits, monday):
        report, job = asked(dr_chen, **{"from": str(monday), "to": str(monday)})
        waiting = dr_chen.api.get(f"/api/reports/{report}/").json()
        early = download(dr_chen, report)
        jobs.run_job(job)
        ready = dr_chen.api.get(f"/api/reports/{report}/").json()

        assert (waiting["ready_at"], waiting["job"]["state"], waiting["row_count"]) == (None, "queued", 0)
        assert (early.status_code, early.json()["code"]) == (409, "not_ready")
        assert (ready["job"]["state"], ready["job"]["progress"]["done"], ready["row_count"]) == ("done", 1, 1)
        assert (ready["from"], ready["to"], ready["kind"]) == (str(monday), str(monday), "appointments")
        assert ready["job"]["result"] == {"report": report, "rows": 1}
        assert ready["size"] == len(content(download(dr_chen, report)))

    def test_holds_the_period_with_both_days(self, ada, visits, monday):
        tuesday = str(monday + timedelta(days=1))

        assert names(download(ada, written(ada, to=str(monday)))) == ["First", "Third"]
        assert names(download(ada, written(ada, **{"from": tuesday, "to": tuesday}))) == ["Second"]
        assert names(download(ada, written(ada, **{"from": "2031-01-01"}))) == []

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"kind": "salaries"}, "kind"),
            ({"format": "xlsx"}, "format"),
            ({"from": "2026-02-02", "to": "2026-02-01"}, "to"),
            ({"from": "0001-01-01"}, "from"),
            ({"to": "9999-12-31"}, "to"),
            ({"scope": "clinic"}, "scope"),
        ],
    )
    def test_what_makes_no_sense_is_refused_at_its_field(self, dr_chen, body, field):
        answer = ask(dr_chen, **body)

        assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
        assert not Job.objects.exists()

    def test_the_same_key_asks_once(self, dr_chen, visits):
        first, second = (
            dr_chen.api.post("/api/reports/", {"kind": "appointments"}, headers={"Idempotency-Key": "k1"})
            for _ in range(2)
        )

        assert (first.status_code, second.status_code) == (202, 202)
        assert first.json() == second.json()
        assert Report.objects.count() == 1

    def test_five_an_hour_are_enough(self, dr_chen, visits, limits_on):
        assert [ask(dr_chen).status_code for _ in range(6)] == [202] * 5 + [429]

    def test_an_answer_given_again_does_not_count(self, dr_chen, visits, limits_on):
        def ask_again():
            return dr_chen.api.post("/api/reports/", {"kind": "appointments"}, headers={"Idempotency-Key": "k1"})

        assert {ask_again().status_code for _ in range(8)} == {202}

    def test_who_may_have_none_is_told_so_however_often(self, alice, limits_on):
        assert {ask(alice).status_code for _ in range(8)} == {403}

    def test_the_openapi_document_says_that_it_may_not_be_ready(self, nobody):
        operations = nobody.api.get("/api/openapi.json").json()["paths"]
        assert "409" in operations["/api/reports/{report_id}/download/"]["get"]["responses"]

    def test_a_job_that_begins_again_begins_at_the_first_byte(self, dr_chen, visits):
        report, job = asked(dr_chen)
        ReportPart.objects.create(report_id=report, number=0, content=b"half of a file")
        ReportPart.objects.create(report_id=report, number=1, content=b"from a worker that died")
        jobs.run_job(job)

        assert names(download(dr_chen, report)) == ["First", "Second"]

    def test_a_job_that_could_not_say_that_it_was_done_leaves_the_file(self, dr_chen, visits):
        _, job = asked(dr_chen)
        jobs.run_job(job)
        before = list(ReportPart.objects.values_list("pk", flat=True))
        Job.objects.filter(pk=job).update(state="queued", result=None)
        jobs.run_job(job)

        assert jobs.find_job(job).result["rows"] == 2
        assert list(ReportPart.objects.values_list("pk", flat=True)) == before

    def test_a_job_that_was_stopped_leaves_no_report(self, dr_chen, visits):
        report, job = asked(dr_chen)
        dr_chen.api.post(f"/api/jobs/{job}/cancel/")
        jobs.run_job(job)

        assert dr_chen.api.get(f"/api/reports/{report}/").json()["job"]["state"] == "cancelled"
        assert download(dr_chen, report).json()["code"] == "not_ready"


class TestTheFile:
    def test_is_sent_as_a_file_that_nobody_keeps_or_guesses_at(self, dr_chen, visits, now):
        answer = download(dr_chen, written(dr_chen))

        assert answer["Content-Disposition"] == f'attachment; filename="appointments-{now:%Y-%m-%d}.csv"'
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert (answer["X-Content-Type-Options"], answer["Cache-Control"]) == ("nosniff", "no-store")
        assert int(answer["Content-Length"]) == len(content(answer))

    def test_holds_no_live_formula(self, dr_chen, visits):
        assert rows(download(dr_chen, written(dr_chen)))[1][9] == "'=1+1"

    def test_is_cut_into_parts_and_sent_as_one(self, ada, visits, monkeypatch):
        whole = content(download(ada, written(ada)))
        monkeypatch.setattr("core.reports.write._PART_LINES", 1)
        report = written(ada)

        assert ReportPart.objects.filter(report=report).count() == 4
        assert content(download(ada, report)) == whole

    def test_expires_after_a_day(self, dr_chen, visits, now):
        report = written(dr_chen)
        with time_machine.travel(now + timedelta(hours=23, minutes=55)):
            dr_chen.api._token = None
            assert reports.forget_expired_reports(now=now + timedelta(hours=23, minutes=55)) == 0
            assert download(dr_chen, report).status_code == 200
        with time_machine.travel(now + timedelta(hours=24, minutes=5)):
            dr_chen.api._token = None
            for address in (f"/api/reports/{report}/", f"/api/reports/{report}/download/"):
                assert dr_chen.api.get(address).status_code == 404
            assert dr_chen.api.get("/api/reports/").json() == []

        assert reports.forget_expired_reports(now=now + timedelta(hours=24, minutes=5)) == 1
        assert not ReportPart.objects.exists()

    def test_a_job_whose_report_expired_gives_up(self, dr_chen, visits, now):
        report, job = asked(dr_chen)
        Report.objects.filter(pk=report).delete()
        jobs.run_job(job)

        assert jobs.find_job(job).error.code == "expired"


class TestOnRecord:
    def events(self, action):
        return list(AuditEvent.objects.filter(action=action).order_by("pk"))

    def about(self, event):
        return {(each.kind, each.subject_id, each.rule) for each in event.subjects.all()}

    def test_writing_and_downloading_name_the_report_and_every_patient(self, dr_chen, visits):
        report = written(dr_chen)
        content(download(dr_chen, report))

        patients = {("patient", visit.patient_id, "own-calendar") for visit in visits[:2]}
        for action in ("report.generate", "report.download"):
            [event] = self.events(action)
            assert (event.actor_id, event.role, event.outcome) == (dr_chen.id, "doctor", "allowed")
            assert {(kind, str(whom), rule) for kind, whom, rule in self.about(event)} == {
                (kind, str(whom), rule) for kind, whom, rule in patients | {("report", report, "")}
            }

    def test_a_download_by_an_administrator_is_the_administrators(self, dr_chen, ada, visits):
        content(download(ada, written(dr_chen)))

        [event] = self.events("report.download")
        assert event.actor_id == ada.id
        assert {rule for kind, _, rule in self.about(event) if kind == "patient"} == {"admin"}

    def test_a_patient_finds_both_in_the_access_log(self, alice, alices_chart, dr_chen, chens_morning, monday):
        make_appointment(dr_chen.doctor, alices_chart, at(monday, "09:00"))
        content(download(dr_chen, written(dr_chen)))

        actions = [each["action"] for each in alice.api.get("/api/profile/access-log/").json()]
        assert actions[:2] == ["report.download", "report.generate"]

    def test_each_part_is_on_record_before_it_is_sent(self, ada, visits, monkeypatch):
        monkeypatch.setattr("core.reports.write._PART_LINES", 1)
        report = written(ada)
        assert len(self.events("report.generate")) == 4

        stream = iter(download(ada, report).streaming_content)
        seen = []
        for _ in stream:
            told = AuditSubject.objects.filter(event__action="report.download", kind="patient")
            seen.append(told.count())
        assert seen == [0, 1, 2, 3]

    def test_a_part_whose_event_cannot_be_written_is_not_sent(self, ada, visits, monkeypatch):
        monkeypatch.setattr("core.reports.write._PART_LINES", 2)
        stream = iter(download(ada, written(ada)).streaming_content)
        next(stream)

        def refuse(execute, sql, params, many, context):
            assert "core_auditevent" not in sql.lower(), "the trail is full"
            return execute(sql, params, many, context)

        with connection.execute_wrapper(refuse), pytest.raises(AssertionError, match="the trail is full"):
            next(stream)

    def test_what_a_lost_attempt_wrote_leaves_no_trace(self, dr_chen, visits, monkeypatch):
        """The event of a part and the part stand or fall together, with the fence."""
        report, job = asked(dr_chen)
        monkeypatch.setattr("core.reports.write._PART_LINES", 1)

        def lose(execute, sql, params, many, context):
            if "core_reportpart" in sql and sql.startswith("INSERT") and not lost:
                lost.append(job)
                Job.objects.filter(pk=job).update(attempt=7)
            return execute(sql, params, many, context)

        lost = []
        with connection.execute_wrapper(lose):
            jobs.run_job(job)

        # The first part was fenced before the lease was lost; nothing after it was written.
        assert ReportPart.objects.filter(report=report).count() == 1
        assert len(self.events("report.generate")) == 1
        assert Report.objects.get(pk=report).ready_at is None
