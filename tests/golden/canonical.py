"""The canonical requests: one neutral value each, written by every provider dialect and compared with files by hand."""

from triplegate.wire.neutral import (
    Format,
    Media,
    Message,
    Opaque,
    Reasoning,
    Refused,
    Request,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)

PIXEL = "iVBORw0KGgo="
CITY = b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}'
ANSWER = b'{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false}'
WEATHER = Tool("get_weather", "The weather of a city.", CITY)
TIME = Tool("get_time", schema=CITY)

ANTHROPIC_STATE = Opaque("anthropic", "signature", "YW50aHJvcGlj")
GEMINI_STATE = Opaque("gemini", "thought", "Z2VtaW5p")
OPENAI_STATE = Opaque("openai", "encrypted", "b3BlbmFp")


def user(text: str) -> Message:
    return Message("user", (Text(text),))


def _conversation(*messages: Message, **more: object) -> Request:
    return Request("openai", "our-model", messages, **more)  # type: ignore[arg-type]  # fields by name


CANONICAL: dict[str, Request] = {
    "plain": _conversation(user("Hello")),
    "system": _conversation(
        Message("system", (Text("Be brief."),)),
        Message("developer", (Text("Speak French."),)),
        user("Hello"),
        max_tokens=50,
    ),
    "turns": _conversation(
        user("Hello"),
        Message("assistant", (Text("Hi! "), Text("How are you?"))),
        user("Fine."),
        user("And you?"),
        stream=True,
    ),
    "image_inline": _conversation(Message("user", (Text("What is it?"), Media("image", "image/png", PIXEL)))),
    "image_address": _conversation(
        Message("user", (Media("image", url="https://pictures.example/cat.png"), Text("What is it?")))
    ),
    "tools": _conversation(
        user("Weather and time in Paris?"),
        Message(
            "assistant",
            (
                Text("Let me see."),
                ToolUse("call_1", "get_weather", '{"city": "Paris"}'),
                ToolUse("call_2", "get_time", '{"city":"Paris"}'),
            ),
        ),
        Message("tool", (ToolResult("call_1", (Text('{"sky": "clear", "c": 22}'),)),)),
        Message("tool", (ToolResult("call_2", (Text("no clock"),), error=True),)),
        tools=(WEATHER, TIME),
        parallel_tools=True,
    ),
    "tool_named": _conversation(
        user("Weather?"), tools=(WEATHER, TIME), tool_choice=ToolChoice("named", "get_weather")
    ),
    "tool_required": _conversation(user("Weather?"), tools=(WEATHER,), tool_choice=ToolChoice("required")),
    "tool_none": _conversation(user("Weather?"), tools=(WEATHER,), tool_choice=ToolChoice("none")),
    "structured": _conversation(user("Is it?"), format=Format("schema", "verdict", ANSWER, strict=True)),
    "json": _conversation(user("Say it in JSON."), format=Format("json")),
    "sampling": _conversation(
        user("Hello"),
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        stop=("END", "\n\n"),
        seed=7,
        frequency_penalty=0.1,
        presence_penalty=0.2,
        max_tokens=64,
    ),
    "thinking": Request(
        "anthropic",
        "our-model",
        (
            user("Think, then look."),
            Message(
                "assistant",
                (
                    Reasoning("I should look.", (ANTHROPIC_STATE,)),
                    Reasoning(opaque=(Opaque("anthropic", "redacted", "cmVkYWN0ZWQ="),)),
                    ToolUse("call_1", "get_weather", '{"city":"Rome"}'),
                ),
            ),
            Message("user", (ToolResult("call_1", (Text("rain"),)), Text("Go on."))),
        ),
        tools=(WEATHER,),
        thinking=Thinking(budget=2000),
        max_tokens=4000,
    ),
    "signed": _conversation(
        user("Think, then look."),
        Message(
            "assistant",
            (
                Reasoning("I should look.", (OPENAI_STATE,)),
                ToolUse("call_1", "get_weather", '{"city":"Rome"}', opaque=GEMINI_STATE),
                ToolUse("call_2", "get_weather", '{"city":"Oslo"}'),
            ),
        ),
        Message("tool", (ToolResult("call_1", (Text("rain"),)), ToolResult("call_2", (Text("snow"),)))),
        tools=(WEATHER,),
        thinking=Thinking(effort="low", summary="auto"),
    ),
    "refusal": _conversation(user("Say it."), Message("assistant", (Refused("I cannot."),)), user("Why?")),
    "cached": Request(
        "anthropic",
        "our-model",
        (
            Message("system", (Text("A long book.", cache="1h"),)),
            Message("user", (Text("Chapter one?", cache="5m"),)),
        ),
        tools=(Tool("get_weather", schema=CITY, cache="5m"),),
        max_tokens=100,
    ),
}
"""By the name of their files, `requests/<dialect>/<name>.json`."""
