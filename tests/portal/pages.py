"""Reading pages as a browser does: elements with their attributes, and the words that are shown."""

from html.parser import HTMLParser
from typing import Any

Attributes = dict[str, str]


class Page(HTMLParser):
    """The start tags of a page, in order, and its text without the markup."""

    def __init__(self, response: Any) -> None:
        super().__init__()
        self.tags: list[tuple[str, Attributes]] = []
        self._words: list[str] = []
        self.feed(response.content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())

    def all(self, tag: str, **wanted: str) -> list[Attributes]:
        return [attrs for name, attrs in self.tags if name == tag and wanted.items() <= attrs.items()]

    def one(self, tag: str, **wanted: str) -> Attributes:
        found = self.all(tag, **wanted)
        assert len(found) == 1, f"{len(found)} of {tag} {wanted}"
        return found[0]

    def with_id(self, wanted: str) -> Attributes:
        found = [attrs for _, attrs in self.tags if attrs.get("id") == wanted]
        assert len(found) == 1, f"{len(found)} elements have the id {wanted}"
        return found[0]


class _Fields(HTMLParser):
    """The fields of a page, as a browser would send them back untouched."""

    def __init__(self, response: Any) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self._area: str | None = None
        self._select = ""
        self.feed(response.content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "input" and "name" in found:
            if found.get("type") not in ("checkbox", "radio") or "checked" in found:
                self.sent[found["name"]] = found.get("value", "on" if found.get("type") == "checkbox" else "")
        elif tag == "textarea":
            self._area = found["name"]
            self.sent[self._area] = ""
        elif tag == "select":
            self._select = found["name"]
        elif tag == "option" and (self._select not in self.sent or "selected" in found):
            self.sent[self._select] = found.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.sent[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            # The parser of a browser drops one line break after the tag; when sent, each is CR LF.
            text = self.sent[self._area].replace("\r\n", "\n").removeprefix("\n")
            self.sent[self._area] = text.replace("\n", "\r\n")
            self._area = None


def fields_of(response: Any) -> dict[str, str]:
    """Return every field of a page as a browser would send it back untouched."""
    return _Fields(response).sent
