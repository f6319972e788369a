"""URLs of upstreams are read in one way or refused."""

import pytest

from triplegate.upstreams.origin import Origin, parse


@pytest.mark.parametrize(
    ("url", "origin", "base"),
    [
        ("http://a.test", Origin("http", "a.test", 80), ""),
        ("https://A.Test/v1/", Origin("https", "a.test", 443), "/v1"),
        ("http://127.0.0.1:9001/x/y", Origin("http", "127.0.0.1", 9001), "/x/y"),
        ("https://[2001:db8::1]:8443", Origin("https", "2001:db8::1", 8443), ""),
        ("https://bücher.test", Origin("https", "xn--bcher-kva.test", 443), ""),
    ],
)
def test_a_url_is_an_origin_and_a_base_path(url, origin, base):
    assert parse(url) == (origin, base)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.test",
        "ftp://a.test",
        "http://",
        "http://:80",
        "http://user:secret@a.test",
        "http://a.test?x=1",
        "http://a.test#x",
        "http://a.test:0",
        "http://a.test:99999",
        "http://a.test:port",
        "http://a .test",
        "http://a.test/\r\nX: 1",
    ],
)
def test_what_could_be_misread_is_refused(url):
    with pytest.raises(ValueError, match=r"."):
        parse(url)


def test_authority_names_the_port_only_where_it_is_not_the_schemes_own():
    assert parse("http://a.test:80")[0].authority == b"a.test"
    assert parse("http://a.test:443")[0].authority == b"a.test:443"
    assert parse("https://[::1]:8443")[0].authority == b"[::1]:8443"


def test_identity_and_credential_make_another_pool():
    keys = {parse("https://a.test", tls=tls, credential=credential)[0].key for tls in "ab" for credential in "cd"}
    assert len(keys) == 4
    assert str(parse("https://a.test", tls="a", credential="secret")[0]) == "https://a.test:443"
