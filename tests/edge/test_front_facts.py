"""What is known of a connection: a host with another certificate than the one that was shown is misdirected."""

import ssl

from triplegate.core.http import Peer
from triplegate.edge.front_certificates import Shown
from triplegate.edge.front_facts import Facts, Seen

ONE, OTHER = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2))
SHOWN = Shown(ONE, {"a.test": ONE, "b.test": OTHER}, {})
PEER = Peer("192.0.2.7")


def test_only_a_host_of_another_certificate_is_misdirected():
    facts = Facts(PEER, "https", Seen(None, (SHOWN, ONE)))
    assert [facts.misdirected(host) for host in ("a.test", "b.test", "nobody.test")] == [False, True, False]
    facts = Facts(PEER, "https", Seen(None, (SHOWN, OTHER)))
    assert [facts.misdirected(host) for host in ("a.test", "b.test", "nobody.test")] == [True, False, False]


def test_without_a_name_that_was_asked_for_nothing_is():
    assert not Facts(PEER, "https", Seen(None, None)).misdirected("b.test")
    assert not Facts(PEER, "http").misdirected("b.test")


def test_the_name_asked_for_is_that_of_tls():
    assert Facts(PEER, "https", Seen(None, None, "a.test")).asked == "a.test"
    assert Facts(PEER, "http").asked == Facts(PEER, "https", Seen(None, None)).asked == ""
