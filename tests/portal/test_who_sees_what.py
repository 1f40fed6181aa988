"""Every page of patients, doctors and one's own, in the hands of everybody; what is nobody's business is not there."""

import pytest

import care.service
from care.models import CareTeamMember, Doctor, Patient
from core.audit import REFUSED
from core.ids import new_id
from core.models import AuditEvent
from tests.factories import DoctorFactory, PatientFactory

WORKING = ["alice", "bob", "dr_chen", "dr_diaz", "erin", "ada"]
RESEARCH = ["rita", "otto"]
EVERYBODY = [*WORKING, *RESEARCH]


def only(*seeing: str, others: int = 404) -> dict[str, int]:
    """A page that these people see; for research it is forbidden, for everybody else `others`."""
    return {**dict.fromkeys(WORKING, others), **dict.fromkeys(RESEARCH, 403), **dict.fromkeys(seeing, 200)}


# alice keeps the chart, dr_chen is on its care team, bob keeps another one; bob added the unverified entry.
PAGES = {
    "/patients/": only(*WORKING),
    "/patients/new/": only(*WORKING),
    "/patients/{chart}/": only("alice", "dr_chen", "erin", "ada"),
    "/patients/{chart}/edit/": only("alice", "dr_chen", "erin", "ada"),
    "/patients/{chart}/delete/": {**only("alice", "ada"), "dr_chen": 403, "erin": 403},
    "/patients/{chart}/account/": {**only("erin", "ada"), "alice": 403, "dr_chen": 403},
    "/patients/{chart}/assign/": {**only("alice", "erin", "ada"), "dr_chen": 403},
    "/patients/{chart}/access/": {**only("alice", "ada"), "dr_chen": 403, "erin": 403} | dict.fromkeys(RESEARCH, 403),
    "/patients/{missing}/": only(),
    "/patients/{missing}/edit/": only(),
    "/patients/{missing}/delete/": only(),
    "/patients/{missing}/account/": only(),
    "/patients/{missing}/assign/": only(),
    "/patients/{missing}/access/": dict.fromkeys(EVERYBODY, 404) | dict.fromkeys(RESEARCH, 403),
    "/doctors/": dict.fromkeys(EVERYBODY, 200),
    "/doctors/new/": only(*WORKING),
    "/doctors/{verified}/": dict.fromkeys(EVERYBODY, 200),
    "/doctors/{unverified}/": dict.fromkeys(EVERYBODY, 200),
    "/doctors/{verified}/edit/": only("erin", "ada", others=403),
    "/doctors/{unverified}/edit/": only("bob", "erin", "ada", others=403),
    "/doctors/{verified}/delete/": only("ada", others=403),
    "/doctors/{unverified}/delete/": only("bob", "ada", others=403),
    "/doctors/{missing}/": dict.fromkeys(EVERYBODY, 404),
    "/doctors/{missing}/edit/": dict.fromkeys(EVERYBODY, 404),
    "/doctors/{missing}/delete/": dict.fromkeys(EVERYBODY, 404),
    "/me/record/": dict.fromkeys(EVERYBODY, 200),
    "/me/record/edit/": dict.fromkeys(EVERYBODY, 404),
    "/me/access/": dict.fromkeys(EVERYBODY, 200),
    "/me/account/": dict.fromkeys(EVERYBODY, 200),
    "/me/account/password/": dict.fromkeys(EVERYBODY, 200),
}
# Pages that are only sent to.
ACTS = [
    "/patients/{chart}/team/{membership}/end/",
    "/patients/check/phone/",
    "/doctors/check/phone/",
    "/doctors/{verified}/verification/",
]


@pytest.fixture
def places(bob, alices_chart, bobs_chart, dr_chen):
    return {
        "chart": alices_chart.pk,
        "verified": DoctorFactory().pk,
        "unverified": DoctorFactory(unverified=True, created_by=bob.user).pk,
        "membership": CareTeamMember.objects.get().pk,
        "missing": new_id(),
    }


@pytest.mark.parametrize("name", EVERYBODY)
def test_everybody_gets_what_the_table_says(sign_in, request, places, name):
    browser = sign_in(request.getfixturevalue(name))

    answers = {path: browser.get(path.format(**places)) for path in PAGES}

    assert {path: answer.status_code for path, answer in answers.items()} == {
        path: seen[name] for path, seen in PAGES.items()
    }
    hidden = [path for path, answer in answers.items() if answer.status_code >= 400 and b"Alma" in answer.content]
    assert hidden == []


def test_every_page_sends_whoever_is_not_signed_in_to_the_door(client, places):
    for path in [*PAGES, *ACTS]:
        for send in (client.get, client.post):
            response = send(path.format(**places))
            assert response.status_code in (302, 405), path
            if response.status_code == 302:
                assert response["Location"].startswith("/sign-in/"), path


