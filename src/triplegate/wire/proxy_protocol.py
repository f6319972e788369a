"""The PROXY protocol, versions 1 and 2: who is at the far end of a connection that a load balancer hands on."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
"""How version 2 begins."""
_V1 = b"PROXY "
_LONGEST_V1 = 107
_LONGEST_V2 = 4096
"""Bytes of addresses and TLVs; what balancers send is far below."""
_LINE = re.compile(rb"PROXY (TCP4|TCP6) (\S{1,45}) (\S{1,45}) (\d{1,5}) (\d{1,5})")
_UNKNOWN = re.compile(rb"PROXY UNKNOWN(?: [\x20-\x7e]*)?")
_SOURCE = {0x11: 4, 0x21: 16}
"""Family and transport (TCP over IPv4, IPv6) → bytes of an address."""

Source = tuple[str, int]


def read_proxy(held: bytes) -> tuple[Source | None, int] | None:
    """The source and the length of the header that `held` begins with; None when more bytes are needed.

    The source is None when the balancer speaks for itself (LOCAL, UNKNOWN). Raises ValueError when this is no such
    header or none that says what it should: nobody may be taken for somebody else.
    """
    if held[: len(SIGNATURE)] == SIGNATURE[: len(held)]:
        return _read_v2(held) if len(held) >= 16 else None
    if held[: len(_V1)] == _V1[: len(held)]:
        return _read_v1(held)
    raise ValueError("no PROXY header")


def _read_v1(held: bytes) -> tuple[Source | None, int] | None:
    end = held.find(b"\r\n", 0, _LONGEST_V1)
    if end < 0:
        if len(held) >= _LONGEST_V1:
            raise ValueError("the PROXY line does not end")
        return None
    line = held[:end]
    if _UNKNOWN.fullmatch(line):
        return None, end + 2
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError("malformed PROXY line")
    version = 4 if match[1] == b"TCP4" else 6
    source, target = (ip_address(match[place].decode("ascii", "replace")) for place in (2, 3))
    if source.version != version or target.version != version or int(match[4]) > 65535 or int(match[5]) > 65535:
        raise ValueError("malformed PROXY line")
    return (_text(source), int(match[4])), end + 2


def _read_v2(held: bytes) -> tuple[Source | None, int] | None:
    version, family = held[12], held[13]
    length = int.from_bytes(held[14:16], "big")
    if version >> 4 != 2 or length > _LONGEST_V2:
        raise ValueError("malformed PROXY header")
    command = version & 15
    if command > 1:
        raise ValueError("unknown PROXY command")
    size = _SOURCE.get(family)
    if command == 1 and size is not None and length < 2 * size + 4:
        raise ValueError("malformed PROXY header")
    if len(held) < 16 + length:
        return None
    if command == 0 or family == 0:
        return None, 16 + length
    if size is None:
        raise ValueError("the PROXY header is not of TCP")
    source = ip_address(held[16 : 16 + size])
    ports = 16 + 2 * size
    return (_text(source), int.from_bytes(held[ports : ports + 2], "big")), 16 + length


def _text(address: IPv4Address | IPv6Address) -> str:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
