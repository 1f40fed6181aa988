"""The policy's tests bite: with any one guard removed or turned round, the table is no longer kept."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from inspect import getsource
from types import FunctionType

import pytest
from django.db import transaction
from django.utils import timezone

import care.service
from care.grants import rebuild_all_grants
from core.errors import NotAllowed
from tests.policy.asking import OPERATIONS, ask
from tests.policy.cast import SIGNED_IN, World
from tests.policy.conftest import taken_back
from tests.policy.mutation import Mutant, mutants_of
from tests.policy.table import ACTORS, ADMIN, ANONYMOUS, TABLE, Operation, expected
from tests.policy.test_guards import given_to_nobody, shown_to_research, strange_as_a_patient, wrongly_at_the_desk
from tests.policy.test_leaving import kept_after_leaving
from tests.policy.test_my_appointments import strange_appointments
from tests.policy.test_operations import deviations
from tests.policy.test_records import strange_records

pytestmark = pytest.mark.django_db

# Each module of guards, with the addresses where a mutant of it most likely shows; the rest is asked afterwards.
GUARDED = {
    "care.permissions": ("/patients/", "/doctors/", "/mappings/"),
    "care.grants": ("/patients/",),
    "identity.permissions": ("/users/", "/role-requests/", "/audit/", "/patients/"),
    "core.jobs.permissions": ("/jobs/",),
    "core.reports.permissions": ("/reports/",),
    "federation.permissions": ("/hospitals/", "/patient-records/", "/aggregated-data/"),
    "scheduling.permissions": ("/schedules/", "/time-off/", "/slots/", "/appointments/", "/reports/"),
}
# Not a guard by what it returns, but what the grants are derived from.
DERIVATIONS = {"care.grants": {"facts"}}

# Scopes of a search, not of a right: what is not bookable is left out again where the free slots are computed.
SEARCHES = {"bookable_doctors"}

# Mutants that answer every request as the original does, each with its reason. Anything else that survives is a guard
# without a test.
EQUIVALENT = {
    "care.permissions.changeable_patients: without .filter(granted(actor, CHANGE)) in line 3": (
        "who was granted to see a chart was granted to change it too: `facts` gives both or neither"
    ),
    "care.grants.granted: without the condition permission in line 6": (
        "the same: whoever has one of the two grants has both"
    ),
    **dict.fromkeys(
        (
            "care.grants.granted: without the condition content_type__app_label in line 2",
            "care.grants.granted: without the condition content_type__model in line 2",
        ),
        "no other table's rows are called patient, so the codename alone names the permission",
    ),
    "care.grants.facts: without the condition deleted_at__isnull in line 3": (
        "`visible_patients` leaves deleted charts out before it asks for grants"
    ),
    "care.grants.facts: without the condition doctor__deleted_at__isnull in line 6": (
        "deleting an entry ends its memberships in the same transaction"
    ),
    "scheduling.permissions.visible_appointments: `if not may_work_with_appointments(actor)` never in line 5": (
        "research accounts have neither a visible chart nor a calendar, so what follows gives none as well"
    ),
    "identity.permissions.practising_accounts: without the condition is_active in line 2": (
        "whoever's account is closed asks for nothing: each of their requests is answered 401"
    ),
}

# The doors where nobody is asked who they are say nothing about guards.
OPERATIONS_WITH_GUARDS = [
    operation for operation in TABLE if expected(operation, next(iter(TABLE[operation])), ANONYMOUS) == 401
]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant: the first deviation from the table, or None where nothing noticed."""

    module: str
    mutant: Mutant
    killer: str | None

    def __str__(self) -> str:
        return f"{'killed  ' if self.killer else 'SURVIVED'} {self.module}.{self.mutant.name}  <- {self.killer}"


def every_mutant() -> list[tuple[str, Mutant]]:
    return [
        (module, mutant)
        for module in GUARDED
        for mutant in mutants_of(getsource(import_module(module)), also=DERIVATIONS.get(module, ()))
        if mutant.function not in SEARCHES
    ]


@contextmanager
def in_force(module: str, mutant: Mutant) -> Iterator[None]:
    """Let the mutant's function do the original's work, wherever the original was imported to."""
    original = getattr(import_module(module), mutant.function)
    assert isinstance(original, FunctionType)
    namespace = dict(vars(import_module(module)))
    exec(compile(mutant.source, f"<{module}.{mutant.name}>", "exec"), namespace)
    code = original.__code__
    original.__code__ = namespace[mutant.function].__code__
    try:
        yield
    finally:
        original.__code__ = code


def judge(world: World, module: str, mutant: Mutant) -> Verdict:
    with in_force(module, mutant), taken_back():
        try:
            with transaction.atomic():
                rebuild_all_grants()
        except Exception as broken:  # every change of a fact would end in it
            return Verdict(module, mutant, f"the grants cannot be derived: {type(broken).__name__}")
        return Verdict(module, mutant, next(complaints(replace(world, answers={}), GUARDED[module]), None))


