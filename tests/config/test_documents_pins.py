"""Pins are written as a word or as an object."""

import pytest
from pydantic import ValidationError

from triplegate.config.documents import McpDocument


def test_a_word_is_the_mode() -> None:
    assert McpDocument.model_validate({"pins": "observe"}).pins.mode == "observe"
    written = McpDocument.model_validate({"pins": {"first": "trust"}}).pins
    assert (written.mode, written.first) == ("enforce", "trust")
    assert McpDocument().pins.mode == "off"


@pytest.mark.parametrize("pins", ["on", {"mode": "maybe"}, {"trust": True}])
def test_what_is_no_mode_is_refused(pins: object) -> None:
    with pytest.raises(ValidationError):
        McpDocument.model_validate({"pins": pins})


def test_resources_are_pinned_with_their_templates() -> None:
    assert McpDocument.model_validate({"pins": "enforce"}).pins.kinds == ("tool",)
    written = McpDocument.model_validate({"pins": {"of": ["resources", "prompts", "resources"]}}).pins
    assert written.kinds == ("resource", "template", "prompt")
