"""Alerts go to one https address, signed where there is a secret."""

from typing import Any

import pytest
from pydantic import ValidationError

from triplegate.config.documents import Documents
from triplegate.config.documents_alerts import AlertsDocument


def test_nobody_is_told_where_nothing_is_written() -> None:
    assert Documents().alerts == AlertsDocument(webhook=None, secret=None)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"webhook": "http://hooks.example.com/x"}, "https:// only"),
        ({"webhook": "https://user:pass@hooks.example.com"}, "no user"),
        ({"secret": "env:S"}, "signs nothing"),
        ({"webhook": "https://hooks.example.com", "secret": "whsec_abc"}, "never the secret itself"),
        ({"webhook": "https://hooks.example.com", "mail": "x"}, "Extra inputs"),
    ],
)
def test_what_would_tell_others_or_say_a_secret_is_refused(written: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        AlertsDocument.model_validate(written)
