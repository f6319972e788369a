"""Blocks of a Bedrock answer, begun and ended whatever the provider leaves out."""

import msgspec
from tests.wire.wellformed import check_blocks

from triplegate.wire.bedrock_blocks import Blocks, Thought, ToolStart
from triplegate.wire.neutral import Opaque
from triplegate.wire.neutral_events import gather


def test_a_number_that_changes_its_kind_becomes_another_block():
    blocks = Blocks()
    blocks.text(0, "a")
    blocks.think(0, Thought("b"))
    blocks.begin_call(0, ToolStart("c", "f"))
    blocks.end_all()
    events = blocks.taken()
    check_blocks(events)
    assert [block.kind for block in gather(events).blocks] == ["text", "reasoning", "tool_call"]
    assert blocks.called
    assert blocks.taken() == []


def test_calls_side_by_side_keep_apart_and_one_without_arguments_has_an_empty_object():
    blocks = Blocks()
    blocks.begin_call(1, ToolStart("c", "f"))
    blocks.begin_call(2, ToolStart("d", "g"))
    assert blocks.arguments(1, '{"a":')
    assert blocks.arguments(2, "")
    assert blocks.arguments(1, "1}")
    blocks.end_all()
    assert not blocks.arguments(1, "x")
    events = blocks.taken()
    check_blocks(events)
    assert [(block.id, block.text) for block in gather(events).blocks] == [("c", '{"a":1}'), ("d", "{}")]


def test_a_signature_in_pieces_is_one_and_stands_at_the_end():
    blocks = Blocks()
    blocks.think(0, Thought("Hm."))
    blocks.think(0, Thought(signature="c2"))
    blocks.think(0, Thought(signature="ln"))
    blocks.end(0)
    (block,) = gather(blocks.taken()).blocks
    assert (block.text, block.opaque) == ("Hm.", [Opaque("bedrock", "signature", "c2ln")])


def test_an_empty_piece_begins_nothing_and_an_end_of_nothing_is_none():
    blocks = Blocks()
    blocks.text(0, "")
    blocks.think(0, Thought(""))
    blocks.end(0)
    assert blocks.taken() == []


def test_a_citation_says_where_and_what():
    blocks = Blocks()
    raw = b'{"title":"T","sourceContent":[{"text":"q1"},{"text":"q2"}],"location":{"web":{"url":"https://a.example"}}}'
    blocks.text(0, "x")
    blocks.cite(0, msgspec.Raw(raw))
    blocks.cite(0, msgspec.Raw(b'{"source":"s"}'))
    first, second = gather(blocks.taken()).blocks[0].citations
    assert (first.url, first.title, first.quote, first.provider) == ("https://a.example", "T", "q1q2", "bedrock")
    assert first.raw == raw
    assert second.url == "s"
