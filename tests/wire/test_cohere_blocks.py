"""The blocks of a Cohere answer: one open at a time, texts with their citations and log probabilities."""

import json

import msgspec
import pytest

from triplegate.wire.cohere_blocks import Blocks, Function, ToolCall
from triplegate.wire.neutral_events import Answer, BlockEnd, BlockStart, Delta, gather


def gathered(blocks: Blocks) -> Answer:
    blocks.close()
    return gather(blocks.taken())


def test_a_block_ends_where_the_next_begins():
    blocks = Blocks()
    blocks.begin("text", 0)
    blocks.delta("a")
    blocks.begin("text", 0)
    blocks.delta("")
    blocks.begin("tool_call", 0, ToolCall("c1", Function("f", "")))
    assert blocks.has_open("tool_call", 0)
    assert blocks.taken() == [
        BlockStart(0, "text"),
        Delta(0, "a"),
        BlockEnd(0),
        BlockStart(1, "tool_call", id="c1", name="f"),
    ]
    assert blocks.taken() == []


@pytest.mark.parametrize(
    ("source", "url", "title", "quote"),
    [
        (
            {"type": "document", "id": "d", "document": {"title": "T", "url": "https://x.example", "snippet": "S"}},
            "https://x.example",
            "T",
            "S",
        ),
        ({"type": "tool", "id": "call:0", "tool_output": {"text": "22C"}}, "", "call:0", "22C"),
        ({"type": "document", "id": "d"}, "", "d", ""),
    ],
)
def test_a_citation_names_its_source(source: object, url: str, title: str, quote: str):
    blocks = Blocks()
    blocks.begin("text", 0)
    raw = json.dumps({"start": 1, "end": 3, "sources": [source]}).encode()
    blocks.cite(raw)
    (cited,) = gathered(blocks).blocks[0].citations
    assert (cited.url, cited.title, cited.quote, cited.start, cited.end) == (url, title, quote, 1, 3)
    assert (cited.provider, cited.raw) == ("cohere", raw)


def test_a_citation_without_sources_still_stands_and_one_of_a_plan_has_no_place():
    blocks = Blocks()
    blocks.begin("text", 0)
    blocks.cite(b'{"start":1,"end":3}')
    blocks.cite(b'{"start":1,"end":3,"type":"PLAN"}')
    blocks.close()
    blocks.cite(b'{"start":1,"end":3}')
    answer = gathered(blocks)
    assert len(answer.blocks[0].citations) == 1
    assert answer.unknown == 2


def test_log_probabilities_are_told_where_a_piece_is_one_token():
    blocks = Blocks()
    blocks.begin("text", 0)
    one = b'{"text":"H\xc3\xa9","token_ids":[5],"logprobs":[-0.5]}'
    blocks.weigh([msgspec.Raw(one), msgspec.Raw(b'{"text":"ab","token_ids":[1,2],"logprobs":[-1,-2]}')])
    blocks.weigh([msgspec.Raw(b'{"text":"x","token_ids":[1]}')])
    (raw,) = gathered(blocks).blocks[0].logprobs
    assert json.loads(raw) == [{"token": "Hé", "logprob": -0.5, "bytes": [72, 195, 169], "top_logprobs": []}]
