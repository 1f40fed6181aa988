"""Where everything lives."""

from django.contrib import admin
from django.urls import include, path

from config import api_urls
from config.docs import redoc, swagger
from core.health import livez, readyz

urlpatterns = [
    *api_urls.urlpatterns,
    path("swagger/", swagger, name="swagger"),
    path("redoc/", redoc, name="redoc"),
    path("livez", livez, name="livez"),
    path("readyz", readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("", include("portal.urls")),
]

handler400 = "portal.views.errors.bad_request"
handler403 = "portal.views.errors.forbidden"
handler404 = "portal.views.errors.not_found"
handler500 = "portal.views.errors.server_error"
