"""Small types: what is accepted, what it becomes, and what an operator reads when it is not."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from triplegate.config import types


def read(kind: object, value: object) -> object:
    return TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize(
    ("kind", "value", "meant"),
    [
        (types.Pause, "0s", 0.0),
        (types.Pause, "1m30s", 90.0),
        (types.Size, 7, 7),
        (types.Size, "64KiB", 65536),
        (types.Size, "10 MiB", 10 << 20),
        (types.Size, "1kB", 1000),
        (types.Dollars, 0.1, Decimal("0.1")),
        (types.Dollars, 0.0001, Decimal("0.0001")),
        (types.Dollars, "2.50", Decimal("2.5")),
        (types.Dollars, 10, Decimal(10)),
        (types.Address, "https://h/v1/", "https://h/v1"),
        (types.Endpoint, "http://[::1]:80", "http://[::1]:80"),
        (types.HeaderName, "X-Version", "x-version"),
        (types.SecretRef, "env:A_1", "env:A_1"),
        (types.SecretRef, "file:/run/secrets/x", "file:/run/secrets/x"),
        (types.SecretRef, "store:a/b", "store:a/b"),
        (types.ModelName, "llama3.2:3b", "llama3.2:3b"),
        (types.Alias, "a_b-c", "a_b-c"),
    ],
)
def test_what_is_meant_is_read(kind: object, value: object, meant: object) -> None:
    found = read(kind, value)
    assert found == meant
    assert str(found) == str(meant)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (types.Pause, "-1s"),
        (types.Pause, "1 parsec"),
        (types.Pause, True),
        (types.Size, -1),
        (types.Size, "1.5MiB"),
        (types.Size, True),
        (types.Dollars, -1),
        (types.Dollars, True),
        (types.Dollars, float("nan")),
        (types.Dollars, float("inf")),
        (types.Dollars, 10**7),
        (types.Address, "ftp://h"),
        (types.Address, "http://"),
        (types.Address, "http://u:p@h"),
        (types.Address, "http://h?x=1"),
        (types.Address, "http://h?"),
        (types.Address, "http://h#x"),
        (types.Address, "http://h:0"),
        (types.Address, "http://h:99999"),
        (types.Address, "http://h/a b"),
        (types.Address, "http://h/" + "a" * 2048),
        (types.Endpoint, "http://h/path"),
        (types.Name, ""),
        (types.Name, "-a"),
        (types.Name, "a" * 65),
        (types.Name, "a\n"),
        (types.Alias, "a__b"),
        (types.Alias, "a_"),
        (types.HeaderName, "x_v"),
        (types.HeaderName, "x v"),
        (types.HeaderValue, "a\r\nb: c"),
        (types.HeaderValue, "a\x00"),
        (types.SecretRef, "sk-secret"),
        (types.SecretRef, "env:"),
        (types.SecretRef, "env:A B"),
        (types.SecretRef, "file:"),
    ],
)
def test_what_is_not_meant_is_refused(kind: object, value: object) -> None:
    with pytest.raises(ValidationError):
        read(kind, value)


@given(st.text(max_size=40).filter(lambda text: not types.is_reference(text)))
def test_a_secret_that_was_written_down_is_never_repeated(secret: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(types.SecretRef, f"CANARY{secret}")
    assert "CANARY" not in str([one["msg"] for one in caught.value.errors()])


def test_text_of_a_pattern_shows_the_pattern_in_its_schema() -> None:
    shown = TypeAdapter(types.Name).json_schema()
    assert shown["maxLength"] == 64
    assert shown["pattern"].startswith("^(?:")
