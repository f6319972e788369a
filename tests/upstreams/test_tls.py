"""TLS towards upstreams: verified always, one context per configuration, identities never mixed (RS-13)."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.builders import make_kit
from tests.hostile.scripted import ask, content

from triplegate.core.errors import Refusal
from triplegate.upstreams.origin import parse
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.supervisor import TaskSupervisor
from triplegate.upstreams.tls import TlsSettings, identity, shared_trust, trust

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Authority:
    """Signs certificates into a folder."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        certificate = self._builder(self.name, self.key).add_extension(x509.BasicConstraints(True, None), True)
        self.certificate = certificate.add_extension(usage, True).sign(self.key, hashes.SHA256())
        self.path = str(folder / f"{name}.pem")
        self._write(self.path, self.certificate.public_bytes(serialization.Encoding.PEM))

    def _write(self, path, content):
        Path(path).write_bytes(content)

    def _builder(self, subject, key):
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)
        )

    def sign(self, label, *names):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, label)])
        general = [
            x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names
        ]
        certificate = self._builder(subject, key).add_extension(x509.SubjectAlternativeName(general), False)
        pem = certificate.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        pem += key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = str(self.folder / f"{label}.pem")
        self._write(path, pem)
        return path


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"), "authority")


class Secure:
    """A TLS upstream that says who called."""

    def __init__(self, certificate, client_ca=None, maximum=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.context.set_alpn_protocols(["h2", "http/1.1"])
        self.context.sni_callback = lambda _, name, __: self.asked.append(name)
        self.asked, self.alpn, self.peers = [], [], []
        if client_ca:
            self.context.load_verify_locations(client_ca)
            self.context.verify_mode = ssl.CERT_REQUIRED
        if maximum:
            self.context.minimum_version = self.context.maximum_version = maximum

    async def __aenter__(self):
        self.writers = set()
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=self.context)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def serve(self, reader, writer):
        self.writers.add(writer)
        tls = writer.get_extra_info("ssl_object")
        self.alpn.append(tls.selected_alpn_protocol())
        self.peers.append((tls.getpeercert() or {}).get("subject"))
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(OK)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.transport.abort()

    async def __aexit__(self, *error):
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()
        await asyncio.sleep(0.05)


async def fetch(secure, settings, host="127.0.0.1"):
    origin, _ = parse(f"https://{host}:{secure.port}", tls=identity(settings))
    pool = Pool(origin, TaskSupervisor(), tls=trust(settings), sni=settings.sni)
    try:
        for _ in range(2):
            assert await content(await ask(pool)) == b"ok"
        assert pool.counters().opened == 1
    finally:
        pool.close()
        await asyncio.sleep(0.05)


async def test_a_private_authority_is_trusted_when_named_and_only_http11_is_spoken(authority):
    async with Secure(authority.sign("server", "127.0.0.1")) as secure:
        await fetch(secure, TlsSettings(ca=authority.path))
        assert secure.alpn == ["http/1.1"]


async def test_a_name_is_asked_for_and_verified(authority):
    async with Secure(authority.sign("named", "api.test")) as secure:
        await fetch(secure, TlsSettings(ca=authority.path, sni="api.test"))
        assert secure.asked == ["api.test"]
        with pytest.raises(Refusal, match="upstream_unreachable"):
            await fetch(secure, TlsSettings(ca=authority.path, sni="other.test"))
        with pytest.raises(Refusal, match="upstream_unreachable"):
            await fetch(secure, TlsSettings(ca=authority.path))


async def test_an_unknown_authority_is_refused(authority, tmp_path):
    other = Authority(tmp_path, "other")
    async with Secure(authority.sign("server2", "127.0.0.1")) as secure:
        for settings in (TlsSettings(), TlsSettings(ca=other.path)):
            with pytest.raises(Refusal) as caught:
                await fetch(secure, settings)
            assert caught.value.code == "upstream_unreachable"
            assert "verify failed" in caught.value.reason


async def test_a_client_certificate_is_shown(authority):
    async with Secure(authority.sign("server3", "127.0.0.1"), client_ca=authority.path) as secure:
        await fetch(secure, TlsSettings(ca=authority.path, certificate=authority.sign("client", "client.test")))
        assert secure.peers == [((("commonName", "client"),),)]
        with pytest.raises(Refusal, match="upstream_"):
            await fetch(secure, TlsSettings(ca=authority.path))


async def test_two_client_certificates_never_share_a_connection(authority):
    settings = [
        TlsSettings(ca=authority.path, certificate=authority.sign(f"client-{label}", "c.test")) for label in "ab"
    ]
    keys = {parse("https://a.test", tls=identity(one))[0].key for one in settings}
    assert len(keys) == 2


def test_old_versions_are_off(authority):
    assert trust(TlsSettings()).minimum_version == ssl.TLSVersion.TLSv1_2
    assert trust(TlsSettings()).verify_mode == ssl.CERT_REQUIRED
    assert trust(TlsSettings()).check_hostname


def test_a_context_is_made_once_and_again_only_when_its_files_change(authority, tmp_path):
    kit = make_kit()
    path = tmp_path / "ca.pem"
    path.write_bytes(Path(authority.path).read_bytes())
    settings = TlsSettings(ca=str(path))
    first = shared_trust(kit, settings)
    assert shared_trust(kit, TlsSettings(ca=str(path))) is first
    path.write_bytes(Path(Authority(tmp_path, "renewed").path).read_bytes())
    assert shared_trust(kit, settings) is not first


async def test_plain_text_on_a_tls_port_and_the_reverse_are_precise_refusals(authority):
    async with Secure(authority.sign("server4", "127.0.0.1")) as secure:
        pool = Pool(parse(f"http://127.0.0.1:{secure.port}")[0], TaskSupervisor())
        with pytest.raises(Refusal, match=r"upstream_(reset|malformed)"):
            await ask(pool)
        pool.close()
