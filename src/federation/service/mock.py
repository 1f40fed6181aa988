"""Hospitals that do not exist, for trying things: each answers in the words of document 000."""

from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice, product

from django.conf import settings

from core.errors import NotFound, Refusal
from federation.schemas import MockHospital, MockHospitalOut, MockRecordOut

_DOCUMENT = MockHospitalOut(
    hospital_name="Example Hospital",
    location="City Center",
    records=[
        MockRecordOut(patient_id=1, name="John Doe", age=45, condition="Flu"),
        MockRecordOut(patient_id=2, name="Jane Smith", age=34, condition="Cough"),
    ],
)

# The others have so many people that statistics of them have something to show.
_GIVEN = (
    *("Amina", "Carlos", "Mei", "Peter", "Fatima", "Oluwaseun", "Ingrid"),
    *("Daniel", "Leela", "Tomás", "Hana", "Samuel", "Noor", "Elsa"),
)
_FAMILY = ("Rahman", "Gómez", "Tanaka", "Novak", "Begum", "Ade", "Larsen", "Okafor", "Sharma", "Silva")
# As often as they stand here.
_CONDITIONS = (
    *("Hypertension", "Type 2 diabetes", "Asthma", "Hypertension", "Migraine", "Low back pain", "Hypertension"),
    *("Asthma", "Type 2 diabetes", "Heart failure", "Hypertension", "Depression", "Asthma", "Otitis media"),
    *("Type 2 diabetes", "Migraine", "Gout"),
)


class OutOfOrder(Refusal):
    """This synthetic hospital never works, so that one can see how a failing one is dealt with."""

    status = 503
    code = "out_of_order"
    title = "This hospital is out of order"


def get_mock_hospital(*, hospital: MockHospital | None) -> MockHospitalOut:
    """Return a synthetic hospital's document, always the same: that of document 000 where none is chosen.

    Raises NotFound where `MOCK_HOSPITAL` is off, and OutOfOrder for the one that never works.
    """
    if not settings.MOCK_HOSPITAL:
        raise NotFound
    if hospital == "lakeside":
        raise OutOfOrder
    return _DOCUMENT if hospital is None else _invent_hospital(hospital)


@cache
def _invent_hospital(hospital: MockHospital) -> MockHospitalOut:
    if hospital == "riverside":
        return MockHospitalOut(
            hospital_name="Riverside Hospital", location="Riverside", records=list(_invent_people(120, first_id=101))
        )
    return MockHospitalOut(
        hospital_name="Hillcrest Clinic", location="Hillcrest", records=list(_invent_people(70, first_id=7))
    )


def _invent_people(count: int, *, first_id: int) -> Iterator[MockRecordOut]:
    """Yield people of all ages; steps without a common divisor keep names, ages and conditions from going in pairs."""
    names = islice(cycle(product(_FAMILY, _GIVEN)), first_id, None)
    for number, (family, given) in zip(range(count), names, strict=False):
        yield MockRecordOut(
            patient_id=first_id + number,
            name=f"{given} {family}",
            age=(first_id + number * 37) % 97,
            condition=_CONDITIONS[(first_id + number * 5) % len(_CONDITIONS)],
        )
