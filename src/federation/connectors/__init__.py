"""From a hospital's text to frozen records or problems: one connector for each format.

A connector is one module with one function, `read_pages(source, cursor)`. It fetches page after page over the source's
client and yields each as a `Page`; nothing of a hospital's text goes further than the fields of `shapes`. A bad record
is a problem of its page, never the end of it; a page that cannot be read at all raises `core.http.OutboundError`.
"""

from federation.connectors import fhir_r4, json_document
from federation.connectors.shapes import Connector, FetchedRecord, Page, Problem, Source, StaleCursor

__all__ = ["Connector", "FetchedRecord", "Page", "Problem", "Source", "StaleCursor", "find"]

_CONNECTORS: dict[str, Connector] = {"json": json_document.read_pages, "fhir_r4": fhir_r4.read_pages}


def find(format: str) -> Connector:
    """Return the connector of a format that a hospital can be registered with; KeyError for any other."""
    return _CONNECTORS[format]
