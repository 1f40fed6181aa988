"""A thousand people, each with canaries in every field: none reaches a researcher or an official, wherever they ask.

Read are bodies, headers and cookies, and what is packed in cursors (`tests.policy.leaks`), of every operation that the
OpenAPI document names, asked about the very things that the canaries belong to.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.utils import timezone

from config.api import api
from core.models import AuditEvent
from core.secrets import seal
from federation.models import Hospital, PatientRecord, SyncProblem, SyncRun
from tests.factories import HospitalFactory, PatientFactory, PatientRecordFactory
from tests.federation.attacker import FEW, recover
from tests.policy.asking import OPERATIONS, PAGED, next_page
from tests.policy.conftest import taken_back
from tests.policy.leaks import everything_said

pytestmark = pytest.mark.django_db

PEOPLE = 1_000
WORD = re.compile(r"kanari[a-z]+\d+")
DIGITS = re.compile(r"88017\d{8}")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
ID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
BANDS = {"unknown", "90+", *(f"{first}-{first + 4}" for first in range(0, 90, 5))}
# What is asked of everybody may end the session; nothing about patients is in it.
ENDING = "/api/auth/logout/"


@dataclass
class Aviary:
    """The people, and everything of theirs that must not be told."""

    number: Any = field(default_factory=lambda: count(1))
    days: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    hospitals: list[Hospital] = field(default_factory=list)
    chart: Any = None

    def word(self, kind: str) -> str:
        """A word that occurs once; the kind says in which field it stood."""
        return f"kanari{kind}{next(self.number)}"

    def telephone(self) -> str:
        return f"+88017{next(self.number):08d}"

    def day(self, first: date) -> date:
        day = first + timedelta(days=next(self.number))
        self.days.add(day.isoformat())
        return day

    def keep(self, *ids: UUID) -> None:
        self.ids |= {each.hex for each in ids}

    def found_in(self, said: str) -> set[str]:
        """Every canary in a text."""
        said = said.lower()
        days = set(DAY.findall(said)) & self.days
        ids = {found.replace("-", "") for found in ID.findall(said)} & self.ids
        return {*WORD.findall(said), *DIGITS.findall(said), *days, *ids}


def build() -> Aviary:
    """A thousand records in twenty hospitals, and a chart of the clinic's own beside them."""
    birds, now = Aviary(), timezone.now()
    for number in range(20):
        hospital = HospitalFactory(
            name=f"Hospital {number}",
            api_endpoint=f"https://hospital{number}.example/{birds.word('endpoint')}",
            sealed_token=seal(birds.word("token"), purpose="hospital"),
            token_origin=f"https://{birds.word('origin')}.example",
            feed__fetched_at=now,
            feed__record_count=50,
            feed__error_detail=birds.word("error"),
        )
        run = SyncRun.objects.create(
            hospital=hospital, generation=1, state="complete", cursor=birds.word("cursor"), started_at=now
        )
        SyncProblem.objects.create(run=run, page=1, code="no_patient_id", place=birds.word("place"))
        birds.hospitals.append(hospital)
    PatientRecord.objects.bulk_create(_record(birds, number) for number in range(PEOPLE))
    birds.chart = PatientFactory(
        firstname=birds.word("chartname"),
        lastname=birds.word("chartname"),
        email=f"{birds.word('chartmail')}@home.example",
        phone=birds.telephone(),
        address=birds.word("chartaddress"),
        medical_history=birds.word("charthistory"),
        birth_date=birds.day(date(1901, 1, 1)),
    )
    return birds


def _record(birds: Aviary, number: int) -> PatientRecord:
    """One person; every third has a remark for a diagnosis, in which everything stands that one could write there."""
    remark = (
        f"{birds.word('remark')} {birds.telephone()} {birds.word('mail')}@home.example {birds.day(date(1950, 1, 1))}"
    )
    record = PatientRecordFactory.build(
        hospital=birds.hospitals[number % 20 if number % 20 < 18 else 0],
        patient_id=birds.word("mrn"),
        name=f"{birds.word('firstname')} {birds.word('lastname')} {birds.telephone()}",
        diagnosis=remark if number % 3 == 0 else ("Asthma", "Influenza", "Gout")[number % 7 % 3],
        gender="MFOU"[(number > 600) + (number > 980) + (number > 995)],
        birth_date=birds.day(date(1915, 1, 1)) if number % 2 else None,
        deceased_on=birds.day(date(2020, 1, 1)) if number % 10 == 1 else None,
        is_deceased=number % 10 == 1,
        age_stated=None if number % 2 else number % 131,
    )
    birds.keep(record.pk, record.person)
    return record


@pytest.fixture
def birds(db):
    return build()


