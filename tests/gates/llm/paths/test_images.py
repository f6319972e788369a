"""POST /images/…, as endpoints."""

from triplegate.gates.llm.paths.images import EDITS, GENERATIONS, VARIATIONS


def test_generations_are_json_edits_are_forms():
    assert (GENERATIONS.path, GENERATIONS.form) == (b"/images/generations", False)
    assert GENERATIONS.look(b'{"prompt":"x"}').model == "dall-e-2"
    assert [(each.path, each.form) for each in (EDITS, VARIATIONS)] == [
        (b"/images/edits", True),
        (b"/images/variations", True),
    ]