def test_what_is_only_sent_to_is_not_there_for_reading(sign_in, ada, places):
    browser = sign_in(ada)

    assert {browser.get(path.format(**places)).status_code for path in ACTS} == {405}


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/patients/{chart}/edit/", {"alice", "dr_chen", "erin", "ada"}),
        ("/patients/{chart}/delete/", {"alice", "ada"}),
        ("/patients/{chart}/team/{membership}/end/", {"alice", "dr_chen", "erin", "ada"}),
        ("/doctors/{unverified}/edit/", {"bob", "erin", "ada"}),
        ("/doctors/{unverified}/delete/", {"bob", "ada"}),
        ("/doctors/{unverified}/verification/", {"ada"}),
    ],
)
@pytest.mark.parametrize("name", EVERYBODY)
def test_sending_a_form_needs_the_right_that_its_page_needs(sign_in, request, places, name, path, allowed):
    filled_in = {
        "firstname": "Alma",
        "specialization": "GEN",
        "experience_years": "3",
        "consultation_fee": "10",
        "max_appointments_per_day": "5",
        "time_zone": "UTC",
        "reason": "Seen the licence.",
        "verified": "true",
    }

    status = sign_in(request.getfixturevalue(name)).post(path.format(**places), filled_in).status_code

    assert status == 302 if name in allowed else status in (403, 404)


@pytest.mark.parametrize("name", ["bob", "dr_diaz", *RESEARCH])
def test_a_form_of_somebody_who_may_not_changes_nothing(sign_in, request, places, name, alices_chart):
    browser = sign_in(request.getfixturevalue(name))
    before = list(Patient.objects.order_by("pk").values()), list(CareTeamMember.objects.values())

    browser.post(f"/patients/{alices_chart.pk}/edit/", {"firstname": "Mallory"})
    browser.post(f"/patients/{alices_chart.pk}/delete/")
    browser.post(f"/patients/{alices_chart.pk}/assign/", {"doctor": places["verified"]})
    browser.post(f"/patients/{alices_chart.pk}/team/{places['membership']}/end/")

    assert before == (list(Patient.objects.order_by("pk").values()), list(CareTeamMember.objects.values()))


@pytest.mark.parametrize(
    ("name", "path", "sent", "action"),
    [
        ("bob", "/patients/{chart}/edit/", {"firstname": "Mallory"}, "patient.read"),
        ("bob", "/patients/{chart}/delete/", {}, "patient.delete"),
        ("erin", "/patients/{chart}/delete/", {}, "patient.delete"),
        ("dr_chen", "/patients/{chart}/assign/", {"doctor": "{verified}"}, "mapping.create"),
        ("bob", "/patients/{chart}/team/{membership}/end/", {}, "mapping.read"),
        ("rita", "/patients/new/", {"firstname": "Alma"}, "patient.create"),
        ("erin", "/doctors/{verified}/verification/", {"reason": "Because.", "verified": "true"}, "doctor.verify"),
        ("alice", "/doctors/{verified}/delete/", {}, "doctor.delete"),
    ],
)
def test_what_somebody_tried_in_vain_is_on_record(sign_in, request, places, name, path, sent, action):
    person = request.getfixturevalue(name)
    filled_in = {field: value.format(**places) for field, value in sent.items()}

    sign_in(person).post(path.format(**places), filled_in)

    assert AuditEvent.objects.filter(actor_id=person.id, action=action, outcome=REFUSED).count() == 1


@pytest.mark.parametrize("name", RESEARCH)
def test_research_adds_neither_patients_nor_doctors(sign_in, request, db, name):
    browser = sign_in(request.getfixturevalue(name))

    assert browser.post("/patients/new/", {"firstname": "Alma"}).status_code == 403
    assert browser.post("/doctors/new/", {"firstname": "Jane", "specialization": "GEN"}).status_code == 403
    assert not Patient.objects.exists()
    assert not Doctor.objects.exists()


@pytest.mark.parametrize("name", EVERYBODY)
def test_the_navigation_offers_only_pages_that_open(sign_in, request, db, name):
    browser = sign_in(request.getfixturevalue(name))
    home = browser.get("/").content.decode()

    assert ('href="/patients/"' in home) == (name in WORKING)
    assert ('href="/me/record/"' in home) == (name in WORKING)
    assert 'href="/doctors/"' in home


def test_the_page_above_stays_marked_in_the_navigation(sign_in, erin, alices_chart):
    browser = sign_in(erin)

    assert 'href="/patients/" aria-current="page"' in browser.get("/patients/").content.decode()
    assert 'href="/patients/" aria-current="true"' in browser.get(f"/patients/{alices_chart.pk}/").content.decode()


def test_a_membership_is_ended_at_its_own_patient_only(sign_in, alice, places, dr_chen):
    another = PatientFactory(created_by=alice.user)
    path = f"/patients/{another.pk}/team/{places['membership']}/end/"

    assert sign_in(alice).post(path).status_code == 404
    assert CareTeamMember.objects.get().is_active


def test_the_owner_sees_the_own_chart_and_edits_it_here_too(sign_in, bob, erin, now):
    chart = PatientFactory(firstname="Bob", created_by=erin.user)
    care.service.link_patient(actor=erin.actor, patient_id=chart.pk, user_id=bob.id, now=now)
    browser = sign_in(bob)

    paths = (
        f"/patients/{chart.pk}/",
        f"/patients/{chart.pk}/edit/",
        f"/patients/{chart.pk}/access/",
        "/me/record/edit/",
    )

    assert [browser.get(path).status_code for path in paths] == [200, 200, 200, 200]
    assert browser.get(f"/patients/{chart.pk}/delete/").status_code == 403
