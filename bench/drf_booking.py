"""The obvious way: Django REST Framework, look whether the slot is free, then insert.

One table, no lock, no constraint, no audit, no token; as many tutorials show it. `python -m bench.drf_booking` makes
the table. Django REST Framework is no dependency of the clinic; `bench.booking` puts it on the path.
"""

from typing import Any

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, models
from django.http import HttpRequest, HttpResponse
from django.urls import path

from config.environment import read_environment

settings.configure(
    SECRET_KEY="only-for-measuring",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DATABASES={"default": read_environment().database()},  # connected like the clinic's
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "DEFAULT_PERMISSION_CLASSES": []},
)
django.setup()

from rest_framework import generics, serializers, status  # noqa: E402  needs the settings above
from rest_framework.response import Response  # noqa: E402


class Booking(models.Model):
    """A booked slot."""

    doctor = models.BigIntegerField(db_index=True)
    patient = models.BigIntegerField()
    starts_at = models.DateTimeField()

    class Meta:
        app_label = "drf_booking"

    def __str__(self) -> str:
        return f"{self.doctor} at {self.starts_at}"


class BookingSerializer(serializers.ModelSerializer):
    """A booked slot on the wire."""

    class Meta:
        model = Booking
        fields = ["id", "doctor", "patient", "starts_at"]


class Bookings(generics.CreateAPIView):
    """POST books, unless the slot is found taken."""

    serializer_class = BookingSerializer

    def create(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Look, then insert."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        if Booking.objects.filter(doctor=asked["doctor"], starts_at=asked["starts_at"]).exists():
            return Response({"detail": "taken"}, status=status.HTTP_409_CONFLICT)
        serializer.save()
        return Response(serializer.data, status=status.HTTP_201_CREATED)


def live(request: HttpRequest) -> HttpResponse:
    """Say that the server answers."""
    return HttpResponse("alive")


urlpatterns = [path("livez", live), path("book/", Bookings.as_view())]
application = get_wsgi_application()

if __name__ == "__main__":
    with connection.schema_editor() as editor:
        editor.create_model(Booking)
