"""Tokens that nobody was given: every one is refused at both doors, in the same words.

The forger's tools are not ours: what can be signed is signed by jwcrypto, another implementation of RFC 7515, and what
jwcrypto declines to make is put together by hand. The last tests show that the forging itself is right: the same tools
with the true key and a live session are let in.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from django.conf import settings
from django.utils.crypto import salted_hmac
from jwcrypto import jwe, jwk, jws

import care.service
from core.ids import new_id
from identity.models import RefreshSession, User
from identity.service.sessions import OpenedSession, open_session
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

REFUSAL = {
    "type": "about:blank",
    "title": "Sign in first",
    "status": 401,
    "detail": "The token is invalid, expired or no longer accepted.",
    "code": "not_signed_in",
}
DOORS = ("access", "refresh")
HS256 = {"alg": "HS256", "typ": "JWT"}
TRUE_KEY = settings.NINJA_JWT["SIGNING_KEY"].encode()
FOREIGN_KEY = b"another clinic's key, as long as it takes, or longer than that 0123456789abcdef"


# --- The forger's tools ---------------------------------------------------------------------------------------------
def encode(part: Any) -> str:
    """Return a segment of a token; what is not bytes already is written as JSON."""
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(segment: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


def secret(key: bytes) -> jwk.JWK:
    return jwk.JWK(kty="oct", k=encode(key))


@cache
def own_key(kind: str, *, size: int | None = None, curve: str | None = None) -> jwk.JWK:
    return jwk.JWK.generate(kty=kind, **({"size": size} if size else {"crv": curve}))


def sign(payload: Any, key: jwk.JWK | bytes, alg: str = "HS256", **header: Any) -> str:
    """Return what jwcrypto signs: claims, or bytes that are no claims at all."""
    token = jws.JWS(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
    token.allowed_algs = [*jws.default_allowed_algs, alg]
    key = secret(key) if isinstance(key, bytes) else key
    token.add_signature(key, alg, json.dumps({"alg": alg, "typ": "JWT", **header}))
    return token.serialize(compact=True)


def by_hand(header: Any, payload: Any, key: bytes, digest: Any = hashlib.sha256) -> str:
    """Return an HMAC over whatever the two segments hold; jwcrypto declines such headers and keys."""
    signed = f"{encode(header)}.{encode(payload)}"
    return f"{signed}.{encode(hmac.new(key, signed.encode(), digest).digest())}"


@dataclass(frozen=True)
class Loot:
    """What a forger may hold of alice's live session, at one door: the token, its claims, and bob's beside it."""

    token: str
    other_door: str
    bobs: str

    @property
    def segments(self) -> list[str]:
        return self.token.split(".")

    @property
    def claims(self) -> dict[str, Any]:
        return decode(self.segments[1])

    @property
    def bobs_claims(self) -> dict[str, Any]:
        return decode(self.bobs.split(".")[1])

    def but(self, **changed: Any) -> dict[str, Any]:
        return {**self.claims, **changed}

    def without(self, claim: str) -> dict[str, Any]:
        return {name: value for name, value in self.claims.items() if name != claim}

    def written(self, claim: str, text: str) -> bytes:
        """Return the claims as JSON in which one value is spelt by hand."""
        return json.dumps(self.but(**{claim: "@"})).replace('"@"', text).encode()

    def tampered(self, **changed: Any) -> str:
        header, _, signature = self.segments
        return f"{header}.{encode(self.but(**changed))}.{signature}"

    def under(self, header: Any) -> str:
        """Return the token with another header; payload and signature as they were."""
        return ".".join([encode(header), *self.segments[1:]])


# --- The forgeries --------------------------------------------------------------------------------------------------
Forge = Callable[[Loot], str]

UNSIGNED: dict[str, Forge] = {
    **{
        f"alg {none}, {what} signature": lambda loot, none=none, keeps=keeps: (
            loot.under({"alg": none, "typ": "JWT"})
            if keeps
            else f"{encode({'alg': none, 'typ': 'JWT'})}.{loot.segments[1]}."
        )
        for none in ("none", "None", "NONE", "nOnE")
        for what, keeps in (("no", False), ("the old", True))
    },
    "an empty signature": lambda loot: ".".join([*loot.segments[:2], ""]),
    "a signature of zeros": lambda loot: ".".join([*loot.segments[:2], encode(bytes(32))]),
    "half a signature": lambda loot: loot.token[:-22],
    "the signature of another token": lambda loot: ".".join([*loot.segments[:2], loot.bobs.split(".")[2]]),
    "no alg": lambda loot: loot.under({"typ": "JWT"}),
    "alg null": lambda loot: loot.under({"alg": None}),
    "an empty alg": lambda loot: loot.under({"alg": ""}),
    "alg as a number": lambda loot: loot.under({"alg": 256}),
    "alg as a list": lambda loot: loot.under({"alg": ["HS256", "none"]}),
    "alg written twice": lambda loot: loot.under(b'{"alg": "HS256", "alg": "none"}'),
}

FOREIGN_KEYS: dict[str, Forge] = {
    "HS256 with a foreign key": lambda loot: sign(loot.claims, FOREIGN_KEY),
    "HS384 with a foreign key": lambda loot: sign(loot.claims, FOREIGN_KEY, "HS384"),
    "HS512 with a foreign key": lambda loot: sign(loot.claims, FOREIGN_KEY, "HS512"),
    "HS256 with an empty key": lambda loot: by_hand(HS256, loot.claims, b""),
    "HS256 with one NUL for a key": lambda loot: by_hand(HS256, loot.claims, b"\x00"),
    "HS256 with a guessed key": lambda loot: by_hand(HS256, loot.claims, b"secret"),
    "HS256 with SECRET_KEY itself": lambda loot: sign(loot.claims, settings.SECRET_KEY.encode()),
    "HS256 with the key of another purpose": lambda loot: sign(loot.claims, settings.AUDIT_KEY.encode()),
    "HS256 with the key of another deployment": lambda loot: sign(loot.claims, key_of_another_deployment()),
    "HS256 with the key read as hexadecimal": lambda loot: sign(loot.claims, bytes.fromhex(TRUE_KEY.decode())),
    "HS384 with the true key": lambda loot: sign(loot.claims, TRUE_KEY, "HS384"),
    "HS512 with the true key": lambda loot: sign(loot.claims, TRUE_KEY, "HS512"),
    "RS256 with a key of one's own": lambda loot: sign(loot.claims, own_key("RSA", size=2048), "RS256"),
    "PS256 with a key of one's own": lambda loot: sign(loot.claims, own_key("RSA", size=2048), "PS256"),
    "ES256 with a key of one's own": lambda loot: sign(loot.claims, own_key("EC", curve="P-256"), "ES256"),
    "ES384 with a key of one's own": lambda loot: sign(loot.claims, own_key("EC", curve="P-384"), "ES384"),
    "EdDSA with a key of one's own": lambda loot: sign(loot.claims, own_key("OKP", curve="Ed25519"), "EdDSA"),
    "HS256 with a public key as the secret": lambda loot: by_hand(
        HS256, loot.claims, own_key("RSA", size=2048).export_to_pem()
    ),
    "RS256 that is an HMAC of the true key": lambda loot: by_hand({"alg": "RS256"}, loot.claims, TRUE_KEY),
    "none that is an HMAC of the true key": lambda loot: by_hand({"alg": "none"}, loot.claims, TRUE_KEY),
}

HEADER_TRICKS: dict[str, Forge] = {
    "kid of an empty file": lambda loot: by_hand({**HS256, "kid": "../../../../../dev/null"}, loot.claims, b""),
    "kid with SQL": lambda loot: sign(loot.claims, FOREIGN_KEY, kid=f"x' UNION SELECT '{FOREIGN_KEY.decode()}'; --"),
    "kid with a command": lambda loot: sign(loot.claims, FOREIGN_KEY, kid="key; sleep 5 |"),
    "kid as a number": lambda loot: by_hand({**HS256, "kid": 0}, loot.claims, FOREIGN_KEY),
    "kid as an object": lambda loot: by_hand({**HS256, "kid": {"$gt": ""}}, loot.claims, FOREIGN_KEY),
    "jku of one's own": lambda loot: sign(
        loot.claims, own_key("RSA", size=2048), "RS256", jku="http://127.0.0.1:9/keys.json", kid="1"
    ),
    "jku with the scheme of a file": lambda loot: sign(loot.claims, FOREIGN_KEY, jku="file:///etc/hostname"),
    "x5u of one's own": lambda loot: sign(
        loot.claims, own_key("RSA", size=2048), "RS256", x5u="http://127.0.0.1:9/certificate.pem"
    ),
    "jwk with one's own public key": lambda loot: sign(
        loot.claims, own_key("RSA", size=2048), "RS256", jwk=own_key("RSA", size=2048).export_public(as_dict=True)
    ),
    "jwk with one's own secret": lambda loot: sign(
        loot.claims, FOREIGN_KEY, jwk=secret(FOREIGN_KEY).export(as_dict=True)
    ),
    "x5c that is no certificate": lambda loot: sign(loot.claims, own_key("RSA", size=2048), "RS256", x5c=["AAAA"]),
    "a critical extension nobody knows": lambda loot: by_hand(
        {**HS256, "crit": ["clinic"], "clinic": True}, loot.claims, TRUE_KEY
    ),
    "no critical extension in the list of them": lambda loot: by_hand({**HS256, "crit": []}, loot.claims, TRUE_KEY),
    "a payload that is not encoded": lambda loot: by_hand(
        {**HS256, "b64": False, "crit": ["b64"]}, loot.claims, TRUE_KEY
    ),
    "a header that is a list": lambda loot: loot.under(["HS256"]),
    "a header that is a number": lambda loot: loot.under(1),
    "a header that is null": lambda loot: loot.under(None),
    "a header that is not JSON": lambda loot: loot.under(b"{"),
    "a header that is not UTF-8": lambda loot: loot.under(b"\xff\xfe\xfd"),
    "a header 700 levels deep": lambda loot: loot.under(b'{"alg":"HS256","x":' + b"[" * 700 + b"]" * 700 + b"}"),
    "a header of 1,000 open brackets": lambda loot: loot.under(b"[" * 1000),
}

TAMPERED: dict[str, Forge] = {
    "another person": lambda loot: loot.tampered(sub=loot.bobs_claims["sub"]),
    "another session": lambda loot: loot.tampered(sid=loot.bobs_claims["sid"]),
    "another person and their session": lambda loot: loot.tampered(
        sub=loot.bobs_claims["sub"], sid=loot.bobs_claims["sid"]
    ),
    "a longer life": lambda loot: loot.tampered(exp=loot.claims["exp"] + 86_400),
    "a role added": lambda loot: loot.tampered(role="admin", is_superuser=True),
    "the kind changed to the other": lambda loot: loot.tampered(
        token_type="access" if loot.claims["token_type"] == "refresh" else "refresh"
    ),
    "another person's payload": lambda loot: ".".join([loot.segments[0], loot.bobs.split(".")[1], loot.segments[2]]),
}

# What the true key signed in error is refused as well: these say what each check is for.
LYING: dict[str, Forge] = {
    "the other kind of token": lambda loot: loot.other_door,
    "a kind that is not ours": lambda loot: sign(loot.but(token_type="sliding"), TRUE_KEY),
    "a list of kinds": lambda loot: sign(loot.but(token_type=list(DOORS)), TRUE_KEY),
    "no kind": lambda loot: sign(loot.without("token_type"), TRUE_KEY),
    "expired": lambda loot: sign(loot.but(exp=loot.claims["iat"] - 1), TRUE_KEY),
    "expired in 1970": lambda loot: sign(loot.but(exp=0), TRUE_KEY),
    "expired before that": lambda loot: sign(loot.but(exp=-1), TRUE_KEY),
    "not valid yet": lambda loot: sign(loot.but(nbf=loot.claims["iat"] + 3600), TRUE_KEY),
    "issued in the future": lambda loot: sign(loot.but(iat=loot.claims["iat"] + 3600), TRUE_KEY),
    "for another audience": lambda loot: sign(loot.but(aud="federation"), TRUE_KEY),
    "for other audiences": lambda loot: sign(loot.but(aud=["federation", "reports"]), TRUE_KEY),
    "for an empty list of audiences": lambda loot: sign(loot.but(aud=[]), TRUE_KEY),
    "for us and a number": lambda loot: sign(loot.but(aud=["polyclinic", 1]), TRUE_KEY),
    "for an audience in an object": lambda loot: sign(loot.but(aud={"polyclinic": True}), TRUE_KEY),
    "for nobody in particular": lambda loot: sign(loot.without("aud"), TRUE_KEY),
    "from another issuer": lambda loot: sign(loot.but(iss="polyclinic.example"), TRUE_KEY),
    "from a list of issuers": lambda loot: sign(loot.but(iss=["polyclinic"]), TRUE_KEY),
    "from no issuer": lambda loot: sign(loot.without("iss"), TRUE_KEY),
    **{
        f"without {claim}": lambda loot, claim=claim: sign(loot.without(claim), TRUE_KEY)
        for claim in ("exp", "jti", "sub", "sid")
    },
    **{
        f"{claim} as {what}": lambda loot, claim=claim, value=value: sign(loot.but(**{claim: value}), TRUE_KEY)
        for claim in ("sub", "sid", "jti")
        for what, value in {
            "a number": 1,
            "a huge number": 10**40,
            "null": None,
            "a list": ["01890000-0000-7000-8000-000000000000"],
            "an object": {"$ne": None},
            "a nested list": [[[[[["x"]]]]]],
        }.items()
    },
    **{
        f"{claim} with {what}": lambda loot, claim=claim, value=value: sign(loot.but(**{claim: value}), TRUE_KEY)
        for claim in ("sub", "sid")
        for what, value in {
            "NUL in it": "01890000-0000-7000-8000-00000000000\x00",
            "a lone surrogate": "01890000-0000-7000-8000-00000000000\ud800",
            "SQL": "' OR 1=1 --",
            "nobody's id": "01890000-0000-7000-8000-000000000000",
            "nothing": "",
            "1,000 characters": "a" * 1000,
        }.items()
    },
    **{
        f"exp spelt {text}": lambda loot, text=text: sign(loot.written("exp", text), TRUE_KEY)
        for text in ("1e999", "-1e999", "NaN", "Infinity", "true", "null", "[]", "{}", '"soon"', "1" + "0" * 30, "1e18")
    },
    "nbf spelt 1e999": lambda loot: sign(loot.written("nbf", "1e999"), TRUE_KEY),
    "nbf as a word": lambda loot: sign(loot.but(nbf="never"), TRUE_KEY),
    "iat as a word": lambda loot: sign(loot.but(iat="yesterday"), TRUE_KEY),
    "iat as a list": lambda loot: sign(loot.but(iat=[0]), TRUE_KEY),
    "one's own id in another's session": lambda loot: sign(loot.but(sid=loot.bobs_claims["sid"]), TRUE_KEY),
    "another's id in one's own session": lambda loot: sign(loot.but(sub=loot.bobs_claims["sub"]), TRUE_KEY),
    "sub written twice": lambda loot: sign(
        json.dumps(loot.claims).encode()[:-1] + f', "sub": "{loot.bobs_claims["sub"]}"}}'.encode(), TRUE_KEY
    ),
    "aud written twice": lambda loot: sign(json.dumps(loot.claims).encode()[:-1] + b', "aud": "else"}', TRUE_KEY),
    "exp written twice": lambda loot: sign(json.dumps(loot.claims).encode()[:-1] + b', "exp": 1}', TRUE_KEY),
    "a payload that is a list": lambda loot: sign([loot.claims], TRUE_KEY),
    "a payload that is a word": lambda loot: sign(b'"access"', TRUE_KEY),
    "a payload that is null": lambda loot: sign(b"null", TRUE_KEY),
    "a payload that is empty": lambda loot: sign(b"", TRUE_KEY),
    "a payload that is not JSON": lambda loot: sign(b"{", TRUE_KEY),
    "a payload that is not UTF-8": lambda loot: sign(b'{"sub": "\xff"}', TRUE_KEY),
    "a payload of 1,200 open brackets": lambda loot: sign(b"[" * 1200, TRUE_KEY),
}

MALFORMED: dict[str, Forge] = {
    "one segment": lambda loot: loot.segments[1],
    "two segments": lambda loot: ".".join(loot.segments[:2]),
    "four segments": lambda loot: f"{loot.token}.{loot.segments[2]}",
    "five segments": lambda loot: f"{loot.token}..",
    "a leading dot": lambda loot: f".{loot.token}",
    "nothing but dots": lambda loot: "..",
    "more dots": lambda loot: "....",
    "a word": lambda loot: "null",
    "a comma between two tokens": lambda loot: f"{loot.token},{loot.token}",
    "two tokens": lambda loot: f"{loot.token} {loot.token}",
    "quotes around it": lambda loot: f'"{loot.token}"',
    "padding in the header": lambda loot: loot.token.replace(".", "=.", 1),
    "padding in the payload": lambda loot: "=.".join(loot.token.rsplit(".", 1)),
    "too much padding behind the signature": lambda loot: f"{loot.token}===",
    "another character inside the signature": lambda loot: f"{loot.token[:-5]}!{loot.token[-5:]}",
    "the letters of ordinary base64": lambda loot: ".".join([*loot.segments[:2], "+/" * 21 + "A"]),
    "accented letters": lambda loot: "é.ü.ñ",
    "emoji": lambda loot: "💩.💩.💩",
    "letters of full width": lambda loot: "".join(
        chr(ord(letter) + 0xFEE0) if letter.isalnum() else letter for letter in loot.token
    ),
    "a zero width space inside": lambda loot: f"{loot.token[:9]}\u200b{loot.token[9:]}",
    "a byte order mark before it": lambda loot: f"\ufeff{loot.token}",
    "the JSON serialization": lambda loot: json.dumps(
        dict(zip(("protected", "payload", "signature"), loot.segments, strict=True))
    ),
    "encrypted with a foreign key": lambda loot: encrypt(loot.claims, FOREIGN_KEY[:32]),
    "encrypted with the true key": lambda loot: encrypt(loot.claims, TRUE_KEY[:32]),
    "a token inside a token": lambda loot: sign(loot.token.encode(), TRUE_KEY, cty="JWT"),
}


def key_of_another_deployment() -> bytes:
    """Return the key for tokens as settings derive it, from somebody else's SECRET_KEY."""
    other = salted_hmac("polyclinic.tokens", "key", secret="another clinic's " * 4, algorithm="sha256")
    return other.hexdigest().encode()


