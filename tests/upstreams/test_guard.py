"""URLs on someone else's word: more than a hundred ways to say "this machine", none of which works (S-6)."""

import ipaddress

import pytest

from triplegate.upstreams.guard import inspect, why_not

PRIVATE = [
    "0.0.0.0",  # noqa: S104 - refused, not bound
    "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.255.255.254",
    "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192",
    "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::1", "100::1",
    "2001::1", "2001:0:7f00:1::1", "2001:db8::1", "2002:7f00:1::1", "2002:a9fe:a9fe::1", "2002:0a00:0001::",
    "3fff::1", "5f00::1", "fc00::1", "fd00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1",
    "ff02::1", "ff0e::1",
]  # fmt: skip

GLOBAL = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001::1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_global_unicast_is_refused(address):
    assert why_not(address)
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(ValueError, match=r"."):
        inspect(f"https://{host}/")


@pytest.mark.parametrize("address", GLOBAL)
def test_a_global_address_passes(address):
    assert why_not(address) is None
    host = f"[{address}]" if ":" in address else address
    assert inspect(f"https://{host}/").host == str(ipaddress.ip_address(address))


URLS = [
    # numbers that only some readers take for an address
    "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0X7F.1/", "https://017700000001/",
    "https://0177.0.0.1/", "https://0177.0.0.01/", "https://127.1/", "https://127.0.1/", "https://127.0.0.1./",
    "https://0/", "https://00/", "https://0x/", "https://0x0/", "https://1/", "https://3232235521/",
    "https://0xa9fea9fe/", "https://2852039166/", "https://0251.0376.0251.0376/", "https://169.254.43518/",
    "https://010.8.8.8/", "https://8.8.8.08/", "https://256.256.256.256/", "https://127.0.0.1.1/", "https://a.test.1/",
    "https://a.test.0x7f/",
    "https://4294967296/", "https://127.0.0.0x1/", "https://127.000.000.001/",
    # names
    "https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://a.localhost/",
    "https://localhost.localdomain/",
    "https://printer.local/", "https://metadata.google.internal/", "https://router.home.arpa/", "https://intranet/",
    "https://", "https:///", "https://./", "https://../", "https://.a.test/", "https://a..test/", "https://-a.test/",
    "https://a.test-/", "https://a_.te st/", "https://" + "a" * 64 + ".test/", "https://" + "a." * 130 + "test/",
    "https://ⓛocalhost/", "https://127。0。0。1/", "https://１２７.0.0.1/", "https://bücher.test/",
    # credentials and authority tricks
    "https://user@a.test/", "https://user:pass@a.test/", "https://a.test@127.0.0.1/", "https://127.0.0.1@a.test/",
    "https://a.test:443@127.0.0.1/", "https://a.test%40127.0.0.1/", "https://a.test\\@127.0.0.1/", "https://a.test\\.b.test/",
    "https://a.test%00.b.test/", "https://a.test%2f/",
    # schemes
    "http://a.test/", "HTTP://a.test/", "ftp://a.test/", "file:///etc/passwd", "gopher://a.test/",
    "dict://a.test:11211/",
    "unix:///var/run/docker.sock", "javascript:alert(1)", "data:text/plain,x", "//a.test/", "a.test/",
    "/etc/passwd", "",
    "ws://a.test/", "ldap://a.test/",
    "https+unix://a/", "jar:https://a.test!/", "https:a.test",
    "https:/a.test/",
    # ports
    "https://a.test:80/", "https://a.test:22/", "https://a.test:0/", "https://a.test:6379/", "https://a.test:/",
    "https://a.test:65536/", "https://a.test:-1/", "https://a.test:x/", "https://a.test:443:443/", "https://a.test:４４３/",
    # characters
    "https://a.test/\r\nHost: b", "https://a.test/\nx", "https://a.test/\tx", " https://a.test/", "https://a.test/ x",
    "https://a.test/\x00", "https://a.test/\x7f", 'https://a.test/"', "https://a.test/<x>", "https://a.test/{x}",
    "https://a.te\tst/", "https://a.test/" + "x" * 3000,
    # brackets
    "https://[::1]/", "https://[::1/", "https://::1]/", "https://[a.test]/", "https://[127.0.0.1]/", "https://[::1%25lo]/",
    "https://[fe80::1%eth0]/", "https://[::ffff:127.0.0.1]/", "https://[0:0:0:0:0:0:0:1]/", "https://[::]/", "https://[]/",
    "https://[v1.a]/", "https://[::ffff:7f00:1]/", "https://[64:ff9b::7f00:1]/",
]  # fmt: skip


def test_there_are_more_than_a_hundred_forms():
    assert len(set(URLS)) == len(URLS) > 100


@pytest.mark.parametrize("url", URLS)
def test_a_url_with_more_than_one_reading_is_refused(url):
    with pytest.raises(ValueError, match=r"."):
        inspect(url)


def test_a_fragment_is_no_part_of_what_is_called():
    assert inspect("https://a.test#@127.0.0.1:80@x/").host == "a.test"


def test_a_plain_https_url_passes():
    found = inspect("https://Keys.Example.com/.well-known/jwks.json?x=1")
    assert (found.scheme, found.host, found.port) == ("https", "keys.example.com", 443)
    assert found.target == "/.well-known/jwks.json?x=1"
    assert found.authority == "keys.example.com"


def test_other_ports_pass_when_listed():
    assert inspect("https://a.test:8443/", ports=frozenset({443, 8443})).authority == "a.test:8443"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9001/x", "http://localhost:9001/", "https://10.0.0.1/", "http://[::1]:80/"]
)
def test_the_operator_may_allow_private_addresses(url):
    assert inspect(url, allow_private=True)


@pytest.mark.parametrize(
    "url", ["https://2130706433/", "https://0x7f.1/", "https://u@127.0.0.1/", "file:///etc/passwd"]
)
def test_even_then_there_is_only_one_reading(url):
    with pytest.raises(ValueError, match=r"."):
        inspect(url, allow_private=True)
