"""The moves of an appointment's state by the words of their addresses, and what to say once one is made."""

from collections.abc import Callable

from django.http import Http404

import scheduling.service
from scheduling.schemas import AppointmentOut

Move = Callable[..., AppointmentOut]

_MOVES: dict[str, Move] = {
    "arrive": scheduling.service.mark_arrived,
    "fulfil": scheduling.service.mark_fulfilled,
    "no-show": scheduling.service.mark_noshow,
    "cancel": scheduling.service.cancel_appointment,
}
_TOLD = {
    "arrived": "{patient} is here.",
    "fulfilled": "The appointment of {patient} is done.",
    "noshow": "Nobody came to the appointment of {patient}.",
    "cancelled": "The appointment of {patient} is cancelled; its time is free again.",
}


def move_named(name: str) -> Move:
    """Return the service's function for a move; raises Http404 for a word that names none."""
    if name not in _MOVES:
        raise Http404
    return _MOVES[name]


def tell_move(moved: AppointmentOut) -> str:
    """Return the sentence that says where an appointment stands now."""
    return _TOLD[moved.status].format(patient=moved.patient_name)