def ask_everything(person, birds):
    """Ask every operation about the things that the canaries belong to; return the answers by operation."""
    assert person.api.token  # signed in before, for what is asked is taken back
    record = PatientRecord.objects.exclude(birth_date=None).first()
    things = {"hospital_id": birds.hospitals[0].pk, "record_id": record.pk, "user_id": person.id}
    answers: dict[tuple[str, str], list[Any]] = {}
    for method, template in OPERATIONS:
        if template == ENDING:
            continue
        path = re.sub(r"{(\w+)}", lambda name: str(things.get(name[1], birds.chart.pk)), template)
        with taken_back():
            answers[method, template] = [*_ask(person, method, path, paged=(method, template) in PAGED)]
    return answers


def _ask(person, method, path, *, paged):
    if method != "GET":
        for body in ({}, {"name": 7, "patient": "x", "hospital": "x"}):
            yield getattr(person.api, method.lower())(path, body)
        return
    answer = person.api.get(path, {"limit": 100} if paged else None)
    yield answer
    while "Link" in answer:
        answer = person.api.get(next_page(answer))
        yield answer
    for query in ({"cursor": "made-up"}, {"limit": "x"}, {"q": "a", "age": "90", "from": "1900-01-01", "live": "true"}):
        yield person.api.get(path, query)
    yield person.api.head(path.rstrip("/"))


@pytest.fixture(params=["rita", "otto"])
def outsider(request):
    """A researcher, or an official."""
    return request.getfixturevalue(request.param)


def test_no_canary_reaches_who_must_not_know(outsider, birds):
    answers = ask_everything(outsider, birds)

    told = {
        operation: birds.found_in("\n".join(everything_said(answer) for answer in given))
        for operation, given in answers.items()
    }
    assert {operation: found for operation, found in told.items() if found} == {}
    assert not [operation for operation, given in answers.items() if any(a.status_code >= 500 for a in given)]
    assert len(answers) == len(OPERATIONS) - 1
    assert not [operation for operation, given in answers.items() if any(a.status_code == 401 for a in given)]


def test_the_same_questions_would_have_found_them(ada, dr_chen, birds):
    """The negative control: those who may know are told, in the same places."""
    kinds = Counter()
    for person in (ada, dr_chen):
        answers = ask_everything(person, birds)
        said = "\n".join(everything_said(answer) for given in answers.values() for answer in given)
        found = birds.found_in(said)
        kinds.update(re.sub(r"\d+$", "", word) for word in found if word.startswith("kanari"))
        assert found & birds.days
        assert found & birds.ids

    assert kinds.keys() >= {"kanarifirstname", "kanarilastname", "kanarimrn", "kanariremark", "kanariendpoint"}


def test_no_canary_is_in_what_is_published_for_everybody(birds):
    assert birds.found_in(json.dumps(api.get_openapi_schema(), default=str)) == set()


def test_none_is_in_what_is_put_on_record(rita, otto, birds):
    for person in (rita, otto):
        ask_everything(person, birds)

    said = json.dumps(list(AuditEvent.objects.filter(actor_id__in=[rita.id, otto.id]).values()), default=str)
    assert set(WORD.findall(said)) | set(DIGITS.findall(said)) == set()


def read_all(person):
    """Every de-identified row, page by page."""
    answer = person.api.get("/api/aggregated-data/", {"limit": 100})
    rows = answer.json()["records"]
    while "Link" in answer:
        answer = person.api.get(next_page(answer))
        rows += answer.json()["records"]
    return rows


def test_everybody_is_there_once_and_nobody_is_older_than_ninety(rita, birds):
    rows = read_all(rita)

    assert len({row["pseudonym"] for row in rows}) == len(rows) == PEOPLE
    assert {row["age_band"] for row in rows} <= BANDS
    assert all(row.keys() == {"pseudonym", "hospital", "age_band", "gender", "diagnosis"} for row in rows)
    for label in ("hospital", "diagnosis"):
        sharing = Counter(row[label] for row in rows)
        assert all(people > FEW for name, people in sharing.items() if name != "other")
    assert {row["diagnosis"] for row in rows} == {"Asthma", "Influenza", "Gout", "other"}


def test_no_cell_is_one_to_ten_and_none_is_recovered(otto, birds):
    answer = otto.api.get("/api/aggregated-data/statistics/").json()

    counts = [cell["count"] for table in answer["tables"] for cell in table["cells"]]
    assert None in counts
    assert not any(count is not None and 0 < count <= FEW for count in counts)
    assert recover(answer) == {}


def test_a_bot_that_asks_in_many_ways_gets_one_answer(rita, birds, proof_scale):
    """There is nothing to filter, to search or to order by, so there are no two answers to subtract."""
    wishes = (
        {name: value}
        for value in ("Gout", "90+", "F", "-age", "Hospital 1", "0")
        for name in ("q", "diagnosis", "hospital", "age", "gender", "ordering", "sort", "from", "to", "offset", "page")
    )
    wishes = [*wishes] * max(1, round(75 * proof_scale))
    plain = {path: rita.api.get(path).content for path in ("/api/aggregated-data/", "/api/aggregated-data/statistics/")}

    for number, wish in enumerate(wishes):
        path = [*plain][number % 2]
        assert rita.api.get(f"{path}?{urlencode(wish)}").content == plain[path], wish
