"""Patients, doctors and one's own in a real Chromium: whole flows with and without JavaScript."""

import re

import pytest

import care.service
from care.schemas import CareTeamMemberIn, DoctorIn, PatientIn
from tests.portal.visits import Visit, obstacles, start_visit

pytestmark = pytest.mark.browser


@pytest.fixture
def heart(live_server, ada, now):
    """A cardiologist in Boston."""
    body = DoctorIn(name="Lin Chen", specialization="CARD", location="Boston, MA", qualifications="MD")
    return care.service.create_doctor(actor=ada.actor, body=body, now=now)


@pytest.fixture
def skin(live_server, ada, now):
    """A dermatologist in Newton."""
    body = DoctorIn(name="Rosa Diaz", specialization="DERM", location="Newton, MA")
    return care.service.create_doctor(actor=ada.actor, body=body, now=now)


@pytest.fixture
def gomez(live_server, erin, now):
    """A chart that erin keeps."""
    body = PatientIn(name="Ana Gómez", gender="F", phone="01712345678", medical_history="Asthma.\nNuts.")
    return care.service.create_patient(actor=erin.actor, body=body, now=now)


def enter(visit: Visit, path: str, who: str = "erin") -> None:
    """Sign in and go on to the page."""
    visit.open(path)
    visit.sign_in(who)
    visit.page.wait_for_url(re.compile(re.escape(path) + "$"))


def type_into(visit: Visit, label: str, text: str) -> None:
    """Type key by key; without JavaScript the search has to be sent."""
    field = visit.page.get_by_label(label)
    field.press_sequentially(text)
    if not visit.runs_script:
        visit.page.get_by_role("main").get_by_role("button", name="Search").click()


def test_a_patient_is_added_found_by_typing_given_a_doctor_and_the_care_ends(gomez, heart, skin, either_visit):
    page = either_visit.page
    enter(either_visit, "/patients/")

    page.get_by_role("link", name="Add a patient").click()
    page.get_by_label("First name").fill("Zoë")
    page.get_by_label("Last name").fill("Marsh")
    page.get_by_label("Birth date").fill("1984-03-27")
    page.get_by_label("Gender").select_option("Female")
    page.get_by_role("button", name="Add the patient").click()
    either_visit.see("The patient is added.")
    page.get_by_role("heading", name="Zoë Marsh").wait_for()

    page.get_by_role("link", name="Patients", exact=True).first.click()
    type_into(either_visit, "Name, telephone or e-mail", "zoe")
    either_visit.see("1 patient found")
    assert page.url.endswith("/patients/?q=zoe") or not either_visit.runs_script
    assert page.get_by_text("Ana Gómez").count() == 0
    page.get_by_role("link", name="Zoë Marsh").click()

    page.get_by_role("link", name="Assign a doctor").click()
    page.get_by_text("Rosa Diaz").wait_for()
    type_into(either_visit, "Find a doctor", "cardio")
    page.get_by_text("Rosa Diaz").wait_for(state="detached")
    page.get_by_label("Lin Chen").check()
    page.get_by_label("Notes").fill("Palpitations.")
    page.get_by_role("button", name="Assign", exact=True).click()
    either_visit.see("Lin Chen is on the care team.")
    either_visit.see("Palpitations.")

    page.get_by_text("End the care of Lin Chen").click()
    page.get_by_role("button", name="End the care").click()
    either_visit.see("Lin Chen is no longer on the care team.")
    either_visit.see("No doctor is assigned.")
    assert either_visit.foreign == []
    assert either_visit.complaints == []


def test_what_is_wrong_is_told_as_one_moves_on(gomez, visit):
    page = visit.page
    enter(visit, f"/patients/{gomez.id}/edit/")
    page.evaluate("window.isTheSamePage = true")

    page.get_by_label("Telephone").fill("call me")
    page.keyboard.press("Tab")
    visit.see("Telephone must be a telephone number.")
    assert page.evaluate("document.activeElement.name") == "email"
    page.keyboard.type("ana@example.com")
    page.get_by_label("Telephone").fill("01712000000")
    page.keyboard.press("Tab")
    page.get_by_text("Telephone must be a telephone number.").wait_for(state="detached")
    page.get_by_label("Gender").focus()
    with page.expect_response("**/patients/check/gender/"):
        page.get_by_label("Gender").select_option("Other")
    page.wait_for_function("!document.querySelector('.htmx-request')")
    assert page.evaluate("document.activeElement.name") == "gender"
    assert page.evaluate("window.isTheSamePage")

    page.get_by_role("button", name="Save the changes").click()
    visit.see("The changes are saved.")
    for fact in ("01712000000", "ana@example.com", "Other", "Asthma."):
        visit.see(fact)
    assert visit.complaints == []


def test_a_form_that_is_sent_with_a_mistake_keeps_what_was_typed(gomez, either_visit):
    page = either_visit.page
    enter(either_visit, f"/patients/{gomez.id}/edit/")

    page.get_by_label("Address").fill("1 Mill Road")
    page.get_by_label("Telephone").fill("call me")
    page.keyboard.press("Enter")

    either_visit.see("Telephone must be a telephone number.")
    assert page.get_by_label("Address").input_value() == "1 Mill Road"
    assert page.get_by_label("Medical history").input_value() == "Asthma.\nNuts."
    page.wait_for_function("document.activeElement.name === 'phone'")
    page.get_by_label("Telephone").fill("01712000000")
    page.get_by_role("button", name="Save the changes").click()
    either_visit.see("The changes are saved.")
    either_visit.see("1 Mill Road")


