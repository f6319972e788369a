"""Retry rules reach the attempts engine."""

import pytest
from pydantic import ValidationError

from triplegate.core.policy import Dispatch
from triplegate.policies.retry import Retry


def test_the_rules_are_written_into_the_dispatch():
    dispatch = Dispatch()
    Retry(attempts=2, on=[500], budget=0.2).tune(dispatch)
    assert (dispatch.retries, dispatch.retry_on, dispatch.retry_budget) == (2, {500}, 0.2)


@pytest.mark.parametrize("fields", [{"attempts": 6}, {"attempts": -1}, {"budget": 1.5}])
def test_unbounded_retries_cannot_be_written(fields):
    with pytest.raises(ValidationError):
        Retry(**fields)


def test_it_cannot_merely_observe():
    with pytest.raises(ValidationError, match="enforce"):
        Retry.model_validate({"attempts": 1, "mode": "observe"})
