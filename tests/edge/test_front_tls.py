"""TLS by bytes alone: both sides in memory, nothing lost, and an end that is told from a cut."""

import ssl

import pytest
from tests.certificates import Authority

from triplegate.edge.front_certificates import Certificates, TlsTerms
from triplegate.edge.front_facts import Seen
from triplegate.edge.front_tls import Secured


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


class Pairing:
    """A client in memory, and the server's side that is tested."""

    def __init__(self, authority, name="a.test", alpn=(), **terms):
        pairs = [authority.sign(label, f"{label}.test") for label in ("a", "b")]
        terms = TlsTerms(tuple((str(pair.certificate), str(pair.key)) for pair in pairs), **terms)
        self.server = Secured(Certificates(terms).shown)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = authority.client(None, *alpn)
        context.check_hostname = name is not None
        self.client = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)

    def shake(self):
        while True:
            try:
                self.client.do_handshake()
            except ssl.SSLWantReadError:
                self.pass_on()
            else:
                return self.pass_on()

    def pass_on(self):
        content = self.outgoing.read()
        meant = self.server.receive(content) if content else b""
        self.incoming.write(self.server.pending)
        return meant


def test_bytes_go_both_ways_in_whatever_pieces(authority):
    pairing = Pairing(authority)
    pairing.shake()
    assert pairing.server.established
    pairing.client.write(b"hello")
    pieces = [pairing.server.receive(bytes((byte,))) for byte in pairing.outgoing.read()]
    assert b"".join(pieces) == b"hello"
    pairing.incoming.write(pairing.server.send(b"w" * 100_000))
    assert b"".join(pairing.client.read(16_384) for _ in range(7)) == b"w" * 100_000


def test_what_comes_with_the_last_word_of_the_handshake_is_not_lost(authority):
    pairing = Pairing(authority)
    with pytest.raises(ssl.SSLWantReadError):
        pairing.client.do_handshake()
    pairing.pass_on()
    pairing.client.do_handshake()
    pairing.client.write(b"early")
    assert pairing.pass_on() == b"early"


def test_an_end_is_told_both_ways(authority):
    pairing = Pairing(authority)
    pairing.shake()
    with pytest.raises(ssl.SSLWantReadError):
        pairing.client.unwrap()
    assert not pairing.server.ended
    pairing.pass_on()
    assert pairing.server.ended
    pairing.incoming.write(pairing.server.close())
    pairing.client.unwrap()


def test_what_is_no_tls_is_an_error_with_an_alert(authority):
    pairing = Pairing(authority)
    with pytest.raises(ssl.SSLError):
        pairing.server.receive(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    assert pairing.server.pending[:1] in (b"\x15", b"")


@pytest.mark.parametrize(
    ("offered", "spoken", "http2"),
    [
        (("h2", "http/1.1"), True, True),
        (("h2", "http/1.1"), False, False),
        (("http/1.1",), True, False),
        ((), True, False),
    ],
)
def test_http2_is_spoken_when_both_want_it(authority, offered, spoken, http2):
    pairing = Pairing(authority, alpn=offered, http2=spoken)
    pairing.shake()
    assert pairing.server.http2 is http2


def test_what_was_seen_is_the_certificate_that_was_shown_for_a_name(authority):
    pairing = Pairing(authority, name="b.test")
    pairing.shake()
    seen = pairing.server.seen()
    assert (seen.certificate, seen.asked) == (None, "b.test")
    shown, context = seen.chosen
    assert context is shown.choose("b.test") is not shown.default
    nameless = Pairing(authority, name=None)
    nameless.shake()
    assert nameless.server.seen() == Seen(None, None, "")
