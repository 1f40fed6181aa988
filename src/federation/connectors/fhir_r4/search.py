"""A FHIR R4 search page by page: links are another server's word, followed only as far as they lead on."""

from collections.abc import Iterator, Mapping
from urllib.parse import urldefrag, urljoin, urlsplit, urlunsplit

from core.http import OutboundError
from federation.connectors.fhir_r4.bundles import Bundle, read_bundle
from federation.connectors.shapes import Source


class Search:
    """All that is asked of one hospital in one copy, so that it can neither lead in circles nor go on for ever."""

    def __init__(self, source: Source) -> None:
        self._client = source.client
        self._pages = 0
        parts = urlsplit(source.address)
        self.base = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))

    def ask(self, kind: str, params: Mapping[str, str], *, including: str = "") -> Bundle:
        """Return the first page of a search for one type; its `next` is absolute."""
        return self._read(f"{self.base}/{kind}", params, kind, including)

    def follow(self, url: str, kind: str, *, seen: set[str], including: str = "") -> Bundle:
        """Return the page at a `next` link; OutboundError (`endless`) where `seen` says that it was read before."""
        if url in seen:
            raise OutboundError("endless", "The hospital's pages lead in a circle.")
        seen.add(url)
        return self._read(url, None, kind, including)

    def ask_all(self, kind: str, params: Mapping[str, str]) -> Iterator[Bundle]:
        """Return all pages of a search, in order."""
        bundle, seen = self.ask(kind, params), set[str]()
        yield bundle
        while bundle.next:
            bundle = self.follow(bundle.next, kind, seen=seen)
            yield bundle

    def count(self, kind: str) -> int | None:
        """Return how many resources of a type the hospital says it has, None where it does not say."""
        try:
            value = self._client.get_json(f"{self.base}/{kind}", {"_summary": "count"}).value
        except OutboundError as error:
            if error.status is None:
                raise
            return None
        total = value.get("total") if isinstance(value, dict) else None
        return total if isinstance(total, int) else None

    def _read(self, url: str, params: Mapping[str, str] | None, kind: str, including: str) -> Bundle:
        self._pages += 1
        if self._pages > self._client.limits.pages:
            raise OutboundError("endless", "The hospital's pages do not come to an end.")
        answer = self._client.get_json(url, params)
        bundle = read_bundle(answer.value, matching=kind, including=including)
        following = _join(answer.url, bundle.next) if bundle.next else ""
        return Bundle(bundle.matches, bundle.included, bundle.problems, following)


def _join(here: str, link: str) -> str:
    """Return where a link leads, without its fragment; OutboundError (`off_origin`) where it cannot be read."""
    try:
        return urldefrag(urljoin(here, link)).url
    except ValueError:
        raise OutboundError("off_origin", "The hospital's next page is at no address that can be read.") from None
