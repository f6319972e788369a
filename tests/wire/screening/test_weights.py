"""The fitted weights speak of concepts and signs that there are."""

from triplegate.wire.screening.concepts import NAMES
from triplegate.wire.screening.signs import signs
from triplegate.wire.screening.weights import BIAS, SIGNS_ADD, WEIGHTS


def test_all_names_are_known_and_most_of_what_there_is_has_a_weight():
    seen = 0
    for line in WEIGHTS.strip().split("\n"):
        first, _, rest = line.partition(": ")
        entries = [entry.rpartition(" ") for entry in rest.split(", ")]
        assert {first, *[name for name, _, _ in entries]} <= set(NAMES)
        assert all(float(weight) for _, _, weight in entries)
        seen += len(entries)
    assert seen > 200
    assert set(SIGNS_ADD) <= {sign.name for sign in signs()}
    assert BIAS < -3
