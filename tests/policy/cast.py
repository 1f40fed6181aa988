"""Everybody and everything that the policy is tried on: made by the services, so that each state has its history.

Each actor keeps a chart, has an own chart, deleted one, and has the same in the directory; beside them stand the charts
of people who are nobody's business. Every text that identifies somebody is a canary: a word that occurs nowhere else,
with the actors who may read it written down by hand.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from django.utils import timezone
from ninja_jwt.tokens import AccessToken

import care.service
import identity.service
import scheduling.service
from care.models import Doctor
from care.schemas import CareTeamMemberIn, DoctorChangeIn, DoctorIn, PatientFilters, PatientIn
from core import jobs
from core.actor import SYSTEM, Actor, Role
from core.models import Report, ReportPart
from core.pagination import PageIn
from identity.models import RoleRequest, User
from identity.schemas import DecisionIn, RoleRequestIn
from identity.service.sessions import open_session
from scheduling.schemas import BookingIn, ScheduleIn, TimeOffIn
from tests.conftest import Person
from tests.factories import PASSWORD, UserFactory
from tests.federation.fakes import Town
from tests.policy.elsewhere import Elsewhere
from tests.policy.table import (
    ACTORS,
    ADMIN,
    ANONYMOUS,
    OFFICIAL,
    OTHER_DOCTOR,
    PATIENT,
    PENDING,
    RESEARCHER,
    STAFF,
    TEAM_DOCTOR,
    UNVERIFIED_DOCTOR,
)

SIGNED_IN = tuple(actor for actor in ACTORS if actor != ANONYMOUS)
ROLES = {
    PATIENT: Role.PATIENT,
    PENDING: Role.PATIENT,
    TEAM_DOCTOR: Role.DOCTOR,
    UNVERIFIED_DOCTOR: Role.DOCTOR,
    OTHER_DOCTOR: Role.DOCTOR,
    STAFF: Role.STAFF,
    RESEARCHER: Role.RESEARCHER,
    OFFICIAL: Role.OFFICIAL,
    ADMIN: Role.ADMIN,
}
MISSING = UUID("01890a5d-ac96-774b-bcce-b302099a8057")

FRONT_DESK = frozenset({STAFF, ADMIN})
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Secret:
    """A text or an id that only some actors may ever receive."""

    text: str
    what: str
    known_to: frozenset[str]


@dataclass(slots=True)
class World:
    """The cast, what they have to do with, and what must not be told."""

    people: dict[str, Person] = field(default_factory=dict)
    nobody: Person = field(default_factory=lambda: Person(None))
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    # (kind, target, actor) -> id; what is nobody's own in particular stands under every actor.
    ids: dict[tuple[str, str, str], UUID] = field(default_factory=dict)
    secrets: list[Secret] = field(default_factory=list)
    free_doctor: UUID = MISSING
    newcomer: UUID = MISSING
    newcomer_signs_in_with: str = ""
    today: date = field(default_factory=timezone.localdate)
    free_slot: str = ""
    # What was asked already; every answer is taken back, so asking again gives the same.
    answers: dict[Any, Any] = field(default_factory=dict)

    def id_of(self, kind: str, target: str, actor: str) -> UUID:
        """Return the id of a target; what would be an anonymous caller's own is the patient's."""
        if target == "missing":
            return MISSING
        return self.ids[kind, target, PATIENT if actor == ANONYMOUS else actor]


def build_world(town: Town) -> World:
    """Make the cast and its belongings in the database, and hospitals in the town; the caller rolls back."""
    return _Builder(timezone.now(), town).build()


class _Builder:
    """Makes the rows and writes down beside each canary who may read it."""

    def __init__(self, now: datetime, town: Town) -> None:
        self.world = World()
        self.now = now
        self.town = town
        self._number = count(1)

    def build(self) -> World:
        for actor in SIGNED_IN:
            # Whoever reads a chart stands by name in its access log.
            self.world.people[actor] = self._account(actor, known_to={actor}, unseen=actor not in FRONT_DESK)
        self.keeper = self._account("keeper", known_to=NOBODY, unseen=False)
        self.stranger = self._account("stranger", known_to=NOBODY)
        newcomer = self._account("newcomer", known_to=NOBODY)
        self.world.newcomer, self.world.newcomer_signs_in_with = newcomer.id, newcomer.user.username
        self.world.free_doctor = self._entry(SYSTEM, known_to=None).pk
        self.colleague = self._entry(SYSTEM, known_to=None).pk
        for actor in SIGNED_IN:
            self._charts_of(actor)
            self._entries_of(actor)
            self._role_request_of(actor)
        elsewhere = Elsewhere(self.town, word=self._word, keep_secret=self._keep_secret, now=self.now)
        people = {actor: self.world.people[actor].actor for actor in SIGNED_IN}
        self.world.ids |= elsewhere.build(people, self.keeper.actor)
        for actor, role in ROLES.items():
            care.service.set_role(actor=SYSTEM, user_id=self.world.people[actor].id, role=role, now=self.now)
        self._shared_charts()
        self._somebody_elses()
        identity.service.ask_for_role(
            actor=self.world.people[PENDING].actor, body=RoleRequestIn(role="doctor"), now=self.now
        )
        self.world.ids["request", "own", PENDING] = RoleRequest.objects.get(
            user=self._user(PENDING), status="pending"
        ).pk
        self._hours()
        self._appointments()
        self._reads_by_the_desk()
        self._long_work()
        for actor in SIGNED_IN:
            self._open_sessions(actor)
        return self.world

    # --- The words ------------------------------------------------------------------------------------------------
    def _word(self) -> str:
        return f"kanari{next(self._number):04d}x"

    def _keep_secret(self, texts: dict[str, Any], whose: str, known_to: Iterable[str]) -> None:
        known = frozenset(known_to)
        for what, text in texts.items():
            self.world.secrets.append(Secret(str(text), f"{what} of {whose}", known))

    # --- Accounts -------------------------------------------------------------------------------------------------
    def _account(self, whose: str, *, known_to: Iterable[str], unseen: bool = True) -> Person:
        """Make an account; `unseen` where its id and name stand on nothing that others may read."""
        word, number = self._word(), next(self._number)
        texts = {
            "username": word,
            "email": f"{self._word()}@clinic.example",
            "mobile_number": f"+88017{number:08d}",
            "address": self._word(),
        }
        name = self._word()
        user = UserFactory(role=Role.PATIENT, name=name, **texts)
        self._keep_secret(texts, f"the account {whose}", {ADMIN, *known_to})
        self._keep_secret({"password": PASSWORD, "password hash": user.password}, f"the account {whose}", NOBODY)
        if unseen:
            self._keep_secret({"name": name}, f"the account {whose}", {ADMIN, *known_to})
        self.world.ids["account", "own", whose] = user.pk
        return Person(user)

    def _user(self, actor: str) -> User:
        user = self.world.people[actor].user
        assert user is not None
        return user

    def _open_sessions(self, actor: str) -> None:
        person = self.world.people[actor]
        person.user = person.api._user = User.objects.get(pk=person.id)
        opened = open_session(person.user, now=timezone.now()).tokens
        self.world.refresh_tokens[actor] = opened.refresh
        access = AccessToken(opened.access)
        access.set_exp(lifetime=timedelta(hours=6))  # a slow machine takes longer than a usual token lives
        person.api._token = str(access)

    def _role_request_of(self, actor: str) -> None:
        reason = self._word()
        asked = identity.service.ask_for_role(
            actor=self.world.people[actor].actor, body=RoleRequestIn(role="staff"), now=self.now
        )
        care.service.deny_role_request(actor=SYSTEM, request_id=asked.id, body=DecisionIn(reason=reason), now=self.now)
        self.world.ids["request", "own", actor] = asked.id
        self._keep_secret({"id": asked.id, "reason": reason}, f"{actor}'s role request", {actor, ADMIN})

    # --- Charts ---------------------------------------------------------------------------------------------------
    def _chart(
        self,
        keeper: Actor,
        whose: str,
        *,
        known_to: Iterable[str],
        ids_known_to: Iterable[str] = (),
        names_known_to: Iterable[str] = (),
    ) -> UUID:
        """Add a chart; some may come across its id, or its name, without ever seeing the chart."""
        number = next(self._number)
        names = {"firstname": self._word(), "lastname": self._word()}
        texts = {
            "email": f"{self._word()}@home.example",
            "phone": f"+88018{number:08d}",
            "address": self._word(),
            "medical_history": self._word(),
            "birth_date": date(1931, 1, 1) + timedelta(days=number),
        }
        chart = care.service.create_patient(actor=keeper, body=PatientIn(gender="F", **names, **texts), now=self.now)
        self._keep_secret(texts, whose, known_to)
        self._keep_secret(names, whose, {*known_to, *names_known_to})
        self._keep_secret({"id": chart.id}, whose, {*known_to, *ids_known_to})
        return chart.id

    def _assign(self, chart: UUID, doctor: UUID, whose: str, *, known_to: Iterable[str]) -> UUID:
        notes = self._word()
        body = CareTeamMemberIn(patient=chart, doctor=doctor, notes=notes)
        mapping = care.service.assign_doctor(actor=SYSTEM, body=body, now=self.now)
        self._keep_secret({"id": mapping.id, "notes": notes}, f"the mapping of {whose}", known_to)
        return mapping.id

    def _charts_of(self, actor: str) -> None:
        """Make charts that the actor keeps, the own one, and one deleted; researchers and officials were patients."""
        person = self.world.people[actor]
        readers = FRONT_DESK if actor in (RESEARCHER, OFFICIAL) else FRONT_DESK | {actor}
        ids = self.world.ids
        for target, keeper in (("own", person.actor), ("booked", person.actor), ("linked", self.keeper.actor)):
            whose = f"{actor}'s {target} chart"
            chart = ids["chart", target, actor] = self._chart(keeper, whose, known_to=readers)
            ids["mapping", target, actor] = self._assign(chart, self.world.free_doctor, whose, known_to=readers)
        given = ids["chart", "given", actor] = self._chart(person.actor, f"{actor}'s given chart", known_to=readers)
        for chart, account in ((ids["chart", "linked", actor], person.id), (given, UserFactory().pk)):
            care.service.link_patient(actor=SYSTEM, patient_id=chart, user_id=account, now=self.now)
        deleted = self._chart(person.actor, f"{actor}'s deleted chart", known_to=NOBODY, ids_known_to={ADMIN})
        care.service.delete_patient(actor=person.actor, patient_id=deleted, now=self.now)
        ids["chart", "deleted", actor] = deleted

    def _shared_charts(self) -> None:
        """Make what one doctor treats, or treated, and the others do not."""
        profile = {actor: self.world.ids["entry", "profile", actor] for actor in SIGNED_IN}
        treating = FRONT_DESK | {TEAM_DOCTOR}
        team = self._chart(self.keeper.actor, "the chart team", known_to=treating)
        team_mapping = self._assign(team, profile[TEAM_DOCTOR], "team", known_to=treating)
        unverified_mapping = self._assign(team, profile[UNVERIFIED_DOCTOR], "team (unverified)", known_to=treating)
        # A verified entry gives nothing to an account that is not, or no longer, a doctor's.
        self._assign(team, profile[PATIENT], "team (no doctor)", known_to=treating)
        colleague = self._assign(team, self.colleague, "team (colleague)", known_to=treating)
        former = self._chart(self.keeper.actor, "the chart former", known_to=FRONT_DESK)
        former_mapping = self._assign(former, profile[TEAM_DOCTOR], "former", known_to=FRONT_DESK)
        # The team doctor treated the own chart too, once: what is left is what everybody has of the own chart.
        own = self.world.ids["chart", "linked", TEAM_DOCTOR]
        own_mapping = self._assign(own, profile[TEAM_DOCTOR], "former (own)", known_to=treating)
        own = self.world.ids["chart", "linked", PATIENT]
        self._assign(own, profile[PATIENT], "own (no doctor)", known_to=FRONT_DESK | {PATIENT})
        for ended in (former_mapping, own_mapping):
            care.service.end_membership(actor=SYSTEM, membership_id=ended, now=self.now)
        others = self._chart(self.keeper.actor, "the other doctor's chart", known_to=FRONT_DESK | {OTHER_DOCTOR})
        other_mapping = self._assign(
            others, profile[OTHER_DOCTOR], "the other doctor's chart", known_to=FRONT_DESK | {OTHER_DOCTOR}
        )
        mine = {TEAM_DOCTOR: team_mapping, UNVERIFIED_DOCTOR: unverified_mapping}
        for actor in SIGNED_IN:
            self.world.ids |= {
                ("chart", "team", actor): team,
                ("chart", "former", actor): former,
                ("mapping", "team", actor): team_mapping,
                ("mapping", "colleague", actor): colleague,
                ("mapping", "former", actor): former_mapping,
                ("mapping", "mine", actor): mine.get(actor, other_mapping),
                ("chart", "mine", actor): team if actor in mine else others,
                ("chart", "colleague", actor): team,
            }

    def _somebody_elses(self) -> None:
        """Make what is nobody's business but the front desk's: a stranger's chart, entry and request for a role."""
        foreign = self._chart(self.stranger.actor, "the foreign chart", known_to=FRONT_DESK)
        self._keep_secret({"keeper's id": self.stranger.id}, "the foreign chart", FRONT_DESK)
        mapping = self._assign(foreign, self.world.free_doctor, "the foreign chart", known_to=FRONT_DESK)
        entry = self._entry(self.keeper.actor, known_to=FRONT_DESK)
        asked = identity.service.ask_for_role(
            actor=self.stranger.actor, body=RoleRequestIn(role="researcher"), now=self.now
        )
        self._keep_secret({"id": asked.id}, "the stranger's role request", {ADMIN})
        for actor in SIGNED_IN:
            self.world.ids |= {
                ("chart", "foreign", actor): foreign,
                ("mapping", "foreign", actor): mapping,
                ("entry", "foreign", actor): entry.pk,
                ("request", "foreign", actor): asked.id,
                ("account", "foreign", actor): self.stranger.id,
            }

    # --- The appointment book -------------------------------------------------------------------------------------
    def _hours_of(self, doctor: UUID, day: date) -> UUID:
        body = ScheduleIn(doctor=doctor, date=day, start_time=time(0), end_time=time(23, 30))
        return scheduling.service.create_schedule(actor=SYSTEM, body=body, now=self.now).id

    def _away(self, doctor: UUID, whose: str, known_to: Iterable[str]) -> UUID:
        reason, day = self._word(), datetime.combine(self.world.today + timedelta(days=30), time(0), UTC)
        body = TimeOffIn(doctor=doctor, starts_at=day, ends_at=day + timedelta(hours=8), reason=reason)
        off = scheduling.service.create_time_off(actor=SYSTEM, body=body, now=self.now).id
        self._keep_secret({"id": off, "reason": reason}, f"the time off of {whose}", known_to)
        return off

    def _hours(self) -> None:
        """Give every linked entry hours and a holiday, also those of people who are no doctors; and a stranger's."""
        ids, later = self.world.ids, self.world.today + timedelta(days=20)
        hours = self._hours_of(self.world.free_doctor, later)
        away = self._away(self.world.free_doctor, "the free doctor", FRONT_DESK)
        self.world.free_slot = f"{later}T12:00:00Z"
        for actor in SIGNED_IN:
            profile = ids["entry", "profile", actor]
            readers = FRONT_DESK | {actor} if actor in (TEAM_DOCTOR, OTHER_DOCTOR) else FRONT_DESK
            ids["calendar", "own", actor], ids["calendar", "foreign", actor] = profile, self.world.free_doctor
            ids["schedule", "own", actor] = self._hours_of(profile, later)
            ids["schedule", "foreign", actor] = hours
            deleted = self._hours_of(profile, later + timedelta(days=1))
            scheduling.service.delete_schedule(actor=SYSTEM, schedule_id=deleted, now=self.now)
            ids["schedule", "deleted", actor] = deleted
            ids["time off", "own", actor] = self._away(profile, actor, readers)
            ids["time off", "foreign", actor] = away

    def _appointments(self) -> None:
        """Book what is to come, what is past, and what has arrived; the past was booked when it was still to come."""
        care.service.update_doctor(
            actor=SYSTEM,
            doctor_id=self.world.free_doctor,
            body=DoctorChangeIn(max_appointments_per_day=100),
            now=self.now,
        )
        names = {"ids_known_to": {TEAM_DOCTOR}, "names_known_to": {TEAM_DOCTOR}}
        visitor = self._chart(self.keeper.actor, "the visitor's chart", known_to=FRONT_DESK, **names)
        team = self._chart(self.keeper.actor, "the booked chart team", known_to=FRONT_DESK | {TEAM_DOCTOR})
        self._assign(team, self.world.ids["entry", "profile", TEAM_DOCTOR], "team", known_to=FRONT_DESK | {TEAM_DOCTOR})
        foreign = self._chart(self.stranger.actor, "the booked foreign chart", known_to=FRONT_DESK)
        for kind, days in (("appointment", 10), ("past appointment", -4), ("arrived appointment", -2)):
            day = self.world.today + timedelta(days=days)
            for doctor in (self.world.free_doctor, self.world.ids["entry", "profile", TEAM_DOCTOR]):
                self._hours_of(doctor, day)
            slots = (f"{day}T{half // 2:02}:{half % 2 * 30:02}:00Z" for half in range(47))
            for actor in SIGNED_IN:
                readers = FRONT_DESK if actor in (RESEARCHER, OFFICIAL) else FRONT_DESK | {actor}
                for target, chart_of in (("own", "booked"), ("linked", "linked")):
                    chart = self.world.ids["chart", chart_of, actor]
                    booked = self._booked(kind, chart, next(slots), readers)
                    self.world.ids[kind, target, actor] = booked
                deleted = self._booked(
                    kind, self.world.ids["chart", "booked", actor], next(slots), NOBODY, ids_known_to={ADMIN}
                )
                scheduling.service.delete_appointment(actor=SYSTEM, appointment_id=deleted, now=self.now)
                self.world.ids[kind, "deleted", actor] = deleted
            shared = {
                "team": self._booked(kind, team, next(slots), FRONT_DESK),
                "foreign": self._booked(kind, foreign, next(slots), FRONT_DESK),
                "calendar": self._booked(kind, visitor, next(slots), FRONT_DESK | {TEAM_DOCTOR}, doctor_of=TEAM_DOCTOR),
            }
            self.world.ids |= {
                (kind, target, actor): booked for actor in SIGNED_IN for target, booked in shared.items()
            }

    def _booked(
        self,
        kind: str,
        chart: UUID,
        starts_at: str,
        known_to: Iterable[str],
        *,
        ids_known_to: Iterable[str] = (),
        doctor_of: str | None = None,
    ) -> UUID:
        """Book long before it begins; what shall have arrived arrives then."""
        notes = self._word()
        doctor = self.world.ids["entry", "profile", doctor_of] if doctor_of else self.world.free_doctor
        body = BookingIn.model_validate({"doctor": doctor, "patient": chart, "starts_at": starts_at, "notes": notes})
        now = self.now - timedelta(days=10)
        booked = scheduling.service.book_appointment(actor=SYSTEM, body=body, now=now).id
        if kind.startswith("arrived"):
            scheduling.service.mark_arrived(actor=SYSTEM, appointment_id=booked, reason="", now=self.now)
        self._keep_secret({"notes": notes}, f"the {kind} at {starts_at}", known_to)
        self._keep_secret({"id": booked}, f"the {kind} at {starts_at}", {*known_to, *ids_known_to})
        return booked

    # --- The directory --------------------------------------------------------------------------------------------
    def _entry(self, keeper: Actor, *, known_to: Iterable[str] | None) -> Doctor:
        """Add an entry; `known_to` may read its contact data, None where everybody may."""
        number = next(self._number)
        contact = {"email": f"{self._word()}@practice.example", "phone": f"+88019{number:08d}"}
        body = DoctorIn(firstname=f"Doc{number}", lastname="Tor", specialization="GEN", time_zone="UTC", **contact)
        entry = Doctor.objects.get(pk=care.service.create_doctor(actor=keeper, body=body, now=self.now).id)
        if known_to is not None:
            self._keep_secret(contact, f"the entry Doc{number}", known_to)
        return entry

    def _entries_of(self, actor: str) -> None:
        person, ids = self.world.people[actor], self.world.ids
        ids["entry", "own", actor] = self._entry(person.actor, known_to=FRONT_DESK | {actor}).pk
        ids["entry", "vouched", actor] = self._vouched(self._entry(person.actor, known_to=None))
        deleted = self._entry(person.actor, known_to=NOBODY)
        care.service.delete_doctor(actor=person.actor, doctor_id=deleted.pk, now=self.now)
        ids["entry", "deleted", actor] = deleted.pk
        hidden = actor == UNVERIFIED_DOCTOR
        profile = self._entry(self.keeper.actor, known_to=FRONT_DESK | {actor} if hidden else None)
        care.service.link_doctor(actor=SYSTEM, doctor_id=profile.pk, user_id=person.id, now=self.now)
        if not hidden:
            self._vouched(profile)
        ids["entry", "profile", actor] = profile.pk
        ids["entry", "colleague", actor] = self.colleague

    def _vouched(self, entry: Doctor) -> UUID:
        reason = self._word()
        care.service.verify_doctor(actor=SYSTEM, doctor_id=entry.pk, reason=reason, now=self.now)
        self._keep_secret({"verification reason": reason}, str(entry), NOBODY)
        return entry.pk

    # --- Long work ------------------------------------------------------------------------------------------------
    def _long_work(self) -> None:
        """Leave everybody a job that waits and reports, of the time when they took them along; and a stranger's."""
        ids, doctors = self.world.ids, (TEAM_DOCTOR, OTHER_DOCTOR)
        for actor in SIGNED_IN:
            account, theirs = self.world.people[actor].id, {actor} if actor in doctors else set()
            scope = str(ids["entry", "profile", actor]) if actor in doctors else "clinic"
            readers = {ADMIN, *theirs}
            ids["job", "own", actor] = self._job(actor, account, {actor, ADMIN})
            ids["report", "own", actor] = self._report(actor, account, scope, readers, readers)
            for target, past in (("clinic", "clinic"), ("former", str(self.world.free_doctor))):
                ids["report", target, actor] = self._report(actor, account, past, readers, {ADMIN})
            yesterday = self.now - timedelta(hours=1)
            ids["report", "expired", actor] = self._report(actor, account, scope, NOBODY, NOBODY, yesterday)
        job = self._job("the stranger", self.stranger.id, {ADMIN})
        report = self._report("the stranger", self.stranger.id, "clinic", {ADMIN}, {ADMIN})
        for actor in SIGNED_IN:
            ids["job", "foreign", actor], ids["report", "foreign", actor] = job, report

    def _job(self, whose: str, account: UUID, known_to: Iterable[str]) -> UUID:
        job = jobs.submit(kind="core.report", key=self._word(), args={}, requested_by=account, now=self.now)
        self._keep_secret({"id": job}, f"the job of {whose}", known_to)
        return job

    def _report(
        self,
        whose: str,
        account: UUID,
        scope: str,
        known_to: Iterable[str],
        file_known_to: Iterable[str],
        expires_at: datetime | None = None,
    ) -> UUID:
        """Write a report, as its job would have; whoever may see it does not have its file by that."""
        word = self._word()
        report = Report.objects.create(
            kind="appointments",
            format="csv",
            scope=scope,
            requested_by=account,
            size=len(word),
            created_at=self.now,
            ready_at=self.now,
            expires_at=expires_at or self.now + timedelta(days=1),
        )
        ReportPart.objects.create(report=report, number=0, content=word.encode())
        self._keep_secret({"id": report.pk}, f"a report of {whose}", known_to)
        self._keep_secret({"file": word}, f"a report of {whose}", file_known_to)
        return report.pk

    def _reads_by_the_desk(self) -> None:
        """Let the front desk read a page of charts at once: one event about many people, in many access logs."""
        staff = self.world.people[STAFF].actor
        care.service.list_patients(actor=staff, filters=PatientFilters(), page=PageIn(limit=100), now=self.now)
