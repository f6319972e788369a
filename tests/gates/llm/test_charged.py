"""What was charged at the beginning of a call comes back out of an id, and is taken off what is booked at its end."""

import pytest

from triplegate.core.catalog import Target
from triplegate.core.usage import Usage
from triplegate.gates.llm.charged import Charged, place_of, read_note
from triplegate.wire.seals import Seals, note_of

PLACE = place_of(Target("deployment", "p/x", group="g"))


def test_it_travels_in_a_sealed_id():
    charged = Charged(PLACE, 2**40, 512, 2**60, 2**31)
    sealed = Seals(b"x").seal("resp_1", "acme/web", "g", charged.note)
    assert read_note(note_of(sealed)) == charged
    assert len(sealed) < 100


@pytest.mark.parametrize("note", ["", "x", "aaaaaaaa-1-2", "aaaaaaaa-1-2-3-x", "AAAAAAAA-1-2-3-4"])
def test_what_is_no_such_note_is_none(note):
    assert read_note(note) is None


def test_the_rest_may_be_less_than_nothing_and_sums_to_the_truth():
    true = Usage(input_uncached=5, cache_read=7, output_text=600, reasoning=3, source="provider")
    rest = Charged(PLACE, 9, 512, 0, 1).less(true)
    assert (rest.input_uncached, rest.cache_read, rest.output_text, rest.reasoning) == (-4, 7, 88, 3)
    assert rest.total + 9 + 512 == true.total


def test_each_deployment_has_a_name_of_its_own():
    assert len({place_of(Target("deployment", name, group=group)) for name in "ab" for group in "gh"}) == 4
