"""The writer against an independent parser."""

from decimal import Decimal

import http_sf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.wire.structured_fields import Bare, Token, bare, cache_status, item, printable, string

TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
BARE: st.SearchStrategy[Bare] = st.one_of(
    st.booleans(),
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.integers(-(10**9), 10**9).map(lambda thousandths: thousandths / 1000),
    TEXT,
    st.binary(max_size=20),
)


@given(BARE, st.dictionaries(st.from_regex(r"[a-z*][a-z0-9_.*-]{0,5}", fullmatch=True), BARE, max_size=3))
def test_what_is_written_reads_the_same(value: Bare, parameters: dict[str, Bare]) -> None:
    read = http_sf.parse(item(value, parameters).encode(), tltype="item")
    got, got_parameters = read if isinstance(read, tuple) else (read, {})
    assert plain(got) == value
    assert {key: plain(one) for key, one in got_parameters.items()} == parameters


def plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value


@pytest.mark.parametrize("text", ["a\nb", "é", "\x7f", "\x00"])
def test_what_a_string_cannot_carry_is_an_error_and_printable_makes_it_fit(text: str) -> None:
    with pytest.raises(ValueError, match="string"):
        string(text)
    assert http_sf.parse(string(printable(text)).encode(), tltype="item")


@pytest.mark.parametrize("value", [10**15, -(10**15), 1e12, float("nan"), float("inf")])
def test_numbers_out_of_range_are_errors(value: float) -> None:
    with pytest.raises(ValueError, match="at most"):
        bare(value)


def test_a_token_is_checked() -> None:
    assert bare(Token("uri-miss")) == "uri-miss"
    for text in ("", "1a", "a b", 'a"', "ä"):
        with pytest.raises(ValueError, match="token"):
            bare(Token(text))
    with pytest.raises(ValueError, match="key"):
        item(1, {"A": 1})


def test_cache_status_tells_hit_or_why_not() -> None:
    hit = http_sf.parse(cache_status("triplegate", hit=True, ttl=-3, key='a"b', detail="memory"), tltype="list")
    assert [(str(name), parameters) for name, parameters in hit] == [
        ("triplegate", {"hit": True, "ttl": -3, "key": 'a"b', "detail": "memory"})
    ]
    miss = cache_status("triplegate", forward="uri-miss", fwd_status=304, stored=True, collapsed=False, ttl=None)
    assert miss == b"triplegate;fwd=uri-miss;fwd-status=304;stored"