def encrypt(claims: dict[str, Any], key: bytes) -> str:
    header = json.dumps({"alg": "dir", "enc": "A256GCM", "typ": "JWT"})
    token = jwe.JWE(json.dumps(claims).encode(), header)
    token.add_recipient(secret(key))
    return token.serialize(compact=True)


FORGERIES: list[tuple[str, Forge]] = [
    (f"{family}: {name}", forge)
    for family, forgeries in {
        "unsigned": UNSIGNED,
        "foreign key": FOREIGN_KEYS,
        "header": HEADER_TRICKS,
        "tampered": TAMPERED,
        "lying": LYING,
        "malformed": MALFORMED,
    }.items()
    for name, forge in forgeries.items()
]


# --- The doors ------------------------------------------------------------------------------------------------------
def show(api, door: str, token: str):
    """Show a token at one of the two doors: to read the own profile, or to get a new pair."""
    if door == "refresh":
        return api.post("/api/auth/refresh/", {"refresh": token})
    # A header holds bytes; WSGI hands them on as if they were Latin-1.
    return api.get("/api/profile/", headers={"Authorization": f"Bearer {token}".encode().decode("latin-1")})


def assert_refused(answer) -> None:
    assert answer.status_code == 401, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json() == REFUSAL
    assert answer["WWW-Authenticate"] == 'Bearer realm="polyclinic"'


