"""What this process is called in jobs and heartbeats."""

import os
import socket

# A process that forked is another one, so the name is made anew for each process id.
_names: dict[int, str] = {}


def host_name() -> str:
    """Return the machine's, or the container's, name as it begins the names of its processes."""
    return socket.gethostname()[:60]


def process_name() -> str:
    """Return the name of this process: host, process id, and a word that no later process repeats."""
    pid = os.getpid()
    return _names.setdefault(pid, f"{host_name()}:{pid}:{os.urandom(4).hex()}")
