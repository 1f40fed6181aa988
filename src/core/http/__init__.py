"""Asking other people's servers: only addresses that may be asked, never longer or more than was allowed.

`open_client` gives a client bound to one origin. Whatever a server does (redirects, drips, bombs, garbage, names that
resolve to our own network) ends in an `OutboundError` with a code and a sentence of ours.
"""

from core.http.addresses import judge_address, origin_of
from core.http.client import Answer, Client, Readable, open_client
from core.http.errors import OutboundError
from core.http.limits import BACKGROUND, INTERACTIVE, Limits

__all__ = [
    "BACKGROUND",
    "INTERACTIVE",
    "Answer",
    "Client",
    "Limits",
    "OutboundError",
    "Readable",
    "judge_address",
    "open_client",
    "origin_of",
]
