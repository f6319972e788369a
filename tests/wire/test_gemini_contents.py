"""Messages as Gemini's turns: signatures in their places, results by name, media by data or address."""

import json
from typing import Any

import msgspec
import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.codec import Losses
from triplegate.wire.gemini_contents import Contents, generation
from triplegate.wire.neutral import (
    Media,
    Message,
    Native,
    Opaque,
    Part,
    Reasoning,
    Text,
    ToolResult,
    ToolUse,
)


def state(value: str) -> Opaque:
    return Opaque("gemini", "thought", value)


def turns(
    *messages: Message, model: str = "gemini-2.5-pro", dialect: str = "openai", losses: Losses | None = None
) -> Any:
    contents = Contents(model, dialect, losses or Losses())
    for message in messages:
        contents.add(message)
    return json.loads(msgspec.json.encode(contents.done()))


def parts(*said: Part, role: Any = "assistant", **more: Any) -> Any:
    _, contents = turns(Message(role, said), **more)
    return contents[-1]["parts"] if contents else []


@pytest.mark.parametrize(
    ("model", "number"),
    [
        ("gemini-3-pro-preview", 3),
        ("gemini-2.5-flash", 2),
        ("gemini-3.5-flash", 3),
        ("models/gemini-10-pro", 10),
        ("gemma-3-27b", 0),
        ("gemini-flash-latest", 0),
        ("", 0),
    ],
)
def test_the_generation_is_in_the_name(model: str, number: int):
    assert generation(model) == number


def test_a_signature_of_thoughts_goes_to_the_part_behind_them():
    assert parts(Reasoning("Hm.", (state("c2ln"),)), Text("Yes.")) == [
        {"text": "Hm.", "thought": True},
        {"text": "Yes.", "thoughtSignature": "c2ln"},
    ]
    call = {"functionCall": {"id": "1", "name": "f", "args": {}}}
    assert parts(Reasoning("", (state("c2ln"),)), ToolUse("1", "f")) == [call | {"thoughtSignature": "c2ln"}]


def test_a_signature_without_a_part_behind_it_has_a_part_of_its_own():
    assert parts(Text("Yes."), Reasoning("", (state("b25l"), state("dHdv")))) == [
        {"text": "Yes."},
        {"text": "", "thoughtSignature": "b25l"},
        {"text": "", "thoughtSignature": "dHdv"},
    ]
    said = parts(Reasoning("", (state("b25l"),)), ToolUse("1", "f", opaque=state("dHdv")))
    assert [part["thoughtSignature"] for part in said] == ["b25l", "dHdv"]


def test_foreign_state_stays_away():
    foreign = Opaque("anthropic", "signature", "x")
    assert parts(Reasoning("Hm.", (foreign,)), ToolUse("1", "f", opaque=foreign)) == [
        {"text": "Hm.", "thought": True},
        {"functionCall": {"id": "1", "name": "f", "args": {}}},
    ]


def test_from_gemini_3_on_the_first_call_of_a_turn_is_signed_even_if_another_model_made_it():
    said = parts(Text("Look."), ToolUse("1", "f"), ToolUse("2", "g"), model="gemini-3-pro-preview")
    assert ["thoughtSignature" in part for part in said] == [False, True, False]
    assert parts(Text("Look."), model="gemini-3-pro-preview") == [{"text": "Look."}]


@pytest.mark.parametrize(
    ("arguments", "custom", "wanted"),
    [
        ('{"a": [1, 2.50]}', False, {"a": [1, 2.5]}),
        ("", False, {}),
        (" ", False, {}),
        ('{"a":', False, {"input": '{"a":'}),
        ("[1]", False, {"input": "[1]"}),
        ("free {text", True, {"input": "free {text"}),
    ],
)
def test_arguments_are_always_an_object(arguments: str, custom: bool, wanted: Any):
    (part,) = parts(ToolUse("1", "f", arguments, custom=custom))
    assert part["functionCall"]["args"] == wanted


