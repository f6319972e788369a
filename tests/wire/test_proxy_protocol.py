"""The PROXY protocol: whoever the balancer names, however the bytes are cut; anything else is nobody."""

import pytest

from triplegate.wire.proxy_protocol import SIGNATURE, read_proxy


def v2(command: int = 0x21, family: int = 0x11, body: bytes = bytes(12), length: int | None = None) -> bytes:
    return SIGNATURE + bytes((command, family)) + (len(body) if length is None else length).to_bytes(2, "big") + body


V4 = bytes((192, 0, 2, 7)) + bytes((10, 0, 0, 1)) + (4711).to_bytes(2, "big") + (443).to_bytes(2, "big")
V6 = bytes.fromhex("20010db8000000000000000000000007") + bytes(16) + (4711).to_bytes(2, "big") + bytes(2)
MAPPED = bytes(10) + b"\xff\xff" + bytes((192, 0, 2, 7)) + bytes(16) + (4711).to_bytes(2, "big") + bytes(2)
GOOD = [
    (b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n", ("192.0.2.7", 4711)),
    (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", ("2001:db8::7", 4711)),
    (b"PROXY UNKNOWN\r\n", None),
    (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", None),
    (v2(body=V4), ("192.0.2.7", 4711)),
    (v2(body=V4 + b"\x20\x00\x05abcde"), ("192.0.2.7", 4711)),
    (v2(family=0x21, body=V6), ("2001:db8::7", 4711)),
    (v2(family=0x21, body=MAPPED), ("192.0.2.7", 4711)),
    (v2(command=0x20, family=0, body=b""), None),
    (v2(command=0x20, body=V4), None),
    (v2(family=0, body=b"tlvs"), None),
]


@pytest.mark.parametrize(("header", "source"), GOOD)
def test_the_source_is_read_wherever_the_bytes_are_cut(header: bytes, source: tuple[str, int] | None) -> None:
    for cut in range(len(header)):
        assert read_proxy(header[:cut]) is None
    assert read_proxy(header) == (source, len(header))
    assert read_proxy(header + b"GET / HTTP/1.1\r\n") == (source, len(header))


@pytest.mark.parametrize(
    "header",
    [
        b"GET / HTTP/1.1\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443 \r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 4711\r\n",
        b"PROXY  TCP4 192.0.2.7 10.0.0.1 4711 443\r\n",
        b"PROXY TCP4 2001:db8::7 10.0.0.1 4711 443\r\n",
        b"PROXY TCP6 192.0.2.7 10.0.0.1 4711 443\r\n",
        b"PROXY TCP4 192.0.2.7 ::1 4711 443\r\n",
        b"PROXY TCP4 192.0.2.007 10.0.0.1 4711 443\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 65536 443\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 -1 443\r\n",
        b"PROXY UDP4 192.0.2.7 10.0.0.1 4711 443\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\n" + bytes(80),
        b"proxy TCP4 192.0.2.7 10.0.0.1 4711 443\r\n",
        b"PROXY UNKNOWN" + b"x" * 120,
        b"\r\nPROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n",
        v2(command=0x11, body=V4),
        v2(command=0x22, body=V4),
        v2(family=0x12, body=V4),
        v2(family=0x31, body=bytes(216)),
        v2(body=V4[:-1]),
        v2(family=0x21, body=V4),
        v2(body=V4, length=5000),
    ],
)
def test_what_is_malformed_is_nobody(header: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_proxy(header)


def test_a_line_that_does_not_end_is_not_waited_for() -> None:
    assert read_proxy(b"PROXY TCP4 " + b"1" * 90) is None
    with pytest.raises(ValueError, match="does not end"):
        read_proxy(b"PROXY TCP4 " + b"1" * 96)
