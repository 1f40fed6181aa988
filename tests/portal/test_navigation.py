"""What the navigation offers to whom."""

import pytest

from core.actor import Role
from portal.navigation import SECTIONS, Entry, Section, navigation_for
from portal.roles import ROLES
from tests.portal.pages import Page

CLINIC = [
    Section("", [Entry("Home", "portal:home", "home")]),
    Section("Clinic", [Entry("Desk", "portal:sign-in", "home", roles=frozenset({Role.STAFF, Role.ADMIN}))]),
    Section("Works", [Entry("Tables", "admin:index", "table", technical=True)]),
]


def labels(role: Role, *, superuser: bool = False) -> list[str]:
    offered = navigation_for(role, opens_technical_window=superuser, current_route="", sections=CLINIC)
    return [link.label for section in offered for link in section.links]


@pytest.mark.parametrize("role", [Role.PATIENT, Role.DOCTOR, Role.RESEARCHER, Role.OFFICIAL])
def test_offers_no_entry_of_another_role(role):
    assert labels(role) == ["Home"]


@pytest.mark.parametrize("role", [Role.STAFF, Role.ADMIN])
def test_offers_an_entry_to_each_of_its_roles(role):
    assert labels(role) == ["Home", "Desk"]


@pytest.mark.parametrize("role", list(Role))
def test_offers_technical_entries_to_superusers_alone(role):
    assert "Tables" not in labels(role)
    assert "Tables" in labels(role, superuser=True)


def test_leaves_out_a_section_without_entries():
    offered = navigation_for(Role.PATIENT, opens_technical_window=False, current_route="", sections=CLINIC)

    assert [section.title for section in offered] == [""]


def test_marks_the_page_that_is_shown(sign_in, erin):
    page = Page(sign_in(erin).get("/"))

    assert page.one("a", **{"aria-current": "page"})["href"] == "/"


@pytest.mark.parametrize("role", list(Role))
def test_every_role_has_its_words(role):
    assert ROLES[role].label
    assert ROLES[role].today.endswith(".")


def test_every_entry_leads_to_a_page_that_exists(sign_in, ada):
    browser = sign_in(ada)
    offered = navigation_for(Role.ADMIN, opens_technical_window=True, current_route="")

    answers = {
        link.href: browser.get(link.href, follow=True).status_code for section in offered for link in section.links
    }

    assert len(answers) == sum(Role.ADMIN in entry.roles for section in SECTIONS for entry in section.entries)
    assert {href: status for href, status in answers.items() if status != 200} == {}