@pytest.fixture
def opened(alice, now) -> OpenedSession:
    return open_session(alice.user, now=now)


@pytest.fixture
def loot(opened, bob, now) -> dict[str, Loot]:
    """Loot at both doors."""
    mine, bobs = opened.tokens, open_session(bob.user, now=now).tokens
    return {
        "access": Loot(mine.access, mine.refresh, bobs.access),
        "refresh": Loot(mine.refresh, mine.access, bobs.refresh),
    }


@pytest.mark.parametrize("forge", [forge for _, forge in FORGERIES], ids=[name for name, _ in FORGERIES])
def test_refuses_every_forgery_in_the_same_words(nobody, loot, forge):
    for door in DOORS:
        forged = forge(loot[door])
        assert forged != loot[door].token
        assert_refused(show(nobody.api, door, forged))
    for door in DOORS:
        # The session was live all the while and still is: it was the forgery that was refused.
        assert show(nobody.api, door, loot[door].token).status_code == 200


def test_knows_at_least_sixty_forgeries():
    assert len({name for name, _ in FORGERIES}) == len(FORGERIES) >= 60


def test_a_refresh_token_with_an_id_never_given_out_ends_the_session(nobody, loot, opened):
    """Only the key could have signed it, so it counts as reuse: both the forger and the owner sign in again."""
    assert_refused(show(nobody.api, "refresh", sign(loot["refresh"].but(jti="0" * 32), TRUE_KEY)))

    assert RefreshSession.objects.get(pk=opened.id).end_reason == "reuse"
    assert_refused(show(nobody.api, "refresh", loot["refresh"].token))
    assert_refused(show(nobody.api, "access", loot["access"].token))


