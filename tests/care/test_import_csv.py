import csv
import gzip
import io
import sys
import threading
import tracemalloc
from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import care.service
from care.csv_source import MAX_LINE_BYTES, SourceFile, SourceRow, SourceUnreadable, read_patients
from care.models import Doctor, Patient, PatientUserPermission
from care.schemas import PatientChangeIn, PatientIn
from core.actor import SYSTEM
from core.errors import NotAllowed

PATIENT_HEADER = (
    "Id,BIRTHDATE,DEATHDATE,SSN,DRIVERS,PASSPORT,PREFIX,FIRST,LAST,SUFFIX,MAIDEN,MARITAL,RACE,ETHNICITY,GENDER,"
    "BIRTHPLACE,ADDRESS,CITY,STATE,COUNTY,ZIP,LAT,LON,HEALTHCARE_EXPENSES,HEALTHCARE_COVERAGE"
)
DOCTOR_HEADER = "Id,ORGANIZATION,NAME,GENDER,SPECIALITY,ADDRESS,CITY,STATE,ZIP,LAT,LON,UTILIZATION"

JOSE = {
    "Id": "p-1",
    "BIRTHDATE": "1989-05-25",
    "FIRST": "José Eduardo181",
    "LAST": "Gómez206",
    "GENDER": "M",
    "ADDRESS": "427 Balistreri Way Unit 19",
    "CITY": "Chicopee",
    "STATE": "Massachusetts",
    "ZIP": "01013",
}
TOMAS = {
    "Id": "d-1",
    "NAME": "Tomas436 Sauer652",
    "GENDER": "M",
    "SPECIALITY": "CARDIOVASCULAR DISEASE (CARDIOLOGY)",
    "CITY": "MARTHA'S VINEYARD",
    "STATE": "MA",
}


