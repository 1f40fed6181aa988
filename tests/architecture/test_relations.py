"""Foreign keys point down or sideways only, and leave no way up."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from django.apps import apps
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.test.utils import isolate_apps

from care.models import Patient
from identity.models import User
from tests.architecture.source import FLOORS

# Relations that another package declares, with the reason why they may differ.
ALLOWED = {
    "care.PatientUserPermission.user": (
        "guardian's own base class declares it with CASCADE and a reverse accessor; the rows are an index derived "
        "from facts, so losing them with the account loses nothing"
    ),
}


@dataclass(frozen=True)
class Relation:
    """A column, or a table between, that leads from one model to another. `target` is None where any may be meant."""

    context: str
    name: str
    target: str | None
    on_delete: str | None
    related_name: str | None


def read_relations(tables: Iterable[type[models.Model]]) -> list[Relation]:
    """Every relation that the models of our contexts declare."""
    relations = []
    for table in tables:
        context = table._meta.app_label
        if context not in FLOORS:
            continue
        for field in table._meta.get_fields(include_hidden=True):
            name = f"{context}.{table.__name__}.{field.name}"
            if isinstance(field, GenericForeignKey):
                relations.append(Relation(context, name, None, None, None))
            elif field.is_relation and not field.auto_created and field.remote_field:
                on_delete = getattr(field.remote_field, "on_delete", None)
                relations.append(
                    Relation(
                        context,
                        name,
                        field.related_model._meta.app_label,
                        on_delete.__name__ if on_delete else None,
                        field.remote_field.related_name,
                    )
                )
    return relations


def breaches(relations: Iterable[Relation]) -> list[str]:
    """What is wrong with these relations, a sentence each."""
    found = []
    for relation in relations:
        if relation.name in ALLOWED or relation.target == relation.context:
            continue
        if relation.target is None:
            found.append(f"{relation.name} may point anywhere")
        elif relation.target not in FLOORS:
            continue  # Django's own tables and guardian's lie below all floors
        elif FLOORS.index(relation.target) < FLOORS.index(relation.context):
            found.append(f"{relation.name} points up to {relation.target}")
        else:
            if relation.on_delete != "PROTECT":
                found.append(f"{relation.name} does not protect its row in {relation.target}")
            if not (relation.related_name or "").endswith("+"):
                found.append(f"{relation.name} leaves an accessor on {relation.target} that leads up")
    return found


def test_relations_point_down_and_leave_no_way_up():
    relations = read_relations(apps.get_models(include_auto_created=True))

    assert "care.Patient.created_by" in {relation.name for relation in relations}
    assert breaches(relations) == []


def test_every_exception_is_still_there():
    relations = read_relations(apps.get_models(include_auto_created=True))

    assert ALLOWED.keys() <= {relation.name for relation in relations}


@pytest.mark.parametrize(
    ("planted", "sentence"),
    [
        (Relation("identity", "identity.User.chart", "care", "PROTECT", "+"), "points up to care"),
        (Relation("core", "core.Job.owner", "identity", "PROTECT", "+"), "points up to identity"),
        (Relation("care", "care.Patient.keeper", "identity", "CASCADE", "+"), "does not protect"),
        (Relation("care", "care.Patient.keeper", "identity", None, "+"), "does not protect"),
        (Relation("care", "care.Patient.keeper", "identity", "PROTECT", "charts"), "leaves an accessor"),
        (Relation("care", "care.Patient.keeper", "identity", "PROTECT", None), "leaves an accessor"),
        (Relation("core", "core.Note.about", None, None, None), "may point anywhere"),
    ],
)
def test_notices_a_planted_breach(planted, sentence):
    [found] = breaches([planted])

    assert found.startswith(planted.name)
    assert sentence in found


@pytest.mark.parametrize(
    "harmless",
    [
        Relation("scheduling", "scheduling.Appointment.patient", "care", "PROTECT", "+"),
        Relation("care", "care.CareTeamMember.patient", "care", "CASCADE", "care_team"),
        Relation("identity", "identity.User.groups", "auth", None, "user_set"),
    ],
)
def test_leaves_relations_down_and_sideways_alone(harmless):
    assert breaches([harmless]) == []


@isolate_apps("core")
def test_reads_what_a_model_declares():
    class Chair(models.Model):
        room = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
        sitters = models.ManyToManyField(User, related_name="+")
        kind = models.ForeignKey(ContentType, on_delete=models.PROTECT, related_name="+")
        thing_id = models.UUIDField()
        thing = GenericForeignKey("kind", "thing_id")

        class Meta:
            app_label = "core"

        def __str__(self):
            return "a chair"

    assert breaches(read_relations([Chair])) == [
        "core.Chair.room points up to care",
        "core.Chair.sitters points up to identity",
        "core.Chair.thing may point anywhere",
    ]
