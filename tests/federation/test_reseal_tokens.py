"""Sealing hospitals' tokens anew, so that an old key can be taken away."""

import io

import pytest
from django.core.management import CommandError, call_command

import federation.service
from core.errors import NotAllowed
from core.models import AuditEvent
from federation.models import Hospital
from federation.service.tokens import keep_token, open_token
from tests.factories import HospitalFactory

OLD, NEW = "the-old-key-" + "abcdefgh" * 5, "the-new-key-" + "ijklmnop" * 5


@pytest.fixture
def hospitals(db, settings):
    """Three hospitals whose tokens were sealed under the old key, and one without a token."""
    settings.SECRETS_KEYS = [OLD]
    made = [HospitalFactory() for _ in range(3)]
    for number, hospital in enumerate(made):
        keep_token(hospital, f"token-{number}")
        hospital.save()
    HospitalFactory()
    return made


def tokens(hospitals):
    return [open_token(Hospital.objects.get(pk=hospital.pk)) for hospital in hospitals]


def reseal():
    printed = io.StringIO()
    call_command("reseal_tokens", stdout=printed)
    return printed.getvalue()


def test_the_old_key_can_be_taken_away_afterwards(hospitals, settings):
    settings.SECRETS_KEYS = [NEW, OLD]
    assert reseal() == "Sealed 3 tokens anew.\n"

    settings.SECRETS_KEYS = [NEW]
    assert tokens(hospitals) == ["token-0", "token-1", "token-2"]
    assert AuditEvent.objects.filter(action="hospital.reseal").count() == 3


def test_the_old_key_opens_nothing_any_more(hospitals, settings):
    settings.SECRETS_KEYS = [NEW, OLD]
    reseal()
    settings.SECRETS_KEYS = [OLD]

    with pytest.raises(CommandError, match="3 open under none of the keys"):
        reseal()


def test_a_token_that_no_key_opens_is_left_and_told(hospitals, settings):
    before = list(Hospital.objects.order_by("pk").values("pk", "sealed_token"))
    settings.SECRETS_KEYS = [NEW]

    with pytest.raises(CommandError, match="give those hospitals their tokens again"):
        reseal()

    assert list(Hospital.objects.order_by("pk").values("pk", "sealed_token")) == before


def test_is_for_administrators(hospitals, alice):
    with pytest.raises(NotAllowed):
        federation.service.reseal_tokens(actor=alice.actor)
