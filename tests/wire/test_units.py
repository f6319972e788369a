"""What a service counts is read leniently: whole numbers by name, and nothing of what is too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.wire.units import MOST, read_units


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"rows=12", {"rows": 12}),
        (b"rows=12, pages=1", {"rows": 12, "pages": 1}),
        (b" rows=12;source=cache ,pages=3", {"rows": 12, "pages": 3}),
        (b"rows=1, rows=2", {"rows": 2}),  # the last one counts (RFC 9651)
        (b"", {}),
        (b"12", {}),
        (b"rows", {}),
        (b"rows=-1, pages=0, a=1.5, b=x, =3", {}),
        (b"rows=\xb2", {}),
        (b"rows=9007199254740992", {}),
        (b"rows=1" + b" " * 1_024, {}),
        (b",".join(b"a%d=1" % n for n in range(40)), {f"a{n}": 1 for n in range(32)}),
    ],
)
def test_units(value: bytes, found: dict[str, int]) -> None:
    assert read_units(value) == found


@given(st.binary(max_size=2_000))
def test_whatever_a_service_says_counts_are_sane(value: bytes) -> None:
    assert all(name and 0 < count < MOST for name, count in read_units(value).items())
