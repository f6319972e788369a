"""Before HTTP: PROXY header, TLS, preface, in whatever pieces they come."""

import pytest

from triplegate.edge.front_opening import Opening, Unfit
from triplegate.edge.front_terms import Terms
from triplegate.upstreams.supervisor import TaskSupervisor
from triplegate.wire.client_address import TrustedProxies
from triplegate.wire.http2_frames import PREFACE

REQUEST = b"GET / HTTP/1.1\r\n"
HEADER = b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n"


def opening(address="127.0.0.1", trusted=None, **more):
    proxies = None if trusted is None else TrustedProxies((trusted,))
    return Opening(Terms(supervisor=TaskSupervisor(), proxies=proxies, **more), address, 9)


@pytest.mark.parametrize(
    ("content", "http2", "held"),
    [(REQUEST, False, REQUEST), (PREFACE + b"x", True, PREFACE + b"x"), (b"PRINT / HTTP/1.1", False, b"PRINT")],
)
def test_which_http_it_is_is_known_as_soon_as_it_can_be(content, http2, held):
    known = opening(http2=True)
    for byte in content:
        known.feed(bytes((byte,)))
        if known.http2 is not None:
            break
    assert known.http2 is http2
    assert held.startswith(known.held)
    assert opening(http2=True).http2 is None


async def test_a_preface_means_nothing_where_http2_is_not_spoken():
    known = opening()
    known.feed(PREFACE[:3])
    assert known.http2 is False


def test_the_peer_is_whom_the_proxy_names_and_what_follows_is_kept():
    known = opening(trusted="127.0.0.0/8")
    assert not known.named
    for byte in HEADER:
        known.feed(bytes((byte,)))
    assert known.named
    assert known.http2 is None
    known.feed(REQUEST)
    assert (known.peer.address, known.peer.port, known.held, known.http2) == ("192.0.2.7", 4711, REQUEST, False)
    assert known.facts().scheme == "http"
    own = opening(trusted="127.0.0.0/8")
    own.feed(b"PROXY UNKNOWN\r\n" + REQUEST)
    assert (own.peer.address, own.peer.port, own.held) == ("127.0.0.1", 9, REQUEST)


def test_a_mapped_address_and_a_zone_are_the_address():
    assert opening("::ffff:192.0.2.7").peer.address == "192.0.2.7"
    assert opening("fe80::1%eth0").peer.address == "fe80::1"


def test_who_is_no_trusted_proxy_is_not_listened_to():
    with pytest.raises(Unfit, match="not a trusted proxy"):
        opening("192.0.2.1", trusted="127.0.0.0/8")
    with pytest.raises(Unfit, match="malformed PROXY header"):
        opening(trusted="127.0.0.0/8").feed(REQUEST)