def table(header, rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, header.split(","), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def patients_text(*rows):
    return table(PATIENT_HEADER, [JOSE | row for row in rows])


def doctors_text(*rows):
    return table(DOCTOR_HEADER, [TOMAS | row for row in rows])


pytestmark = pytest.mark.django_db


@pytest.fixture
def export(tmp_path):
    """An export of one patient and one doctor; `export(patients=…)` writes other content, text or bytes."""

    def write(patients=None, doctors=None):
        for name, content in (("patients", patients), ("providers", doctors)):
            text = content if content is not None else patients_text({}) if name == "patients" else doctors_text({})
            data = text.encode() if isinstance(text, str) else text
            (tmp_path / f"{name}.csv").write_bytes(data)
        return tmp_path

    return write


def run(folder):
    """Run the command; returns what it prints, as lines."""
    out = io.StringIO()
    call_command("import_csv", str(folder), stdout=out)
    return out.getvalue().splitlines()


def test_makes_a_chart_of_a_row(export, erin):
    run(export())

    chart = Patient.objects.get()
    assert (chart.firstname, chart.lastname, chart.gender) == ("José Eduardo", "Gómez", "M")
    assert (chart.birth_date, chart.birth_date_estimated) == (date(1989, 5, 25), False)
    assert chart.address == "427 Balistreri Way Unit 19, Chicopee, Massachusetts 01013"
    assert (chart.source_id, chart.created_by_id, chart.user_id) == ("p-1", None, None)
    assert [row["id"] for row in erin.api.get("/api/patients/", {"q": "gomez"}).json()] == [str(chart.pk)]


def test_makes_a_verified_doctor_of_a_row(export):
    run(export())

    doctor = Doctor.objects.get()
    assert (doctor.firstname, doctor.lastname, doctor.gender) == ("Tomas", "Sauer", "M")
    assert (doctor.specialization, doctor.location) == ("CARD", "Martha's Vineyard, MA")
    assert (doctor.verified, doctor.source_id, doctor.created_by_id) == (True, "d-1", None)
    assert doctor.search_key == "tomas sauer cardiology martha's vineyard, ma"


@pytest.mark.parametrize(
    ("name", "firstname", "lastname"),
    [
        ("Homero668 de Jesús414", "Homero", "de Jesús"),
        ("María José279 Henríquez109", "María José", "Henríquez"),
        ("Jane Mary Doe", "Jane Mary", "Doe"),
        ("Prince", "Prince", ""),
        ("Danial835 D'Amore443", "Danial", "D'Amore"),
    ],
)
def test_splits_a_providers_name_where_the_given_names_end(export, name, firstname, lastname):
    run(export(doctors=doctors_text({"NAME": name})))

    assert [(doctor.firstname, doctor.lastname) for doctor in Doctor.objects.all()] == [(firstname, lastname)]


def test_leaves_out_what_an_address_lacks(export):
    run(
        export(
            patients=patients_text({"ZIP": "", "ADDRESS": "", "GENDER": ""}),
            doctors=doctors_text({"CITY": "STOCKBRIDGE-SOUTH", "STATE": "NEW YORK", "GENDER": ""}),
        )
    )

    assert (Patient.objects.get().address, Patient.objects.get().gender) == ("Chicopee, Massachusetts", "U")
    assert (Doctor.objects.get().location, Doctor.objects.get().gender) == ("Stockbridge-South, New York", "U")


def test_reads_compressed_files_byte_order_marks_and_windows_line_ends(tmp_path):
    (tmp_path / "patients.csv.gz").write_bytes(
        gzip.compress(b"\xef\xbb\xbf" + patients_text({}).replace("\n", "\r\n").encode())
    )
    (tmp_path / "providers.csv").write_text(doctors_text({}) + "\n\n")

    assert run(tmp_path) == [
        "patients.csv.gz: 1 imported, 0 already there, 0 skipped",
        "providers.csv: 1 imported, 0 already there, 0 skipped",
    ]


def test_needs_only_the_columns_it_reads_in_any_order(export):
    columns = "ZIP,STATE,CITY,ADDRESS,GENDER,LAST,FIRST,DEATHDATE,BIRTHDATE,Id"

    run(export(patients=table(columns, [JOSE])))

    assert Patient.objects.get().name == "José Eduardo Gómez"


def test_mentions_the_dead_and_imports_them(export):
    lines = run(export(patients=patients_text({"Id": "a", "DEATHDATE": "2019-01-01"}, {"Id": "b"})))

    assert lines[:2] == [
        "patients.csv: 2 imported, 0 already there, 0 skipped",
        "  of the imported, 1 with the note: has died, which a chart does not say yet",
    ]


# --- Repeating ------------------------------------------------------------------------------------------------------
def test_importing_again_changes_nothing(export):
    folder = export(patients=patients_text({"Id": "a"}, {"Id": "b"}))
    run(folder)
    before = list(Patient.objects.order_by("pk").values()), list(Doctor.objects.values())

    assert run(folder) == [
        "patients.csv: 0 imported, 2 already there, 0 skipped",
        "providers.csv: 0 imported, 1 already there, 0 skipped",
    ]
    assert (list(Patient.objects.order_by("pk").values()), list(Doctor.objects.values())) == before


def test_importing_again_leaves_what_people_changed_and_deleted(export, erin, ada, now):
    folder = export(patients=patients_text({"Id": "a"}, {"Id": "b"}, {"Id": "c"}))
    run(folder)
    changed, deleted = Patient.objects.get(source_id="a"), Patient.objects.get(source_id="b")
    care.service.update_patient(
        actor=erin.actor, patient_id=changed.pk, body=PatientChangeIn(lastname="Married"), now=now
    )
    care.service.delete_patient(actor=ada.actor, patient_id=deleted.pk, now=now)

    run(folder)

    assert Patient.objects.get(source_id="a").lastname == "Married"
    assert Patient.objects.get(source_id="b").deleted_at is not None
    assert Patient.objects.count() == 3


def test_a_file_that_grew_adds_what_is_new(export):
    run(export(patients=patients_text({"Id": "a"})))

    assert run(export(patients=patients_text({"Id": "a"}, {"Id": "b"})))[0] == (
        "patients.csv: 1 imported, 1 already there, 0 skipped"
    )


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_add_every_row_once():
    rows = [SourceRow(number, f"p-{number}", PatientIn(firstname=f"Pat{number}"), ()) for number in range(1_200)]
    barrier, summaries = threading.Barrier(2), []

    def work():
        try:
            barrier.wait(timeout=10)
            summaries.append(care.service.import_patients(actor=SYSTEM, records=rows, now=timezone.now()))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert Patient.objects.count() == 1_200
    assert sum(summary.imported for summary in summaries) == 1_200
    assert sum(summary.already_there for summary in summaries) == 1_200


# --- Bad rows -------------------------------------------------------------------------------------------------------
BAD_PATIENTS = [
    ({"Id": ""}, "Id: must have 1 to 64 characters"),
    ({"Id": "x" * 65}, "Id: must have 1 to 64 characters"),
    ({"FIRST": " "}, "FIRST: is missing"),
    ({"FIRST": "x" * 151}, "given name: String should have at most 150 characters"),
    ({"LAST": "\u202eevil"}, "family name: must not change the direction of the text"),
    ({"BIRTHDATE": ""}, "BIRTHDATE: must be a date such as 1989-05-25"),
    ({"BIRTHDATE": "25/05/1989"}, "BIRTHDATE: must be a date such as 1989-05-25"),
    ({"BIRTHDATE": "86400"}, "BIRTHDATE: must be a date such as 1989-05-25"),
    ({"BIRTHDATE": "2999-01-01"}, "birth_date: must lie within the last 130 years"),
    ({"BIRTHDATE": "1700-01-01"}, "birth_date: must lie within the last 130 years"),
    ({"GENDER": "robot"}, "GENDER: Input should be 'M', 'F', 'O' or 'U'"),
    ({"ADDRESS": "x" * 256}, "ADDRESS, CITY, STATE, ZIP: String should have at most 255 characters"),
    ({"MAIDEN": "a\x00b"}, "the row contains the NUL character"),
    ({"MAIDEN": "x" * MAX_LINE_BYTES}, f"the row is longer than {MAX_LINE_BYTES} bytes"),
    ({"Id": "first"}, "Id: stands in the file before"),
]


@pytest.mark.parametrize(("change", "reason"), BAD_PATIENTS, ids=[reason for _, reason in BAD_PATIENTS])
def test_skips_a_bad_patient_and_imports_the_others(export, change, reason):
    lines = run(export(patients=patients_text({"Id": "first"}, {"Id": "bad"} | change, {"Id": "last"})))

    assert lines[:2] == [
        "patients.csv: 2 imported, 0 already there, 1 skipped",
        f"  skipped 1: {reason} (line 3)",
    ]
    assert set(Patient.objects.values_list("source_id", flat=True)) == {"first", "last"}


def test_refuses_a_birthday_tomorrow(export):
    tomorrow = date.fromordinal(timezone.localdate().toordinal() + 1)

    lines = run(export(patients=patients_text({"BIRTHDATE": tomorrow.isoformat()})))

    assert lines[1].startswith("  skipped 1: birth_date: must ")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"NAME": ""}, "NAME: is missing"),
        ({"NAME": "x" * 151}, "NAME: String should have at most 150 characters"),
        ({"SPECIALITY": "PHRENOLOGY"}, "SPECIALITY: is not a specialization we know"),
        ({"SPECIALITY": ""}, "SPECIALITY: is not a specialization we know"),
        ({"CITY": "x" * 256}, "CITY, STATE: String should have at most 255 characters"),
    ],
)
def test_skips_a_bad_doctor_and_imports_the_others(export, change, reason):
    lines = run(export(doctors=doctors_text({"Id": "first"}, {"Id": "bad"} | change, {"Id": "last"})))

    assert lines[1] == "providers.csv: 2 imported, 0 already there, 1 skipped"
    assert lines[2].startswith(f"  skipped 1: {reason}")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a,b,c", "the number of columns is not the header's"),
        (",".join("x" * 26), "the number of columns is not the header's"),
        ('p-9,"never closed,' + "," * 23, "the quotation marks do not match"),
    ],
)
def test_skips_a_row_that_is_no_row_and_imports_the_others(export, line, reason):
    good = patients_text({"Id": "first"}, {"Id": "last"}).splitlines()

    lines = run(export(patients="\n".join([good[0], good[1], line, good[2]])))

    assert lines[:2] == [
        "patients.csv: 2 imported, 0 already there, 1 skipped",
        f"  skipped 1: {reason} (line 3)",
    ]


