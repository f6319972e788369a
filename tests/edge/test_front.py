"""The front with a real server behind it: TLS, PROXY, HTTP/2, and what it does to connections that are none of ours."""

import asyncio
import socket
import ssl

import httpx
import pytest
from tests.certificates import Authority
from tests.edge.fronted import Http2, fronted

from triplegate.edge import front_link
from triplegate.edge.front_certificates import Certificates, TlsTerms
from triplegate.wire.client_address import TrustedProxies

HERE = ("127.0.0.1/32",)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("front"))


@pytest.fixture(scope="module")
def pairs(authority):
    return {
        "local": authority.sign("local", "localhost", "127.0.0.1"),
        "other": authority.sign("other", "other.test", "*.wild.test"),
        "one": authority.sign("one", "spiffe://house/one"),
        "two": authority.sign("two", "spiffe://house/two"),
    }


def certificates(*pairs, **more):
    return Certificates(TlsTerms(tuple((str(pair.certificate), str(pair.key)) for pair in pairs), **more))


async def test_tls_ends_at_the_front_and_the_server_behind_knows_the_client(authority, pairs):
    async with fronted(certificates=certificates(pairs["local"], http2=False)) as house:
        client = await house.connect(authority.client())
        own = client.writer.get_extra_info("sockname")[1]
        for _ in range(2):
            said = await client.ask()
            assert (said["address"], said["port"], said["scheme"]) == ("127.0.0.1", own, "https")
        assert client.writer.get_extra_info("ssl_object").version() == "TLSv1.3"
        client.close()


async def test_http2_is_agreed_on_by_tls_and_http1_still_spoken(authority, pairs):
    async with fronted(certificates=certificates(pairs["local"]), http2=True) as house:
        new = Http2(await house.connect(authority.client(None, "h2", "http/1.1")))
        assert (await new.ask())["version"] == "2"
        assert (await new.ask())["scheme"] == "https"
        old = await house.connect(authority.client(None, "http/1.1"))
        assert (await old.ask())["version"] == "1.1"
        new.client.close()
        old.close()


async def test_an_old_tls_is_not_spoken(authority, pairs):
    async with fronted(certificates=certificates(pairs["local"], minimum="1.3", http2=False)) as house:
        context = authority.client()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await house.connect(context)
        assert house.terms.refused["TLS handshake"] == 1


async def test_http2_without_tls_begins_with_its_preface_in_whatever_pieces(monkeypatch):
    async with fronted(http2=True) as house:
        http2 = Http2(await house.connect())
        preface = http2.h2.data_to_send()
        for byte in preface[:24]:
            http2.client.writer.write(bytes((byte,)))
            await asyncio.sleep(0)
        http2.client.writer.write(preface[24:])
        assert (await http2.ask())["version"] == "2"
        plain = await house.connect()
        assert (await plain.ask())["version"] == "1.1"
        http2.client.close()
        plain.close()


