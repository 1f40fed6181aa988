"""The clinic as a contestant of `bench.federation`: each hospital copied by its job, in this process."""

import json
import resource
import sys
import time
from uuid import UUID

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.utils import timezone  # noqa: E402

from core import jobs  # noqa: E402
from core.models import Job  # noqa: E402
from federation.models import Feed, Hospital  # noqa: E402
from federation.service.sync import submit_sync  # noqa: E402


def register(address: str) -> UUID:
    """Add a hospital and return its id."""
    now = timezone.now()
    hospital = Hospital.objects.create(name="Elsewhere", api_endpoint=address, created_at=now, updated_at=now)
    Feed.objects.create(hospital=hospital)
    return hospital.pk


def copy_all(hospitals: list[UUID]) -> float:
    """Copy them one after the other and return the seconds that it took."""
    began = time.perf_counter()
    for hospital_id in hospitals:
        job_id = submit_sync(hospital_id, requested_by=None, now=timezone.now())
        jobs.run_job(job_id)
        assert Job.objects.get(pk=job_id).state == "done"
    return time.perf_counter() - began


def peak() -> int:
    """Return the most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Do all passes and print what they took, as JSON."""
    url, count, records = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    # Nobody listens to the bell: the jobs are done here.
    settings.HUEY.immediate = False
    jobs.use_bell(lambda job_id, delay: None)
    hospitals = [register(f"{url}/{records}/0/{number}") for number in range(count)]
    before = peak()
    seconds = [copy_all(hospitals), copy_all(hospitals)]
    for number, hospital_id in enumerate(hospitals):
        Hospital.objects.filter(pk=hospital_id).update(api_endpoint=f"{url}/{records}/1/{number}")
    seconds.append(copy_all(hospitals))
    print(json.dumps({"seconds": seconds, "before": before, "peak": peak()}))


if __name__ == "__main__":
    main()
