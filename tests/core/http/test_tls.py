"""TLS names the host and checks the certificate against it, although an address is what is dialled."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.http import OutboundError, open_client
from core.http.dialling import tls_context
from tests.core.http.conftest import QUICK
from tests.core.http.upstream import Upstream, hear, reply

NOW = datetime.now(UTC)


class Authority:
    """An authority of our own that signs certificates for names."""

    def __init__(self, folder):
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
        own = self._build(self._name, self._key, []).add_extension(x509.BasicConstraints(True, None), critical=True)
        self.path = folder / "authority.pem"
        self.path.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def server_context(self, *names, ends=NOW + timedelta(days=1), signed_by_itself=False):
        """Return what a server with such a certificate speaks TLS with."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        built = self._build(subject, key, names, ends=ends, issuer=subject if signed_by_itself else self._name)
        certificate = built.sign(key if signed_by_itself else self._key, hashes.SHA256())
        path = self._folder / "server.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _build(self, subject, key, names, ends=NOW + timedelta(days=1), issuer=None):
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=9))
            .not_valid_after(ends)
        )
        if not names:
            return built
        kinds = [x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names]
        return built.add_extension(x509.SubjectAlternativeName(kinds), critical=False)


@pytest.fixture
def authority(tmp_path, monkeypatch):
    """An authority that the deployment trusts, as it would be told to: by SSL_CERT_FILE."""
    ours = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.path))
    tls_context.cache_clear()
    yield ours
    tls_context.cache_clear()


@pytest.fixture
def hospital(names):
    """Start a hospital that speaks TLS; `asked_for` gathers the names that clients greet it with."""
    names["*"] = ["127.0.0.1"]

    def start(context):
        def behave(connection, closing):
            with context.wrap_socket(connection, server_side=True) as secured:
                while hear(secured):
                    secured.sendall(reply(b'"secret"'))

        upstream = Upstream(behave)
        upstream.asked_for = []
        context.sni_callback = lambda _socket, name, _context: upstream.asked_for.append(name)
        return upstream

    return start


def code_of(url):
    with pytest.raises(OutboundError) as failure, open_client(url, token="secret", limits=QUICK) as client:
        client.get_json()
    return failure.value.code


def test_the_certificate_of_the_name_is_accepted_and_the_name_is_said(authority, hospital):
    with hospital(authority.server_context("hospital.example")) as upstream:
        with open_client(f"https://hospital.example:{upstream.port}/", limits=QUICK) as client:
            assert [client.get_json().value for _ in range(3)] == ["secret"] * 3
        assert upstream.asked_for == ["hospital.example"]
        assert upstream.connections == 1


def test_a_certificate_may_name_an_ip_address(authority, hospital):
    with (
        hospital(authority.server_context("127.0.0.1")) as upstream,
        open_client(f"https://127.0.0.1:{upstream.port}/", limits=QUICK) as client,
    ):
        assert client.get_json().value == "secret"


@pytest.mark.parametrize(
    ("named", "more"),
    [
        (["other.example"], {}),
        (["127.0.0.1"], {}),  # the address that is dialled is not the name that was meant
        (["sub.hospital.example", "*.hospital.example"], {}),
        (["hospital.example"], {"ends": NOW - timedelta(days=1)}),
        (["hospital.example"], {"signed_by_itself": True}),
    ],
)
def test_no_other_certificate_is(authority, hospital, named, more):
    with hospital(authority.server_context(*named, **more)) as upstream:
        assert code_of(f"https://hospital.example:{upstream.port}/") == "tls"


def test_an_authority_that_nobody_told_us_of_is_not_trusted(authority, hospital, monkeypatch):
    context = authority.server_context("hospital.example")
    monkeypatch.delenv("SSL_CERT_FILE")
    tls_context.cache_clear()
    with hospital(context) as upstream:
        assert code_of(f"https://hospital.example:{upstream.port}/") == "tls"


def test_a_system_without_authorities_trusts_mozillas(monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    tls_context.cache_clear()
    assert tls_context().cert_store_stats()["x509_ca"] > 50
    assert tls_context().verify_mode == ssl.CERT_REQUIRED
    assert tls_context().check_hostname
    tls_context.cache_clear()
