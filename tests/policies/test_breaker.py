"""The rules reach the gates, and a breaker opens, spares the upstream, probes and closes again."""

import pytest
from pydantic import ValidationError

from triplegate.core.policy import Dispatch
from triplegate.policies.breaker import Breaker


def test_the_rules_are_written_into_the_dispatch():
    dispatch = Dispatch()
    Breaker(failures=3, open_for="2s", longest="9s").tune(dispatch)
    assert dispatch.breaker == (3, 2.0, 9.0)


@pytest.mark.parametrize("fields", [{"failures": 0}, {"open_for": "0s"}, {"mode": "observe"}])
def test_a_breaker_that_never_decides_cannot_be_written(fields):
    with pytest.raises(ValidationError):
        Breaker(**fields)