def test_a_refresh_token_longer_than_any_of_ours_is_not_even_read(nobody):
    answer = show(nobody.api, "refresh", "a" * 4097)
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"refresh"}


def test_an_access_token_longer_than_any_of_ours_is_refused(nobody):
    assert_refused(show(nobody.api, "access", "a" * 60_000))


@pytest.mark.parametrize("door", DOORS)
class TestTokensThatOutlivedTheirReason:
    """Each was genuine once, and is signed anew by the true key: it is the row behind it that decides."""

    def refused(self, nobody, loot, door):
        assert_refused(show(nobody.api, door, loot[door].token))
        # Its `jti` stays: a changed one would be refused for its own sake.
        assert_refused(show(nobody.api, door, sign(loot[door].but(exp=loot[door].claims["exp"] + 60), TRUE_KEY)))

    def test_of_a_deactivated_account(self, nobody, loot, door, ada, alice, now):
        care.service.deactivate_user(actor=ada.actor, user_id=alice.id, now=now)
        self.refused(nobody, loot, door)

    def test_of_an_account_that_came_back(self, nobody, loot, door, ada, alice, now):
        care.service.deactivate_user(actor=ada.actor, user_id=alice.id, now=now)
        care.service.activate_user(actor=ada.actor, user_id=alice.id, now=now)
        self.refused(nobody, loot, door)

    def test_of_a_deleted_account(self, nobody, loot, door, alice):
        User.objects.filter(pk=alice.id).delete()
        self.refused(nobody, loot, door)

    def test_of_a_session_signed_out(self, nobody, loot, door):
        token = loot["access"].token
        assert nobody.api.post("/api/auth/logout/", headers={"Authorization": f"Bearer {token}"}).status_code == 204
        self.refused(nobody, loot, door)

    def test_of_a_session_that_ran_out(self, nobody, loot, door, opened, now):
        RefreshSession.objects.filter(pk=opened.id).update(expires_at=now - timedelta(seconds=1))
        self.refused(nobody, loot, door)

    def test_of_a_session_whose_account_has_another_password(self, nobody, loot, door, alice):
        alice.user.set_password("another good password")
        alice.user.save()
        self.refused(nobody, loot, door)

    def test_of_a_session_that_moved_to_another_account(self, nobody, loot, door, opened):
        RefreshSession.objects.filter(pk=opened.id).update(user=UserFactory(username="mallory"))
        self.refused(nobody, loot, door)


