"""Query parameters: decoded, the first of repeated ones."""

import pytest

from triplegate.wire.query import Query


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"a=1", "1"),
        (b"a=1&a=2", "1"),
        (b"b=2&a=1", "1"),
        (b"%61=%31", "1"),
        (b"a=x+y%2B", "x y+"),
        (b"a", ""),
        (b"a=", ""),
        (b"&&a=1", "1"),
        (b"a=b=c", "b=c"),
        (b"a=%C3%A9", "é"),
        (b"A=1", None),
        (b"", None),
    ],
)
def test_a_parameter_has_its_first_decoded_value(raw: bytes, value: str | None) -> None:
    query = Query(raw)
    assert query.get("a") == value
    assert query.get("a") == value
