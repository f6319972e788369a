"""Arguments streamed in parts become the JSON text the parts mean."""

import json
from typing import Any

import pytest

from triplegate.wire.gemini_arguments import Arguments, Partial


def together(*pieces: Partial) -> Any:
    arguments = Arguments()
    for piece in pieces:
        arguments.add(piece)
    return json.loads(arguments.text())


def test_parts_of_one_text_follow_each_other_and_numbers_stay_whole():
    assert together(
        Partial("$.city", string_value="Bos"),
        Partial("$.city", string_value="ton"),
        Partial("$.days", number_value=3.0),
        Partial("$.share", number_value=0.5),
        Partial("$.exact", bool_value=False),
        Partial("$.note", null_value="NULL_VALUE"),
    ) == {"city": "Boston", "days": 3, "share": 0.5, "exact": False, "note": None}


def test_paths_lead_into_objects_and_lists():
    assert together(
        Partial("$.lights[0].name", string_value="desk"),
        Partial("$.lights[1]['on air']", bool_value=True),
        Partial('$.lights[1]["say \\"x\\""]', string_value="y"),
        Partial("$.matrix[0][0]", number_value=1),
    ) == {"lights": [{"name": "desk"}, {"on air": True, 'say "x"': "y"}], "matrix": [[1]]}


@pytest.mark.parametrize(
    "pieces",
    [
        [Partial("city", string_value="x")],
        [Partial("$", string_value="x")],
        [Partial("$..city", string_value="x")],
        [Partial("$.list[4]", string_value="x")],
        [Partial("$.city", string_value="x"), Partial("$.city.part", string_value="y")],
        [Partial("$" + ".a" * 33, string_value="x")],
        [Partial("$.a", string_value="x" * 600_000), Partial("$.a", string_value="x" * 600_000)],
    ],
)
def test_what_cannot_be_placed_is_never_guessed(pieces: list[Partial]):
    with pytest.raises(ValueError, match=r"path|malformed"):
        together(*pieces)
