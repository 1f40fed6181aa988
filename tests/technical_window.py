"""The technical window in a browser's hands: signing in, opening pages, saving their forms, reading what they say."""

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client, RequestFactory

import identity.service
from tests.factories import PASSWORD


def sign_in(user, now):
    """A browser in which the person has signed in to the portal."""
    request = RequestFactory().post("/sign-in/")
    request.user, request.session = AnonymousUser(), SessionStore()
    identity.service.open_portal_session(request, identifier=user.username, password=PASSWORD, now=now)
    request.session.save()
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key
    return client


def form_of(page):
    """What the page's form would send back unchanged."""
    form = page.context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in values.items() if value is not None and value is not False}


def save(window, path, **changes):
    """Open the page, change some fields and save; returns the page that follows."""
    data = form_of(window.get(path)) | changes
    return window.post(path, {name: value for name, value in data.items() if value is not None}, follow=True)


def told(page):
    return [str(message) for message in page.context["messages"]]


def refused(page):
    return [str(message) for message in page.context["messages"] if message.level_tag == "error"]


def path_of(row, page="change"):
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/{page}/"
