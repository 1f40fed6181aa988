"""A believable clinic to try things on: made up from a fixed seed, through the same services that people use.

Nobody in it exists. Telephone numbers are of the range 555-0100 to 555-0199, which North America keeps for fiction;
e-mail addresses end in names that RFC 2606 keeps for examples.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

import care.service
import identity.service
import scheduling.service
from care.schemas import CareTeamMemberIn, DoctorIn, PatientIn
from config.demo_hospitals import register_mock_hospitals
from core.actor import SYSTEM, Actor, Role
from core.errors import Conflict, Invalid
from core.text import search_key
from identity.schemas import RegisterIn
from scheduling.schemas import BookingIn, ScheduleIn, SlotFilters, SlotOut, TimeOffIn

ADDRESS = "http://127.0.0.1:8000"
PASSWORD = "polyclinic-demo"  # noqa: S105  printed at every start; the demo is refused in production
PATIENTS = 200
_SEED = 2026
_TIME_ZONE = "America/New_York"


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One way to sign in to the demo clinic."""

    username: str
    name: str
    role: Role
    purpose: str
    password: str = PASSWORD


ACCOUNTS = (
    DemoAccount("demo-patient", "Elena Marsh", Role.PATIENT, "sees her own chart"),
    DemoAccount("demo-doctor", "Amara Okafor", Role.DOCTOR, "a cardiologist; sees the patients she treats"),
    DemoAccount("demo-staff", "Tom Brennan", Role.STAFF, "the front desk; sees every patient"),
    DemoAccount("demo-researcher", "Ingrid Solberg", Role.RESEARCHER, "sees no patient by name"),
    DemoAccount("demo-official", "Rafael Duarte", Role.OFFICIAL, "sees statistics only"),
    DemoAccount("demo-admin", "Ada Whitfield", Role.ADMIN, "everything, and Django's window at /admin/"),
    DemoAccount("demo-newcomer", "Jonah Petit", Role.PATIENT, "asked for the role staff; nobody has decided yet"),
)


@dataclass(frozen=True, slots=True)
class DemoClinic:
    """The accounts of the demo clinic, and whether it was made just now."""

    accounts: tuple[DemoAccount, ...]
    is_new: bool


class _Entry(NamedTuple):
    """A doctor of the demo's directory."""

    firstname: str
    lastname: str
    gender: str
    specialization: str
    qualifications: str
    experience_years: int
    fee: int
    location: str


# The first is demo-doctor; the last two are not verified yet.
_DOCTORS = (
    _Entry("Amara", "Okafor", "F", "CARD", "MD, FACC", 17, 220, "Boston, MA"),
    _Entry("Daniel", "Whitcombe", "M", "GEN", "MD", 24, 110, "Boston, MA"),
    _Entry("Mei", "Huang", "F", "GEN", "MD", 9, 110, "Cambridge, MA"),
    _Entry("Siobhan", "Keane", "F", "FAMP", "MD, FAAFP", 14, 115, "Quincy, MA"),
    _Entry("Arjun", "Mehta", "M", "INTM", "MD", 12, 130, "Somerville, MA"),
    _Entry("Lucía", "Ferrer", "F", "PED", "MD, FAAP", 11, 120, "Boston, MA"),
    _Entry("Kwame", "Asante", "M", "PED", "MD", 6, 105, "Brookline, MA"),
    _Entry("Hannah", "Lindqvist", "F", "DERM", "MD, FAAD", 15, 180, "Cambridge, MA"),
    _Entry("Omar", "Haddad", "M", "NEUR", "MD, PhD", 21, 240, "Boston, MA"),
    _Entry("Grace", "Ndiaye", "F", "ORTH", "MD, FAAOS", 13, 210, "Newton, MA"),
    _Entry("Victor", "Nowak", "M", "ORTH", "DO", 8, 195, "Quincy, MA"),
    _Entry("Priya", "Raman", "F", "ENDO", "MD", 10, 190, "Boston, MA"),
    _Entry("Thiago", "Moreira", "M", "GAST", "MD", 16, 205, "Somerville, MA"),
    _Entry("Ruth", "Adelman", "F", "PSYC", "MD", 28, 175, "Brookline, MA"),
    _Entry("Minh", "Tran", "M", "OPHT", "MD", 19, 165, "Boston, MA"),
    _Entry("Fatima", "Zahir", "F", "OBGY", "MD, FACOG", 12, 185, "Cambridge, MA"),
    _Entry("Joseph", "Carlow", "M", "UROL", "MD", 22, 200, "Newton, MA"),
    _Entry("Noor", "Rahman", "F", "PULM", "MD", 7, 170, "Boston, MA"),
    _Entry("Peter", "Vass", "M", "RHEU", "MD", 5, 160, "Quincy, MA"),
    _Entry("Claire", "Fontaine", "F", "PHYT", "DPT", 4, 90, "Somerville, MA"),
)
_UNVERIFIED = 2
_GROWN_UP = 16
_FOR_CHILDREN = ("PED",)
_FOR_GROWN_UPS = ("GEN", "FAMP", "INTM")

