from functools import cache

import factory
from django.contrib.auth.hashers import make_password

from core.actor import Role
from identity.models import User

PASSWORD = "correct horse battery"


@cache
def _hashed() -> str:
    return make_password(PASSWORD)


class UserFactory(factory.django.DjangoModelFactory):
    """An account; `UserFactory(role=Role.DOCTOR)` for another role. Its password is PASSWORD."""

    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"person{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@clinic.example")
    name = factory.LazyAttribute(lambda user: user.username.title())
    role = Role.PATIENT
    password = factory.LazyFunction(_hashed)
