"""What a prompt may be, and what is said of one that may not."""

import pytest
from pydantic import ValidationError

from triplegate.config.documents_prompts import PromptDocument

TURN = {"role": "user", "content": "Of {{what}}"}


def prompt(template=(TURN,), variables=None, **more):
    return PromptDocument.model_validate(
        {"versions": {"3": {"template": list(template), "variables": variables or {}}}} | more
    )


def test_a_version_is_a_number_or_a_name():
    assert prompt(default=3).default == prompt(default="3").default == "3"
    assert prompt().default is None


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ({"default": 4}, "there is no version 4"),
        ({"default": True}, "string"),
        ({"versions": {}}, "at least 1"),
        ({"template": [{"role": "user", "content": "{{#each}}"}]}, "begins a variable"),
        ({"template": [TURN, {"role": "system", "content": "x"}]}, "stand before all others"),
        ({"template": [{"role": "tool", "content": "x"}]}, "system"),
        ({"template": []}, "at least 1"),
        ({"template": [{"role": "user", "content": " ".join(f"{{{{a{n}}}}}" for n in range(65))}]}, "at most 64"),
        ({"variables": {"other": {}}}, "has no {{other}}"),
        ({"variables": {"what": {"escape": "html"}}}, "xml"),
        ({"variables": {"what": {"longest": 0}}}, "greater than or equal to 1"),
    ],
)
def test_what_makes_no_sense_is_refused(written, why):
    with pytest.raises(ValidationError) as refused:
        prompt(**written)
    assert why in str(refused.value)