# Given names of women and of men, and family names, that are at home together.
_NAMES = (
    (
        "Emily Sarah Margaret Julia Nora Abigail",
        "Michael Andrew Patrick Samuel Owen Henry",
        "Walsh Carter Doyle Hughes Fletcher Harlow",
    ),
    (
        "Sofía Camila Rosa Daniela Ximena Pilar",
        "Mateo Javier Luis Andrés Joaquín Rubén",
        "Gómez Rivera Castillo Núñez Peña Salazar",
    ),
    (
        "Ananya Kavya Meera Sunita Leela Divya",
        "Rohan Vikram Sanjay Nikhil Dev Harish",
        "Sharma Patel Iyer Kapoor Nair Banerjee",
    ),
    (
        "Li Xin Yan Jing Fang Lan",
        "Wei Jun Bo Ming Tao Hao",
        "Chen Wang Zhao Lin Wu Zhou",
    ),
    (
        "Linh Thuy Huong Mai Ngoc Trang",
        "Duc Quang Tuan Huy Khanh Nam",
        "Nguyen Pham Le Vo Dang Bui",
    ),
    (
        "Ngozi Adaeze Chioma Folake Yewande Zainab",
        "Chidi Emeka Tunde Segun Ibrahim Kelechi",
        "Eze Adeyemi Balogun Obi Bello Nwosu",
    ),
    (
        "Mariana Beatriz Larissa Inês Joana Letícia",
        "Rui Paulo Gustavo Nuno Caio Duarte",
        "Silva Pereira Sequeira Barbosa Arruda Gonçalves",
    ),
    (
        "Layla Rania Salma Dina Hala Mona",
        "Karim Youssef Tariq Nabil Samir Faisal",
        "Khoury Mansour Nasser Farouk Saleh Aziz",
    ),
    (
        "Magdalena Katarzyna Zofia Agnieszka Ewa Hanna",
        "Piotr Marek Tomasz Jakub Adam Stefan",
        "Kowalski Zieliński Wójcik Mazur Dudek Sikora",
    ),
    (
        "Marie Nadège Guerline Rose Fabiola Islande",
        "Jean Wilner Frantz Emmanuel Reginald Evens",
        "Baptiste Charles Desrosiers Toussaint Augustin Pierre",
    ),
)

_STREETS = (
    "Maple Street", "Harbor View Road", "Chestnut Avenue", "Mill Pond Lane", "Winthrop Terrace", "Cedar Street",
    "Old Ferry Road", "Juniper Way", "Summit Avenue", "Orchard Street", "Tremont Row", "Willow Court",
)  # fmt: skip
_TOWNS = (
    ("Boston, MA 02118", 6), ("Cambridge, MA 02139", 4), ("Somerville, MA 02143", 3), ("Quincy, MA 02169", 3),
    ("Brookline, MA 02446", 2), ("Newton, MA 02458", 2),
)  # fmt: skip
_AREA_CODES = (617, 781, 857)
_BLOOD_GROUPS = (("O+", 38), ("A+", 34), ("B+", 9), ("O-", 7), ("A-", 6), ("AB+", 3), ("B-", 2), ("AB-", 1), ("", 20))

