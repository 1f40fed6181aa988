"""Real hospitals' servers with synthetic patients: copied, they give exactly the rows that the reference gives."""

import json
import shutil
import subprocess
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest
import time_machine
from django.utils import timezone

from core import jobs
from core.http import INTERACTIVE
from core.models import Job
from federation.models import Feed, PatientRecord, SyncProblem, SyncRun
from federation.service.ingest import copy_hospital
from federation.service.sync import submit_sync
from tests.config.running import eventually
from tests.factories.federation import make_hospital
from tests.federation.peers import (
    REALDATA,
    Reply,
    expected,
    free_port,
    hospitals,
    patient,
    replaying,
    resources,
    serving,
)

pytestmark = [pytest.mark.realdata, pytest.mark.django_db]

CLOCK = datetime(2026, 1, 1, 12, tzinfo=UTC)
TODAY = date(2026, 1, 1)
HOSTILE = sorted((REALDATA / "hostile").glob("*.json"))
BODIES = sorted((REALDATA / "hostile" / "json_bodies").glob("*.json"))


@pytest.fixture(scope="module")
def peers(tmp_path_factory):
    """The npm packages of the peers, installed as their lock file says."""
    folder = tmp_path_factory.mktemp("peers") / "peers"
    shutil.copytree(REALDATA / "peers", folder)
    folder.chmod(0o755)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True, timeout=300)
    return folder


@contextmanager
def started(folder, *command, port, ready):
    with Path(folder, f"{port}.log").open("w") as said:
        process = subprocess.Popen(["node", *map(str, command)], cwd=folder, stdout=said, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: process.poll() is not None or _answers(url + ready), seconds=60)
        assert process.poll() is None, Path(said.name).read_text()
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


def _answers(url):
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def fhir_engine(peers):
    port = free_port()
    serve = ("fhir-hospitals.mjs", REALDATA / "fhir", port)
    with started(peers, *serve, port=port, ready="/hospital-01/fhir/R4/Patient?_count=1") as url:
        yield url


@pytest.fixture(scope="module")
def json_server(peers):
    port = free_port()
    serve = ("node_modules/json-server/lib/cli/bin.js", "--host", "127.0.0.1", "--port", port, "--ro")
    with started(peers, *serve, REALDATA / "simple" / "db.json", port=port, ready="/hospital-01") as url:
        yield url


def sync(hospital):
    """Copy a hospital by a job, as the clock does, and return its run."""
    job_id = submit_sync(hospital.pk, requested_by=None, now=timezone.now())
    jobs.run_job(job_id)
    assert Job.objects.get(pk=job_id).state == "done"
    return SyncRun.objects.get(job_id=job_id)


def rows(hospital):
    found = PatientRecord.objects.filter(hospital=hospital, removed_at=None)
    return sorted((row.patient_id, row.name, row.age_on(TODAY), row.diagnosis) for row in found)


@pytest.mark.parametrize("name", hospitals())
def test_a_real_fhir_server_gives_the_expected_rows(name, fhir_engine):
    hospital = make_hospital(name, endpoint=f"{fhir_engine}/{name}/fhir/R4", format="fhir_r4")
    with time_machine.travel(CLOCK):
        first, second = sync(hospital), sync(hospital)

    assert rows(hospital) == expected(name)
    assert (first.problem_count, first.records_written) == (0, len(expected(name)))
    assert (second.records_read, second.records_written, second.records_removed) == (len(expected(name)), 0, 0)


@pytest.mark.parametrize("name", hospitals())
def test_a_real_json_server_gives_its_document(name, json_server):
    document = json.loads((REALDATA / "simple" / "db.json").read_text())[name]
    hospital = make_hospital(name, endpoint=f"{json_server}/{name}")
    run = sync(hospital)

    wanted = [(each["patient_id"], each["name"], each["age"], each["condition"]) for each in document["records"]]
    assert rows(hospital) == sorted(wanted)
    assert (run.problem_count, run.records_written) == (0, len(wanted))


def test_all_hospitals_are_there():
    assert len(hospitals()) == 15
    assert sum(len(expected(name)) for name in hospitals()) == 146
    assert (len(HOSTILE), len(BODIES)) == (9, 254)