def test_names_the_first_lines_of_each_reason_and_counts_the_rest(export):
    rows = [{"Id": str(number), "FIRST": ""} for number in range(5)] + [{"Id": "x", "BIRTHDATE": "?"}]

    assert run(export(patients=patients_text(*rows)))[:3] == [
        "patients.csv: 0 imported, 0 already there, 6 skipped",
        "  skipped 5: FIRST: is missing (line 2, 3, 4, …)",
        "  skipped 1: BIRTHDATE: must be a date such as 1989-05-25 (line 7)",
    ]


def test_tells_nothing_of_what_a_row_holds(export):
    lines = run(export(patients=patients_text({"Id": "id-of-a-person", "GENDER": "Gómez206", "ADDRESS": "x" * 300})))

    assert not [line for line in lines if "Gómez" in line or "id-of-a-person" in line or "xxx" in line]


# --- Files that cannot be read --------------------------------------------------------------------------------------
def assert_refused(folder, sentence):
    with pytest.raises(CommandError) as refused:
        run(folder)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("missing", ["patients", "providers"])
def test_imports_nothing_where_a_file_is_missing(export, missing):
    folder = export()
    (folder / f"{missing}.csv").unlink()

    assert_refused(folder, f"there is no {missing}.csv.gz and no {missing}.csv in this folder")
    assert not Patient.objects.exists()
    assert not Doctor.objects.exists()


