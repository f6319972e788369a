"""What a client writes out although it is so anyway is no wish, and no loss."""

import pytest

from triplegate.wire.neutral import Raw, Request
from triplegate.wire.wishes import asks, in_background, without_idle


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("store", b"false", False),
        ("store", b"true", True),
        ("logit_bias", b"{ }", False),
        ("logit_bias", b'{"1":2}', True),
        ("include", b"[]", False),
        ("include", b'[ "reasoning.encrypted_content" ]', False),
        ("include", b'["file_search_call.results"]', True),
        ("truncation", b'"disabled"', False),
        ("truncation", b'"auto"', True),
        ("background", b"false", False),
        ("parallel", b"false", True),
        ("prompt", b"null", False),
    ],
)
def test_defaults_ask_for_nothing(name, value, expected):
    assert asks(name, Raw(value)) is expected


def test_only_wishes_are_kept():
    request = Request("openai", "m", rest={"store": Raw(b"false"), "logit_bias": Raw(b'{"1":2}')})
    assert list(without_idle(request).rest) == ["logit_bias"]
    quiet = Request("openai", "m", rest={"logit_bias": Raw(b'{"1":2}')})
    assert without_idle(quiet) is quiet


@pytest.mark.parametrize(("value", "expected"), [(b"true", True), (b"false", False), (b"", False)])
def test_the_background_is_a_wish_of_its_own(value, expected):
    assert in_background(Request("openai_responses", "m", rest={"background": Raw(value)})) is expected
