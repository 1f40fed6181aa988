"""A program of its own that asks for every hostile address and reports what was connected to; its audit hook cannot be
taken out again, so no test process should carry it.

    python -m tests.core.http.knocking <port of the canary> <layer switched off: none, register, dial, both>

What leaves this machine is stopped in the hook; what reaches it may reach the canary, which counts. The resolver is a
script where it is asked for names, and the system's own (numbers only) for every other spelling.
"""

import errno
import json
import os
import socket
import sys
from contextlib import suppress

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

from django.conf import settings

import core.http.addresses
import core.http.client
import core.http.dialling
from core.http import INTERACTIVE, OutboundError, open_client
from core.http.addresses import Origin
from core.http.deadline import Deadline
from core.http.dialling import Dialler
from tests.core.http.hostile_addresses import DENIED_V6, GOOD, NAMES, TARGETS, embeddings, hostile_urls, spellings

CANARY = int(sys.argv[1])
SWITCHED_OFF = sys.argv[2]
# Zeros before a number make it octal to the system's resolver: five spellings of a bad address mean a public one.
OCTAL = {"8.0.0.1", "100.52.0.1", "172.14.0.1", "198.16.0.1", "168.51.129.14"}
PUBLIC = {GOOD, "8.8.8.8", "2001:4860:4860::8888"} | OCTAL

attempts: list[str] = []
answers: dict[str, list[list[str]]] = {}
_ask_the_system = socket.getaddrinfo


def watch(event, arguments):
    """Write down every connection before it is made, and let none leave this machine."""
    if event == "socket.connect":
        address = arguments[1]
        attempts.append(str(address[0]))
        if address[:2] != ("127.0.0.1", CANARY):
            raise OSError(errno.ECONNREFUSED, "stopped by the test")


def resolve(host, port, *_, **more):
    """Answer a name by its script: the answer that is next, the last one again and again."""
    if host in answers:
        script = answers[host]
        addresses = script.pop(0) if len(script) > 1 else script[0]
    elif host in NAMES:
        addresses = NAMES[host]
    else:
        return _ask_the_system(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return [(socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses]


def ask(url, times=1):
    """Ask an address; how it ended."""
    codes = []
    with suppress(OutboundError), open_client(url, token="canary", limits=INTERACTIVE) as client:
        for _ in range(times):
            try:
                client.get_json()
            except OutboundError as failure:
                codes.append(failure.code)
    return codes


def knock_everywhere():
    """Ask for every hostile address the way a hospital is asked; port 443 stands for the canary's."""
    urls = hostile_urls()
    for url in urls:
        ask(url)
        ask(url.replace(":443", "").replace("/x", f":{CANARY}/x").replace("https", "http"))
    return len(urls)


def dial_everywhere():
    """Hand every host to the dialler itself, as if nothing before it had judged."""
    hosts = [
        *(spelling for target in TARGETS for spelling in spellings(target)),
        *(embedded for target in TARGETS for embedded in embeddings(target)),
        *DENIED_V6,
        *NAMES,
    ]
    for host in hosts:
        origin = Origin("https", host, CANARY)
        with suppress(OutboundError):
            Dialler(origin, Deadline(5)).connect_tcp(host, CANARY)
    return len(hosts)


def rebind():
    """Ask names whose answers change between two looks; every script twice in one client, and again in a new one."""
    bad = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"]
    scripts = [
        *([[GOOD], [each]] for each in bad),
        *([[GOOD], [GOOD, each]] for each in bad),
        *([[each], [GOOD]] for each in bad),
        *([[GOOD, each], [GOOD]] for each in bad),
        *([[GOOD], [GOOD], [each]] for each in bad),
    ]
    for number, script in enumerate(scripts):
        name = f"rebinding-{number}.example"
        answers[name] = script
        ask(f"https://{name}/", times=2)
        ask(f"https://{name}/")
    return len(scripts)


def main():
    settings.PRODUCTION = True
    socket.getaddrinfo = resolve
    if SWITCHED_OFF in ("register", "both"):
        core.http.client.judge_origin = core.http.addresses.judge_origin = lambda origin: None
    if SWITCHED_OFF in ("dial", "both"):
        core.http.dialling.judge = lambda addresses: None
    sys.addaudithook(watch)
    counts = {"urls": knock_everywhere(), "dialled": dial_everywhere(), "scripts": rebind()}
    denied = [address for address in attempts if address not in PUBLIC]
    json.dump({**counts, "public": len(attempts) - len(denied), "denied": sorted(set(denied))}, sys.stdout)


main()
