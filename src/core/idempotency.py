"""`Idempotency-Key`: a creating POST that is sent twice acts once and answers twice the same.

Source: draft-ietf-httpapi-idempotency-key-header. A key is one actor's and lives 24 hours. Same key and body: the
first answer again. Another body: 422. Still in flight: 409. What was refused is not kept, so it may be tried again.
Effect and answer are one transaction; the answer is kept encrypted, because it may speak of a patient. For the same
reason an answer that is given again is on record: about whatever the act was about, before it is served.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

import orjson
from cryptography.fernet import Fernet
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from ninja import Schema, Status

from core.actor import Actor
from core.audit import Subject, audited, witnessed
from core.contention import repeated_on_contention
from core.errors import Conflict, Invalid
from core.models import IdempotentAnswer
from core.wire import JSONRenderer, SignedInRequest

LIFETIME = timedelta(hours=24)
# A request that has not answered for this long died with its process; the next one with the key takes over.
STALE = timedelta(seconds=60)
_LONGEST_KEY = 255
_JSON = "application/json; charset=utf-8"


def answer_once(
    request: SignedInRequest,
    act: Callable[[], Schema],
    *,
    status: int = 201,
    count: Callable[[], object] = lambda: None,
) -> HttpResponse | Status:
    """Return the answer of `act` with this status; with an `Idempotency-Key`, act at most once for it.

    `count` is called before acting, outside the transaction, and not where an answer is given again: the place of a
    limit on attempts. Raises Invalid for a key that is too long or was used with another body, and Conflict
    (`in_flight`) while the first request with it is still at work.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        count()
        return Status(status, act())
    if not 1 <= len(key) <= _LONGEST_KEY or not key.isprintable():
        raise Invalid({"Idempotency-Key": [f"must have 1 to {_LONGEST_KEY} printable characters"]})
    row = _claim(request, key, timezone.now())
    if row.status is not None:
        return HttpResponse(_open(row, request.auth), status=row.status, content_type=_JSON)
    try:
        count()
        body = _act_and_keep(row, request, act, status)
    except BaseException:
        IdempotentAnswer.objects.filter(pk=row.pk, token=row.token, status=None).delete()
        raise
    return HttpResponse(body, status=status, content_type=_JSON)


@repeated_on_contention
def _act_and_keep(row: IdempotentAnswer, request: SignedInRequest, act: Callable[[], Schema], status: int) -> bytes:
    """Act, and keep the answer in the same transaction; returns its body."""
    with transaction.atomic():
        with witnessed() as subjects:
            answer = act()
        body = JSONRenderer().render(request, answer.model_dump(by_alias=True, mode="json"), response_status=status)
        done = IdempotentAnswer.objects.filter(pk=row.pk, token=row.token).update(
            status=status, body=_seal(body, subjects)
        )
        if not done:  # taken over meanwhile: the other one's effect counts, ours rolls back
            raise Conflict("This request is at work already.", code="in_flight")
    return body


def forget_old_answers(*, now: datetime) -> int:
    """Delete answers older than 24 hours; returns how many."""
    deleted, _ = IdempotentAnswer.objects.filter(started_at__lt=now - LIFETIME).delete()
    return deleted


def _claim(request: SignedInRequest, key: str, now: datetime) -> IdempotentAnswer:
    """Return the key's row: with a status where it was answered before, else ours to answer."""
    actor_id = request.auth.account_id
    # The role too: an answer given to a doctor is not repeated to the researcher that the account has become.
    said = orjson.dumps([request.method, request.path_info, request.auth.role]) + request.body
    fingerprint = sha256(said).hexdigest()
    fresh = IdempotentAnswer(actor_id=actor_id, key=key, fingerprint=fingerprint, started_at=now)
    with transaction.atomic():
        IdempotentAnswer.objects.filter(actor_id=actor_id, key=key, started_at__lt=now - LIFETIME).delete()
        # Committed before acting, so that a rival sees it at once instead of waiting for our transaction.
        IdempotentAnswer.objects.bulk_create([fresh], ignore_conflicts=True)
    row = IdempotentAnswer.objects.filter(actor_id=actor_id, key=key).first()
    if row is None:
        # A rival's row was there when we claimed; it was refused, and forgotten before we could read it.
        raise Conflict("This request is at work already.", code="in_flight")
    if row.fingerprint != fingerprint:
        raise Invalid({"Idempotency-Key": ["was used with another request"]})
    if row.status is not None or row.token == fresh.token:
        return row
    if now - row.started_at <= STALE:
        raise Conflict("This request is at work already.", code="in_flight")
    taken = IdempotentAnswer.objects.filter(pk=row.pk, token=row.token, status=None).update(
        token=fresh.token, started_at=now
    )
    if not taken:
        raise Conflict("This request is at work already.", code="in_flight")
    row.token, row.started_at = fresh.token, now
    return row


def _seal(body: bytes, subjects: list[Subject]) -> bytes:
    """Encrypt an answer under a line that says what it is about."""
    return _cipher().encrypt(orjson.dumps(subjects) + b"\n" + body)


def _open(row: IdempotentAnswer, actor: Actor) -> bytes:
    """Return the body of an earlier answer, once it is on record that the actor gets it again."""
    about, _, body = _cipher().decrypt(bytes(row.body)).partition(b"\n")
    subjects = [Subject(each["kind"], UUID(each["id"]), each["rule"]) for each in orjson.loads(about)]
    with audited(actor, "answer.replay", *subjects):
        return body


def _cipher() -> Fernet:
    return Fernet(urlsafe_b64encode(sha256(settings.IDEMPOTENCY_KEY.encode()).digest()))
