"""The reader of secrets would notice one wherever an answer may carry it."""

import base64
import zlib
from uuid import UUID

import pytest
from django.core import signing
from django.http import HttpResponse

from tests.policy.cast import Secret, World
from tests.policy.leaks import secrets_told
from tests.policy.table import ADMIN, PATIENT

ID = UUID("01890a5d-ac96-774b-bcce-b302099a8058")
WORLD = World(
    secrets=[
        Secret("kanari", "name of the chart", frozenset({ADMIN})),
        Secret(str(ID), "id of the chart", frozenset({ADMIN})),
    ]
)


def linking_to(cursor: str) -> HttpResponse:
    return HttpResponse("[]", headers={"Link": f'<http://testserver/api/patients/?cursor={cursor}>; rel="next"'})


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse('{"detail": "Kanari is not yours"}'),
        HttpResponse("", headers={"X-Reason": "kanari"}),
        linking_to("kanari"),
        linking_to("%6Banari"),
        linking_to(base64.urlsafe_b64encode(b'{"after": "kanari"}').decode().rstrip("=")),
        linking_to(signing.dumps({"after": "kanari"}, key="any")),
        linking_to(signing.dumps({"after": "kanari" * 50}, key="any", compress=True)),
        linking_to(base64.b64encode(zlib.compress(b"kanari")).decode()),
    ],
)
def test_notices_a_word(answer):
    assert secrets_told(WORLD, [answer], PATIENT) == ["tells name of the chart"]
    assert secrets_told(WORLD, [answer], ADMIN) == []


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse(f'{{"id": "{ID}"}}'),
        HttpResponse(f'{{"id": "{ID.hex.upper()}"}}'),
        linking_to(signing.Signer(key="any").sign_object(str(ID))),
    ],
)
def test_notices_an_id(answer):
    assert secrets_told(WORLD, [answer], PATIENT) == ["tells id of the chart"]


def test_notices_a_cookie():
    answer = HttpResponse("[]")
    answer.set_cookie("last", "kanari")

    assert secrets_told(WORLD, [answer], PATIENT) == ["tells name of the chart"]


def test_stays_silent_where_nothing_is_told():
    assert secrets_told(WORLD, [HttpResponse('[{"id": "01890a5d-0000-774b-bcce-b302099a8058"}]')], PATIENT) == []
