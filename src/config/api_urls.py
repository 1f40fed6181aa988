"""The addresses under /api/, with error handlers of their own (`core.edge` chooses this list for its requests)."""

from django.urls import path

from config.api import urls

urlpatterns = [path("api/", urls)]

handler400 = "core.problems.answer_bad_request"
handler403 = "core.problems.answer_forbidden"
handler404 = "core.problems.answer_not_found"
handler500 = "core.problems.answer_failure"