# What a history may say, and from and until which age in years.
_HISTORIES = (
    ("Asthma since childhood; salbutamol as needed.", 4, 60),
    ("Allergic to penicillin (rash).", 1, 95),
    ("Peanut allergy; carries an adrenaline pen.", 2, 30),
    ("Seasonal hay fever.", 8, 60),
    ("Recurrent ear infections; grommets placed.", 1, 8),
    ("Fractured left wrist, healed without complications.", 7, 80),
    ("Migraine with aura, about one a month.", 16, 60),
    ("Iron deficiency anaemia, treated.", 16, 55),
    ("Underactive thyroid; levothyroxine 75 micrograms daily.", 30, 90),
    ("Type 2 diabetes; metformin. Last HbA1c 7.1 %.", 38, 90),
    ("High blood pressure; lisinopril 10 mg daily.", 40, 95),
    ("High cholesterol; atorvastatin 20 mg at night.", 42, 95),
    ("Gallbladder removed.", 35, 90),
    ("Osteoarthritis of both knees.", 55, 95),
    ("Atrial fibrillation; takes an anticoagulant.", 62, 95),
    ("COPD; former smoker, 30 pack-years.", 58, 90),
    ("Cataract surgery, right eye.", 65, 95),
)

# Working hours: weekdays from Monday, and the hours of each of them. Doctors take these in turn.
_WEEKS = (
    ("01234", "08:30-12:00 13:00-16:30"),
    ("01234", "09:00-12:30 14:00-17:00"),
    ("0134", "08:00-12:00 13:00-15:30"),
    ("12345", "10:00-13:00 14:00-18:00"),
    ("023456", "09:00-13:00"),
)
_WEEKS_BEHIND, _WEEKS_AHEAD = 4, 10
# Days of which appointments are made up, and how much of a doctor's day is taken on each side of now.
_DAYS_BEHIND, _DAYS_AHEAD = 9, 9
_TAKEN_THEN, _TAKEN_TODAY, _TAKEN_AHEAD = (1, 3), (2, 4), (0, 2)
# What became of a past appointment, and how often in a hundred.
_ENDINGS = (("fulfilled", 84), ("noshow", 8), ("cancelled", 8))
_OCCASIONS = (
    ("Follow-up", 5), ("First visit", 4), ("Yearly check-up", 4), ("Test results", 3), ("Prescription", 3),
    ("Second opinion", 1), ("", 8),
)  # fmt: skip
_CANCELLATIONS = ("Ill", "Cannot come at this time", "Has seen another doctor", "No reason given")


def make_demo_clinic(*, now: datetime, address: str = ADDRESS) -> DemoClinic:
    """Make the demo clinic in one transaction: 20 doctors, 200 patients, care teams, appointments, an account a role.

    Three mock hospitals answer at `address`, where the web is going to run. Safe to repeat: where the account
    `demo-patient` exists nothing is changed. The same day gives the same people. Raises CommandError in production.
    """
    if settings.PRODUCTION:
        raise CommandError("the demo clinic is refused in production: its passwords are public")
    with transaction.atomic():
        try:
            accounts = _make_accounts(now)
        except Invalid as refused:
            if "username" not in refused.errors:
                raise
            return DemoClinic(ACCOUNTS, is_new=False)
        staff = identity.service.actor_from_user_id(accounts["demo-staff"])
        random = Random(_SEED)  # noqa: S311  nothing secret is drawn from it
        doctors = _make_doctors(random, staff, accounts, now)
        patients = _make_patients(random, staff, doctors, own_account=accounts["demo-patient"], now=now)
        # Of its own, so that the people stay the same whatever becomes of the appointments.
        random = Random(_SEED)  # noqa: S311  nothing secret is drawn from it
        _make_hours(staff, patients, now=now)
        _make_appointments(random, staff, patients, own_account=accounts["demo-patient"], now=now)
        admin = identity.service.actor_from_user_id(accounts["demo-admin"])
        register_mock_hospitals(admin=admin, address=address, now=now)
    return DemoClinic(ACCOUNTS, is_new=True)


