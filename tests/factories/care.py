import factory
from django.utils import timezone

from care.grants import refresh_grants
from care.models import Doctor, Patient
from core.text import search_key


class PatientFactory(factory.django.DjangoModelFactory):
    """A chart kept by nobody; `created_by=user` for one that is kept, with the grants that follow."""

    class Meta:
        model = Patient
        skip_postgeneration_save = True

    firstname = factory.Sequence(lambda n: f"Pat{n}")
    lastname = "Ient"
    gender = "F"
    created_by = None
    keeper = factory.SelfAttribute("created_by")
    created_at = factory.LazyFunction(timezone.now)
    updated_at = factory.SelfAttribute("created_at")
    search_key = factory.LazyAttribute(lambda p: search_key(p.firstname, p.lastname))

    @factory.post_generation
    def grants(self, create, extracted, **kwargs):
        if create:
            refresh_grants([self.pk])


class DoctorFactory(factory.django.DjangoModelFactory):
    """A verified entry without an account; `DoctorFactory(unverified=True)`."""

    class Meta:
        model = Doctor

    class Params:
        unverified = factory.Trait(verified=False)

    firstname = factory.Sequence(lambda n: f"Doc{n}")
    lastname = "Tor"
    specialization = "GEN"
    time_zone = "UTC"
    verified = True
    created_at = factory.LazyFunction(timezone.now)
    updated_at = factory.SelfAttribute("created_at")
    search_key = factory.LazyAttribute(lambda d: search_key(d.firstname, d.lastname, d.location))
    location_key = factory.LazyAttribute(lambda d: search_key(d.location))
    location = ""
