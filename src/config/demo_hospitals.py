"""The demo clinic's neighbours: three hospitals that its own mock serves, one of them out of order."""

from datetime import datetime

import federation.service
from core.actor import Actor
from federation.schemas import HospitalIn

MOCK = "/api/mock_hospital_data/"
# Name, location, and which of the mock's hospitals answers there.
_HOSPITALS = (
    ("Riverside Hospital", "Riverside, MA", "riverside"),
    ("Hillcrest Clinic", "Hillcrest, MA", "hillcrest"),
    ("Lakeside Hospital", "Lakeside, MA", "lakeside"),
)
_EVERY_MINUTES = 60


def register_mock_hospitals(*, admin: Actor, address: str, now: datetime) -> None:
    """Register the three and have each copied as soon as web and worker run; `address` is where the web answers.

    Runs in the caller's transaction.
    """
    for name, location, key in _HOSPITALS:
        body = HospitalIn(
            name=name,
            location=location,
            api_endpoint=f"{address}{MOCK}?hospital={key}",
            format="json",
            sync_every_minutes=_EVERY_MINUTES,
        )
        hospital = federation.service.create_hospital(actor=admin, body=body, now=now)
        federation.service.request_sync(actor=admin, hospital_id=hospital.id, now=now)
