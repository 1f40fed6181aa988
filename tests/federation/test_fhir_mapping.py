"""From a FHIR R4 Patient and its Conditions to one record: which name, which dates, which diagnosis."""

from datetime import date

import pytest

from federation.connectors.fhir_r4.conditions import choose_diagnosis
from federation.connectors.fhir_r4.elements import first_possible_day, instant, last_possible_day
from federation.connectors.fhir_r4.names import read_name
from federation.connectors.fhir_r4.patients import read_patient
from tests.federation.peers import condition, patient

TODAY = date(2026, 11, 20)
MASKED = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}
UNKNOWN = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}
SNOMED = "http://snomed.info/sct"


def name(family, use=None, **more):
    return {"family": family, "given": ["Rosa"], **({"use": use} if use else {}), **more}


class TestName:
    @pytest.mark.parametrize(
        ("names", "chosen"),
        [
            ([name("Maiden", "maiden"), name("Usual", "usual"), name("Official", "official")], "Rosa Official"),
            ([name("Nick", "nickname"), name("Plain"), name("Temp", "temp")], "Rosa Plain"),
            ([name("Anonymous", "anonymous"), name("Temp", "temp")], "Rosa Temp"),
            ([name("First", "usual"), name("Second", "usual")], "Rosa First"),
            ([name("Odd", "of-office"), name("Old", "old")], "Rosa Old"),
            ([name("Ended", "official", period={"end": "2026-11-19"}), name("Old", "old")], "Rosa Old"),
            ([name("Ends", "official", period={"end": "2026-11"}), name("Usual", "usual")], "Rosa Ends"),
            ([{"use": "official"}, {"use": "usual", "text": "In Text"}], "In Text"),
            ([{"text": "张无忌"}], "张无忌"),
            (
                [{"given": ["Rosa", "M."], "family": "De la Cruz", "prefix": ["Dr."], "text": "ignored"}],
                "Rosa M. De la Cruz",
            ),
            ([{"given": ["Rosa", None, 7, "  "], "family": None}], "Rosa"),
            ([{"given": "Rosa", "family": "Else"}], "Else"),
            ([name("Te\u0301ll\x00ez \t ")], "Rosa Téll ez"),
            ([name("\u202eevil")], "Rosa evil"),
            ([name("x" * 300)], "Rosa " + "x" * 250),
            ("Rosa", "Unknown"),
            ([], "Unknown"),
            ([{"use": "official"}, 7], "Unknown"),
        ],
    )
    def test_is_the_best_that_says_something(self, names, chosen):
        assert read_name({"name": names}, today=TODAY) == chosen

    @pytest.mark.parametrize(
        "patient",
        [
            {"name": [MASKED]},
            {"name": [{"_family": MASKED, "use": "official"}]},
            {"name": [{"_given": [None, MASKED]}]},
            {"_name": [MASKED]},
            {"_name": MASKED},
        ],
    )
    def test_is_withheld_where_the_hospital_masks_it(self, patient):
        assert read_name(patient, today=TODAY) == "Withheld"

    def test_is_unknown_where_it_is_absent_for_another_reason(self):
        assert read_name({"name": [UNKNOWN]}, today=TODAY) == "Unknown"

    def test_that_is_masked_gives_way_to_one_that_is_not(self):
        assert read_name({"name": [{"use": "official", **MASKED}, name("Usual", "usual")]}, today=TODAY) == "Rosa Usual"


class TestDates:
    @pytest.mark.parametrize(
        ("text", "first", "last"),
        [
            ("1980", date(1980, 1, 1), date(1980, 12, 31)),
            ("1980-02", date(1980, 2, 1), date(1980, 2, 29)),
            ("1980-02-03", date(1980, 2, 3), date(1980, 2, 3)),
            ("1980-02-03T23:59:59-11:00", date(1980, 2, 3), date(1980, 2, 3)),
            ("1980-02-30", None, None),
            ("1980-13", None, None),
            ("1980-00", None, None),
            ("1980-02-00", None, None),
            ("0000", None, None),
            ("80", None, None),
            ("１９８０", None, None),
            ("1980-02-03T" + "0" * 99, None, None),
            ("", None, None),
            (1980, None, None),
            (None, None, None),
            (["1980"], None, None),
        ],
    )
    def test_a_partial_one_is_a_span_of_days(self, text, first, last):
        assert (first_possible_day(text), last_possible_day(text)) == (first, last)

    def test_moments_are_compared_in_one_zone(self):
        texts = ["2020", "2020-01-01T01:00:00+02:00", "2020-01-01T00:00:00Z", "2019-12-31T23:30:00.123456789Z"]

        assert sorted(texts, key=instant) == [texts[1], texts[3], texts[0], texts[2]]
        assert instant("2020-01-01T99:99") == instant("2020")
        assert instant("0001-01-01T00:00:00+14:00") < instant("9999-12-31T23:59:59-12:00")
        assert instant("soon") is None

    @pytest.mark.parametrize(
        ("more", "birth_date", "is_deceased", "deceased_on"),
        [
            ({"birthDate": "1980"}, date(1980, 12, 31), False, None),
            ({"birthDate": None, "_birthDate": MASKED}, None, False, None),
            ({"deceasedBoolean": True}, date(1980, 5, 17), True, None),
            ({"deceasedBoolean": False}, date(1980, 5, 17), False, None),
            ({"deceasedBoolean": "true"}, date(1980, 5, 17), False, None),
            ({"deceasedDateTime": "2020-03"}, date(1980, 5, 17), True, date(2020, 3, 1)),
        ],
    )
    def test_of_birth_and_death_never_overstate_an_age(self, more, birth_date, is_deceased, deceased_on):
        record, problems = read_patient(patient(**more), [], place="Patient[0]", today=TODAY)

        assert (record.birth_date, record.is_deceased, record.deceased_on) == (birth_date, is_deceased, deceased_on)
        assert problems == []