def test_refuses_a_folder_in_a_files_place(export):
    folder = export()
    (folder / "providers.csv").unlink()
    (folder / "providers.csv").mkdir()

    assert_refused(folder, "providers.csv: is a directory")
    assert not Patient.objects.exists()


@pytest.mark.parametrize(
    "text", ["", "\n", "Id,NAME\n", patients_text({}), doctors_text({}).replace("ORGANIZATION", "NAME", 1), '"Id,NAME']
)
def test_imports_nothing_where_the_header_is_wrong(export, text):
    assert_refused(export(doctors=text), "providers.csv: the first line must name each of these columns once")
    assert not Patient.objects.exists()


def test_imports_nothing_where_a_file_is_not_gzip(export):
    folder = export()
    (folder / "patients.csv").rename(folder / "patients.csv.gz")

    assert_refused(folder, "patients.csv.gz: this is not gzip, or it is damaged")
    assert not Doctor.objects.exists()


def test_imports_what_stands_before_a_line_that_is_not_utf8_and_the_rest_later(export):
    good = patients_text({"Id": "first"}, {"Id": "last"})
    latin = good.replace("last,", "last\xe9,").encode("latin-1").replace(b"Jos\xe9", b"Jose").replace(b"G\xf3", b"Go")

    assert_refused(export(patients=latin), "patients.csv: line 3 is not UTF-8. What came before is imported")
    assert [chart.source_id for chart in Patient.objects.all()] == ["first"]
    assert Doctor.objects.count() == 1

    assert run(export(patients=good))[0] == "patients.csv: 1 imported, 1 already there, 0 skipped"


def cut_off(data):
    return data[: len(data) // 2]


def overwritten(data):
    return data[: len(data) // 2] + b"\xff" * 2_000 + data[len(data) // 2 + 2_000 :]


def without_checksum(data):
    return data[:-8] + bytes(8)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (cut_off, "the compressed data ends too early"),
        (overwritten, "is not UTF-8"),
        (without_checksum, "this is not gzip, or it is damaged"),
    ],
)
def test_imports_what_stands_before_damage_and_the_rest_later(tmp_path, damage, sentence):
    rows = [{"Id": f"p-{number}", "ADDRESS": f"{number * 7919 % 10007} Street"} for number in range(3_000)]
    whole = gzip.compress(patients_text(*rows).encode())
    (tmp_path / "patients.csv.gz").write_bytes(damage(whole))
    (tmp_path / "providers.csv").write_text(doctors_text({}))

    assert_refused(tmp_path, sentence)
    imported = Patient.objects.count()
    assert imported > 1_000
    assert Doctor.objects.count() == 1

    (tmp_path / "patients.csv.gz").write_bytes(whole)
    again = run(tmp_path)[0]
    assert Patient.objects.count() == 3_000
    assert again == f"patients.csv.gz: {3_000 - imported:,} imported, {imported:,} already there, 0 skipped"


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that opens and cannot be read")
def test_tells_where_the_disk_does_not_give_the_file(export):
    folder = export()
    (folder / "patients.csv").unlink()
    (folder / "patients.csv").symlink_to("/proc/self/mem")

    assert_refused(folder, "patients.csv: input/output error")


def test_a_source_is_closed_where_its_header_is_wrong(tmp_path):
    # An open file that is forgotten is a ResourceWarning, which fails the suite.
    (tmp_path / "patients.csv").write_text("nothing")

    with pytest.raises(SourceUnreadable):
        SourceFile(tmp_path / "patients.csv", ["Id"])


# --- Rights, progress, cost -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("cast", ["alice", "erin", "rita", "otto", "dr_diaz"])
def test_only_administrators_and_the_system_import(cast, request, now):
    actor = request.getfixturevalue(cast).actor
    rows = [SourceRow(2, "p-1", PatientIn(firstname="Pat"), ())]

    with pytest.raises(NotAllowed):
        care.service.import_patients(actor=actor, records=rows, now=now)
    with pytest.raises(NotAllowed):
        care.service.import_doctors(actor=actor, records=[], now=now)

    assert not Patient.objects.exists()


def test_an_administrators_import_is_kept_by_nobody_as_well(ada, now):
    rows = [SourceRow(2, "p-1", PatientIn(firstname="Pat"), ())]

    care.service.import_patients(actor=ada.actor, records=rows, now=now)

    assert Patient.objects.get().created_by_id is None
    assert not PatientUserPermission.objects.exists()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_draws_its_progress_on_a_terminal_and_nowhere_else(export, monkeypatch):
    for stream, drawn in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        run(export())

        assert ("patients.csv" in stream.getvalue()) is drawn