class TestTheForgingItself:
    """The same tools with the true key, a live session and no lie are let in; else the refusals would say nothing."""

    @pytest.mark.parametrize("door", DOORS)
    def test_jwcrypto_makes_a_token_that_is_accepted(self, nobody, loot, door):
        forged = sign(loot[door].but(iat=loot[door].claims["iat"] - 1), TRUE_KEY)
        assert forged != loot[door].token
        assert show(nobody.api, door, forged).status_code == 200

    @pytest.mark.parametrize("door", DOORS)
    def test_a_token_made_by_hand_is_accepted(self, nobody, loot, door):
        assert show(nobody.api, door, by_hand(HS256, loot[door].claims, TRUE_KEY)).status_code == 200

    def test_jwcrypto_accepts_what_we_sign(self, loot):
        token = jws.JWS()
        token.deserialize(loot["access"].token, secret(TRUE_KEY))
        assert json.loads(token.payload) == loot["access"].claims

    def test_a_token_for_several_audiences_is_accepted_where_we_are_one(self, nobody, loot):
        """RFC 7519, section 4.1.3."""
        shared = sign(loot["access"].but(aud=["polyclinic", "federation"]), TRUE_KEY)
        assert show(nobody.api, "access", shared).status_code == 200

    def test_a_signed_role_gives_no_rights(self, nobody, loot):
        """Rights are looked up, never carried: even the true key cannot make an administrator."""
        promoted = sign(loot["access"].but(role="admin", is_superuser=True, sid_role="admin"), TRUE_KEY)
        assert show(nobody.api, "access", promoted).json()["role"] == "patient"
        users = nobody.api.get("/api/users/", headers={"Authorization": f"Bearer {promoted}"})
        assert users.status_code == 403

    def test_nobodys_session_opens_nothing(self, nobody, loot):
        lost = sign(loot["access"].but(sid=str(new_id())), TRUE_KEY)
        assert_refused(show(nobody.api, "access", lost))
