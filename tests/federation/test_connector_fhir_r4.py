"""FHIR R4 servers, with the habits that real ones have: pages, links, Conditions, and what may be wrong with each."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest

from core.http import INTERACTIVE, OutboundError, open_client
from federation.connectors import FetchedRecord, Source, StaleCursor, find
from tests.federation.peers import Reply, condition, open_fhir, patient

TODAY = date(2026, 11, 20)


@contextmanager
def asking(server, **limits):
    with open_client(server.address, limits=replace(INTERACTIVE, **limits)) as client:
        yield Source(client, server.address, TODAY)


def read(server, cursor=None, **limits):
    with asking(server, **limits) as source:
        return list(find("fhir_r4")(source, cursor))


def failure(server, cursor=None, **limits):
    with pytest.raises(OutboundError) as refused:
        read(server, cursor, **limits)
    return refused.value.code


def records(pages):
    return [record for page in pages for record in page.records]


def problems(pages):
    return [(problem.code, problem.place) for page in pages for problem in page.problems]


def many(count):
    return [patient(f"p{number:04}") for number in range(count)]


def requests(server, kind):
    """The queries of the requests for one type, in order."""
    return [parse_qs(urlsplit(path).query) for path in server.asked if urlsplit(path).path.endswith(kind)]


class TestPatients:
    def test_come_with_what_their_conditions_say(self):
        with open_fhir(patients=[patient(gender="female")], conditions=[condition()]) as server:
            pages = read(server)

        assert records(pages) == [
            FetchedRecord("p1", "Rosa Elsewhere", "Asthma", gender="F", birth_date=date(1980, 5, 17))
        ]
        assert problems(pages) == []

    def test_are_asked_for_in_the_order_of_their_ids_200_at_a_time(self):
        with open_fhir(patients=many(450), clamp=200) as server:
            pages = read(server)

        assert [len(page.records) for page in pages] == [200, 200, 50]
        first = requests(server, "Patient")[0]
        assert first == {"_count": ["200"], "_sort": ["_id"], "_revinclude": ["Condition:patient"]}

    def test_a_server_may_make_pages_of_its_own_size(self):
        with open_fhir(patients=many(25), clamp=10) as server:
            pages = read(server)

        assert [record.patient_id for record in records(pages)] == [f"p{number:04}" for number in range(25)]

    def test_one_who_was_replaced_by_another_is_left_out(self):
        gone = patient("old", active=False, link=[{"type": "replaced-by", "other": {"reference": "Patient/new"}}])
        about_gone = condition("old", condition_id="c9")
        with open_fhir(patients=[gone, patient("new")], conditions=[about_gone]) as server:
            pages = read(server)

        assert [record.patient_id for record in records(pages)] == ["new"]
        assert problems(pages) == []

    @pytest.mark.parametrize(
        "more",
        [
            {"active": False},
            {"active": True, "link": [{"type": "replaced-by"}]},
            {"active": False, "link": [{"type": "seealso"}]},
            {"active": False, "link": [{"type": "replaces"}]},
            {"active": "false", "link": [{"type": "replaced-by"}]},
            {"active": False, "link": "replaced-by"},
        ],
    )
    def test_no_other_link_or_state_takes_one_away(self, more):
        with open_fhir(patients=[patient(**more)]) as server:
            assert len(records(read(server))) == 1

    @pytest.mark.parametrize(
        ("resource", "code"),
        [
            ({"resourceType": "Patient"}, "no_patient_id"),
            ({"resourceType": "Patient", "id": ""}, "no_patient_id"),
            (patient(["p1"]), "bad_patient_id"),
            (patient("x" * 256), "bad_patient_id"),
            (patient("a\x00b"), "bad_patient_id"),
            ({"resourceType": "RelatedPerson", "id": "r1"}, "unexpected_entry"),
            ({"resourceType": "OperationOutcome"}, "server_warning"),
            ({"id": "p9"}, "unexpected_entry"),
            (["Patient"], "not_an_object"),
            (None, "not_an_object"),
            ("Patient", "not_an_object"),
        ],
    )
    def test_a_bad_one_is_a_problem_and_its_neighbours_stay(self, resource, code):
        with open_fhir(patients=[patient("p1"), resource, patient("p2")]) as server:
            pages = read(server)

        assert [record.patient_id for record in records(pages)] == ["p1", "p2"]
        assert [found for found, _ in problems(pages)] == [code]
        assert problems(pages)[0][1].endswith("[1]")

    @pytest.mark.parametrize("entry", [None, 7, "x", [], {}, {"resource": []}])
    def test_an_entry_without_a_resource_is_a_problem(self, entry):
        def rewrite(path, page):
            return {**page, "entry": [entry, *page["entry"]]} if "/Patient" in path else page

        with open_fhir(patients=[patient()], rewrite=rewrite) as server:
            pages = read(server)

        assert (len(records(pages)), problems(pages)) == (1, [("not_an_object", "entry[0]")])

    def test_one_that_only_comes_along_is_not_the_hospitals_answer(self):
        def rewrite(path, page):
            for more in (patient("p2"), {"resourceType": "Encounter", "id": "e1"}):
                page["entry"].append({"resource": more, "search": {"mode": "include"}})
            return page

        with open_fhir(patients=[patient()], conditions=[condition()], rewrite=rewrite) as server:
            pages = read(server)

        assert [record.patient_id for record in records(pages)] == ["p1"]
        assert problems(pages) == []

    def test_a_date_that_cannot_be_is_a_problem_and_as_if_absent(self):
        with open_fhir(patients=[patient(birthDate="1980-02-30", deceasedDateTime=17)]) as server:
            pages = read(server)

        [record] = records(pages)
        assert (record.birth_date, record.is_deceased, record.deceased_on) == (None, True, None)
        assert problems(pages) == [("bad_birth_date", "Patient[0]"), ("bad_deceased_date", "Patient[0]")]

    def test_a_labelled_one_is_kept_from_research(self):
        secret = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]}
        plain = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"}]}
        patients = [patient("p1", meta=secret), patient("p2", meta=plain), patient("p3")]
        with open_fhir(patients=patients, conditions=[condition("p3", meta=secret)]) as server:
            assert [record.is_restricted for record in records(read(server))] == [True, False, True]

    @pytest.mark.parametrize(
        "meta",
        [
            {"security": {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"}},
            {"security": ["N"]},
            {"security": "R"},
            {"security": [{}]},
            "R",
        ],
    )
    def test_a_label_that_cannot_be_read_restricts(self, meta):
        with open_fhir(patients=[patient(meta=meta)]) as server:
            assert [record.is_restricted for record in records(read(server))] == [True]

    @pytest.mark.parametrize("meta", [{}, {"security": []}, {"security": None}, {"versionId": "1"}])
    def test_no_label_restricts_nothing(self, meta):
        with open_fhir(patients=[patient(meta=meta)]) as server:
            assert [record.is_restricted for record in records(read(server))] == [False]


class TestConditions:
    def test_are_asked_for_where_they_do_not_come_along(self):
        with open_fhir(patients=many(120), conditions=[condition("p0007")], includes=False) as server:
            found = records(read(server))

        assert {record.patient_id: record.diagnosis for record in found if record.diagnosis} == {"p0007": "Asthma"}
        asked = [query["patient"][0].split(",") for query in requests(server, "Condition") if "patient" in query]
        assert [len(patients) for patients in asked] == [50, 50, 20]
        assert asked[0][0] == "Patient/p0000"

    def test_are_asked_for_where_the_server_refuses_to_send_them_along(self):
        with open_fhir(patients=[patient()], conditions=[condition()], strict=True) as server:
            assert records(read(server))[0].diagnosis == "Asthma"

    def test_are_asked_for_page_by_page(self):
        conditions = [condition("p0001", f"Asthma {number}", condition_id=f"c{number:02}") for number in range(25)]
        newest = condition("p0001", "Newest", condition_id="z", recordedDate="2026-01-01")
        with open_fhir(patients=many(3), conditions=[*conditions, newest], includes=False, clamp=10) as server:
            assert {record.diagnosis for record in records(read(server))} == {"", "Newest"}

    def test_more_than_can_be_held_fail(self, monkeypatch):
        monkeypatch.setattr("federation.connectors.fhir_r4.MOST_CONDITIONS", 24)
        conditions = [condition("p0001", id=f"c{number}") for number in range(25)]
        with open_fhir(patients=many(3), conditions=conditions, includes=False, clamp=10) as server:
            assert failure(server) == "too_many_records"
        with open_fhir(patients=many(3), conditions=conditions[1:], includes=False, clamp=10) as server:
            assert len(records(read(server))) == 3

    def test_whether_they_come_along_is_found_out_once(self):
        with open_fhir(patients=many(30), clamp=10) as server:
            read(server)
        with open_fhir(patients=many(30), conditions=[condition("p0029")], clamp=10) as late:
            diagnoses = [record.diagnosis for record in records(read(late))]

        assert requests(server, "Condition") == [{"_summary": ["count"]}]
        # The first page had none although there are some: they are asked for, so that none is missed.
        assert diagnoses[-1] == "Asthma"
        assert sum("_summary" in query for query in requests(late, "Condition")) == 1

    def test_a_comma_in_an_id_does_not_ask_for_somebody_else(self):
        with open_fhir(patients=[patient("a,Patient/b")], conditions=[condition("b")], includes=False) as server:
            read(server)

        assert requests(server, "Condition")[-1]["patient"] == ["Patient/a\\,Patient/b"]

    @pytest.mark.parametrize(
        "subject",
        [
            {"reference": "Patient/nobody"},
            {"reference": "#p1"},
            {"reference": "Group/p1"},
            {"reference": "https://elsewhere.example/fhir/Patient/p1"},
            {"reference": "Patient?identifier=sys|unknown"},
            {"reference": 17},
            {"identifier": {"system": "sys", "value": "shared"}},
            {
                "extension": [
                    {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}
                ]
            },
            {},
            "Patient/p1",
            None,
        ],
    )
    def test_about_somebody_else_are_counted_and_change_nothing(self, subject):
        shared = [{"system": "sys", "value": "shared"}]
        patients = [patient("p1", identifier=shared), patient("p2", identifier=shared)]

        def rewrite(path, page):
            if "/Patient" in path:
                page["entry"].append({"resource": condition(subject=subject), "search": {"mode": "include"}})
            return page

        with open_fhir(patients=patients, rewrite=rewrite) as server:
            pages = read(server)

        assert [record.diagnosis for record in records(pages)] == ["", ""]
        assert problems(pages) == [("unresolved_subject", "Condition[2]")]

    @pytest.mark.parametrize(
        "reference",
        [
            "Patient/p1",
            "Patient/p1/_history/3",
            "{base}/Patient/p1",
            "{base}/Patient/p1/_history/3",
            "Patient?identifier=http://sys|v%201",
            "{base}/Patient?identifier=http%3A%2F%2Fsys|v 1",
        ],
    )
    def test_find_their_patient_however_they_name_it(self, reference):
        def rewrite(path, page):
            if "/Patient" in path:
                subject = {"reference": reference.format(base=server.address)}
                page["entry"].append({"resource": condition(subject=subject), "search": {"mode": "include"}})
            return page

        one = patient(identifier=[{"system": "http://sys", "value": "v 1"}])
        with open_fhir(patients=[one], rewrite=rewrite) as server:
            assert records(read(server))[0].diagnosis == "Asthma"

    def test_find_their_patient_by_a_logical_identifier(self):
        def rewrite(path, page):
            if "/Patient" in path:
                subject = {"identifier": {"system": "sys", "value": "v"}}
                page["entry"].append({"resource": condition(subject=subject), "search": {"mode": "include"}})
            return page

        with open_fhir(patients=[patient(identifier=[{"system": "sys", "value": "v"}])], rewrite=rewrite) as server:
            assert records(read(server))[0].diagnosis == "Asthma"


class TestLinks:
    def test_a_relative_link_is_followed(self):
        def rewrite(path, page):
            for link in page.get("link", []):
                link["url"] = link["url"].rpartition("/")[2]
            return page

        with open_fhir(patients=many(25), clamp=10, rewrite=rewrite) as server:
            assert len(records(read(server))) == 25

    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:9/fhir/R4/Patient", "https://elsewhere.example/Patient", "//x.example/"]
    )
    def test_a_link_to_another_server_is_not_followed(self, url):
        def rewrite(path, page):
            return {**page, "link": [{"relation": "next", "url": url}]}

        with open_fhir(patients=many(5), rewrite=rewrite) as server:
            assert failure(server) == "off_origin"

    @pytest.mark.parametrize("url", ["http://[bad", "//[", "https://h℀x/"])
    def test_a_link_that_nobody_can_read_fails(self, url):
        def rewrite(path, page):
            return {**page, "link": [{"relation": "next", "url": url}]}

        with open_fhir(patients=many(5), rewrite=rewrite) as server:
            assert failure(server) == "off_origin"

    def test_a_circle_of_links_fails(self):
        def rewrite(path, page):
            return {**page, "link": [{"relation": "next", "url": f"{server.address}/Patient?again"}]}

        with open_fhir(patients=many(5), rewrite=rewrite) as server:
            assert failure(server) == "endless"
            assert len(requests(server, "Patient")) == 2

    def test_pages_without_end_fail(self):
        def rewrite(path, page):
            return {**page, "link": [{"relation": "next", "url": f"{server.address}/Patient?n={len(server.asked)}"}]}

        with open_fhir(patients=[], rewrite=rewrite) as server:
            assert failure(server, pages=7) == "endless"
            assert len(server.asked) <= 8

    def test_more_patients_than_one_copy_may_hold_fail(self):
        with open_fhir(patients=many(30), clamp=10) as server:
            assert failure(server, records=20) == "too_many_records"

    def test_an_empty_page_on_the_way_and_at_the_end_is_legal(self):
        def rewrite(path, page):
            if "_offset=10" in path or "_offset=30" in path:
                page["entry"] = []
            if "_offset=20" in path:
                page["link"].append({"relation": "next", "url": f"{server.address}/Patient?_offset=30"})
            return page

        with open_fhir(patients=many(30), clamp=10, rewrite=rewrite) as server:
            pages = read(server)

        assert [len(page.records) for page in pages] == [10, 0, 10, 0]

    @pytest.mark.parametrize("missing", ["entry", "link", "type"])
    def test_what_a_page_may_lack(self, missing):
        def rewrite(path, page):
            page.pop(missing, None)
            return page

        with open_fhir(patients=[patient()], rewrite=rewrite) as server:
            assert len(records(read(server))) == (missing != "entry")

    @pytest.mark.parametrize(
        "page",
        [
            None,
            [],
            "Bundle",
            {},
            patient(),
            {"resourceType": "OperationOutcome"},
            {"resourceType": "Bundle", "type": "collection", "entry": []},
            {"resourceType": "Bundle", "type": "searchset", "entry": {}},
        ],
    )
    def test_what_is_no_page_fails(self, page):
        with open_fhir(patients=[patient()], rewrite=lambda path, _: Reply(page)) as server:
            assert failure(server) == "wrong_shape"


class TestCursors:
    @pytest.mark.parametrize("includes", [True, False])
    def test_reading_goes_on_where_it_stopped_and_as_it_did(self, includes):
        conditions = [condition(f"p{number:04}", condition_id=f"c{number}") for number in range(25)]
        with open_fhir(patients=many(25), conditions=conditions, includes=includes, clamp=10) as server:
            whole = read(server)
            server.asked.clear()
            rest = read(server, whole[0].cursor)

        assert records(rest) == records(whole)[10:]
        assert not any("_summary" in path for path in server.asked)

    def test_a_cursor_that_the_server_has_forgotten_is_stale(self):
        def rewrite(path, page):
            return Reply({}, status=410) if "_offset" in path and len(server.asked) > 3 else page

        with open_fhir(patients=many(25), clamp=10, rewrite=rewrite) as server:
            with asking(server) as source:
                cursor = next(find("fhir_r4")(source)).cursor
            server.asked += ["later"] * 3
            with pytest.raises(StaleCursor):
                read(server, cursor)
