"""The simple document, as other hospitals serve it: whatever is in it, records or problems come out."""

import json
import tracemalloc
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import pytest

from core.http import INTERACTIVE, OutboundError, open_client
from federation.connectors import FetchedRecord, Source, StaleCursor, find
from federation.connectors.json_document import PAGE
from tests.federation.peers import Reply, serving

MIB = 1024 * 1024


@contextmanager
def document(body, **limits):
    """A source whose document is this value, or these bytes."""
    reply = Reply(body=body) if isinstance(body, bytes) else Reply(body)
    with (
        serving(lambda path: reply) as url,
        open_client(f"{url}/records", limits=replace(INTERACTIVE, **limits)) as client,
    ):
        yield Source(client, f"{url}/records")


def read(body, cursor=None, **limits):
    with document(body, **limits) as source:
        return list(find("json")(source, cursor))


def record(**fields):
    """The one record, or None, and the problems' codes, of a document with one record of these fields."""
    [page] = read(
        {"records": [{"patient_id": "P1", "name": "Rosa Elsewhere", "age": 40, "condition": "Flu", **fields}]}
    )
    return (page.records[0] if page.records else None), [problem.code for problem in page.problems]


def test_reads_the_document_that_the_clinic_itself_mocks():
    records = [
        {"patient_id": 1, "name": "John Doe", "age": 45, "condition": "Flu"},
        {"patient_id": 2, "name": "Jane Smith", "age": 34, "condition": "Cough"},
    ]

    [page] = read({"hospital_name": "Example Hospital", "location": "City Center", "records": records})

    assert page.records == [
        FetchedRecord("1", "John Doe", "Flu", age=45),
        FetchedRecord("2", "Jane Smith", "Cough", age=34),
    ]
    assert page.problems == []
    assert page.cursor is None


@pytest.mark.parametrize(
    "body", [[{"patient_id": "P1", "name": "A B"}], {"records": [{"patient_id": "P1", "name": "A B"}]}]
)
def test_a_bare_list_of_records_is_a_document_too(body):
    [page] = read(body)

    assert page.records == [FetchedRecord("P1", "A B")]


@pytest.mark.parametrize("body", [b"[]", b'{"records": []}', b' \n{"x": {"records": [1]}, "records": []}'])
def test_a_hospital_without_patients_gives_one_empty_page(body):
    [page] = read(body)

    assert (page.records, page.problems, page.cursor) == ([], [], None)


@pytest.mark.parametrize(("value", "text"), [("P-1", "P-1"), (17, "17"), (17.0, "17"), (" x ", " x "), (-3, "-3")])
def test_an_id_is_kept_as_text_as_it_came(value, text):
    assert record(patient_id=value)[0].patient_id == text


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "no_patient_id"),
        ("", "no_patient_id"),
        ("  ", "bad_patient_id"),
        (True, "bad_patient_id"),
        (1.5, "bad_patient_id"),
        (1e300, "bad_patient_id"),
        (["P1"], "bad_patient_id"),
        ({"id": 1}, "bad_patient_id"),
        ("x" * 256, "bad_patient_id"),
        ("a\x00b", "bad_patient_id"),
        ("a\nb", "bad_patient_id"),
    ],
)
def test_a_record_without_an_id_that_can_be_kept_is_a_problem(value, code):
    assert record(patient_id=value) == (None, [code])


@pytest.mark.parametrize("value", ["Flu", 1, None, True, [], [1]])
def test_what_is_no_record_is_a_problem_and_its_neighbours_stay(value):
    [page] = read([{"patient_id": "P1", "name": "A"}, value, {"patient_id": "P2", "name": "B"}])

    assert [each.patient_id for each in page.records] == ["P1", "P2"]
    assert [(each.code, each.place) for each in page.problems] == [("not_an_object", "records[1]")]


@pytest.mark.parametrize(
    ("value", "age"), [(0, 0), (130, 130), (45.9, 45), ("45", 45), (" 7 ", 7), (None, None), ("", None)]
)
def test_an_age_is_whole_years(value, age):
    assert record(age=value)[0].age == age
    assert record(age=value)[1] == []


@pytest.mark.parametrize("value", [-1, 131, 1e300, "old", "٤٥", "-3", True, [45], {"years": 45}, "9" * 400])
def test_an_age_that_cannot_be_is_unknown_and_a_problem(value):
    found, problems = record(age=value)

    assert (found.age, problems) == (None, ["bad_age"])


