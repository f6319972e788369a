"""The coding that a client wants most, of those we have; plain when it wants none of them."""

import pytest

from triplegate.wire.accept_encoding import choose

OURS = (b"zstd", b"br", b"gzip")


@pytest.mark.parametrize(
    ("value", "coding"),
    [
        (b"gzip", b"gzip"),
        (b"GZIP", b"gzip"),
        (b"gzip, deflate, br, zstd", b"zstd"),
        (b"gzip;q=1.0, br;q=0.8, zstd;q=0.2", b"gzip"),
        (b"br;q=0.5, gzip;q=0.5", b"br"),
        (b"gzip ; q = 0.001", b"gzip"),
        (b"*", b"zstd"),
        (b"*;q=0.1, gzip;q=0.2", b"gzip"),
        (b"zstd;q=0, *", b"br"),
        (b"gzip;q=0", None),
        (b"gzip;q=0.0, identity", None),
        (b"identity", None),
        (b"identity;q=1, gzip;q=0.5", None),
        (b"identity;q=0.5, gzip;q=0.5", b"gzip"),
        (b"identity;q=0, gzip", b"gzip"),
        (b"", None),
        (b"deflate, compress", None),
        (b"gzip;q=2, br", b"br"),
        (b"gzip;q=0.1234", None),
        (b"gzip;x=1", None),
        (b",,gzip,,", b"gzip"),
        (b"a" * 2000 + b", gzip", None),
    ],
)
def test_weights_decide_then_our_own_order(value: bytes, coding: bytes | None) -> None:
    assert choose(value, OURS) == coding


def test_without_codings_of_ours_it_is_plain() -> None:
    assert choose(b"gzip", ()) is None
