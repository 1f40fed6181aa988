"""Rules that every template keeps: nothing inline, foreign or unescaped, nothing that needs JavaScript."""

import re
from pathlib import Path

import pytest

import portal

TEMPLATES = Path(portal.__file__).parent / "templates"

FORBIDDEN = {
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)[^>]*>"),
    "an inline style": re.compile(r"<style|\sstyle="),
    "an inline handler": re.compile(r"\s(on[a-z]+|hx-on[\w:-]*)="),
    "a foreign address": re.compile(r"(https?:)?//[a-z]"),
    "unescaped text": re.compile(r"\|\s*safe\b|\|\s*safeseq\b|autoescape\s+off|mark_safe"),
    "a script as an address": re.compile(r"javascript:"),
}
TAG = re.compile(r"<([a-z][a-z0-9-]*)\b([^>]*)>")
FORM = re.compile(r"<form\b[^>]*\bmethod=\"post\".*?</form>", re.DOTALL)


def attribute(tag: str, name: str) -> str | None:
    found = re.search(rf"(?<![\w-]){name}=\"([^\"]*)\"", tag)
    return found[1] if found else None


def breaches(source: str) -> list[str]:
    """What a template's source does that no template may do."""
    found = [what for what, pattern in FORBIDDEN.items() if pattern.search(source)]
    for name, attributes in TAG.findall(source):
        posts, gets = attribute(attributes, "hx-post"), attribute(attributes, "hx-get")
        # A field that is checked when it changes: its form sends the same to be judged, with JavaScript or without.
        is_field_check = (name, attribute(attributes, "hx-trigger"), attribute(attributes, "hx-target")) == (
            "div",
            "change",
            "this",
        )
        if (
            posts
            and not is_field_check
            and (name, attribute(attributes, "method"), attribute(attributes, "action"))
            != (
                "form",
                "post",
                posts,
            )
        ):
            found.append(f"hx-post to {posts} without the same form")
        if gets and attribute(attributes, "href") != gets and attribute(attributes, "action") != gets:
            found.append(f"hx-get of {gets} without the same link")
    found += ["a form without its token" for form in FORM.findall(source) if "{% csrf_token %}" not in form]
    return found


@pytest.mark.parametrize(
    "path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.relative_to(TEMPLATES).as_posix()
)
def test_keeps_the_rules(path):
    assert breaches(path.read_text()) == []


@pytest.mark.parametrize(
    ("planted", "what"),
    [
        ("<script>go()</script>", "an inline script"),
        ('<p style="color: red">', "an inline style"),
        ("<style>p {}</style>", "an inline style"),
        ('<a onclick="go()">', "an inline handler"),
        ('<a hx-on:click="go()">', "an inline handler"),
        ('<img src="https://cdn.example/x.png">', "a foreign address"),
        ('<img src="//cdn.example/x.png">', "a foreign address"),
        ("{{ name|safe }}", "unescaped text"),
        ("{% autoescape off %}", "unescaped text"),
        ('<a href="javascript:go()">', "a script as an address"),
        ('<button hx-post="/x/">', "hx-post to /x/ without the same form"),
        ('<form method="post" action="/y/" hx-post="/x/">', "hx-post to /x/ without the same form"),
        ('<form hx-post="/x/" hx-trigger="change" hx-target="this">', "hx-post to /x/ without the same form"),
        ('<div hx-get="/x/">', "hx-get of /x/ without the same link"),
        ('<form method="post" action="/x/"></form>', "a form without its token"),
    ],
)
def test_notices_a_planted_breach(planted, what):
    assert breaches(planted) == [what]


@pytest.mark.parametrize(
    "harmless",
    [
        '<script src="/static/x.js" defer></script>',
        '<form method="post" action="/x/" hx-post="/x/">{% csrf_token %}</form>',
        '<a href="/x/" hx-get="/x/">',
        '<div hx-post="/check/" hx-trigger="change" hx-target="this">',
    ],
)
def test_leaves_good_markup_alone(harmless):
    assert breaches(harmless) == []
