"""The API's documentation pages, from files of our own packages, under the strict content security policy."""

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from ninja.openapi.docs import Redoc, Swagger

from config.api import api


def swagger(request: HttpRequest) -> HttpResponse:
    """Swagger UI."""
    return Swagger({"persistAuthorization": False, "tryItOutEnabled": True}).render_page(request, api)


@csp_update({"style-src": "'unsafe-inline'", "worker-src": "blob:"})
def redoc(request: HttpRequest) -> HttpResponse:
    """ReDoc; it alone styles inline and starts a worker from a blob, so this page's policy allows just that."""
    return Redoc().render_page(request, api)