@pytest.mark.parametrize(
    ("result", "wanted"),
    [
        (ToolResult("1", (Text('{"a": 1}'),)), {"a": 1}),
        (ToolResult("1", (Text("["), Text("1]"))), {"output": "[1]"}),
        (ToolResult("1"), {"output": ""}),
        (ToolResult("1", (Text('{"a": 1}'),), error=True), {"error": '{"a": 1}'}),
    ],
)
def test_a_result_is_an_object_named_after_its_call(result: ToolResult, wanted: Any):
    _, contents = turns(Message("assistant", (ToolUse("1", "f"),)), Message("tool", (result,)))
    assert contents[2] == {
        "role": "user",
        "parts": [{"functionResponse": {"id": "1", "name": "f", "response": wanted}}],
    }


def test_a_result_without_its_call_is_named_by_what_is_known():
    assert parts(ToolResult("1", name="f"), role="tool")[0]["functionResponse"]["name"] == "f"
    assert parts(ToolResult("1"), role="tool")[0]["functionResponse"]["name"] == "1"


def test_media_of_a_result_stand_in_it_from_gemini_3_on_and_beside_it_before():
    result = ToolResult("1", (Text("here"), Media("image", "image/png", "AAAA")), name="f")
    picture = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    assert parts(result, role="tool")[1] == picture
    (nested,) = parts(result, role="tool", model="gemini-3-flash")
    assert nested["functionResponse"]["parts"] == [picture]


@pytest.mark.parametrize(
    ("media", "wanted"),
    [
        (Media("audio", "audio/mp3", "AAAA"), {"inlineData": {"mimeType": "audio/mp3", "data": "AAAA"}}),
        (Media("file", data="AAAA"), {"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}}),
        (
            Media("video", url="https://x.example/a.WEBM?t=1"),
            {"fileData": {"mimeType": "video/webm", "fileUri": "https://x.example/a.WEBM?t=1"}},
        ),
        (Media("image", url="gs://bucket/cat"), {"fileData": {"mimeType": "image/jpeg", "fileUri": "gs://bucket/cat"}}),
        (
            Media("file", "text/csv", file_id="https://g.example/files/1"),
            {"fileData": {"mimeType": "text/csv", "fileUri": "https://g.example/files/1"}},
        ),
    ],
)
def test_media_come_by_data_or_address(media: Media, wanted: Any):
    assert parts(media, role="user") == [wanted]


def test_what_gemini_has_no_place_for_is_told():
    losses = Losses()
    contents = turns(
        Message(
            "user",
            (
                Media("file", file_id="file-abc"),
                Media("image", data="AAAA", detail="high", cache="5m"),
                Native("anthropic", "search_result", b"{}"),
            ),
            name="anna",
        ),
        losses=losses,
    )[1]
    assert losses.names == ["name", "file_id", "detail", "cache_control", "content.search_result"]
    assert len(contents[0]["parts"]) == 1
    with pytest.raises(Refusal):
        parts(Native("anthropic", "search_result", b"{}"), losses=Losses("reject"))


def test_own_blocks_go_back_as_they_were():
    raw = b'{"executableCode":{"code":"print(1)"},"thoughtSignature":"c2ln"}'
    assert parts(Native("gemini", "executableCode", raw), Text("Done.")) == [json.loads(raw), {"text": "Done."}]


def test_system_parts_before_the_first_turn_are_the_instruction_and_later_ones_stay_in_place():
    system, contents = turns(
        Message("system", (Text("A"), Text(""))),
        Message("developer", (Text("B"),)),
        Message("user", (Text("Hi"),)),
        Message("system", (Text("C"),)),
        Message("assistant", (Text(""),)),
    )
    assert system == [{"text": "A"}, {"text": "B"}]
    assert contents == [{"role": "user", "parts": [{"text": "Hi"}, {"text": "C"}]}]


def test_there_is_always_a_turn():
    assert turns(Message("system", (Text("A"),))) == [[], [{"role": "user", "parts": [{"text": "A"}]}]]
    assert turns() == [[], [{"role": "user", "parts": [{"text": ""}]}]]