def label_of(*conditions):
    return choose_diagnosis(conditions).label


def coded(*codings, **code):
    return condition(code={"coding": list(codings), **code})


class TestDiagnosis:
    @pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
    @pytest.mark.parametrize("shape", [lambda code: {"coding": [{"code": code}]}, lambda code: code])
    def test_never_is_one_that_was_denied(self, status, shape):
        assert label_of(condition(verificationStatus=shape(status))) == ""
        assert label_of(condition(verificationStatus=shape("confirmed"))) == "Asthma"

    @pytest.mark.parametrize("current", ["active", "recurrence", "relapse"])
    @pytest.mark.parametrize("shape", [lambda code: {"coding": [{"code": code}]}, lambda code: code])
    def test_is_current_before_unknown_before_over(self, current, shape):
        over = condition(label="Over", clinicalStatus=shape("resolved"), recordedDate="2026")
        unknown = condition(label="Unknown", clinicalStatus=None, recordedDate="2025")
        now = condition(label="Now", clinicalStatus=shape(current), recordedDate="2001")

        assert label_of(over, unknown, now) == "Now"
        assert label_of(over, unknown) == "Unknown"
        assert label_of(over) == "Over"

    def test_is_a_disorder_before_a_finding_before_anything_else(self):
        review = condition(label="Medication review due (situation)", recordedDate="2026")
        job = condition(label="Full-time employment (finding)", recordedDate="2025")
        plain = condition(label="Prediabetes", recordedDate="2001")
        disorder = condition(label="Asthma (disorder)", recordedDate="2000")

        assert label_of(review, job, plain, disorder) == "Prediabetes"
        assert label_of(review, job, disorder) == "Asthma"
        assert label_of(review, job) == "Full-time employment"
        assert label_of(review) == "Medication review due"

    def test_is_the_newest_then_the_one_with_the_lowest_id(self):
        onset = condition(label="Onset", onsetDateTime="2020-05-05", condition_id="c")
        period = condition(label="Period", onsetPeriod={"start": "2021"}, condition_id="b")
        recorded = condition(label="Recorded", recordedDate="2019", onsetDateTime="2025", condition_id="a")
        undated = condition(label="Undated", condition_id="0")

        assert label_of(undated, recorded, onset, period) == "Period"
        assert label_of(undated, recorded, onset) == "Onset"
        assert label_of(undated, recorded) == "Recorded"
        assert label_of(condition(label="B", condition_id="b"), condition(label="A", condition_id="a")) == "A"

    @pytest.mark.parametrize(
        ("coded_condition", "label"),
        [
            (coded({"display": "Display"}, text="Text"), "Text"),
            (coded({"display": "First"}, {"display": "Chosen", "userSelected": True}), "Chosen"),
            (coded({"display": "First"}, {"display": "Chosen", "userSelected": "true"}), "First"),
            (coded({"code": "J45"}, {"display": "Second"}), "Second"),
            (coded({"code": "J45", "system": "http://hl7.org/fhir/sid/icd-10"}), "J45"),
            (coded({"display": "Asthma (disorder)"}), "Asthma"),
            (coded({"display": "Fracture (left arm)"}), "Fracture (left arm)"),
            (coded({"code": "160245001", "system": SNOMED, "display": "No current problems"}), ""),
            (coded({"code": "160245001", "display": "Another system's"}), "Another system's"),
            (coded({"code": "unknown", "system": "http://terminology.hl7.org/CodeSystem/data-absent-reason"}), ""),
            (coded(7, None, {"display": ["x"]}), ""),
            (coded({"display": "(disorder)"}), ""),
            (condition(code="Asthma"), ""),
            (condition(code=None), ""),
            (condition(label="x" * 300), "x" * 255),
        ],
    )
    def test_is_called_what_the_hospital_calls_it(self, coded_condition, label):
        assert label_of(coded_condition) == label

    def test_is_none_without_conditions(self):
        assert label_of() == ""
