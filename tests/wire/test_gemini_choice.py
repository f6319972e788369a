"""The parts of a candidate become blocks: text, thoughts, calls and what only Gemini knows."""

import json
from itertools import count
from typing import Any

import msgspec
import pytest

from triplegate.wire.gemini_choice import Choice, Part
from triplegate.wire.neutral import Opaque
from triplegate.wire.neutral_events import Answer, Event, Finish, gather


def read(*parts: dict[str, Any], finish: str = "STOP") -> Answer:
    events: list[Event] = []
    choice = Choice(0, count(), "resp-1")
    decode = msgspec.json.Decoder(Part).decode
    for part in parts:
        choice.part(decode(json.dumps(part)), events)
    choice.finish_reason = finish
    choice.finish(events)
    return gather(events)


def blocks(answer: Answer) -> list[tuple[str, str, list[str]]]:
    assert all(block.ended for block in answer.blocks)
    return [(block.kind, block.text, [state.value for state in block.opaque]) for block in answer.blocks]


def test_neighbouring_texts_are_one_block_and_thoughts_another():
    answer = read({"text": "Hm", "thought": True}, {"text": "m.", "thought": True}, {"text": "Yes"}, {"text": "."})
    assert blocks(answer) == [("reasoning", "Hmm.", []), ("text", "Yes.", [])]
    assert answer.finishes[0] == Finish("stop", "STOP")


def test_a_signature_stands_with_the_thoughts_before_its_text():
    answer = read({"text": "Hm.", "thought": True}, {"text": "Yes", "thoughtSignature": "c2ln"}, {"text": "."})
    assert blocks(answer) == [("reasoning", "Hm.", ["c2ln"]), ("text", "Yes.", [])]
    assert answer.blocks[0].opaque == [Opaque("gemini", "thought", "c2ln")]


def test_a_signature_without_thoughts_stands_in_a_block_of_its_own():
    assert blocks(read({"text": "Yes.", "thoughtSignature": "c2ln"})) == [
        ("reasoning", "", ["c2ln"]),
        ("text", "Yes.", []),
    ]


def test_a_signature_that_comes_after_the_text_stands_behind_it():
    answer = read(
        {"text": "Yes"},
        {"text": "", "thoughtSignature": "b25l"},
        {"text": "."},
        {"text": "", "thoughtSignature": "dHdv"},
    )
    assert blocks(answer) == [("text", "Yes.", []), ("reasoning", "", ["b25l"]), ("reasoning", "", ["dHdv"])]


def test_whole_calls_keep_the_text_of_their_arguments_and_their_ids():
    answer = read(
        {"functionCall": {"id": "fc_1", "name": "find", "args": {"n": 1.0, "é": [1]}}, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "stop"}},
    )
    find, stop = answer.blocks
    assert (find.id, find.name, find.text) == ("fc_1", "find", '{"n": 1.0, "\\u00e9": [1]}')
    assert find.opaque == [Opaque("gemini", "thought", "c2ln")]
    assert (stop.id, stop.name, stop.text) == ("call_resp-1_1", "stop", "{}")
    assert answer.finishes[0] == Finish("tool_calls", "STOP")


def test_ids_made_up_for_calls_are_short_enough_for_every_dialect_and_differ_between_replies():
    ids = {block.id for reply in ("", "", "x" * 90) for block in gather(_one_call(reply)).blocks}
    assert len(ids) == 3
    assert all(0 < len(one) <= 40 for one in ids)


def _one_call(reply: str) -> list[Event]:
    events: list[Event] = []
    choice = Choice(0, count(), reply)
    choice.part(msgspec.json.decode(b'{"functionCall":{"name":"f"}}', type=Part), events)
    return events


def test_a_call_that_comes_in_parts_is_put_together():
    answer = read(
        {"functionCall": {"name": "paint", "id": "p1", "willContinue": True}},
        {
            "functionCall": {
                "partialArgs": [{"jsonPath": "$.colour", "stringValue": "re", "willContinue": True}],
                "willContinue": True,
            }
        },
        {"functionCall": {"partialArgs": [{"jsonPath": "$.colour", "stringValue": "d"}], "willContinue": True}},
        {"functionCall": {}},
        {"functionCall": {}},
        {"functionCall": {"name": "dry", "willContinue": True}},
    )
    assert [(block.name, json.loads(block.text)) for block in answer.blocks] == [
        ("paint", {"colour": "red"}),
        ("dry", {}),
    ]


def test_parts_that_fit_nowhere_are_an_error():
    with pytest.raises(ValueError, match="malformed"):
        read({"functionCall": {"name": "f", "partialArgs": [{"jsonPath": "colour", "stringValue": "x"}]}})


def test_parts_only_gemini_knows_are_native_blocks():
    code = {"executableCode": {"language": "PYTHON", "code": "print(1)"}, "thoughtSignature": "c2ln"}
    done = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}
    answer = read({"text": "Look: "}, code, done, {"videoMetadata": {}}, {"thoughtSignature": "dHdv"})
    assert [block.kind for block in answer.blocks] == ["text", "native", "native", "reasoning"]
    assert [(block.name, block.provider) for block in answer.blocks[1:3]] == [
        ("executableCode", "gemini"),
        ("codeExecutionResult", "gemini"),
    ]
    assert [json.loads(block.text) for block in answer.blocks[1:3]] == [code, done]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("MODEL_ARMOR", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("OTHER", "error"),
        ("SOMETHING_NEW", "stop"),
    ],
)
def test_finish_reasons(said: str, reason: str):
    assert read({"text": "x"}, finish=said).finishes[0] == Finish(reason, said)  # type: ignore[arg-type]


def test_a_blocked_prompt_is_filtered_whatever_the_reason_is_called():
    choice = Choice(0, count(), "")
    choice.blocked("OTHER")
    events: list[Event] = []
    choice.finish(events)
    assert events == [Finish("content_filter", "OTHER")]


def test_without_a_reason_nothing_is_finished():
    assert read({"text": "x"}, finish="").finishes == {}


def test_log_probabilities_come_in_openais_form():
    choice = Choice(0, count(), "")
    events: list[Event] = []
    choice.part(Part(text="Hi"), events)
    said = {
        "chosenCandidates": [{"token": "Hi", "tokenId": 5, "logProbability": -0.25}],
        "topCandidates": [{"candidates": [{"token": "Hé", "logProbability": -1.5}]}],
    }
    choice.weigh(msgspec.Raw(json.dumps(said).encode()), events)
    (raw,) = gather(events).blocks[0].logprobs
    top = {"token": "Hé", "logprob": -1.5, "bytes": [72, 195, 169]}
    assert json.loads(raw) == [{"token": "Hi", "logprob": -0.25, "bytes": [72, 105], "top_logprobs": [top]}]
