"""Conditions in CEL are compiled and tried out at load."""

import sys

import pytest
from pydantic import TypeAdapter, ValidationError

from triplegate.config.conditions import NAMES, Condition, compiled, compiled_question

ADAPTER = TypeAdapter(Condition)


def test_without_its_package_a_condition_is_refused_and_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "cel", None)
    with pytest.raises(ValidationError, match="need the package common-expression-language"):
        ADAPTER.validate_python("stream")


def test_a_condition_asks_for_what_a_call_has():
    pytest.importorskip("cel")
    program = compiled("prompt_tokens > 100 && !stream && team in ['a', 'b'] && model.startsWith('gpt')")
    known = {**NAMES, "prompt_tokens": 101, "stream": False, "team": "b", "model": "gpt-4o"}
    assert program.execute(known) is True
    assert program.execute({**known, "stream": True}) is False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prompt_tokens >", "no CEL expression"),
        ("promt_tokens > 3", "cannot be asked.*a call has prompt_bytes"),
        ("prompt_tokens", "must be true or false"),
        ("", "at least 1 character"),
        ("stream || " * 200, "at most 1024"),
    ],
)
def test_what_is_no_condition_is_told_at_load(text, message):
    pytest.importorskip("cel")
    with pytest.raises(ValidationError, match=message):
        ADAPTER.validate_python(text)


def test_a_question_of_the_mcp_gate_asks_arguments_claims_and_the_caller():
    pytest.importorskip("cel")
    assert set(compiled_question("args.x == claims.y && team == 'a'").variables()) == {"args", "claims", "team"}
    with pytest.raises(ValueError, match="unknown name arg: there are args, claims"):
        compiled_question("arg.x == 1")
    with pytest.raises(ValueError, match="no CEL expression"):
        compiled_question("args.x ==")