@pytest.mark.parametrize(
    ("fields", "diagnosis"),
    [
        ({"condition": "Flu"}, "Flu"),
        ({"condition": None, "diagnosis": "Cough"}, "Cough"),
        ({"condition": "Flu", "diagnosis": "Cough"}, "Cough"),
        ({"condition": "Flu", "diagnosis": None}, "Flu"),
        ({"condition": None}, ""),
        ({"condition": "  Chronic \t sinusitis\u2028"}, "Chronic sinusitis"),
        ({"condition": "x" * 300}, "x" * 255),
        ({"condition": "e\u0301"}, "é"),
    ],
)
def test_condition_and_diagnosis_are_the_same_thing(fields, diagnosis):
    assert record(**fields) == (FetchedRecord("P1", "Rosa Elsewhere", diagnosis, age=40), [])


def test_a_diagnosis_that_is_no_text_is_a_problem():
    assert record(condition=["Flu"])[1] == ["bad_diagnosis"]


@pytest.mark.parametrize("name", [None, "", "  ", 17, ["Rosa"], "\x00\x07"])
def test_somebody_without_a_name_is_unknown(name):
    found, problems = record(name=name)

    assert (found.name, problems) == ("Unknown", ["no_name"])


def test_reads_gender_and_date_of_birth_where_a_hospital_gives_them():
    assert record(gender="female", birth_date="1980-05-17")[0] == FetchedRecord(
        "P1", "Rosa Elsewhere", "Flu", gender="F", age=40, birth_date=date(1980, 5, 17)
    )
    assert record(gender="X", birth_date="17.5.1980")[1] == ["bad_birth_date"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b'[{"patient_id": "P1"}', "not_json"),
        (b'[{"patient_id": "P1"}] and more', "not_json"),
        (b'[{"patient_id": "P1", "age": NaN}]', "not_json"),
        (b'[{"patient_id": "P1", "name": "\xff"}]', "not_json"),
        (b"{}", "wrong_shape"),
        (b"17", "wrong_shape"),
        (b'{"records": 17}', "wrong_shape"),
        (b'{"records": {"patient_id": "P1"}}', "wrong_shape"),
        (b'{"data": {"records": [1]}}', "wrong_shape"),
        (b"[" * 100_000, "too_deep"),
        (b'[{"patient_id": "P1", "age": ' + b"9" * 5000 + b"}]", "not_json"),
    ],
)
def test_what_is_no_document_fails_before_anything_is_passed_on(body, code):
    with document(body) as source, pytest.raises(OutboundError) as refused:
        next(find("json")(source))

    assert refused.value.code == code


def test_a_document_that_breaks_off_after_thousands_of_records_gives_none():
    whole = json.dumps([{"patient_id": number, "name": "A B"} for number in range(3 * PAGE)]).encode()

    with document(whole[:-2]) as source, pytest.raises(OutboundError):
        next(find("json")(source))


def test_more_records_than_one_copy_may_hold_fail():
    with (
        document([{"patient_id": n} for n in range(11)], records=10) as source,
        pytest.raises(OutboundError) as refused,
    ):
        next(find("json")(source))

    assert refused.value.code == "too_many_records"


class TestPages:
    def test_come_in_order_and_the_last_one_says_so(self):
        pages = read([{"patient_id": number, "name": "A B"} for number in range(2 * PAGE + 1)])

        assert [len(page.records) for page in pages] == [PAGE, PAGE, 1]
        assert [page.cursor is None for page in pages] == [False, False, True]
        assert [each.patient_id for page in pages for each in page.records] == [str(n) for n in range(2 * PAGE + 1)]

    def test_a_full_last_page_is_not_followed_by_an_empty_one(self):
        assert [len(page.records) for page in read([{"patient_id": n} for n in range(2 * PAGE)])] == [PAGE, PAGE]

    def test_reading_goes_on_from_a_cursor(self):
        body = [{"patient_id": number, "name": "A B"} for number in range(2 * PAGE + 1)]
        cursor = read(body)[0].cursor

        pages = read(body, cursor)

        assert [each.place for page in pages for each in page.records][:1] == [f"records[{PAGE}]"]
        assert sum(len(page.records) for page in pages) == PAGE + 1

    def test_a_cursor_is_of_one_document(self):
        cursor = read([{"patient_id": number} for number in range(PAGE + 1)])[0].cursor

        with pytest.raises(StaleCursor):
            read([{"patient_id": number} for number in range(1, PAGE + 1)], cursor)

    def test_a_large_document_needs_little_memory(self):
        row = {"name": "Rosa Elsewhere " * 16, "age": 40, "condition": "Flu"}
        count = 50_000
        body = json.dumps([{"patient_id": number, **row} for number in range(count)]).encode()
        limits = {"document_bytes": 64 * MIB, "records": count, "deadline": 60, "request_deadline": 60}
        with document(body, **limits) as source:
            tracemalloc.start()
            try:
                read = sum(len(page.records) for page in find("json")(source))
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()

        assert read == count
        assert len(body) > 14 * MIB
        assert peak < 8 * MIB