def test_the_way_back_leads_to_the_list_as_it_was_found(gomez, heart, visit):
    enter(visit, "/patients/")
    type_into(visit, "Name, telephone or e-mail", "zzz")
    visit.see("Nobody matches")
    visit.page.get_by_label("Name, telephone or e-mail").fill("gom")
    visit.see("1 patient found")
    visit.page.get_by_role("link", name="Ana Gómez").click()
    visit.page.get_by_role("heading", name="Ana Gómez").wait_for()

    visit.page.go_back()

    visit.see("1 patient found")
    assert visit.page.url.endswith("?q=gom")
    assert visit.page.get_by_label("Name, telephone or e-mail").input_value() == "gom"


def test_a_doctor_is_found_by_specialization_added_and_verified(heart, skin, either_visit):
    page = either_visit.page
    enter(either_visit, "/doctors/", "ada")

    page.get_by_label("Specialization").select_option("Dermatology")
    if not either_visit.runs_script:
        page.get_by_role("main").get_by_role("button", name="Search").click()
    either_visit.see("1 doctor found")
    page.get_by_role("link", name="Rosa Diaz").click()

    page.get_by_label("Reason").fill("The licence has expired.")
    page.get_by_role("button", name="Take the verification back").click()
    either_visit.see("Rosa Diaz is no longer verified.")
    page.get_by_label("Reason").fill("It was renewed.")
    page.get_by_role("button", name="Verify").click()
    either_visit.see("Rosa Diaz is verified.")
    assert either_visit.complaints == []


def test_a_password_is_changed_and_the_visit_goes_on(either_visit):
    page = either_visit.page
    enter(either_visit, "/me/account/password/")

    page.get_by_label("Current password").fill("correct horse battery")
    page.get_by_label("New password", exact=True).fill("another horse battery")
    page.get_by_label("New password again").fill("another horse battery")
    page.get_by_role("button", name="Change the password").click()

    either_visit.see("The password is changed.")
    assert either_visit.path() == "/me/account/"


def test_hostile_names_are_text_and_nothing_runs(heart, visit):
    enter(visit, "/patients/new/", "ada")
    name = '"><img src=/no hx-get=/sign-out/ hx-trigger=load onerror=alert(1)><script>alert(2)</script>'
    asked: list[str] = []
    visit.page.get_by_label("First name").fill(name)
    visit.page.get_by_label("Medical history").fill(f"</textarea>{name}")
    visit.page.get_by_role("button", name="Add the patient").click()
    visit.see("The patient is added.")
    chart = visit.path()
    visit.page.on("request", lambda request: asked.append(request.url.removeprefix(visit.home)))
    visit.page.on("dialog", lambda dialog: asked.append(dialog.message))

    for path in ("/patients/", chart, f"{chart}edit/", f"{chart}delete/", f"{chart}assign/", f"{chart}access/"):
        visit.open(path)
        visit.page.wait_for_load_state("networkidle")

    pages = [address for address in asked if not address.startswith("/static/")]
    assert pages == ["/patients/", chart, f"{chart}edit/", f"{chart}delete/", f"{chart}assign/", f"{chart}access/"]
    assert visit.complaints == []


@pytest.fixture
def clinic(gomez, heart, skin, erin, bob, ada, now):
    """A chart that is bob's own, with a care team; returns the pages that ada and bob see."""
    care.service.link_patient(actor=erin.actor, patient_id=gomez.id, user_id=bob.id, now=now)
    for doctor in (heart, skin):
        body = CareTeamMemberIn(patient=gomez.id, doctor=doctor.id, notes="Palpitations.")
        care.service.assign_doctor(actor=erin.actor, body=body, now=now)
    chart, entry = f"/patients/{gomez.id}/", f"/doctors/{heart.id}/"
    return {
        "ada": [
            "/",
            "/patients/",
            "/patients/?q=zzz",
            f"/patients/?doctor={heart.id}",
            "/patients/?gender=X",
            "/patients/new/",
            chart,
            *(f"{chart}{page}/" for page in ("edit", "delete", "assign", "access")),
            "/doctors/",
            "/doctors/?q=zzz",
            "/doctors/new/",
            entry,
            *(f"{entry}{page}/" for page in ("edit", "delete")),
        ],
        "bob": [
            "/",
            "/patients/",
            entry,
            "/me/record/",
            "/me/record/edit/",
            "/me/access/",
            "/me/account/",
            "/me/account/password/",
        ],
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("who", ["ada", "bob"])
def test_no_page_has_a_serious_obstacle_or_scrolls_sideways(clinic, browser, live_server, who, width, scheme):
    visit = start_visit(
        browser, live_server, viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    serious, too_wide = {}, []
    enter(visit, "/me/account/", who)

    for path in clinic[who]:
        visit.open(path)
        for question in visit.page.locator("details > summary").all():
            question.click()
        found = obstacles(visit)
        if found:
            serious[path] = found
        if visit.page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(path)

    assert serious == {}
    assert too_wide == []


def test_a_refused_form_ties_each_sentence_to_its_field(clinic, plain_visit):
    enter(plain_visit, "/patients/new/", "ada")
    plain_visit.page.get_by_role("button", name="Add the patient").click()
    plain_visit.see("Enter the patient's first name.")

    described = plain_visit.page.get_by_label("First name").get_attribute("aria-describedby")
    assert plain_visit.page.locator(f"#{described}").inner_text() == "Enter the patient's first name."


def test_a_refused_form_on_the_same_page_has_no_serious_obstacle(clinic, visit):
    enter(visit, "/doctors/new/", "ada")
    visit.page.get_by_role("button", name="Add the doctor").click()
    visit.see("Enter the doctor's first name.")

    assert obstacles(visit) == []
