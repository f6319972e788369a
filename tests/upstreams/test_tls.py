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
from tests.servers.spawn import free_port

from triplegate.core.errors import Refusal
from triplegate.upstreams.origin import parse
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.supervisor import TaskSupervisor
from triplegate.upstreams.tls import TlsSettings, Trust, bears_one_of, identity, shared_trust, trust

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
            x509.UniformResourceIdentifier(name)
            if "://" in name
            else x509.IPAddress(ipaddress.ip_address(name))
            if name[0].isdigit()
            else x509.DNSName(name)
            for name in names
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
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", free_port(), ssl=self.context)
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
    found = shared_trust(kit, settings)
    first = found.context
    assert shared_trust(kit, TlsSettings(ca=str(path))) is found
    path.write_bytes(path.read_bytes())  # the same again
    assert shared_trust(kit, settings).context is first
    path.write_bytes(Path(Authority(tmp_path, "renewed").path).read_bytes())
    assert shared_trust(kit, settings) is found
    assert found.context is not first


def test_f13_a_bad_pair_leaves_the_last_good_one_in_force_and_says_so(authority, tmp_path):
    pair, other = Path(authority.sign("pair", "c.test")), Path(authority.sign("pair-2", "c.test"))
    files = Path(tmp_path, "c.pem"), Path(tmp_path, "k.pem")
    for file in files:
        file.write_bytes(pair.read_bytes())
    found = Trust(TlsSettings(certificate=str(files[0]), key=str(files[1])))
    first = found.context
    assert first is not None
    files[0].write_bytes(other.read_bytes())  # the key is not its own
    found.look()
    assert found.context is first
    assert "mismatch" in found.trouble.lower()
    files[1].write_bytes(other.read_bytes())
    found.look()
    assert (found.context is first, found.trouble) == (False, "")


def test_files_that_come_later_are_taken(authority, tmp_path):
    path = tmp_path / "late.pem"
    found = Trust(TlsSettings(ca=str(path)))
    with pytest.raises(Refusal) as caught:
        found.usable()
    assert caught.value.code == "no_backend"
    assert "late.pem" in caught.value.reason
    path.write_bytes(Path(authority.path).read_bytes())
    found.look()
    assert found.usable() is found.context


async def test_f13_new_connections_use_the_new_files_and_old_ones_end_when_they_rest(authority, tmp_path):
    path = tmp_path / "client.pem"
    path.write_bytes(Path(authority.sign("old", "c.test")).read_bytes())
    found = Trust(TlsSettings(ca=authority.path, certificate=str(path)))
    async with Secure(authority.sign("swap", "127.0.0.1"), client_ca=authority.path) as secure:
        origin, _ = parse(f"https://127.0.0.1:{secure.port}", tls=found.settings.label)
        pool = Pool(origin, TaskSupervisor(), trust=found)
        assert await content(await ask(pool)) == b"ok"
        path.write_bytes(Path(authority.sign("new", "c.test")).read_bytes())
        found.look()
        under_way = await ask(pool)  # on the connection that was kept
        pool.renew()
        assert await content(under_way) == b"ok"
        assert await content(await ask(pool)) == b"ok"
        assert [peer[0][0][1] for peer in secure.peers] == ["old", "new"]
        assert pool.counters().open == 1
        pool.close()
        await asyncio.sleep(0.05)


# names that are accepted instead of the host's -----------------------------------------------------------------
SPIFFE = "spiffe://cluster.test/ns/shop/sa/orders"


async def fetch_with(secure, settings):
    origin, _ = parse(f"https://127.0.0.1:{secure.port}", tls=settings.label)
    pool = Pool(origin, TaskSupervisor(), trust=Trust(settings), sni=settings.sni)
    try:
        assert await content(await ask(pool)) == b"ok"
    finally:
        pool.close()
        await asyncio.sleep(0.05)


async def test_one_of_the_names_that_are_wanted_is_enough(authority):
    async with Secure(authority.sign("workload", SPIFFE)) as secure:
        await fetch_with(secure, TlsSettings(ca=authority.path, san=("dns:a.test", f"uri:{SPIFFE}")))
        with pytest.raises(Refusal) as caught:
            await fetch_with(secure, TlsSettings(ca=authority.path, san=("uri:spiffe://cluster.test/other",)))
        assert caught.value.code == "upstream_unreachable"
        assert "bears none of" in caught.value.reason


async def test_an_unknown_authority_is_refused_whatever_names_it_signs(authority, tmp_path):
    other = Authority(tmp_path, "stranger")
    async with Secure(other.sign("workload", SPIFFE)) as secure:
        with pytest.raises(Refusal, match="upstream_unreachable"):
            await fetch_with(secure, TlsSettings(ca=authority.path, san=(f"uri:{SPIFFE}",)))


@pytest.mark.parametrize(
    ("borne", "wanted", "fits"),
    [
        (("DNS", "api.test"), "dns:API.test.", True),
        (("DNS", "*.test"), "dns:api.test", True),
        (("DNS", "*.test"), "dns:a.api.test", False),
        (("DNS", "*.test"), "dns:test", False),
        (("DNS", "xapi.test"), "dns:api.test", False),
        (("URI", SPIFFE), f"uri:{SPIFFE}", True),
        (("URI", SPIFFE + "/x"), f"uri:{SPIFFE}", False),
        (("DNS", "api.test"), "uri:api.test", False),
        (("IP Address", "2001:DB8:0:0:0:0:0:1"), "ip:2001:db8::1", True),
        (("IP Address", "192.0.2.1"), "ip:192.0.2.2", False),
        (("IP Address", "192.0.2.1"), "ip:nonsense", False),
        (("email", "a@b.test"), "email:a@b.test", True),
    ],
)
def test_names_are_compared_by_their_kind(borne, wanted, fits):
    assert bears_one_of({"subjectAltName": (("DNS", "other.test"), borne)}, ("dns:nobody.example", wanted)) is fits
    assert not bears_one_of({}, (wanted,))


async def test_an_old_version_is_refused_when_a_newer_one_is_asked_for(authority):
    async with Secure(authority.sign("older", "127.0.0.1"), maximum=ssl.TLSVersion.TLSv1_2) as secure:
        await fetch_with(secure, TlsSettings(ca=authority.path))
        with pytest.raises(Refusal, match="upstream_unreachable"):
            await fetch_with(secure, TlsSettings(ca=authority.path, minimum="1.3"))


def test_pools_are_kept_apart_by_all_that_is_written():
    every = [
        TlsSettings(),
        TlsSettings(sni="a"),
        TlsSettings(ca="a"),
        TlsSettings(certificate="a"),
        TlsSettings(san=("dns:a",)),
        TlsSettings(minimum="1.3"),
    ]
    assert len({one.label for one in every}) == len(every)


async def test_plain_text_on_a_tls_port_and_the_reverse_are_precise_refusals(authority):
    async with Secure(authority.sign("server4", "127.0.0.1")) as secure:
        pool = Pool(parse(f"http://127.0.0.1:{secure.port}")[0], TaskSupervisor())
        with pytest.raises(Refusal, match=r"upstream_(reset|malformed)"):
            await ask(pool)
        pool.close()


def test_authorities_may_stand_in_the_settings_themselves(authority):
    text = Path(authority.path).read_text()
    settings = TlsSettings(ca=text)
    assert (settings.held, settings.files) == (True, ())
    assert identity(settings) != identity(TlsSettings(ca=text + "\n"))
    assert [one["subject"] for one in trust(settings).get_ca_certs()] == [
        one["subject"] for one in trust(TlsSettings(ca=authority.path)).get_ca_certs()
    ]
