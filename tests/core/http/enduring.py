"""A program of its own that asks hostile servers and reports how that ended, how long it took, and what it cost.

    python -m tests.core.http.enduring     with {name: [url, "whole" or "streamed", deadline in seconds]} on its input

Memory is the process's peak (VmHWM), set back to what it holds before each server is asked.
"""

import gc
import json
import os
import sys
from pathlib import Path
from time import monotonic

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

from core.http import BACKGROUND, INTERACTIVE, Limits, OutboundError, open_client

STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def limits_of(way, deadline):
    """The real caps of either way, with a deadline that a test can wait for."""
    real = INTERACTIVE if way == "whole" else BACKGROUND
    return Limits(
        deadline=deadline,
        request_deadline=deadline,
        page_bytes=real.page_bytes,
        document_bytes=real.document_bytes,
        records=real.records,
        pages=real.pages,
    )


def ask(url, way, deadline):
    """Ask one server; the error, or None where all was well."""
    try:
        with open_client(url, token="canary", limits=limits_of(way, deadline)) as client:
            if way == "whole":
                client.get_json()
            else:
                with client.stream() as body:
                    while body.read(65536):
                        pass
    except OutboundError as failure:
        return failure
    return None


def memory(field):
    """Read one of the process's own figures, in bytes."""
    [line] = [line for line in STATUS.read_text().splitlines() if line.startswith(field)]
    return int(line.split()[1]) * 1024


def endure(url, way, deadline):
    """Ask one server and measure."""
    gc.collect()
    CLEAR_REFS.write_text("5")
    before, started = memory("VmRSS"), monotonic()
    try:
        failure, unexpected = ask(url, way, deadline), None
    except BaseException as wrong:
        failure, unexpected = None, repr(wrong)
    return {
        "code": failure and failure.code,
        "retry_after": failure and failure.retry_after,
        "unexpected": unexpected,
        "seconds": monotonic() - started,
        "growth": memory("VmHWM") - before,
    }


def main():
    servers = json.load(sys.stdin)
    gc.freeze()  # what is imported stays; it need not be looked through again and again
    json.dump({name: endure(*server) for name, server in servers.items()}, sys.stdout)


main()
