"""Addresses that must never be connected to, in every spelling that some resolver or URL parser understands."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

# Whose machines these are: ours, our neighbours', our provider's; nobody's.
TARGETS = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
]
DENIED_V6 = [
    "::",
    "::1",
    "::2",
    "100::1",
    "64:ff9b:1::7f00:1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3ffe::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
PUBLIC = [
    "8.8.8.8",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "168.63.129.15",
    "172.15.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:2800:220:1:248:1893:25c8:1946",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]
# Names that resolve to something, for scripts of the resolver; `good.example` alone is public.
GOOD = "93.184.216.34"
NAMES = {
    f"{'-'.join(target.replace(':', '.').split('.')).strip('-') or 'zero'}.{zone}": [target]
    for zone in ("nip.example", "localtest.example")
    for target in [*TARGETS, *DENIED_V6]
} | {
    "mixed-good-first.example": [GOOD, "127.0.0.1"],
    "mixed-bad-first.example": ["127.0.0.1", GOOD],
    "mixed-v6.example": ["2001:4860:4860::8888", "::1"],
    "mixed-mapped.example": [GOOD, "::ffff:169.254.169.254"],
    "mixed-many.example": [*["8.8.8.8", GOOD] * 20, "10.0.0.1"],
    "scoped.example": ["fe80::1%eth0"],
    "metadata.google.internal": ["169.254.169.254"],
    "localhost": ["127.0.0.1", "::1"],
    "sub.localhost": ["127.0.0.1"],
    "metadata": ["169.254.169.254"],
    "good.example": [GOOD],
}


def hostile_urls() -> list[str]:
    """Return every hostile address, each once, as an administrator or a hospital's link could write it."""
    found = [
        *(f"https://{host}/x" for target in TARGETS for host in spellings(target)),
        *(f"https://[{host}]/x" for target in TARGETS for host in embeddings(target)),
        *(f"https://[{host}]/x" for host in [*DENIED_V6, *(IPv6Address(each).exploded for each in DENIED_V6)]),
        *(f"https://{host}/x" for host in NAMES if host != "good.example"),
        *_dressed_up(),
    ]
    return list(dict.fromkeys(found))


def spellings(address: str) -> Iterator[str]:
    """Yield what `inet_aton` and some browsers take for this IPv4 address."""
    a, b, c, d = (int(part) for part in address.split("."))
    whole = int(IPv4Address(address))
    yield address
    yield from (f"{a}.{b}.{c * 256 + d}", f"{a}.{whole & 0xFFFFFF}", str(whole))
    yield from (hex(whole), f"0{whole:o}", f"0x{whole:032x}", f"0X{whole:08X}", str(whole + 2**32))
    yield ".".join(hex(part) for part in (a, b, c, d))
    yield ".".join(f"0{part:o}" for part in (a, b, c, d))
    yield ".".join(f"{part:03d}" for part in (a, b, c, d))
    yield f"{hex(a)}.0{b:o}.{c}.{d}"
    yield f"{hex(a)}.{whole & 0xFFFFFF}"
    yield f"{a}.{b}.{c}.{d + 256}"
    yield f"{address}."
    yield address.translate({ord(digit): 0xFF10 + int(digit) for digit in "0123456789"})
    yield address.translate({ord(digit): 0x0660 + int(digit) for digit in "0123456789"})
    yield address.replace("1", "①").replace("2", "②").replace("0", "⓪")
    yield address.replace(".", "。")
    yield address.replace(".", "．")
    yield address.replace(".", "%2e")
    yield "".join(f"%{ord(character):02x}" for character in address)


def embeddings(address: str) -> Iterator[str]:
    """Yield the IPv6 addresses that carry this IPv4 address."""
    whole = int(IPv4Address(address))
    high, low = f"{whole >> 16:x}", f"{whole & 0xFFFF:x}"
    inverted = whole ^ 0xFFFFFFFF
    yield f"::ffff:{address}"
    yield f"::ffff:{high}:{low}"
    yield f"0:0:0:0:0:ffff:{high}:{low}"
    yield f"0000:0000:0000:0000:0000:FFFF:{whole >> 16:04X}:{whole & 0xFFFF:04X}"
    yield f"::{address}"
    yield f"::ffff:0:{address}"
    yield f"64:ff9b::{address}"
    yield f"64:ff9b::{high}:{low}"
    yield f"64:ff9b:1::{high}:{low}"
    yield f"2002:{high}:{low}::1"
    yield f"2001:0:4136:e378:8000:63bf:{inverted >> 16:x}:{inverted & 0xFFFF:x}"
    yield f"2001:0:{high}:{low}::1"
    yield f"fe80::5efe:{high}:{low}"
    yield f"::ffff:{address}%25eth0"


def _dressed_up() -> Iterator[str]:
    """Yield user info, schemes, ports and the characters that parsers disagree about."""
    for bad in ("127.0.0.1", "169.254.169.254", "[::1]"):
        yield f"https://good.example@{bad}/"
        yield f"https://good.example:443@{bad}/"
        yield f"https://good.example%20@{bad}/"
        yield f"https://good.example\\@{bad}/"
        yield f"https://{bad}\\@good.example/"
        yield f"https://{bad}@good.example/"
        yield f"https://user:password@{bad}/"
        yield f"https://{bad} good.example/"
        yield f"https://{bad}\t.good.example/"
        yield f"https://{bad}\n/"
        yield f"https:\\\\{bad}\\"
        yield f"https:/{bad}/"
        yield f"https:{bad}/"
        yield f"https:////{bad}/"
        yield f"//{bad}/"
        yield f" https://{bad}/"
        yield f"https://{bad}\u2028/"
        yield f"https://{bad}:/"
        yield f"https://{bad}:443/"
        yield f"https://{bad}:+443/"
        yield f"https://{bad}:443@good.example:443@{bad}/"
        yield f"https://{bad}#@good.example/"
        yield f"https://{bad}?@good.example/"
        yield f"http://{bad}/"
        yield f"HTTPS://{bad}/"
        for scheme in ("file", "ftp", "gopher", "dict", "ldap", "ws", "wss", "unix", "jar:https", "data", "javascript"):
            yield f"{scheme}://{bad}/"
    for port in (0, 1, 22, 25, 80, 111, 3306, 5432, 6379, 8000, 8443, 9200, 11211, 65535, 65536, 99999, -1):
        yield f"https://good.example:{port}/"
    yield from ("http://good.example/", "https://good.example./", "https://good..example/", "https://.good.example/")
    yield from (
        "https://-good.example/",
        "https://good.example:４４３/",
        "https://[::1/",
        "https://::1/",
        "https://[]/",
    )
    yield from ("https:///", "https://", "", "/x", "https://%00/", "https://[v1.x]/", f"https://{'a' * 254}.example/")
    yield from ("https://good.example:443:443/", "https://good.example:0x1bb/", f"https://good.example/{'a' * 2000}")