async def test_without_http2_a_preface_is_no_request():
    async with fronted(proxies=TrustedProxies(HERE)) as house:
        client = await house.connect()
        client.writer.write(b"PROXY UNKNOWN\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert b" 200 " not in await client.ended()


async def test_certificates_are_chosen_by_name_and_another_ones_host_is_misdirected(authority, pairs):
    async with fronted(certificates=certificates(pairs["local"], pairs["other"]), http2=True) as house:
        shown = {}
        for name in ("localhost", "other.test", "a.wild.test"):
            client = await house.connect(authority.client(), name)
            shown[name] = client.writer.get_extra_info("ssl_object").getpeercert()["serialNumber"]
            for host in ("localhost", "other.test", "a.wild.test", "nobody.test"):
                said = await client.ask(host=host)
                same = host == "nobody.test" or (name == "localhost") == (host == "localhost")
                assert said["misdirected"] is not same, (name, host)
            client.close()
        assert int(shown["localhost"], 16) == pairs["local"].serial
        assert int(shown["other.test"], 16) == int(shown["a.wild.test"], 16) == pairs["other"].serial


async def test_clients_are_told_apart_by_their_certificates(authority, pairs):
    asking = {"client_auth": "optional", "client_ca": str(authority.path)}
    async with fronted(certificates=certificates(pairs["local"], **asking), http2=True) as house:
        for name in ("one", "two", None):
            pair = pairs.get(name)
            for alpn in ("h2", "http/1.1"):
                client = await house.connect(authority.client(pair, alpn))
                said = await (Http2(client) if alpn == "h2" else client).ask()
                assert said["certificate"] == (pair.der.hex() if pair else None)
                client.close()


async def test_a_certificate_that_is_required_must_be_there_and_from_the_authority(authority, pairs, tmp_path):
    stranger = Authority(tmp_path, "stranger").sign("mallory", "spiffe://house/one")
    asking = {"client_auth": "required", "client_ca": str(authority.path)}
    async with fronted(certificates=certificates(pairs["local"], http2=False, **asking)) as house:
        client = await house.connect(authority.client(pairs["one"]))
        assert (await client.ask())["certificate"] == pairs["one"].der.hex()
        client.close()
        for pair, alert in ((None, "CERTIFICATE_REQUIRED"), (stranger, "UNKNOWN_CA")):
            client = await house.connect(authority.client(pair))  # by TLS 1.3 the client hears of it later
            with pytest.raises(ssl.SSLError, match=alert):
                await client.ask()
        assert house.terms.refused["TLS handshake"] == 2


async def test_a_proxys_word_is_taken_and_tls_may_follow_it(authority, pairs):
    proxies = TrustedProxies(HERE)
    async with fronted(proxies=proxies) as house:
        client = await house.connect()
        said = await client.ask(before=b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n")
        assert (said["address"], said["port"], said["scheme"]) == ("192.0.2.7", 4711, "http")
        assert (await client.ask())["address"] == "192.0.2.7"
        client.close()
    async with fronted(proxies=proxies, certificates=certificates(pairs["local"], http2=False)) as house:
        with socket.create_connection(("127.0.0.1", house.port)) as raw:
            raw.sendall(b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n")
            raw.setblocking(False)
            reader, writer = await asyncio.open_connection(
                sock=raw.dup(), ssl=authority.client(), server_hostname="localhost"
            )
            writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            head = await asyncio.wait_for(reader.readuntil(b"}"), 10)
            assert b'"2001:db8::7"' in head
            writer.transport.abort()


GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"


@pytest.mark.parametrize(
    ("trusted", "sent", "reason"),
    [
        (("192.0.2.0/24",), b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n" + GET, "not a trusted proxy"),
        (HERE, GET, "malformed PROXY header"),
        (HERE, b"PROXY TCP4 evil 10.0.0.1 4711 80\r\n" + GET, "malformed PROXY header"),
        (HERE, b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\n" + GET + b" " * 60, "malformed PROXY header"),
    ],
)
async def test_who_may_not_say_so_and_who_says_it_wrongly_is_cut_off(trusted, sent, reason):
    async with fronted(proxies=TrustedProxies(trusted)) as house:
        client = await house.connect()
        client.writer.write(sent)
        assert await client.ended() == b""
        assert house.terms.refused[reason] >= 1
        assert house.terms.addresses == {}


async def test_a_second_proxy_header_is_no_request():
    async with fronted(proxies=TrustedProxies(HERE)) as house:
        client = await house.connect()
        client.writer.write(b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n" * 2 + b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert b" 200 " not in await client.ended()


async def test_a_direct_dial_of_the_server_behind_is_nobody():
    async with fronted(http2=True) as house:
        client = await house.connect()
        assert "address" in await client.ask()
        for port, table in house.terms.behind.values():
            async with httpx.AsyncClient(trust_env=False, http1=True) as direct:
                if port == house.terms.behind[False][0]:
                    said = (await direct.get(f"http://127.0.0.1:{port}/", timeout=5)).json()
                    assert "address" not in said
                    assert len(table) == 1
        client.close()
        async with asyncio.timeout(5):
            while house.terms.behind[False][1]:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("http2", [False, True])
async def test_a_stop_lets_what_is_under_way_end_and_idle_connections_go(http2):
    async with fronted(http2=True) as house:
        idle, busy, silent = [await house.connect() for _ in range(3)]
        if http2:
            await Http2(idle).ask()
            Http2(busy).begin("/slow")
        else:
            await idle.ask()
            busy.writer.write(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
        await asyncio.wait_for(house.asked.wait(), 10)
        house.front.stop()
        await silent.ended()
        await idle.ended()
        assert not house.serving.done()
        with pytest.raises(ConnectionRefusedError):
            await house.connect()
        house.go.set()
        assert b'"version": "%s"' % (b"2" if http2 else b"1.1") in await busy.ended()
        await asyncio.wait_for(asyncio.shield(house.serving), 10)


async def test_a_front_that_is_cancelled_cuts_everything():
    async with fronted(http2=True) as house:
        client = await house.connect()
        call = asyncio.ensure_future(client.ask("/slow"))
        await asyncio.wait_for(house.asked.wait(), 10)
        house.serving.cancel()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await call
        assert front_link.LINGER > 0