def _make_accounts(now: datetime) -> dict[str, UUID]:
    """Register every account and give it its role; returns their ids. Raises Invalid where they exist."""
    made = {}
    for account in ACCOUNTS:
        body = RegisterIn(
            username=account.username,
            email=f"{account.username}@polyclinic.example",
            password=account.password,
            name=account.name,
            role="staff" if account.username == "demo-newcomer" else "patient",
        )
        if account.role is Role.ADMIN:
            made[account.username] = identity.service.register_superuser(actor=SYSTEM, body=body, now=now).id
            continue
        user = identity.service.register_by_admin(actor=SYSTEM, body=body, now=now)
        care.service.set_role(actor=SYSTEM, user_id=user.id, role=account.role, now=now)
        made[account.username] = user.id
    return made


def _make_doctors(random: Random, staff: Actor, accounts: dict[str, UUID], now: datetime) -> dict[str, list[UUID]]:
    """Fill the directory; returns the verified doctors by specialization. What the front desk adds is not verified."""
    verified: dict[str, list[UUID]] = {}
    for number, entry in enumerate(_DOCTORS):
        adder = SYSTEM if number < len(_DOCTORS) - _UNVERIFIED else staff
        body = DoctorIn(
            firstname=entry.firstname,
            lastname=entry.lastname,
            gender=entry.gender,  # type: ignore[arg-type]  # the table holds F and M only
            specialization=entry.specialization,
            qualifications=entry.qualifications,
            experience_years=entry.experience_years,
            consultation_fee=Decimal(entry.fee),
            location=entry.location,
            time_zone=_TIME_ZONE,
            license_number=f"MA-{random.randrange(200_000, 300_000)}",
            email=f"{_mailbox(entry.firstname, entry.lastname)}@polyclinic.example",
            phone=f"+1212555{100 + number:04}",
            max_appointments_per_day=random.choice((8, 10, 12, 16)),
        )
        made = care.service.create_doctor(actor=adder, body=body, now=now - timedelta(days=500 - number))
        if made.verified:
            verified.setdefault(entry.specialization, []).append(made.id)
    demo_doctor = verified[_DOCTORS[0].specialization][0]
    care.service.link_doctor(actor=SYSTEM, doctor_id=demo_doctor, user_id=accounts["demo-doctor"], now=now)
    return verified


def _make_patients(
    random: Random, staff: Actor, doctors: dict[str, list[UUID]], *, own_account: UUID, now: datetime
) -> dict[UUID, list[UUID]]:
    """Add the charts, demo-patient's own last, and give each one to three doctors; returns each doctor's patients."""
    treated: dict[UUID, list[UUID]] = {doctor: [] for some in doctors.values() for doctor in some}
    own = PatientIn(
        firstname="Elena",
        lastname="Marsh",
        gender="F",
        birth_date=date(1989, 4, 17),
        phone="+16175550100",
        email="demo-patient@polyclinic.example",
        address="8 Harbor View Road, Boston, MA 02118",
        blood_group="A+",
        medical_history="Palpitations, under investigation.\nSeasonal hay fever.",
    )
    today = timezone.localdate(now)
    for number, body in enumerate([*_invent_patients(random, PATIENTS - 1, today=today), own]):
        seen = now - timedelta(days=PATIENTS - number)
        chart = care.service.create_patient(actor=staff, body=body, now=seen)
        if body is own:
            care.service.link_patient(actor=staff, patient_id=chart.id, user_id=own_account, now=now)
            team = [doctors["GEN"][0], doctors["CARD"][0]]
        else:
            team = _choose_team(random, doctors, age=chart.age or 0, gender=chart.gender)
        for doctor in team:
            care.service.assign_doctor(actor=staff, body=CareTeamMemberIn(patient=chart.id, doctor=doctor), now=seen)
            treated[doctor].append(chart.id)
    return treated


