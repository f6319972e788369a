"""The response object tells the request again."""

import json
from typing import Any

import msgspec

from triplegate.core.usage import Usage
from triplegate.wire.codec import Shape
from triplegate.wire.neutral import Citation
from triplegate.wire.neutral_events import Finish, Start
from triplegate.wire.responses_echo import annotation, closing, opening, reply_id
from triplegate.wire.responses_reading import read_request


def echoed(**members: Any) -> dict[str, Any]:
    request = read_request(json.dumps({"model": "m", "input": "hi", **members}).encode())
    return json.loads(msgspec.json.encode(opening(Start("r"), Shape("m", "s", 5, request=request))))  # type: ignore[no-any-return]


def test_what_was_asked_is_told_again():
    asked = {
        "instructions": "Be brief.",
        "max_output_tokens": 9,
        "parallel_tool_calls": False,
        "previous_response_id": "resp_0",
        "reasoning": {"effort": "low", "summary": "auto"},
        "temperature": 0.5,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True}, "verbosity": "low"},
        "tool_choice": {"type": "function", "name": "f"},
        "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": True}, {"type": "web_search"}],
        "top_p": 0.9,
        "truncation": "auto",
        "user": "u",
        "metadata": {"a": "b"},
    }
    said = echoed(**asked)
    assert {name: said[name] for name in asked} == asked
    assert (said["id"], said["created_at"], said["status"]) == ("resp_r", 5, "in_progress")
    assert echoed(store=True)["store"] is False  # nobody keeps an answer that was translated
    assert echoed(tool_choice={"type": "web_search"})["tool_choice"] == {"type": "web_search"}


def test_what_was_not_asked_has_its_default():
    said = echoed()
    assert (said["instructions"], said["temperature"], said["tool_choice"], said["tools"]) == (None, 1.0, "auto", [])
    assert opening(Start(), Shape("m", "s", 5))["text"] == {"format": {"type": "text"}, "verbosity": "medium"}


def test_ends_ids_and_citations():
    said: dict[str, Any] = {}
    assert closing(said, [1], Finish("length"), Usage(3)) == "incomplete"
    assert (said["output"], said["usage"]["input_tokens"]) == ([1], 3)
    assert closing({}, [], Finish("stop"), None) == "completed"
    assert reply_id(Start("resp_1"), Shape("m", "s", 1)) == "resp_1"
    assert bytes(annotation(Citation(provider="openai_responses", raw=b'{"type":"file_citation"}'))).startswith(
        b'{"type"'
    )
    assert annotation(Citation("u", "t"))["type"] == "url_citation"
