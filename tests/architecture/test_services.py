"""The faces of the contexts: keyword-only functions that are told who acts."""

import dataclasses
import inspect
from collections.abc import Callable
from types import ModuleType

import pytest

import care.service
import federation.service
import identity.service
import scheduling.service

FACES = [identity.service, care.service, scheduling.service, federation.service]

# Functions that are not told who acts, with the reason. They alone may take one argument, their subject, by position.
WITHOUT_ACTOR = {
    "identity.service.actor_from_access_token": "answers who acts",
    "identity.service.actor_from_user_id": "answers who acts",
    "identity.service.actor_of_portal_session": "answers who acts",
    "identity.service.check_password": "answers whose credentials these are",
    "identity.service.open_portal_session": "nobody has signed in yet; answers who acts",
    "identity.service.close_portal_session": "the session in the request says who leaves",
    "identity.service.refresh_session": "the refresh token says who acts",
    "identity.service.forget_expired_sessions": "housekeeping of rows that open nothing any more",
    "identity.service.find_account": "the id behind an identifier, for a caller who may look accounts up",
    "identity.service.describe_users": "names for ids that the caller has scoped",
    "care.service.describe_patients": "cards for ids that the caller has scoped",
    "care.service.describe_doctors": "cards of the directory, which everybody signed in may read",
    "care.service.get_booking_terms": "what the appointment book needs of the directory, which everybody may read",
    "care.service.name_patients": "names for ids that the caller has scoped",
    "care.service.require_patient": "whether a patient that the caller has scoped is still there",
    "federation.service.get_mock_hospital": "people who do not exist, for everybody",
    "federation.service.compute_release": "the day's counts, the same for everybody; safe for publishing",
    "scheduling.service.find_conflict": "the overlap rule itself, about ids that the caller has scoped",
}

KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY


def complaints(name: str, function: Callable) -> list[str]:
    """What is wrong with the signature of a service function, a sentence each."""
    parameters = list(inspect.signature(function).parameters.values())
    by_position = [parameter.name for parameter in parameters if parameter.kind is not KEYWORD_ONLY]
    first = parameters[0].name if parameters else None
    if name in WITHOUT_ACTOR:
        found = ["takes an actor, so it needs no exception"] if any(p.name == "actor" for p in parameters) else []
        return found + (["takes more than its subject by position"] if len(by_position) > 1 else [])
    found = [f"takes {', '.join(by_position)} by position"] if by_position else []
    if first != "actor":
        found.append("does not take `actor` first")
    return found


def functions_of(face: ModuleType) -> dict[str, Callable]:
    exported = {f"{face.__name__}.{name}": getattr(face, name) for name in face.__all__}
    return {name: thing for name, thing in exported.items() if not inspect.isclass(thing)}


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
def test_every_service_function_is_keyword_only_and_takes_the_actor_first(face):
    found = {name: complaints(name, function) for name, function in functions_of(face).items()}

    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_every_exception_names_a_function_of_a_face():
    exported = {name for face in FACES for name in functions_of(face)}

    assert exported >= WITHOUT_ACTOR.keys()


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
def test_a_face_exports_documented_functions_and_plain_values_they_return(face):
    for name in face.__all__:
        thing = getattr(face, name)
        assert inspect.isfunction(thing) or dataclasses.is_dataclass(thing), name
        assert (thing.__doc__ or "").strip(), name


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda *, patient_id, actor: None, "does not take `actor` first"),
        (lambda *, patient_id: None, "does not take `actor` first"),
        (lambda: None, "does not take `actor` first"),
        (lambda actor, *, now: None, "takes actor by position"),
        (lambda *args, actor: None, "takes args by position"),
    ],
)
def test_notices_a_signature_of_another_kind(function, sentence):
    assert sentence in complaints("care.service.list_things", function)


def test_notices_an_exception_that_is_none():
    name = "care.service.describe_doctors"

    assert complaints(name, lambda ids, day: None) == ["takes more than its subject by position"]
    assert complaints(name, lambda *, actor, ids: None) == ["takes an actor, so it needs no exception"]
    assert complaints(name, lambda ids, *, day: None) == []