def test_looks_up_and_writes_five_hundred_rows_at_once(now):
    def lookups(amount):
        rows = (SourceRow(n, f"{amount}-{n}", PatientIn(firstname="Pat"), ()) for n in range(amount))
        with CaptureQueriesContext(connection) as captured:
            care.service.import_patients(actor=SYSTEM, records=rows, now=now)
        return sum(query["sql"].startswith("SELECT") for query in captured)

    assert lookups(500) == 1
    assert lookups(1_500) == 3


def test_reads_a_long_file_in_little_memory(tmp_path):
    path = tmp_path / "patients.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write(patients_text())
        row = patients_text({}).splitlines()[1]
        file.writelines(f"{row}\n" for _ in range(20_000))
        file.write("x" * 5_000_000)

    tracemalloc.start()
    with SourceFile(path, ["Id", "FIRST"]) as source:
        amount = sum(1 for _ in source.rows())
        assert source.position <= source.size
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert amount == 20_001
    assert peak < 2_000_000


def test_says_how_far_into_the_file_it_is(export):
    with SourceFile(export() / "patients.csv", ["Id", "FIRST", "LAST", "BIRTHDATE", "DEATHDATE", "GENDER", "ADDRESS",
                                                "CITY", "STATE", "ZIP"]) as source:  # fmt: skip
        assert len(list(read_patients(source))) == 1
        assert source.position == source.size


# --- The real export ------------------------------------------------------------------------------------------------
SYNTHEA = Path(__file__).resolve().parents[3] / "shared" / "data" / "bulk" / "synthea_csv_2020"


def pages(person, path, query=None):
    """Every page of a list, from the first to the last, following the Link header; with its query count."""
    while path:
        with CaptureQueriesContext(connection) as captured:
            answer = person.api.get(path, query)
        assert answer.status_code == 200
        yield answer.json(), len(captured)
        link, query = answer.headers.get("Link"), None
        path = link.removeprefix("<").removesuffix('>; rel="next"').removeprefix("http://testserver") if link else None


def assert_pages_to_the_end(person, path, expected):
    found = list(pages(person, path, {"limit": 100}))
    ids = [row["id"] for rows, _ in found for row in rows]
    # The first request also opens the session.
    assert len({queries for _, queries in found[1:]}) == 1
    assert len(ids) == len(set(ids))
    assert set(ids) == expected


@pytest.mark.realdata
def test_serves_searches_filters_and_pages_the_whole_export(alice, erin):
    assert SYNTHEA.is_dir(), "the test data are missing: ../shared/data beside the project"
    assert run(SYNTHEA) == [
        "patients.csv.gz: 1,171 imported, 0 already there, 0 skipped",
        "  of the imported, 171 with the note: has died, which a chart does not say yet",
        "providers.csv.gz: 5,855 imported, 0 already there, 0 skipped",
    ]
    assert Patient.objects.count() == 1_171
    assert Doctor.objects.filter(verified=True).count() == Doctor.objects.count() == 5_855
    specialities = set(Doctor.objects.values_list("specialization", flat=True))
    assert len(specialities) == 69
    assert run(SYNTHEA)[0] == "patients.csv.gz: 0 imported, 1,171 already there, 0 skipped"

    assert_pages_to_the_end(erin, "/api/patients/", {str(pk) for pk in Patient.objects.values_list("pk", flat=True)})
    assert_pages_to_the_end(erin, "/api/doctors/", {str(pk) for pk in Doctor.objects.values_list("pk", flat=True)})

    found = [row for rows, _ in pages(erin, "/api/patients/", {"q": "gomez"}) for row in rows]
    assert found
    assert {row["lastname"] for row in found} == {"Gómez"}
    assert len(found) == Patient.objects.filter(lastname="Gómez").count()
    for code in sorted(specialities):
        rows = [row for page, _ in pages(erin, "/api/doctors/", {"specialization": code, "limit": 100}) for row in page]
        assert {row["specialization"] for row in rows} == {code}
        assert len(rows) == Doctor.objects.filter(specialization=code).count()
    [chart] = erin.api.get("/api/patients/", {"q": "jose eduardo gomez"}).json()
    assert erin.api.get(f"/api/patients/{chart['id']}/").json()["created_by"] is None

    assert alice.api.get("/api/patients/").json() == []
    assert alice.api.get(f"/api/patients/{chart['id']}/").status_code == 404
