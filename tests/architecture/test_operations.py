"""Every operation of the API asks who is calling, except those that a person without an account needs."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from ninja import NinjaAPI, Router, Schema
from ninja.operation import Operation

from config.api import BearerAuth, api
from tests.architecture.source import FLOORS

# (method, path) of every operation without authentication, with what it is for.
OPEN = {
    ("POST", "/auth/register/"): "making an account",
    ("POST", "/signup/"): "making an account, as another document spells it",
    ("POST", "/auth/login/"): "signing in",
    ("POST", "/login/"): "signing in, as another document spells it",
    ("POST", "/token/"): "signing in, as a third document spells it",
    ("POST", "/auth/refresh/"): "the refresh token in the body is the credential",
    ("POST", "/token/refresh/"): "the same, as another document spells it",
    ("POST", "/auth/token/refresh/"): "the same, as a third document spells it",
    ("GET", "/mock_hospital_data/"): "a hospital of people who do not exist, asked by other installations",
}


def operations(of: NinjaAPI) -> Iterator[tuple[str, str, Operation]]:
    """Every operation with its method and path; ninja offers no public way to its operations' authentication."""
    for bound in of._get_bound_routers():
        for path, view in bound.path_operations.items():
            for operation in view.operations:
                for method in operation.methods:
                    yield method, f"{bound.prefix.rstrip('/')}{path}", operation


def open_operations(of: NinjaAPI) -> set[tuple[str, str]]:
    return {(method, path) for method, path, operation in operations(of) if not operation.auth_callbacks}


def test_only_the_named_operations_are_open():
    assert open_operations(api) == OPEN.keys()


def test_everything_else_is_opened_by_a_bearer_token_alone():
    for method, path, operation in operations(api):
        if (method, path) not in OPEN:
            assert [type(callback) for callback in operation.auth_callbacks] == [BearerAuth], (method, path)


def test_every_operation_stands_in_the_openapi_document():
    document = api.get_openapi_schema()
    documented = {
        (method.upper(), path.removeprefix("/api")) for path, methods in document["paths"].items() for method in methods
    }

    served = {(method, re.sub(r"{\w+:", "{", path)) for method, path, _ in operations(api)}
    assert served == documented


@pytest.mark.django_db
def test_every_published_shape_has_a_name_of_its_own():
    """Of two shapes of one name the OpenAPI document shows one, and lies about the other."""

    def below(shape: type[Schema]) -> Iterator[type[Schema]]:
        for each in shape.__subclasses__():
            yield each
            yield from below(each)

    ours = {each for each in below(Schema) if each.__module__.partition(".")[0] in FLOORS}
    names = Counter(each.__name__ for each in ours)
    assert len(names) > 50
    assert [name for name, count in names.items() if count > 1] == []


def test_answers_a_stranger_with_401_and_nothing_else(nobody):
    some_id = "01890a5d-ac96-774b-bcce-b302099a8057"
    for method, path, _ in operations(api):
        if (method, path) in OPEN:
            continue
        address = "/api" + re.sub(r"{[^{}]+}", some_id, path)
        answer = getattr(nobody.api, method.lower())(address)
        assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json"), (method, path)
        assert answer["WWW-Authenticate"].startswith("Bearer")


class TestNotices:
    def small_api(self) -> tuple[NinjaAPI, Router]:
        small = NinjaAPI(urls_namespace="small", auth=BearerAuth(), docs_url=None, openapi_url=None)
        router = Router()
        router.get("/closed/")(lambda request: {})
        return small, router

    def test_an_operation_that_was_left_open(self):
        small, router = self.small_api()
        router.get("/open/", auth=None)(lambda request: {})
        small.add_router("/deep", router)

        assert open_operations(small) == {("GET", "/deep/open/")}

    def test_one_open_method_beside_a_closed_one(self):
        small, router = self.small_api()
        router.delete("/closed/", auth=None)(lambda request: {})
        small.add_router("", router)

        assert open_operations(small) == {("DELETE", "/closed/")}

    def test_an_operation_that_the_openapi_document_hides(self):
        small, router = self.small_api()
        router.get("/hidden/", auth=None, include_in_schema=False)(lambda request: {})
        small.add_router("", router)

        assert open_operations(small) == {("GET", "/hidden/")}

    def test_a_whole_router_mounted_open(self):
        small, router = self.small_api()
        small.add_router("/all", router, auth=None)

        assert open_operations(small) == {("GET", "/all/closed/")}

    def test_nothing_where_all_is_closed(self):
        small, router = self.small_api()
        small.add_router("", router)

        assert open_operations(small) == set()
