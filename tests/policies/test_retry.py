"""Retry rules reach the attempts engine."""

import pytest
from pydantic import ValidationError

from triplegate.core.policy import Dispatch
from triplegate.policies.retry import Retry


def test_the_rules_are_written_into_the_dispatch():
    dispatch = Dispatch()
    Retry(attempts=2, on=[500], budget=0.2).tune(dispatch)
    assert (dispatch.retries, dispatch.retry_on, dispatch.retry_budget) == (2, {500}, 0.2)


def test_what_else_counts_as_a_failed_try_is_written_by_cause():
    dispatch = Dispatch()
    Retry().tune(dispatch)
    assert dispatch.never_retried == set()
    Retry(on_errors=["connect", "timeout"]).tune(dispatch)
    assert dispatch.never_retried == {"upstream_reset", "upstream_malformed", "upstream_busy"}


def test_waits_and_what_may_be_repeated_are_written():
    dispatch = Dispatch()
    assert not dispatch.retry_keyed
    Retry(methods=["POST"], backoff={"base": "100ms", "max": "1s"}, retry_after="5s").tune(dispatch)
    assert (dispatch.retry_methods, dispatch.retry_keyed) == ({"POST"}, True)
    assert (dispatch.back_off, dispatch.retry_after) == ((0.1, 1.0), 5.0)
    Retry(idempotency_key=False).tune(dispatch)
    assert not dispatch.retry_keyed


@pytest.mark.parametrize(
    "fields",
    [
        {"attempts": 6},
        {"attempts": -1},
        {"budget": 1.5},
        {"methods": ["post"]},
        {"on_errors": ["rain"]},
        {"backoff": {"base": "2s", "max": "1s"}},
    ],
)
def test_unbounded_retries_cannot_be_written(fields):
    with pytest.raises(ValidationError):
        Retry(**fields)


def test_it_cannot_merely_observe():
    with pytest.raises(ValidationError, match="enforce"):
        Retry.model_validate({"attempts": 1, "mode": "observe"})