def complaints(world: World, first: tuple[str, ...]) -> Iterator[str]:
    """Yield every deviation from the table, the likeliest operations first; asks no more than is looked at."""

    def is_likely(operation: Operation) -> bool:
        return any(part in operation[1] for part in first)

    for operation in sorted(OPERATIONS_WITH_GUARDS, key=is_likely, reverse=True):
        for target in TABLE[operation]:
            for actor in ACTORS:
                yield from deviations(world, ask(world, operation, target, actor))
    yield from (f"the own appointments: {what}" for what in strange_appointments(world))
    yield from (f"the records: {what}" for what in strange_records(world))
    yield from (f"after leaving: still reads {what}" for what in kept_after_leaving(world))
    yield from (f"nobody in particular: {guard}" for guard in given_to_nobody())
    yield from (f"somebody else's appointments as those of the {actor}" for actor in strange_as_a_patient(world))
    yield from (f"booking for anyone as {actor}" for actor in wrongly_at_the_desk(world))
    yield from (f"appointments shown to the {actor}" for actor in shown_to_research(world))
    for actor in SIGNED_IN:
        if may_import(world, actor) != (actor == ADMIN):
            yield f"importing as {actor}"


def may_import(world: World, actor: str) -> bool:
    try:
        care.service.import_doctors(actor=world.people[actor].actor, records=[], now=timezone.now())
    except NotAllowed:
        return False
    return True


@pytest.mark.prove
def test_no_guard_can_be_weakened_unnoticed(world, proof_scale, capsys):
    mutants = [(module, mutant) for module, mutant in every_mutant() if f"{module}.{mutant.name}" not in EQUIVALENT]
    verdicts = []
    with capsys.disabled():
        for module, mutant in mutants[:: max(1, round(1 / proof_scale))]:
            verdicts.append(judge(world, module, mutant))
            sys.stdout.write(f"\n{verdicts[-1]}")
            sys.stdout.flush()
        killed = sum(verdict.killer is not None for verdict in verdicts)
        sys.stdout.write(f"\n{killed} of {len(verdicts)} mutants killed, {len(EQUIVALENT)} are equivalent\n")

    assert [str(verdict) for verdict in verdicts if verdict.killer is None] == []


def test_the_guards_as_they_are_keep_the_table(world):
    """Without this a mutant could be killed by what is wrong anyway; the whole table is `test_operations`' to keep."""
    module, mutant = next(each for each in every_mutant() if each[1].function == "may_read_audit")
    audit = ("GET", "/api/audit/")

    def noticed() -> bool:
        return any(deviations(world, ask(world, audit, "-", actor)) for actor in ACTORS)

    assert not noticed()
    world.answers.clear()
    with in_force(module, mutant):
        assert noticed()
    world.answers.clear()
    assert not noticed()


def test_every_equivalent_mutant_still_exists():
    assert EQUIVALENT.keys() - {f"{module}.{mutant.name}" for module, mutant in every_mutant()} == set()


def test_every_guard_is_among_the_mutated():
    functions = {mutant.function for _, mutant in every_mutant()}

    assert {"visible_patients", "may_change_every_field", "visible_users", "granted", "facts"} <= functions
    assert {operation[1] for operation in OPERATIONS_WITH_GUARDS} <= {path for _, path in OPERATIONS}


@pytest.mark.parametrize(
    ("guard", "changes"),
    [
        (
            "a or b",
            ["says yes to everybody", "says no to everybody", "says the opposite", "without `a`", "without `b`"],
        ),
        ("not a", ["says yes to everybody", "says no to everybody", "says the opposite"]),
        (
            "a == b",
            ["says yes to everybody", "says no to everybody", "says the opposite", "`a == b` the wrong way round"],
        ),
    ],
)
def test_a_guard_is_weakened_in_every_way(guard, changes):
    mutants = mutants_of(f"def may(a, b) -> bool:\n    return {guard}\n")

    names = {mutant.name.removeprefix("may: ").split(" in line")[0] for mutant in mutants}
    assert set(changes) <= names


def test_a_scope_is_widened_filter_by_filter():
    source = 'def visible(a) -> "QuerySet[T]":\n    return T.objects.filter(x=1, y=a).exclude(z=2)\n'

    changed = {mutant.source.split("return ")[1].strip() for mutant in mutants_of(source)}
    assert changed == {
        "T.objects.filter(x=1, y=a).all()",
        "T.objects.all().exclude(z=2)",
        "T.objects.filter(x=1).exclude(z=2)",
        "T.objects.filter(y=a).exclude(z=2)",
    }


def test_what_is_no_guard_is_left_alone():
    assert mutants_of("def rule(a) -> str:\n    return 'x' if a == 1 else 'y'\n") == []
