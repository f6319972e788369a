"""What users say in a call: their own turns, or every string with words where no dialect reads the call."""

import json

from triplegate.wire.neutral import Message, Request, Text, ToolResult
from triplegate.wire.screening.spoken import said_in, said_in_json


def test_all_turns_of_users_are_judged_and_nobody_elses():
    said = [
        Message("system", (Text("You are a shop."),)),
        Message("user", (Text("one"), Text("two"))),
        Message("assistant", (Text("three"),)),
        Message("tool", (ToolResult("1", (Text("four"),)),)),
        Message("user", (Text("five"),)),
    ]
    assert said_in(Request("openai", "m", tuple(said))).texts == ("one", "two", "five")


def test_names_of_models_are_no_words():
    chinese = "\u6211\u60f3\u9000\u8d27\u8bf7\u95ee\u600e\u4e48\u529e\u5462"
    body = {"model": "text-embedding-3-small", "input": ["How far is the moon?", chinese], "n": 2}
    assert said_in_json(json.dumps(body).encode()).texts == tuple(body["input"])
