"""What a page may offer: exactly what its service would not refuse."""

import pytest
from django.db import transaction
from django.utils import timezone

import care.service
from care.schemas import CareTeamMemberIn, DoctorChangeIn, PatientChangeIn
from core.errors import NotAllowed, NotFound
from core.pagination import PageIn
from tests.factories import DoctorFactory, PatientFactory

PEOPLE = ["alice", "bob", "dr_chen", "dr_diaz", "erin", "ada"]
RESEARCH = ["rita", "otto"]


class Undone(Exception):
    """Takes back an act that was only tried."""


def is_allowed(act, **arguments) -> bool:
    """Try an act of a service, and take it back; False where it is refused as not allowed."""
    try:
        with transaction.atomic():
            act(now=timezone.now(), **arguments)
            raise Undone
    except Undone:
        return True
    except NotAllowed:
        return False


def find_bobs_account(now, **about):
    """What comes before a chart is connected with an account."""
    care.service.find_account(identifier="bob", **about)


@pytest.fixture
def everybody(request, alice, bob, dr_chen, dr_diaz, erin, ada):
    return {name: request.getfixturevalue(name) for name in PEOPLE}


@pytest.fixture
def own_chart(bob, erin, now):
    """A chart that is bob's own, kept by the front desk."""
    chart = PatientFactory(created_by=erin.user)
    care.service.link_patient(actor=erin.actor, patient_id=chart.pk, user_id=bob.id, now=now)
    return chart


def test_offers_of_a_chart_what_its_services_do_not_refuse(everybody, alices_chart, own_chart, dr_diaz, ada, now):
    care.service.assign_doctor(
        actor=ada.actor, body=CareTeamMemberIn(patient=own_chart.pk, doctor=dr_diaz.doctor.pk), now=now
    )
    another = DoctorFactory()
    compared = 0

    for person in everybody.values():
        for chart in (alices_chart, own_chart):
            about = {"actor": person.actor, "patient_id": chart.pk}
            try:
                rights = care.service.get_patient_rights(**about)
            except NotFound:
                with pytest.raises(NotFound):
                    care.service.get_patient(now=now, **about)
                continue
            team = care.service.list_care_team(now=now, **about)
            body = CareTeamMemberIn(patient=chart.pk, doctor=another.pk)
            update, phone, history = (
                care.service.update_patient,
                PatientChangeIn(phone="01712345678"),
                PatientChangeIn(medical_history="Asthma"),
            )
            assert rights.can_change == is_allowed(update, body=phone, **about)
            assert rights.can_change_everything == is_allowed(update, body=history, **about)
            assert rights.can_delete == is_allowed(care.service.delete_patient, **about)
            assert rights.can_assign == is_allowed(care.service.assign_doctor, actor=person.actor, body=body)
            assert rights.can_see_access == is_allowed(care.service.list_access, page=PageIn(), **about)
            assert rights.can_book == is_allowed(care.service.choose_patient, **about)
            assert rights.can_link == is_allowed(find_bobs_account, **about)
            assert rights.can_end == {
                member.id
                for member in team
                if is_allowed(care.service.end_membership, actor=person.actor, membership_id=member.id)
            }
            compared += 1

    assert compared == 8


@pytest.mark.parametrize("verified", [True, False])
def test_offers_of_an_entry_what_its_services_do_not_refuse(everybody, alice, verified):
    entry = DoctorFactory(verified=verified, created_by=alice.user)

    for person in everybody.values():
        about = {"actor": person.actor, "doctor_id": entry.pk}
        rights = care.service.get_doctor_rights(**about)
        change = DoctorChangeIn(location="Boston")
        assert rights.can_change == is_allowed(care.service.update_doctor, body=change, **about)
        assert rights.can_delete == is_allowed(care.service.delete_doctor, **about)
        assert rights.can_verify == is_allowed(care.service.verify_doctor, reason="Seen the licence.", **about)


@pytest.mark.parametrize("name", RESEARCH)
def test_offers_research_nothing_of_patients(request, alices_chart, name):
    person = request.getfixturevalue(name)
    rights = care.service.get_clinic_rights(actor=person.actor)

    assert (rights.can_work_with_patients, rights.can_add_patients, rights.can_add_doctors) == (False, False, False)
    with pytest.raises(NotAllowed):
        care.service.get_patient_rights(actor=person.actor, patient_id=alices_chart.pk)


@pytest.mark.parametrize("name", PEOPLE)
def test_offers_everybody_else_to_add_patients_and_doctors(request, name):
    rights = care.service.get_clinic_rights(actor=request.getfixturevalue(name).actor)

    assert (rights.can_work_with_patients, rights.can_add_patients, rights.can_add_doctors) == (True, True, True)


def test_knows_no_rights_of_what_is_not_there(erin, alices_chart, a_doctor):
    with pytest.raises(NotFound):
        care.service.get_patient_rights(actor=erin.actor, patient_id=a_doctor.pk)
    with pytest.raises(NotFound):
        care.service.get_doctor_rights(actor=erin.actor, doctor_id=alices_chart.pk)


def test_a_care_team_is_listed_newest_first_without_those_who_left(alice, alices_chart, dr_chen, dr_diaz, ada, now):
    about = {"actor": alice.actor, "patient_id": alices_chart.pk, "now": now}
    care.service.assign_doctor(
        actor=ada.actor, body=CareTeamMemberIn(patient=alices_chart.pk, doctor=dr_diaz.doctor.pk), now=now
    )
    team = care.service.list_care_team(**about)
    assert [member.doctor.id for member in team] == [dr_diaz.doctor.pk, dr_chen.doctor.pk]

    care.service.end_membership(actor=ada.actor, membership_id=team[0].id, now=now)

    assert [member.doctor.id for member in care.service.list_care_team(**about)] == [dr_chen.doctor.pk]


def test_a_care_team_out_of_sight_is_not_found(bob, alices_chart, now):
    with pytest.raises(NotFound):
        care.service.list_care_team(actor=bob.actor, patient_id=alices_chart.pk, now=now)


@pytest.mark.parametrize("name", RESEARCH)
def test_research_sees_no_care_team(request, alices_chart, now, name):
    with pytest.raises(NotAllowed):
        care.service.list_care_team(actor=request.getfixturevalue(name).actor, patient_id=alices_chart.pk, now=now)


def test_specializations_are_listed_by_name(alice):
    found = care.service.list_specializations(actor=alice.actor)

    labels = [each.label for each in found]
    assert labels == sorted(labels)
    assert ("CARD", "Cardiology") in {(each.code, each.label) for each in found}
