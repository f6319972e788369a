"""Controls over calls: off until they are written, and bounded."""

import pytest
from pydantic import ValidationError

from triplegate.config.documents_control import RememberedDocument, ResultsDocument, ValidationDocument


def test_nothing_is_looked_at_until_it_is_written() -> None:
    assert (ValidationDocument().arguments, ValidationDocument().results) == ("off", "off")


def test_a_size_has_a_unit_and_what_is_larger_is_cut() -> None:
    read = ResultsDocument.model_validate({"largest": "64KiB"})
    assert (read.largest, read.over) == (65536, "cut")


@pytest.mark.parametrize("wrong", [{}, {"largest": 100}, {"largest": "1GiB"}, {"largest": "1MiB", "over": "drop"}])
def test_sizes_that_leave_no_room_or_have_no_bound_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ResultsDocument.model_validate(wrong)


def test_memory_is_for_each_caller_and_a_minute_unless_said_otherwise() -> None:
    read = RememberedDocument()
    assert (read.tools, read.ttl, read.shared) == (("*",), 60.0, False)
    with pytest.raises(ValidationError):
        RememberedDocument.model_validate({"tools": []})
