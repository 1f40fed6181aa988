"""The mock hospital: document 000's words, open to everybody, and a hospital like any other to those who fetch."""

import runpy

import pytest

import config.settings
from config.environment import Environment
from core.models import AuditEvent
from federation.models import Hospital
from tests.factories.federation import make_hospital

PATH = "/api/mock_hospital_data/"
DOCUMENT = {
    "hospital_name": "Example Hospital",
    "location": "City Center",
    "records": [
        {"patient_id": 1, "name": "John Doe", "age": 45, "condition": "Flu"},
        {"patient_id": 2, "name": "Jane Smith", "age": 34, "condition": "Cough"},
    ],
}


@pytest.mark.django_db
class TestAnswers:
    @pytest.mark.parametrize("path", [PATH, PATH.rstrip("/")])
    def test_exactly_what_document_000_shows_to_anybody(self, nobody, path):
        answer = nobody.api.get(path)
        assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (200, "application/json")
        assert answer.json() == DOCUMENT
        assert list(answer.json()) == list(DOCUMENT)

    def test_as_another_hospital_where_one_is_chosen(self, nobody):
        answers = {name: nobody.api.get(PATH, {"hospital": name}).json() for name in ("riverside", "hillcrest")}
        assert answers["riverside"]["hospital_name"] == "Riverside Hospital"
        assert answers["hillcrest"]["hospital_name"] == "Hillcrest Clinic"
        for answer in answers.values():
            assert answer.keys() == DOCUMENT.keys()
            assert {frozenset(record) for record in answer["records"]} == {frozenset(DOCUMENT["records"][0])}

    def test_one_of_them_is_always_out_of_order(self, nobody):
        answer = nobody.api.get(PATH, {"hospital": "lakeside"})
        assert (answer.status_code, answer.json()["code"]) == (503, "out_of_order")
        assert answer["Content-Type"] == "application/problem+json"

    def test_there_is_no_fourth(self, nobody):
        assert nobody.api.get(PATH, {"hospital": "elsewhere"}).status_code == 422

    def test_is_no_reading_of_patients_and_not_on_record(self, nobody):
        nobody.api.get(PATH)
        assert not AuditEvent.objects.exists()

    def test_is_not_there_where_it_is_off(self, nobody, settings):
        settings.MOCK_HOSPITAL = False
        for query in ({}, {"hospital": "riverside"}, {"hospital": "lakeside"}):
            answer = nobody.api.get(PATH, query)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("said", "production", "is_on"),
    [(None, False, True), (None, True, False), ("true", True, True), ("false", False, False)],
)
def test_is_on_in_development_and_where_it_is_asked_for(said, production, is_on, monkeypatch, tmp_path):
    """The rule of config.settings, run on an environment of its own."""
    for name in Environment.model_fields:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(Environment.model_config, "env_file", None)
    monkeypatch.setenv("POLYCLINIC_HOME", str(tmp_path))
    if production:
        monkeypatch.setenv("SECRET_KEY", "kDq2v9sXw4LrB7yTzNfP6hGmJc3aVu8eRt5oIl1QxWnYbZ0KdS-EAFg")
        monkeypatch.setenv("ALLOWED_HOSTS", "clinic.org")
    if said:
        monkeypatch.setenv("MOCK_HOSPITAL", said)

    assert runpy.run_path(config.settings.__file__)["MOCK_HOSPITAL"] is is_on


@pytest.mark.django_db(transaction=True)
class TestIsAHospital:
    """000-17: the original turned this very shape into its three keys."""

    def register(self, ada, live_server, query=""):
        body = {"name": "Mock", "location": "Here", "api_endpoint": f"{live_server.url}{PATH}{query}"}
        answer = ada.api.post("/api/hospitals/", body)
        assert answer.status_code == 201, answer.content
        return answer.json()["id"]

    def test_to_fetch_records(self, ada, dr_diaz, live_server):
        hospital = self.register(ada, live_server)
        answer = dr_diaz.api.get(f"/api/hospitals/{hospital}/fetch_records/").json()
        assert answer["complete"] is True
        assert [(each["patient_id"], each["name"], each["age"], each["diagnosis"]) for each in answer["records"]] == [
            ("1", "John Doe", 45, "Flu"),
            ("2", "Jane Smith", 34, "Cough"),
        ]

    def test_to_the_combined_data(self, ada, dr_diaz, live_server):
        for query in ("", "?hospital=riverside", "?hospital=hillcrest", "?hospital=lakeside"):
            self.register(ada, live_server, query)
        answer = dr_diaz.api.get("/api/aggregated-data/").json()
        assert answer["complete"] == "3 of 4"
        assert {each["status"] for each in answer["hospitals"]} == {"fresh", "failed"}
        copied = sorted(each["record_count"] for each in answer["hospitals"])
        assert copied == [0, 2, 70, 120]
        assert Hospital.objects.count() == 4

    def test_out_of_order_is_told_as_any_failure(self, ada, dr_diaz, live_server):
        hospital = make_hospital(endpoint=f"{live_server.url}{PATH}?hospital=lakeside")
        answer = dr_diaz.api.get(f"/api/hospitals/{hospital.pk}/fetch_records/")
        assert (answer.status_code, answer.json()["code"]) == (502, "status")