def _choose_team(random: Random, doctors: dict[str, list[UUID]], *, age: int, gender: str) -> list[UUID]:
    """Return a doctor for everything, by age, and up to two specialists."""
    generalists = _FOR_CHILDREN if age < _GROWN_UP else _FOR_GROWN_UPS
    unfit = {*_FOR_CHILDREN, *_FOR_GROWN_UPS}
    if age < _GROWN_UP or gender == "M":
        unfit |= {"OBGY"}
    first = [doctor for code in generalists for doctor in doctors[code]]
    specialists = [doctor for code, some in doctors.items() if code not in unfit for doctor in some]
    return [random.choice(first), *random.sample(specialists, random.choice((0, 0, 1, 1, 2)))]


def _make_hours(staff: Actor, doctors: Iterable[UUID], *, now: datetime) -> None:
    """Give each doctor a working week, and the first one an afternoon off next week."""
    today = now.astimezone(ZoneInfo(_TIME_ZONE)).date()
    monday = today - timedelta(days=today.weekday())
    first, until = monday - timedelta(weeks=_WEEKS_BEHIND), monday + timedelta(weeks=_WEEKS_AHEAD)
    for number, doctor in enumerate(doctors):
        weekdays, hours = _WEEKS[number % len(_WEEKS)]
        for weekday in weekdays:
            for begins, ends in (each.split("-") for each in hours.split()):
                body = ScheduleIn.model_validate(
                    {"doctor": doctor, "weekday": int(weekday), "from": first, "until": until}
                    | {"start_time": begins, "end_time": ends}
                )
                scheduling.service.create_schedule(actor=staff, body=body, now=now)
        if number == 0:
            noon = datetime.combine(monday + timedelta(days=9), time(12), tzinfo=ZoneInfo(_TIME_ZONE))
            off = TimeOffIn(doctor=doctor, starts_at=noon, ends_at=noon + timedelta(hours=6), reason="Conference")
            scheduling.service.create_time_off(actor=staff, body=off, now=now)


def _make_appointments(
    random: Random, staff: Actor, patients: dict[UUID, list[UUID]], *, own_account: UUID, now: datetime
) -> None:
    """Book over three weeks around now, each when it could have been, then let happen what has happened by now."""
    own_chart = care.service.get_my_profile(actor=identity.service.actor_from_user_id(own_account)).patient
    wanted = []
    for doctor, own in patients.items():
        slots = list(_choose_slots(random, staff, doctor, now=now)) if own else []
        # Whoever treats demo-patient sees her once before now and once after it.
        hers = slots[:1] + [slot for slot in slots if slot.starts_at > now + timedelta(days=1)][:1]
        for slot in slots:
            patient = own_chart if own_chart in own and slot in hers else random.choice(own)
            notes = _draw(random, _OCCASIONS)
            body = BookingIn(doctor=doctor, patient=patient, starts_at=slot.starts_at, notes=notes)
            wanted.append((min(slot.starts_at - timedelta(days=random.randint(1, 12)), now), slot, body))
    for booked_at, slot, body in sorted(wanted, key=lambda each: (each[0], each[1].starts_at)):
        try:
            made = scheduling.service.book_appointment(actor=staff, body=body, now=booked_at)
        except Conflict:
            continue  # nobody is in two rooms at once
        _let_happen(random, staff, made.id, slot, now=now)


