"""Durations read as operators write them."""

import pytest
from pydantic import TypeAdapter, ValidationError

from triplegate.core.duration import Duration

duration = TypeAdapter(Duration)


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("5s", 5.0), ("1m", 60.0), ("1h30m", 5400.0), ("2d", 172800.0), (3, 3.0)]
)
def test_a_duration_becomes_seconds(text, seconds):
    assert duration.validate_python(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "5 s", "1x", "-1s", "s", "0s", True, "5s5"])
def test_anything_else_is_refused(text):
    with pytest.raises(ValidationError):
        duration.validate_python(text)
