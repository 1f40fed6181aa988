"""Counting attempts: exact under rivals, on both databases."""

from datetime import timedelta

import pytest

from core.client import client_address
from core.errors import TooManyAttempts
from core.models import ThrottleCounter
from core.throttle import Limit, count_attempt, forget_expired_attempts
from tests.rivals import in_parallel

DOOR = Limit("test", amount=20, seconds=3600)


@pytest.fixture(autouse=True)
def _limits_on(settings):
    settings.RATE_LIMITS = True


@pytest.mark.django_db(transaction=True)
def test_exactly_the_allowed_number_passes_between_rivals(now):
    def knock():
        passed = 0
        for _ in range(10):
            try:
                count_attempt([(DOOR, "somebody")], now=now)
                passed += 1
            except TooManyAttempts:
                continue
        return passed

    assert sum(in_parallel(*[knock] * 8)) == 20


@pytest.mark.django_db
class TestOneDoor:
    def test_says_how_long_to_wait(self, now):
        for _ in range(20):
            count_attempt([(DOOR, "x")], now=now)
        with pytest.raises(TooManyAttempts) as refused:
            count_attempt([(DOOR, "x")], now=now)
        assert 1 <= refused.value.retry_after <= 3600

    def test_opens_again_with_the_next_window(self, now):
        for _ in range(20):
            count_attempt([(DOOR, "x")], now=now)
        count_attempt([(DOOR, "x")], now=now + timedelta(hours=1))

    def test_others_are_not_counted_together(self, now):
        for _ in range(20):
            count_attempt([(DOOR, "x")], now=now)
        count_attempt([(DOOR, "y")], now=now)
        count_attempt([(Limit("other", 1, 3600), "x")], now=now)

    def test_keeps_no_address_in_clear(self, now):
        count_attempt([(DOOR, "198.51.100.7")], now=now)
        assert "198.51" not in ThrottleCounter.objects.get().key

    def test_forgets_windows_that_are_over(self, now):
        count_attempt([(DOOR, "x")], now=now)
        assert forget_expired_attempts(now=now) == 0
        assert forget_expired_attempts(now=now + timedelta(hours=2)) == 1

    def test_can_be_turned_off(self, now, settings):
        settings.RATE_LIMITS = False
        for _ in range(30):
            count_attempt([(DOOR, "x")], now=now)
        assert not ThrottleCounter.objects.exists()


class TestClientAddress:
    def _request(self, rf, forwarded):
        return rf.get("/", headers={"X-Forwarded-For": forwarded}, REMOTE_ADDR="10.0.0.1")

    def test_a_forwarded_address_is_not_believed_by_itself(self, rf, settings):
        settings.TRUSTED_PROXIES = 0
        assert client_address(self._request(rf, "198.51.100.7")) == "10.0.0.1"

    def test_as_many_hops_are_believed_as_there_are_own_proxies(self, rf, settings):
        settings.TRUSTED_PROXIES = 1
        assert client_address(self._request(rf, "1.2.3.4, 198.51.100.7")) == "198.51.100.7"
        settings.TRUSTED_PROXIES = 2
        assert client_address(self._request(rf, "1.2.3.4, 198.51.100.7, 10.0.0.2")) == "198.51.100.7"

    def test_too_few_hops_fall_back_to_the_peer(self, rf, settings):
        settings.TRUSTED_PROXIES = 2
        assert client_address(self._request(rf, "198.51.100.7")) == "10.0.0.1"
