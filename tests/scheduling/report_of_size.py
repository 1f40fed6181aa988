"""A program for a test: a clinic with so many appointments, its report written by a job, and the file read.

`python -m tests.scheduling.report_of_size fill 1000` and then `… write`, each in a process of its own; prints what it
did as JSON: rows, bytes, seconds, and the most memory that the process held of its own, in MiB. Pages of files do not
count: SQLite maps its database, and the kernel takes such pages back when it likes.
"""

import json
import re
import sys
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

from django.utils import timezone  # noqa: E402

from care.models import Doctor, Patient  # noqa: E402
from core import jobs, reports  # noqa: E402
from core.actor import Role  # noqa: E402
from core.audit import verify  # noqa: E402
from core.models import AuditSubject  # noqa: E402
from core.pagination import PageIn  # noqa: E402
from core.reports import ReportIn  # noqa: E402
from identity.models import User  # noqa: E402
from identity.service import actor_from_user_id  # noqa: E402
from scheduling.models import Appointment, Schedule  # noqa: E402
from tests.factories import DoctorFactory, PatientFactory, UserFactory  # noqa: E402

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DOCTORS = 50
NOTES = "Comes back after the summer; brings the letter of the other clinic along. " * 3


def fill(rows: int) -> dict[str, Any]:
    """Book that many appointments, each of a patient of their own, which is the most that an audit has to name."""
    now = timezone.now()
    UserFactory(username="ada", role=Role.ADMIN)
    doctors = [DoctorFactory() for _ in range(DOCTORS)]
    keeper = UserFactory()
    hours = Schedule.objects.bulk_create(
        Schedule(
            doctor=doctor, time_zone="UTC", start_time="00:00", end_time="23:30",
            first_on=date(2026, 1, 1), last_on=date(2036, 1, 1), created_at=now, updated_at=now,
        )
        for doctor in doctors
    )  # fmt: skip
    for start in range(0, rows, 1000):
        numbers = range(start, min(start + 1000, rows))
        patients = Patient.objects.bulk_create(
            PatientFactory.build(firstname="Pat", lastname=f"Number {number}", created_by=keeper, keeper=keeper)
            for number in numbers
        )
        Appointment.objects.bulk_create(
            Appointment(
                doctor=doctors[number % DOCTORS], schedule=hours[number % DOCTORS], patient=patient,
                starts_at=(at := FIRST + timedelta(minutes=30 * (number // DOCTORS))),
                ends_at=at + timedelta(minutes=30), date=at.date(), fee=50, currency="USD", notes=NOTES,
                created_at=now, updated_at=now,
            )
            for number, patient in zip(numbers, patients, strict=True)
        )  # fmt: skip
    return {"rows": Appointment.objects.count(), "doctors": Doctor.objects.count()}


def write() -> dict[str, Any]:
    """Ask for the report of the whole clinic and write it."""
    ada = actor_from_user_id(User.objects.get(username="ada").pk)
    asked = reports.create_report(actor=ada, body=ReportIn(kind="appointments"), now=timezone.now())
    started = time.monotonic()
    jobs.run_job(asked.job)
    job = jobs.get_job(actor=ada, job_id=asked.job)
    return {"state": job.state, "result": job.result, "seconds": round(time.monotonic() - started, 1)}


def read() -> dict[str, Any]:
    """Download the report; counts its lines and bytes."""
    ada = actor_from_user_id(User.objects.get(username="ada").pk)
    [report] = reports.list_reports(actor=ada, page=PageIn(), now=timezone.now()).items
    started, lines, size = time.monotonic(), 0, 0
    for part in reports.open_report(actor=ada, report_id=report.id, now=timezone.now()).content:
        lines, size = lines + part.count(b"\r\n"), size + len(part)
    told = AuditSubject.objects.filter(event__action="report.download", kind="patient").count()
    seconds = round(time.monotonic() - started, 1)
    return {"lines": lines, "bytes": size, "announced": report.size, "told": told, "seconds": seconds}


def check() -> dict[str, Any]:
    """Verify the audit trail."""
    return {"broken": len(verify().broken)}


class Watch(threading.Thread):
    """Looks at this process's own memory fifty times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0

    def run(self) -> None:
        while True:
            said = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
            assert said is not None
            self.most = max(self.most, int(said[1]))
            time.sleep(0.02)


if __name__ == "__main__":
    word, *numbers = sys.argv[1:]
    watch = Watch()
    watch.start()
    did = {"fill": fill, "write": write, "read": read, "check": check}[word](*map(int, numbers))
    sys.stdout.write(json.dumps(did | {"mib": round(watch.most / 1024)}))
