"""The style of problems, as it is written."""

import pytest
from pydantic import ValidationError

from triplegate.config.documents_problems import ProblemsDocument


def test_a_base_ends_with_a_slash_however_it_is_written():
    assert ProblemsDocument(base="https://errors.acme.test/x").base == "https://errors.acme.test/x/"
    assert ProblemsDocument(base="https://errors.acme.test/x/").base == "https://errors.acme.test/x/"


@pytest.mark.parametrize(
    "wrong",
    [
        {"base": "errors"},
        {"members": {"status": "1"}},
        {"members": {"": "1"}},
        {"templates": {"html": "x"}},
        {"templates": {"text/html": "{nobody}"}},
        {"templates": {"text/html; charset=utf-8": "x"}},
    ],
)
def test_what_cannot_be_drawn_is_refused(wrong):
    with pytest.raises(ValidationError):
        ProblemsDocument.model_validate(wrong)
