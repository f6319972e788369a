"""A result that is cut stays a result, says that it was cut, and is as small as asked."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.errors import Refusal
from triplegate.gates.mcp.cutting import CUT, cut


def text(value, **more):
    return {"type": "text", "text": value, **more}


def result(*content, **more):
    return json.dumps({"content": list(content)} | more).encode()


def read(raw):
    return json.loads(raw)


def test_the_text_that_crosses_the_bound_is_cut_and_says_so():
    whole = result(text("a" * 500), text("b" * 5000, annotations={"x": 1.50}), text("c"), other=[1.0], _meta={"k": 1})
    got = cut(whole, 2048)
    assert len(got) <= 2048
    said = read(got)
    assert said["content"][0] == text("a" * 500)
    assert said["content"][1]["text"].startswith("bbbb")
    assert "of 5000 bytes" in said["content"][1]["text"]
    assert said["content"][1]["annotations"] == {"x": 1.50}
    assert said["content"][2] == text("[cut by the gateway: 1 of 3 parts left out]")
    assert said["other"] == [1.0]
    assert said["_meta"] == {"k": 1, CUT: {"bytes": len(whole)}}


def test_what_is_no_text_is_left_out_whole():
    image = {"type": "image", "data": "x" * 5000, "mimeType": "image/png"}
    said = read(cut(result(text("a"), image, {"type": "strange", "more": 1}), 2048))
    assert said["content"] == [text("a"), text("[cut by the gateway: 2 of 3 parts left out]")]


@pytest.mark.parametrize(
    "whole",
    [
        result(structuredContent={"x": "y" * 5000}),
        result(text("a"), structuredContent={"x": "y" * 5000}),
        b'{"content":"' + b"x" * 5000 + b'"}',
        b'{"other":"' + b"x" * 5000 + b'"}',
    ],
)
def test_where_there_is_nothing_to_cut_it_is_refused(whole):
    with pytest.raises(Refusal, match="result_too_large"):
        cut(whole, 2048)


@given(st.lists(st.text(max_size=3000), min_size=1, max_size=8), st.integers(1024, 4096))
def test_whatever_it_says_it_fits_and_can_be_read(texts, largest):
    whole = result(*[text(one) for one in texts])
    if len(whole) <= largest:
        return
    got = cut(whole, largest)
    assert len(got) <= largest
    assert all(block["type"] == "text" for block in read(got)["content"])
