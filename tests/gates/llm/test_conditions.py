"""Whether a call is one that a deployment is for."""

import pytest
from tests.gates.llm.places import facts

from triplegate.gates.llm import conditions


def test_a_condition_holds_or_does_not():
    pytest.importorskip("cel")
    large = conditions.When("prompt_tokens > 100 && team == 'web'")
    assert not large.holds(facts())
    assert large.holds(facts(messages=[{"role": "user", "content": "x" * 1000}]))
    assert large.text == "prompt_tokens > 100 && team == 'web'"


@pytest.mark.parametrize("outcome", [1, "true", None, RuntimeError("undeclared"), TypeError("no such overload")])
def test_what_cannot_be_told_does_not_hold(monkeypatch, outcome):
    class Program:
        def execute(self, variables):
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

    monkeypatch.setattr(conditions, "compiled", lambda text: Program())
    assert conditions.When("x").holds(facts()) is False
