"""Makers of rows for tests: a bare call is valid, nothing is random; states with a history are built by services."""

from tests.factories.care import DoctorFactory, PatientFactory
from tests.factories.federation import FeedFactory, HospitalFactory, PatientRecordFactory
from tests.factories.identity import PASSWORD, UserFactory

__all__ = [
    "PASSWORD",
    "DoctorFactory",
    "FeedFactory",
    "HospitalFactory",
    "PatientFactory",
    "PatientRecordFactory",
    "UserFactory",
]
