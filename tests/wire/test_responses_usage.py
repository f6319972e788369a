"""Usage of Responses as disjoint classes."""

import json

import pytest

from triplegate.core.usage import Usage
from triplegate.wire.responses_call import whole_usage
from triplegate.wire.responses_relay import ResponsesStream
from triplegate.wire.responses_usage import read_usage, write_usage


def test_cached_written_and_reasoning_are_parts():
    said = {
        "input_tokens": 10,
        "output_tokens": 7,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 5},
        "output_tokens_details": {"reasoning_tokens": 3},
    }
    used = read_usage(json.dumps(said).encode())
    assert used == Usage(1, 4, 5, output_text=4, reasoning=3, source="provider")
    assert read_usage(json.dumps(write_usage(used)).encode()) == used


@pytest.mark.parametrize("raw", [b"", b"null", b"{}", b"[]", b'{"input_tokens":"x"}', b"\xff\xff"])
def test_what_does_not_say_has_none(raw: bytes):
    assert read_usage(raw) is None


def test_strange_numbers_never_make_classes_negative():
    said = {"input_tokens": -3, "output_tokens": 2.0, "input_tokens_details": {"cached_tokens": 9}}
    assert read_usage(json.dumps(said).encode()) == Usage(output_text=2, source="provider")
    assert read_usage(b'{"input_tokens":0,"output_tokens":0}') == Usage(source="provider")


def test_a_whole_response_knows_its_tier_and_its_searches():
    def read(**said):
        reply = {"usage": {"input_tokens": 1, "output_tokens": 1}, **said}
        whole = whole_usage(json.dumps(reply).encode())
        stream = ResponsesStream()
        event = {"type": "response.completed", "response": reply}
        stream.feed(b"event: response.completed\ndata: " + json.dumps(event).encode() + b"\n\n")
        assert stream.usage == whole
        return whole.tier, whole.tool_units

    searches = [{"type": "web_search_call"}, {"type": "message"}, {"type": "web_search_call"}, 7]
    files = [{"type": "file_search_call"}, *searches]
    assert read(output=files)[1] == '{"file_searches":1,"web_searches":2}'
    assert read(service_tier="flex", output=searches) == ("flex", '{"web_searches":2}')
    assert read(service_tier="default", output=[]) == read() == read(output={}, service_tier=None) == ("", "")
    assert whole_usage(b'{"output":[{"type":"web_search_call"}]}') is None
