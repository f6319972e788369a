"""What all documents share."""

import pytest
from pydantic import ValidationError

from triplegate.config.documents_base import Connections, Reached, Timeouts, Tls, as_list


def test_a_document_is_frozen() -> None:
    with pytest.raises(ValidationError):
        Timeouts().total = 5.0  # type: ignore[misc]


def test_timeout_is_short_for_the_total_and_bounds_the_rest() -> None:
    waits = Reached.model_validate({"timeout": "500ms"}).waits
    assert waits == Timeouts(connect=0.5, first_byte=0.5, idle=0.5, total=0.5)
    assert Reached.model_validate({"timeouts": {"idle": "1s"}}).waits == Timeouts(idle=1.0)
    assert Reached().waits is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout": "1s", "timeouts": {}},
        {"timeout": "0s"},
        {"timeout": float("inf")},
        {"tls": {"certificate": "c.pem"}},
        {"tls": {"key": "file:k.pem"}},
        {"tls": {"certificate": "c.pem", "key": "env:K"}},
        {"tls": {"verify": False}},
        {"tls": {"san": ["a.test"]}},
        {"tls": {"min_version": "1.1"}},
        {"connections": {"max": 0}},
        {"connections": {"queue_timeout": "-1s"}},
    ],
)
def test_contradictions_and_endless_waits_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Reached.model_validate(wrong)


def test_a_pool_is_bounded_by_default() -> None:
    assert Connections() == Connections(max=256, queue=256, queue_timeout=1.0)


def test_certificates_are_checked_by_default() -> None:
    assert Tls().verify is True


def test_a_version_may_look_like_a_number() -> None:
    assert Tls.model_validate({"min_version": 1.3}).min_version == "1.3"


def test_one_object_may_stand_for_a_list() -> None:
    assert as_list({"a": 1}) == [{"a": 1}]
    assert as_list([1]) == [1]