def _choose_slots(random: Random, staff: Actor, doctor: UUID, *, now: datetime) -> Iterator[SlotOut]:
    """Yield some of a doctor's times: a few of each day behind and ahead, most of today."""
    since = now - timedelta(days=_DAYS_BEHIND)
    filters = SlotFilters.model_validate({"from": since, "to": now + timedelta(days=_DAYS_AHEAD)})
    free = scheduling.service.list_free_slots(actor=staff, doctor_id=doctor, filters=filters, now=since)
    today = now.astimezone(ZoneInfo(_TIME_ZONE)).date()
    by_day: dict[date, list[SlotOut]] = {}
    for slot in free:
        by_day.setdefault(slot.date, []).append(slot)
    for day, slots in by_day.items():
        least, most = _TAKEN_THEN if day < today else _TAKEN_TODAY if day == today else _TAKEN_AHEAD
        yield from random.sample(slots, min(len(slots), random.randint(least, most)))


def _let_happen(random: Random, staff: Actor, appointment: UUID, slot: SlotOut, *, now: datetime) -> None:
    """Bring an appointment to where it would stand by now."""
    service = scheduling.service
    ending = _draw(random, _ENDINGS)
    if ending == "cancelled":
        reason = random.choice(_CANCELLATIONS)
        at = min(now, slot.starts_at - timedelta(hours=2))
        service.cancel_appointment(actor=staff, appointment_id=appointment, reason=reason, now=at)
    elif ending == "noshow" and slot.starts_at + timedelta(minutes=20) <= now:
        at = slot.starts_at + timedelta(minutes=20)
        service.mark_noshow(actor=staff, appointment_id=appointment, reason="", now=at)
    elif slot.starts_at - timedelta(minutes=15) <= now:
        at = slot.starts_at - timedelta(minutes=random.randint(2, 15))
        service.mark_arrived(actor=staff, appointment_id=appointment, reason="", now=at)
        if slot.ends_at <= now:
            service.mark_fulfilled(actor=staff, appointment_id=appointment, reason="", now=slot.ends_at)


def _invent_patients(random: Random, count: int, *, today: date) -> Iterator[PatientIn]:
    """Yield as many people, all of different names, from one to 94 years old."""
    numbers = [f"+1{area}555{line:04}" for area in _AREA_CODES for line in range(101, 200)]
    random.shuffle(numbers)
    names: set[tuple[str, str]] = set()
    while len(names) < count:
        women, men, families = random.choice(_NAMES)
        gender = random.choice("FM")
        name = random.choice((women if gender == "F" else men).split()), random.choice(families.split())
        if name in names:
            continue
        names.add(name)
        age = int(random.triangular(1, 94, 38))
        yield PatientIn(
            firstname=name[0],
            lastname=name[1],
            gender=gender,  # type: ignore[arg-type]  # drawn from these letters
            birth_date=today - timedelta(days=int(age * 365.25) + 1 + random.randrange(364)),
            phone=numbers.pop(),
            email=f"{_mailbox(*name)}{random.randrange(10, 99)}@example.com" if random.random() < 0.7 else "",
            address=f"{random.randrange(2, 240)} {random.choice(_STREETS)}, {_draw(random, _TOWNS)}",
            blood_group=_draw(random, _BLOOD_GROUPS),  # type: ignore[arg-type]  # drawn from the groups
            medical_history=_invent_history(random, age),
        )


def _invent_history(random: Random, age: int) -> str:
    possible = [sentence for sentence, youngest, oldest in _HISTORIES if youngest <= age <= oldest]
    return "\n".join(random.sample(possible, min(len(possible), random.choice((0, 1, 1, 2, 2, 3)))))


def _draw(random: Random, weighted: tuple[tuple[str, int], ...]) -> str:
    values, weights = zip(*weighted, strict=True)
    return str(random.choices(values, weights)[0])


def _mailbox(firstname: str, lastname: str) -> str:
    return search_key(firstname, lastname).replace(" ", ".")
