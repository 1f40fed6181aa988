"""Federation's face: hospitals, their records, the combined data and the mock hospital."""

from federation.service.aggregated import get_aggregated
from federation.service.fetching import fetch_records, test_endpoint
from federation.service.freshness import FeedState, describe_feeds
from federation.service.hospitals import (
    create_hospital,
    delete_hospital,
    get_hospital,
    list_hospitals,
    update_hospital,
)
from federation.service.mock import get_mock_hospital
from federation.service.overview import (
    Completeness,
    Renewal,
    find_hospitals,
    get_completeness,
    name_hospitals,
    renew_copies,
)
from federation.service.progress import CopyAtWork, find_copy_at_work
from federation.service.provenance import Provenance, describe_provenance
from federation.service.records import (
    create_patient_record,
    delete_patient_record,
    get_patient_record,
    list_patient_records,
    update_patient_record,
)
from federation.service.research import get_deidentified
from federation.service.rights import FederationRights, RecordRights, get_federation_rights, get_record_rights
from federation.service.statistics import compute_release, get_statistics
from federation.service.sync import list_syncs, request_sync
from federation.service.tokens import Resealed, reseal_tokens

__all__ = [
    "Completeness",
    "CopyAtWork",
    "FederationRights",
    "FeedState",
    "Provenance",
    "RecordRights",
    "Renewal",
    "Resealed",
    "compute_release",
    "create_hospital",
    "create_patient_record",
    "delete_hospital",
    "delete_patient_record",
    "describe_feeds",
    "describe_provenance",
    "fetch_records",
    "find_copy_at_work",
    "find_hospitals",
    "get_aggregated",
    "get_completeness",
    "get_deidentified",
    "get_federation_rights",
    "get_hospital",
    "get_mock_hospital",
    "get_patient_record",
    "get_record_rights",
    "get_statistics",
    "list_hospitals",
    "list_patient_records",
    "list_syncs",
    "name_hospitals",
    "renew_copies",
    "request_sync",
    "reseal_tokens",
    "test_endpoint",
    "update_hospital",
    "update_patient_record",
]
