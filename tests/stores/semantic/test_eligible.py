"""Which questions may get the answer of another one: a case for each rule."""

import json

import pytest

from triplegate.stores.answers.recall import Asked
from triplegate.stores.semantic.eligible import why_not_meant
from triplegate.wire.cache_control import Wishes
from triplegate.wire.normal_form import normal
from triplegate.wire.openai import CLIENT


def why(text="How do I reset a password?", *, personal=False, **more):
    body = {"model": "m", "messages": [{"role": "user", "content": text}], **more}
    request = CLIENT.read_request(json.dumps(body).encode())
    return why_not_meant(Asked(request, normal(request), Wishes(), "t", b"", ""), 0.3, personal=personal)


@pytest.mark.parametrize("text", ["How do I reset a password?", "What is a spacecraft?", "My card has not arrived"])
def test_an_ordinary_question_may(text):
    assert why(text) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("   ", "the last words are not text"),
        ("word " * 300, "too long to be embedded"),
        ("Write to jane@example.com", "it holds what may be personal or secret"),
        ("Is 4111 1111 1111 1111 valid?", "it holds what may be personal or secret"),
        ("Use sk-abcdefgh12345678", "it holds what may be personal or secret"),
        ("What is the weather?", "its answer changes with time"),
        ("Who is currently the president?", "its answer changes with time"),
        ("What happened last week?", "its answer changes with time"),
        ("Where is my order?", "its answer is personal"),
        ("What is our last invoice?", "its answer is personal"),
    ],
)
def test_a_question_that_may_not(text, reason):
    assert why(text) == reason


def test_personal_questions_may_where_nobody_else_hears_their_answers():
    assert why("Where is my order?", personal=True) == ""


def test_a_high_temperature_may_not():
    assert why(temperature=0.3) == ""
    assert why(temperature=0.31) == "too high a temperature"


def test_offered_tools_may_not():
    assert why(tools=[{"type": "function", "function": {"name": "f"}}]) == "tools are offered"
