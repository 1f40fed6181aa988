"""Lists come in pages by key, with cursors that only we can make."""

import re
from itertools import chain
from urllib.parse import parse_qs, urlsplit

import pytest

from care.grants import refresh_grants
from care.models import CareTeamMember, Doctor, Patient
from tests.factories import DoctorFactory, PatientFactory

pytestmark = pytest.mark.django_db


def next_path(response):
    match = re.fullmatch(r'<http://testserver(/api/[^>]+)>; rel="next"', response["Link"])
    assert match, response["Link"]
    return match[1]


@pytest.fixture
def seven(alice):
    return [PatientFactory(created_by=alice.user) for _ in range(7)]


def walk(person, path):
    """Follow `Link` to the end; returns the pages' ids."""
    pages = []
    while path:
        answer = person.api.get(path)
        assert answer.status_code == 200, answer.content
        pages.append([row["id"] for row in answer.json()])
        path = next_path(answer) if answer.has_header("Link") else None
    return pages


def test_pages_are_newest_first_and_hold_every_row_once(alice, seven):
    pages = walk(alice, "/api/patients/?limit=3")
    assert [len(page) for page in pages] == [3, 3, 1]
    assert list(chain(*pages)) == [str(patient.pk) for patient in reversed(seven)]


def test_an_empty_cursor_is_none_of_ours(alice, seven):
    assert alice.api.get("/api/patients/", {"cursor": ""}).status_code == 422


def test_a_full_last_page_has_no_next_one(alice, seven):
    assert [len(page) for page in walk(alice, "/api/patients/?limit=7")] == [7]


def test_a_new_row_between_two_pages_moves_nothing(alice, seven):
    first = alice.api.get("/api/patients/?limit=4")
    PatientFactory(created_by=alice.user)
    second = alice.api.get(next_path(first))
    assert [row["id"] for row in second.json()] == [str(patient.pk) for patient in reversed(seven[:3])]


def test_the_next_page_keeps_the_filters(alice, seven):
    PatientFactory(created_by=alice.user, gender="M")
    answer = alice.api.get("/api/patients/?limit=1&gender=female")
    assert "gender=female" in next_path(answer)
    assert len(list(chain(*walk(alice, "/api/patients/?limit=2&gender=female")))) == 7


def test_a_cursor_of_another_list_reader_or_filter_is_refused(alice, bob, seven):
    for _ in range(2):
        PatientFactory(created_by=bob.user)
    cursor = parse_qs(urlsplit(next_path(alice.api.get("/api/patients/?limit=2"))).query)["cursor"][0]
    for person, path in [
        (bob, f"/api/patients/?limit=2&cursor={cursor}"),
        (alice, f"/api/patients/?limit=2&gender=F&cursor={cursor}"),
        (alice, f"/api/mappings/?limit=2&cursor={cursor}"),
    ]:
        assert person.api.get(path).status_code == 422, path


@pytest.mark.parametrize("cursor", ["x", "a:b", "eyJ9:abc", "%F0%9F%92%A9", "a" * 1001, "..", "null"])
def test_a_made_up_cursor_is_invalid_and_never_a_failure(alice, seven, cursor):
    answer = alice.api.get(f"/api/patients/?cursor={cursor}")
    assert answer.status_code == 422
    assert "cursor" in answer.json()["errors"]


@pytest.mark.parametrize("rows", [10, 1_000])
@pytest.mark.parametrize("path", ["/api/patients/", "/api/doctors/", "/api/mappings/"])
def test_lists_take_the_same_queries_whatever_their_length(alice, now, django_assert_num_queries, rows, path):
    patients = Patient.objects.bulk_create(
        PatientFactory.build(created_by=alice.user, keeper=alice.user) for _ in range(rows)
    )
    doctors = Doctor.objects.bulk_create(DoctorFactory.build() for _ in range(rows))
    CareTeamMember.objects.bulk_create(
        CareTeamMember(patient=patient, doctor=doctor, assigned_at=now)
        for patient, doctor in zip(patients, doctors, strict=True)
    )
    refresh_grants([patient.pk for patient in patients])
    assert alice.api.token
    # Who asks and the page; for doctors how many patients each treats, else the event, its subjects and a savepoint.
    with django_assert_num_queries(3 if "doctors" in path else 6):
        assert len(alice.api.get(path, {"limit": 100}).json()) == min(rows, 100)