@pytest.mark.parametrize(
    ("server", "name", "first"),
    [
        ("wso2", "hospital-03", {"Patient": "hospital-03-revinclude"}),
        ("wso2", "hospital-03", {"Patient": "hospital-03-Patient", "Condition": "hospital-03-Condition"}),
        ("wso2", "hospital-11", {"Patient": "hospital-11-Patient", "Condition": "hospital-11-Condition"}),
        ("wso2", "hospital-14", {"Patient": "hospital-14-Patient", "Condition": "hospital-14-Condition"}),
        ("medplum", "hospital-03", {"Patient": "hospital-03-revinclude"}),
        ("medplum", "hospital-03", {"Patient": "hospital-03-Patient", "Condition": "hospital-03-Condition"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-and-".join(value),
)
def test_what_other_servers_answered_gives_the_same_rows(server, name, first):
    with replaying(server, **first) as recorded, time_machine.travel(CLOCK):
        hospital = make_hospital(name, endpoint=recorded.address, format="fhir_r4")
        run = sync(hospital)

    assert rows(hospital) == expected(name)
    # A recording does not know whose Conditions were asked for and answers all of them for every page of patients.
    codes = set(SyncProblem.objects.filter(run=run).values_list("code", flat=True))
    assert codes <= ({"unresolved_subject"} if "Condition" in first else set())


# --- Hostile bodies -------------------------------------------------------------------------------------------------
@contextmanager
def copied_before(format, good):
    """A hospital of which there is a good copy, and what to call for another one of other bytes."""
    body = [good]
    with serving(lambda path: Reply(body=bundle() if "/Condition" in path else body[0])) as url:
        hospital = make_hospital(endpoint=f"{url}/records", format=format)

        def copy(bytes_=good):
            body[0] = bytes_
            return copy_hospital(hospital_id=hospital.pk, limits=INTERACTIVE, now=timezone.now())

        assert copy().state == "complete"
        yield hospital, copy


def require_standing(hospital, copied, *, records, problems=None):
    """It was copied, with its problems counted, or failed by name and kept its last good copy."""
    feed, run = Feed.objects.get(pk=hospital.pk), SyncRun.objects.get(pk=copied.run.pk)
    if copied.state == "failed":
        assert (run.state, feed.error_code) == ("failed", copied.failure.code)
        assert copied.failure.code in {"not_json", "wrong_shape", "too_deep", "too_large"}
        assert feed.record_count == records
        # So that the next body is tried, too.
        Feed.objects.filter(pk=hospital.pk).update(failures=0, opens_until=None)
    else:
        assert (copied.state, run.state, feed.failures) == ("complete", "complete", 0)
        assert problems is None or run.problem_count == problems


def bundle(*resources):
    entries = b",".join(b'{"resource": ' + resource + b"}" for resource in resources)
    return b'{"resourceType": "Bundle", "type": "searchset", "entry": [' + entries + b"]}"


GOOD_PATIENT = json.dumps(patient()).encode()
# These two are odd and harmless: a script in a text that nobody reads here, and a name that comes twice.
HARMLESS = {"pat-security-bad-xhtml.json", "patient-duplicate.json"}


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.name)
def test_a_hostile_resource_is_a_problem_or_fails_its_hospital_alone(path):
    page = bundle(GOOD_PATIENT, path.read_bytes(), json.dumps(patient("p2")).encode())
    with copied_before("fhir_r4", bundle(GOOD_PATIENT)) as (hospital, copy):
        copied = copy(page)

        require_standing(hospital, copied, records=1, problems=0 if path.name in HARMLESS else 1)
        if copied.state == "complete":
            assert {"p1", "p2"} <= {row[0] for row in rows(hospital)}
        else:
            assert rows(hospital)[0][0] == "p1"


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.name)
@pytest.mark.parametrize("format", ["fhir_r4", "json"])
def test_a_hostile_page_fails_its_hospital_alone(format, path):
    good = bundle(GOOD_PATIENT) if format == "fhir_r4" else b'[{"patient_id": "p1", "name": "Rosa"}]'
    with copied_before(format, good) as (hospital, copy):
        copied = copy(path.read_bytes())

        if (format, path.name) == ("json", "naughty_strings.json"):
            require_standing(hospital, copied, records=1, problems=len(json.loads(path.read_text())))
            assert copied.state == "complete"
        else:
            require_standing(hospital, copied, records=1)
            assert (copied.state, len(rows(hospital))) == ("failed", 1)


# The parser of large documents takes a form feed for white space.
TOLERATED = {"n_structure_whitespace_formfeed.json"}


def test_no_json_body_does_any_harm():
    """As a page, as a resource on a page of good ones, and as a document; bodies that are no JSON fail by name."""
    outcomes = {"resource": set(), "page": set(), "document": set()}
    with (
        copied_before("fhir_r4", bundle(GOOD_PATIENT)) as (fhir, copy_fhir),
        copied_before("json", b'[{"patient_id": "p1", "name": "Rosa"}]') as (simple, copy_simple),
    ):
        for path in BODIES:
            body = path.read_bytes()
            page, resource = copy_fhir(body), copy_fhir(bundle(GOOD_PATIENT, body))
            Feed.objects.update(failures=0, opens_until=None)
            assert page.state == "failed", path.name
            require_standing(fhir, resource, records=1, problems=1)
            assert rows(fhir) == [("p1", "Rosa Elsewhere", 45, "")], path.name
            document = copy_simple(body)
            require_standing(simple, document, records=1)
            if path.name.startswith("n_") and path.name not in TOLERATED:
                assert (resource.state, document.state) == ("failed", "failed"), path.name
            if document.state == "complete":
                if path.name not in TOLERATED:
                    assert document.run.problem_count == len(json.loads(body)), path.name
                assert copy_simple().state == "complete"
            for name, copied in (("page", page), ("resource", resource), ("document", document)):
                outcomes[name].add(copied.state)

    assert outcomes == {"resource": {"failed", "complete"}, "page": {"failed"}, "document": {"failed", "complete"}}


def test_naughty_strings_are_names_and_diagnoses_like_any_other():
    strings = json.loads((REALDATA / "hostile" / "naughty_strings.json").read_text())
    records = [{"patient_id": n, "name": text, "condition": text} for n, text in enumerate(strings)]
    with copied_before("json", json.dumps(records, ensure_ascii=False).encode()) as (hospital, _):
        found = {row.patient_id: row for row in PatientRecord.objects.filter(hospital=hospital)}

    assert len(found) == len(strings)
    plain = {str(n): text for n, text in enumerate(strings) if text.isascii() and text.isprintable() and text.strip()}
    assert len(plain) > 300
    assert {n: found[n].name for n in plain} == {n: " ".join(text.split())[:255].strip() for n, text in plain.items()}
    assert {n: found[n].diagnosis for n in plain} == {n: found[n].name for n in plain}


def test_the_resources_served_are_those_of_the_expected_rows():
    assert {one["id"] for one in resources("hospital-14", "Patient")} == {row[0] for row in expected("hospital-14")}
